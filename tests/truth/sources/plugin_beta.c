// Another library of the same size, whose functions lie where plugin_alpha has none: plugin_work, beta_two, beta_burn.
#include "truth.h"

__asm__(".text\n.skip 1024, 0xcc\n");

KEEP static void beta_burn(void)
{
	for (unsigned long i = 0; i < 10000000; i++)
		truth_sink = truth_sink * 29 + i;
}

KEEP static void beta_two(void)
{
	volatile char cells[1000];
	cells[truth_sink & 63] = 1;
	beta_burn();
	truth_sink += cells[3];
}

KEEP void plugin_work(void)
{
	beta_two();
	AFTER_CALL();
}
