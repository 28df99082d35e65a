// Libraries that come and go. Words: CPU seconds between changes, then libraries; the next one takes the place of the last.
// Says by {"same":…} whether a library got the address of the one before it.
#include <dlfcn.h>
#include <link.h>
#include "truth.h"

KEEP static void before(void)
{
	burn();
	AFTER_CALL();
}

KEEP static void call_plugin(void (*work)(void))
{
	work();
	AFTER_CALL();
}

KEEP static void run_for(double seconds, void (*work)(void))
{
	for (double end = cpu_seconds() + seconds; cpu_seconds() < end;)
		if (work)
			call_plugin(work);
		else
			before();
}

int main(int argc, char **argv)
{
	double turn = atof(argv[1]);
	unsigned long last = 0;
	truth_ready();
	run_for(turn, NULL);
	for (int i = 2;; i = i + 1 < argc ? i + 1 : 2) {
		void *library = dlopen(argv[i], RTLD_LAZY);
		struct link_map *map;
		if (!library || dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) {
			fprintf(stderr, "%s\n", dlerror());
			return 1;
		}
		if (last != 0)
			printf("{\"same\":%s}\n", map->l_addr == last ? "true" : "false");
		fflush(stdout);
		last = map->l_addr;
		run_for(argc == 3 ? 150 : turn, (void (*)(void))dlsym(library, "plugin_work"));
		dlclose(library);
	}
}
