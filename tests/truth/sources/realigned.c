// Stacks that are aligned anew: by 64 bytes in main, by 128 beside an array of variable length in the middle.
#include <alloca.h>
#include "truth.h"

KEEP static void inner(volatile char *cells)
{
	burn();
	truth_sink += cells[1];
}

KEEP static void realigned(int bytes)
{
	volatile char aligned[128] __attribute__((aligned(128)));
	volatile char *cells = alloca(bytes);
	aligned[truth_sink & 63] = 1;
	cells[truth_sink & 7] = 1;
	inner(cells);
	truth_sink += aligned[3] + ((unsigned long)aligned & 127);
}

int main(void)
{
	volatile char aligned[64] __attribute__((aligned(64)));
	aligned[0] = 1;
	truth_ready();
	for (;;) {
		realigned(100 + (truth_sink & 15));
		truth_sink += aligned[0] + ((unsigned long)aligned & 63);
	}
}
