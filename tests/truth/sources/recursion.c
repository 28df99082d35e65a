// Plain recursion, as deep as asked: main, down N times, burn. Coming back through 700 frames misses every cache, some
// 30 us; against half a second that is nothing. The first descent grows the stack, page by page: it is done before
// anybody looks.
#include "truth.h"

KEEP static void down(int depth, int times)
{
	if (depth > 1)
		down(depth - 1, times);
	else
		for (int i = 0; i < times; i++)
			burn();
	AFTER_CALL();
}

int main(int argc, char **argv)
{
	int depth = argc > 1 ? atoi(argv[1]) : 20;
	down(depth, 0);
	truth_ready();
	for (;;)
		down(depth, 16);
}
