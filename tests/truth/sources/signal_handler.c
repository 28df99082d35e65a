// A handler burns over what it interrupted: main, outer, interrupted, the trampoline, handler, burn.
//   trap   behind an int3 in the middle of a function
//   first  at the very first instruction of a function, where the address before belongs to another one
//   stack  as trap, the handler on an alternate stack
#include <string.h>
#include <ucontext.h>
#include "truth.h"

KEEP static void handler(int number, siginfo_t *info, void *context)
{
	(void)info;
	if (number == SIGILL)
		((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2; // past ud2
	burn();
	AFTER_CALL();
}

KEEP static void interrupted(void)
{
	volatile int cells[10] = {0};
	__asm__ volatile("int3" ::: "memory");
	truth_sink += cells[3];
}

// `before` keeps 40 bytes: whoever looks up the address before first_byte unwinds with the wrong frame.
void first_byte(void);
__asm__(".text\n"
	".globl before\n.type before, @function\n"
	"before:\n.cfi_startproc\nsub $40, %rsp\n.cfi_adjust_cfa_offset 40\nnop\nhlt\n.cfi_endproc\n.size before, .-before\n"
	".globl first_byte\n.type first_byte, @function\n"
	"first_byte:\n.cfi_startproc\nud2\nret\n.cfi_endproc\n.size first_byte, .-first_byte\n");

KEEP static void outer(void (*inner)(void))
{
	inner();
	AFTER_CALL();
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "trap";
	struct sigaction action = {.sa_flags = SA_SIGINFO};
	action.sa_sigaction = handler;
	if (strcmp(way, "stack") == 0) {
		stack_t other = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
		sigaltstack(&other, NULL);
		action.sa_flags |= SA_ONSTACK;
	}
	sigaction(SIGTRAP, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	void (*inner)(void) = strcmp(way, "first") == 0 ? first_byte : interrupted;
	truth_ready();
	for (;;)
		outer(inner);
}
