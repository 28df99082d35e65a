// Compiled without tables, frame pointers kept: plain_one, plain_two, plain_burn. The leaf uses its stack, or gcc would
// give it no frame.
unsigned long plain_sink;

__attribute__((noinline, noclone)) static void plain_burn(void)
{
	volatile unsigned long cells[8] = {1, 2, 3};
	for (unsigned long i = 0; i < 10000000; i++)
		cells[i & 7] = cells[(i + 3) & 7] * 31 + i;
	plain_sink += cells[0];
}

__attribute__((noinline, noclone)) static void plain_two(void)
{
	volatile char cells[100];
	cells[plain_sink & 63] = 1;
	plain_burn();
	plain_sink += cells[2];
}

void plain_one(void)
{
	plain_two();
	plain_sink++;
}
