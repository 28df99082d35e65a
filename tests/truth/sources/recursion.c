// Plain recursion, as deep as asked: main, down N times, burn. Coming back through 700 frames misses every cache, some
// 30 us; against a quarter of a second that is nothing.
#include "truth.h"

KEEP static void down(int depth)
{
	if (depth > 1)
		down(depth - 1);
	else
		for (int i = 0; i < 8; i++)
			burn();
	AFTER_CALL();
}

int main(int argc, char **argv)
{
	int depth = argc > 1 ? atoi(argv[1]) : 20;
	truth_ready();
	for (;;)
		down(depth);
}
