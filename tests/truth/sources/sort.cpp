// std::sort calls a lambda: main, sort_two, what std::sort is made of, the lambda, burn. Not inlined; two elements, so the
// depth of the library's part is fixed and is told as "inner".
#include <algorithm>
#include "truth.h"

static int inner = -1;
static void *frames[64];

KEEP void sort_two(int *numbers)
{
	std::sort(numbers, numbers + 2, [](int one, int other) {
		if (inner < 0)
			inner = backtrace(frames, 64);
		else
			burn();
		AFTER_CALL();
		return one < other;
	});
	AFTER_CALL();
}

int main()
{
	int numbers[2] = {2, 1};
	int above = backtrace(frames, 64);
	sort_two(numbers);
	printf("{\"inner\":%d,\"entry\":%d}\n", inner - 2 - above, above - 1);
	fflush(stdout);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(150);
	for (;;) {
		numbers[0] = 2, numbers[1] = 1;
		sort_two(numbers);
	}
}
