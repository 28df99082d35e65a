// Frames of very different sizes take turns: one register, 4,000 bytes, and a size known only at run time.
#include <alloca.h>
#include <string.h>
#include "truth.h"

KEEP static void small(int depth);

KEEP static void variable(int depth)
{
	char *cells = alloca(64 + depth * 7);
	memset(cells, depth, 64);
	truth_sink += cells[depth & 63];
	small(depth - 1);
	truth_sink += cells[1];
}

KEEP static void large(int depth)
{
	volatile char cells[4000];
	cells[depth] = 1;
	variable(depth);
	truth_sink += cells[depth];
}

KEEP static void small(int depth)
{
	if (depth == 0)
		burn();
	else
		large(depth);
	AFTER_CALL();
}

int main(void)
{
	truth_ready();
	for (;;)
		small(20);
}
