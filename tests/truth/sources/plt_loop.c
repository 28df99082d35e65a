// A loop whose time goes into stubs of the PLT and the call behind them: main, calls, the stub or tiny.
#include "truth.h"

void tiny(void);

KEEP static void calls(void)
{
	for (int i = 0; i < 1000000; i++)
		tiny();
	AFTER_CALL();
}

int main(void)
{
	truth_ready();
	for (;;)
		calls();
}
