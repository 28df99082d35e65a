// Lives some 30 ms: main, work, burn.
#include "truth.h"

KEEP static void work(void)
{
	for (int i = 0; i < 4; i++)
		burn();
	AFTER_CALL();
}

int main(void)
{
	work();
	return 0;
}
