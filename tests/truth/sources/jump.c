// Out of the depth by longjmp: main, guarded, dive 10 times, burn.
#include <setjmp.h>
#include "truth.h"

static jmp_buf back;

KEEP static void dive(int depth)
{
	if (depth > 1) {
		dive(depth - 1);
	} else {
		burn();
		longjmp(back, 1);
	}
	AFTER_CALL();
}

KEEP static void guarded(void)
{
	if (setjmp(back) == 0)
		dive(10);
	AFTER_CALL();
}

int main(void)
{
	truth_ready();
	for (;;)
		guarded();
}
