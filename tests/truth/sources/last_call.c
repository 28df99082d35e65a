// A call that never returns is the last instruction of its function: the return address belongs to the next one.
// main, guarded, ends_with_call, never_returns, burn.
#include <setjmp.h>
#include "truth.h"

static jmp_buf back;

__attribute__((noreturn)) KEEP static void never_returns(void)
{
	burn();
	longjmp(back, 1);
}

__attribute__((noreturn)) KEEP static void ends_with_call(void)
{
	volatile char cells[120];
	cells[truth_sink & 63] = 1;
	never_returns();
}

KEEP static void guarded(void)
{
	if (setjmp(back) == 0)
		ends_with_call();
	AFTER_CALL();
}

int main(void)
{
	truth_ready();
	for (;;)
		guarded();
}
