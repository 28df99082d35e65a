// First calls through a lazy PLT: main, call_all, the loader's resolver, resolve_…, burn.
#include "truth.h"

#define ONE(n) void lazy_##n(void);
#include "lazy_names.h"
#undef ONE

KEEP static void call_all(void)
{
#define ONE(n) lazy_##n();
#include "lazy_names.h"
	AFTER_CALL();
}

int main(void)
{
	truth_ready();
	call_all();
	pause();
}
