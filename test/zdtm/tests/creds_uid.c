/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Real, effective, saved and file system ids of user and group, all different; supplementary groups.
 */
#include <grp.h>
#include <sys/fsuid.h>

#include "zdtm.h"

#define NR_GROUPS 300

static void expect(int r, int e, int s, int fs, char *text)
{
	int v[4];

	CHECK(sscanf(text, "%d %d %d %d", &v[0], &v[1], &v[2], &v[3]) == 4);
	CHECK(v[0] == r && v[1] == e && v[2] == s && v[3] == fs);
}

int main(int argc, char **argv)
{
	gid_t groups[NR_GROUPS], now[NR_GROUPS + 1];
	char text[256];
	int i;

	test_init(argc, argv);
	for (i = 0; i < NR_GROUPS; i++)
		groups[i] = 1000 + i * 7;
	MUST(setgroups(NR_GROUPS, groups));
	MUST(setresgid(101, 102, 103));
	setfsgid(101);
	MUST(setresuid(201, 202, 203));
	setfsuid(203);

	test_ready();
	test_wait();

	if (test_sabotage())
		setfsuid(201);
	test_status(0, "Uid", text, sizeof(text));
	expect(201, 202, 203, 203, text);
	test_status(0, "Gid", text, sizeof(text));
	expect(101, 102, 103, 101, text);
	CHECK_EQ(getgroups(NR_GROUPS + 1, now), NR_GROUPS);
	CHECK_MEM(now, groups, sizeof(groups));
	pass();
}
