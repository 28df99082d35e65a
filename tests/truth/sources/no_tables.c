// Frames with tables call an object without: main, with_tables, plain_one, plain_two, plain_burn.
#include "truth.h"

void plain_one(void);

KEEP static void with_tables(void)
{
	volatile char cells[300];
	cells[truth_sink & 63] = 1;
	plain_one();
	truth_sink += cells[2];
}

int main(void)
{
	truth_ready();
	for (;;)
		with_tables();
}
