// The kernel's own library: main, ask, clock_gettime of the C library, the vDSO.
#include "truth.h"

KEEP static void ask(void)
{
	struct timespec now;
	for (int i = 0; i < 100000; i++) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		truth_sink += now.tv_nsec;
	}
}

int main(void)
{
	truth_ready();
	for (;;)
		ask();
}
