// Thrown through six frames: a destructor burns on the way, the handler burns behind it.
#include "truth.h"

extern "C" {

struct Guard {
	KEEP ~Guard() { burn(); AFTER_CALL(); }
};

KEEP void throw_up(int depth)
{
	if (depth == 0)
		throw depth;
	throw_up(depth - 1);
	AFTER_CALL();
}

KEEP void destroys(void)
{
	Guard guard;
	throw_up(5);
	AFTER_CALL();
}

KEEP void handles(void)
{
	burn();
	AFTER_CALL();
}

KEEP void catches(void)
{
	try {
		destroys();
	} catch (int) {
		handles();
	}
	AFTER_CALL();
}
}

int main()
{
	truth_ready();
	for (;;)
		catches();
}
