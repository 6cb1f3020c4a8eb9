/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guard regions (MADV_GUARD_INSTALL): in private, shared, file, read-only, locked and advised memory, next to each
 * other across the border of two areas, and those that a child has got by fork.
 *
 * rounds: 2
 * not-in: fam-lazy areas beside a guard region become one with it when the pager leaves
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "zdtm.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif
#define NR   8
#define SIZE (NR * TEST_PAGE)

enum { PRIVATE, BORDER, SHARED, FILE_PRIVATE, FILE_SHARED, READ_ONLY, NO_ACCESS, LOCKED, HUGE_ADVISED, NR_AREAS };

static char *areas[NR_AREAS];
/* Bit N: page N is in a guard region. */
static const unsigned int guards[NR_AREAS] = { 0x86, 0x01, 0x18, 0x24, 0x42, 0x30, 0x03, 0x10, 0x7e };
static int ends[2];

static void install(int i)
{
	for (int page = 0; page < NR; page++)
		if (guards[i] & 1u << page && madvise(areas[i] + page * TEST_PAGE, TEST_PAGE, MADV_GUARD_INSTALL) < 0)
			skip("no guard regions in area %d: %s", i, strerror(errno));
}

static void check_area(int i)
{
	bool none = i == NO_ACCESS;

	if (none)
		MUST(mprotect(areas[i], SIZE, PROT_READ));
	for (int page = 0; page < NR; page++) {
		char *at = areas[i] + page * TEST_PAGE;

		if (guards[i] & 1u << page)
			CHECK(write(ends[1], at, 1) == -1 && errno == EFAULT);
		else
			test_verify(at, TEST_PAGE, 100 * i + page);
	}
	if (none)
		MUST(mprotect(areas[i], SIZE, PROT_NONE));
}

static void set_up(void)
{
	char *base = MUST((char *)mmap(NULL, (2 * NR_AREAS + 1) * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	int fd = MUST(open("mem_guard.file", O_RDWR | O_CREAT | O_TRUNC, 0600));

	MUST(ftruncate(fd, 2 * SIZE));
	for (int i = 0; i < NR_AREAS; i++) {
		int type = i == SHARED || i == FILE_SHARED ? MAP_SHARED : MAP_PRIVATE;
		bool file = i == FILE_PRIVATE || i == FILE_SHARED;

		/* The second one follows the first. */
		areas[i] = base + (i < 2 ? i : 2 * i) * SIZE;
		MUST(mmap(areas[i], SIZE, PROT_READ | PROT_WRITE, MAP_FIXED | type | (file ? 0 : MAP_ANONYMOUS),
			  file ? fd : -1, i == FILE_SHARED ? SIZE : 0));
		if (i == BORDER)
			MUST(madvise(areas[i], SIZE, MADV_DONTDUMP));
		if (i == HUGE_ADVISED)
			madvise(areas[i], SIZE, MADV_HUGEPAGE);
		for (int page = 0; page < NR; page++)
			test_fill(areas[i] + page * TEST_PAGE, TEST_PAGE, 100 * i + page);
		install(i);
	}
	close(fd);
	MUST(mprotect(areas[READ_ONLY], SIZE, PROT_READ));
	MUST(mprotect(areas[NO_ACCESS], SIZE, PROT_NONE));
	/* It can't populate what is behind the guard region, but locks it. */
	CHECK(mlock(areas[LOCKED], SIZE) == -1);
}

int main(int argc, char **argv)
{
	struct test_sync sync;
	pid_t kid;

	test_init(argc, argv);
	MUST(pipe(ends));
	set_up();
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		test_sync_done(&sync);
		test_wait_polling();
		for (int i = 0; i < NR_AREAS; i++)
			check_area(i);
		_exit(0);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(madvise(areas[SHARED] + 4 * TEST_PAGE, TEST_PAGE, MADV_GUARD_REMOVE));
	for (int i = 0; i < NR_AREAS; i++)
		check_area(i);
	test_reap(kid);
	unlink("mem_guard.file");
	pass();
}
