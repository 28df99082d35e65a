// The C library calls back: main, sort, qsort and what it is made of, compare, burn. Two elements, so its depth is fixed.
#include "truth.h"

static int inner = -1;

KEEP static int compare(const void *one, const void *other)
{
	if (inner < 0) {
		void *frames[64];
		inner = backtrace(frames, 64);
		return 0;
	}
	burn();
	return *(const int *)one - *(const int *)other;
}

KEEP static void sort(int *numbers)
{
	qsort(numbers, 2, sizeof(int), compare);
	AFTER_CALL();
}

int main(void)
{
	int numbers[2] = {2, 1};
	void *frames[64];
	int above = backtrace(frames, 64); // main and its callers
	sort(numbers);
	// Frames of the C library between sort and compare.
	printf("{\"inner\":%d,", inner - 2 - above);
	printf("\"entry\":%d}\n", above - 1);
	fflush(stdout);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(150);
	for (;;) {
		numbers[0] = 2, numbers[1] = 1;
		sort(numbers);
	}
}
