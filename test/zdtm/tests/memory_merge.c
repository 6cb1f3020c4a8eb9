/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Merging of all memory that is alike (PR_SET_MEMORY_MERGE): areas that come later are merged, too; one that the task
 * took out of it stays out.
 */
#include <sys/mman.h>
#include <sys/prctl.h>

#include "zdtm.h"

#define PR_SET_MERGE 67
#define PR_GET_MERGE 68

static char *map_page(void)
{
	return MUST(mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

/* Whether the area at AT has the flag "mg". */
static bool is_mergeable(const char *at)
{
	char line[512], flag[64];
	unsigned long start, end;
	bool here = false, found = false;
	FILE *f = fopen("/proc/self/smaps", "r");

	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %63s", &start, &end, flag) == 3)
			here = start <= (unsigned long)at && (unsigned long)at < end;
		else if (here && !strncmp(line, "VmFlags:", 8))
			found = strstr(line, " mg ");
	}
	fclose(f);
	return found;
}

int main(int argc, char **argv)
{
	char *in, *out;

	test_init(argc, argv);
	if (prctl(PR_SET_MERGE, 1, 0, 0, 0) < 0)
		skip("no PR_SET_MEMORY_MERGE: %s", strerror(errno));
	in = map_page();
	out = map_page();
	MUST(mprotect(out, TEST_PAGE, PROT_READ));
	MUST(madvise(out, TEST_PAGE, MADV_UNMERGEABLE));

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(prctl(PR_SET_MERGE, 0, 0, 0, 0));
	CHECK_EQ(prctl(PR_GET_MERGE, 0, 0, 0, 0), 1);
	CHECK(is_mergeable(in));
	CHECK(!is_mergeable(out));
	CHECK(is_mergeable(map_page()));
	pass();
}
