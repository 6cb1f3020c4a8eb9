/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A function with a uprobe: with --allow-uprobes it is called, and counted, after the restore as before.
 *
 * options: --allow-uprobes
 */
#include "uprobes.h"

static unsigned long hits;

static void count(void)
{
	FILE *f = fopen("tracing/uprobe_profile", "re");
	char line[PATH_MAX + 200];

	hits = 0;
	while (f && fgets(line, sizeof(line), f)) {
		char *name = strstr(line, event_name());

		if (name)
			CHECK_EQ(sscanf(name + strlen(event_name()), "%lu", &hits), 1);
	}
	fclose(f);
}

int main(int argc, char **argv)
{
	test_init(argc, argv);
	run_own_copy(argv);
	with_tracing(probe_add);
	CHECK_EQ(probed(5), 16);
	CHECK(has_uprobes_area());
	with_tracing(count);
	CHECK_EQ(hits, 1);

	test_ready();
	test_wait();

	if (!test_sabotage())
		CHECK_EQ(probed(7), 22);
	with_tracing(count);
	with_tracing(probe_remove);
	CHECK_EQ(hits, 2);
	CHECK_EQ(probed(8), 25);
	pass();
}
