// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Does the walk find home without a kernel? Reads a snapshot from standard input, a thing a line, all numbers hexadecimal:
//
//   registers PC SP FP LR       register PLACE VALUE, of the leaf
//   thread FS                   depth MAX                        unknown: nothing of the process is published
//   rule KIND FP_KIND CFA FP_OFF AUX    (decimal)                rule 0 must come first, and be the gap
//   row VALUE                   page FIRST_ROW ROWS              vma START PAGES PAGE_BASE BIAS FIRST_PAGE PAGES
//   word ADDRESS VALUE          the user's memory, ascending
//
// and prints the frames, leaf first, then "stop NUMBER", then "steps" with a number for each kind.
#include <stdio.h>
#include <string.h>

#include "host.h"
#include "../unwind.h"

static struct scratch scratch;
static struct counters counters;

static int fail(const char *line)
{
	fprintf(stderr, "replay: no room for, or no sense in: %s", line);
	return 1;
}

static bool read_line(const char *line)
{
	struct walk *walk = &scratch.walk;
	unsigned long long a, b, c, d;
	unsigned int e, f, g, h;
	int k, l, m, n, o;

	if (sscanf(line, "registers %llx %llx %llx %llx", &a, &b, &c, &d) == 4) {
		walk->pc = a;
		walk->sp = b;
		walk->fp = c;
		walk->lr = d;
	} else if (sscanf(line, "register %x %llx", &e, &a) == 2 && e < sizeof(walk->leaf) / 8) {
		((__u64 *)&walk->leaf)[e] = a;
	} else if (sscanf(line, "thread %llx", &a) == 1) {
		walk->thread = a;
	} else if (sscanf(line, "depth %x", &e) == 1) {
		walk->n_max = e;
	} else if (strcmp(line, "unknown\n") == 0) {
		walk->is_known = false;
	} else if (sscanf(line, "rule %d %d %d %d %d", &k, &l, &m, &n, &o) == 5 && snapshot.n_rule < RULES_MAX) {
		snapshot.rules[snapshot.n_rule++] =
			(struct rule){ .kind = k, .fp_kind = l, .cfa = m, .fp_off = n, .aux = o };
	} else if (sscanf(line, "row %x", &e) == 1 && snapshot.n_row < ROWS_MAX) {
		snapshot.rows[snapshot.n_row++] = e;
	} else if (sscanf(line, "page %x %x", &e, &f) == 2 && snapshot.n_page < 1024) {
		snapshot.pages[snapshot.n_page++] = (struct range){ .first = e, .n = f };
	} else if (sscanf(line, "vma %llx %x %x %llx %x %x", &a, &e, &f, &b, &g, &h) == 6 && snapshot.n_vma < 64) {
		snapshot.vmas[snapshot.n_vma++] = (struct vma){ .start = a, .len_pages = e, .page_base = f,
								.bias = b, .first_page = g, .n_pages = h };
	} else if (sscanf(line, "word %llx %llx", &a, &b) == 2 && snapshot.n_word < MEMORY_WORDS_MAX) {
		snapshot.words[snapshot.n_word].address = a;
		snapshot.words[snapshot.n_word++].value = b;
	} else {
		return line[0] == '#' || line[0] == '\n';
	}
	return true;
}

int main(void)
{
	char line[256];

	scratch.walk.n_max = USER_FRAMES_MAX;
	scratch.walk.is_known = true;
	while (fgets(line, sizeof(line), stdin))
		if (!read_line(line))
			return fail(line);
	scratch.walk.n_vma = snapshot.n_vma;
	enum stop_reason stop = unwind_user(&scratch, &counters);
	for (__u32 i = 0; i < scratch.walk.n; i++)
		printf("%llx\n", (unsigned long long)scratch.words[i]);
	printf("stop %d\nsteps", stop);
	for (int i = 0; i < STEPS_MAX; i++)
		printf(" %llu", (unsigned long long)counters.steps[i]);
	printf("\n");
	return 0;
}
