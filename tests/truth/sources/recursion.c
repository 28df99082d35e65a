// Plain recursion, as deep as asked: main, down N times, burn.
#include "truth.h"

KEEP static void down(int depth)
{
	if (depth <= 1)
		burn();
	else
		down(depth - 1);
	AFTER_CALL();
}

int main(int argc, char **argv)
{
	int depth = argc > 1 ? atoi(argv[1]) : 20;
	truth_ready();
	for (;;)
		down(depth);
}
