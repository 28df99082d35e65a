// Burns 50, 30, 15 and 5 % of its time in four functions, as measured by its own clock, for as many CPU seconds as asked;
// then tells what it used.
#include <sys/resource.h>
#include "truth.h"

#define BURNS(name, factor) \
	KEEP static void name(long rounds) { for (long i = 0; i < rounds; i++) truth_sink = truth_sink * factor + i; }
BURNS(half, 31)
BURNS(third, 29)
BURNS(seventh, 23)
BURNS(rest, 19)

int main(int argc, char **argv)
{
	static void (*const work[4])(long) = {half, third, seventh, rest};
	static const double share[4] = {0.50, 0.30, 0.15, 0.05};
	double goal = argc > 1 ? atof(argv[1]) : 10, spent[4] = {0}, all = 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(150);
	while (all < goal) {
		int which = 0;
		for (int i = 1; i < 4; i++)
			if (share[i] * all - spent[i] > share[which] * all - spent[which])
				which = i;
		double before = cpu_seconds();
		work[which](20000 + random() % 100000); // uneven, so that no sampling period falls in step with it
		double took = cpu_seconds() - before;
		spent[which] += took;
		all += took;
	}
	// What /proc/PID/stat counts too: user and system time, the start of the process included.
	struct rusage used;
	getrusage(RUSAGE_SELF, &used);
	printf("{\"half\":%.6f,\"third\":%.6f,\"seventh\":%.6f,\"rest\":%.6f,\"cpu\":%.6f}\n", spent[0] / all, spent[1] / all,
	       spent[2] / all, spent[3] / all,
	       used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6);
	return 0;
}
