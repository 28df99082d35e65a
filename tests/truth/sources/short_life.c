// Lives some 30 ms: main, work, burn.
#include "truth.h"

KEEP static void work(void)
{
	burn();
	AFTER_CALL();
}

int main(void)
{
	work();
	return 0;
}
