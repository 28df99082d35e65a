// A coroutine on a stack of its own: where contexts start, coroutine, co_step, burn.
#include <ucontext.h>
#include "truth.h"

static ucontext_t here, there;

KEEP static void co_step(void)
{
	burn();
	AFTER_CALL();
}

KEEP static void coroutine(void)
{
	for (;;) {
		co_step();
		swapcontext(&there, &here);
	}
}

int main(void)
{
	getcontext(&there);
	there.uc_stack.ss_sp = malloc(1 << 16);
	there.uc_stack.ss_size = 1 << 16;
	makecontext(&there, coroutine, 0);
	truth_ready();
	for (;;)
		swapcontext(&here, &there);
}
