// What every truth program shares: a leaf that burns, and a line that says it is ready. Programs run until they are
// killed; should nobody do that, they end with their parent or after 150 s.
#pragma once
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <execinfo.h>
#endif
#ifdef __cplusplus
extern "C" {
#endif

// A frame of its own, called and left as written.
#define KEEP __attribute__((noinline, noclone, used))
// Work after a call, so that it is no tail call.
#define AFTER_CALL() (truth_sink++)

static volatile unsigned long truth_sink;

// Some 30 ms: all else that a round of a program does is then less than one sample in ten thousand.
KEEP static void burn(void)
{
	for (unsigned long i = 0; i < 10000000; i++)
		truth_sink = truth_sink * 31 + i;
}

// Of the process: the same work on a busy machine as on an idle one.
static inline double cpu_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec + now.tv_nsec * 1e-9;
}

// To be called by main. "entry": how many frames stand above main, counted by libgcc's unwinder; 0: it cannot be asked.
KEEP static void truth_ready(void)
{
	int entry = 0;
#ifdef __GLIBC__
	void *frames[64];
	entry = backtrace(frames, 64) - 2;
#endif
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(150);
	printf("{\"pid\":%d,\"entry\":%d}\n", getpid(), entry);
	fflush(stdout);
}
#ifdef __cplusplus
}
#endif
