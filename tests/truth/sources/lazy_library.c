// Functions that are looked up at their first call, each by a resolver that burns; and a tiny one to be called through
// its stub a million times.
#include "truth.h"

static void found(void) { truth_sink++; }

#define ONE(n) \
	KEEP static void (*resolve_##n(void))(void) { burn(); AFTER_CALL(); return found; } \
	void lazy_##n(void) __attribute__((ifunc("resolve_" #n)));
#include "lazy_names.h"

KEEP void tiny(void) { __asm__ volatile("nop\nnop\nnop\nnop"); }
