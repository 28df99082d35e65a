// Two threads, each with a chain of its own. With the word "gone" the leader ends first.
#include <pthread.h>
#include <string.h>
#include "truth.h"

KEEP static void step(void)
{
	burn();
	AFTER_CALL();
}

static void *one(void *nothing)
{
	for (;;)
		step();
	return nothing;
}

static void *other(void *nothing)
{
	for (;;) {
		burn();
		AFTER_CALL();
	}
	return nothing;
}

int main(int argc, char **argv)
{
	pthread_t first, second;
	truth_ready();
	pthread_create(&first, NULL, one, NULL);
	pthread_create(&second, NULL, other, NULL);
	if (argc > 1 && strcmp(argv[1], "gone") == 0)
		pthread_exit(NULL);
	pthread_join(first, NULL);
}
