// Says that it is Python 3.11, and shows lists and frames that lead in circles, or nowhere.
#include <pthread.h>
#include <stdio.h>
#include <string.h>

unsigned int Py_Version = 0x030b02f0;
struct {
	void *before[5], *interpreters;
} _PyRuntime;

static struct {
	void *next, *unused, *threads;
} interpreter;
static void *thread[64], *frame[16], *code[64];
struct call {
	void *unused, *frame, *before;
};

__attribute__((noinline)) int _PyEval_EvalFrameDefault(struct call *before)
{
	volatile struct call here = { 0, frame, before };
	volatile unsigned total = 0;
	if (before == 0)
		return _PyEval_EvalFrameDefault((struct call *)&here) + 1;
	thread[56 / 8] = (void *)&here;
	printf("ready\n");
	fflush(stdout);
	for (;;)
		total += here.frame != 0;
	return total;
}

int main(int n, char **words)
{
	const char *how = n > 1 ? words[1] : "";
	_PyRuntime.interpreters = &interpreter;
	interpreter.next = &interpreter;
	interpreter.threads = thread;
	thread[8 / 8] = thread; // the next one
	if (strcmp(how, "thread") != 0)
		thread[152 / 8] = (void *)pthread_self();
	frame[48 / 8] = frame; // the caller
	frame[32 / 8] = strcmp(how, "wild") == 0 ? (void *)0x7ffffffff000 : code;
	code[112 / 8] = code[120 / 8] = code[128 / 8] = code[136 / 8] = code;
	code[16 / 8] = (void *)-1L;
	if (strcmp(how, "wild") == 0)
		frame[48 / 8] = (void *)0x10;
	return _PyEval_EvalFrameDefault(0);
}
