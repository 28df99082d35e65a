// Children that never execute another program: main, child, burn. Each lives some 300 ms.
#include <sys/wait.h>
#include "truth.h"

KEEP static void child(void)
{
	for (int i = 0; i < 10; i++)
		burn();
	AFTER_CALL();
}

int main(void)
{
	truth_ready();
	for (;;) {
		pid_t pid = fork();
		if (pid == 0) {
			child();
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}
