// Functions made from templates, which are named with their arguments: spin<5> … spin<0>, burn.
#include "truth.h"

template <int N> KEEP int spin(int value)
{
	if constexpr (N == 0)
		burn();
	else
		value += spin<N - 1>(value);
	AFTER_CALL();
	return value;
}

int main()
{
	truth_ready();
	for (;;)
		truth_sink += spin<5>(1);
}
