// A library of two frames: plugin_work, alpha_burn.
#include "truth.h"

KEEP static void alpha_burn(void)
{
	for (unsigned long i = 0; i < 10000000; i++)
		truth_sink = truth_sink * 31 + i;
}

KEEP void plugin_work(void)
{
	volatile char cells[200];
	cells[truth_sink & 63] = 1;
	alpha_burn();
	truth_sink += cells[3];
}
