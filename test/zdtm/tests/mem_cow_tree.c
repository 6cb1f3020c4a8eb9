/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages that parent, children and a grandchild share copy-on-write are one physical page again.
 *
 * Anonymous memory and a private file mapping. All change some pages before and after forking, so that there are
 * pages which all share, which only siblings share in an old form, which skip a generation. One child has unmapped,
 * protected, dropped and moved parts.
 *
 * not-in: fam-lazy each process gets pages of its own
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "zdtm.h"

#define PAGES 64 /* of each of the two areas */
#define ALL   (2 * PAGES)
#define NR    5
#define NONE  0xffffffffu
#define FILED 0xfffffffeu /* still the file's */

struct shared {
	pid_t pid[NR];
	int checked;
};

static char *anon, *file, *moved, *moved_to;
static struct shared *shared;
static uint32_t seed[ALL];    /* what each page has in this process */
static bool readonly[ALL];    /* and whether it may not be written */
static uint8_t same[ALL][NR]; /* the first process that has the same frame */

static char *page(int p)
{
	return p < PAGES ? anon + p * TEST_PAGE : file + (p - PAGES) * TEST_PAGE;
}

static void change(int who, int step)
{
	for (int p = 0; p < ALL; p++)
		if (p % 11 == step) {
			seed[p] = 1000 * (who + 1) + p;
			test_fill(page(p), TEST_PAGE, seed[p]);
		}
}

static void check_content(void)
{
	for (int p = 0; p < ALL; p++) {
		/* To look at a page that isn't there would put one there. */
		if (seed[p] != NONE)
			test_verify(page(p), TEST_PAGE, seed[p] == FILED ? (uint32_t)p : seed[p]);
	}
}

static void find_same(uint8_t to[ALL][NR])
{
	uint64_t frames[2][NR][PAGES];

	test_frames(shared->pid, NR, anon, PAGES, frames[0][0]);
	test_frames(shared->pid, NR, file, PAGES, frames[1][0]);
	for (int p = 0; p < ALL; p++)
		for (int who = 0; who < NR; who++) {
			uint64_t(*of)[PAGES] = frames[p / PAGES];

			to[p][who] = NR; /* no page */
			for (int other = who; other >= 0 && of[who][p % PAGES]; other--)
				if (of[other][p % PAGES] == of[who][p % PAGES])
					to[p][who] = other;
		}
}

static void stand(struct test_sync *sync, int who)
{
	shared->pid[who] = getpid();
	test_sync_done(sync);
	test_wait_polling();
	while (!__atomic_load_n(&shared->checked, __ATOMIC_ACQUIRE))
		test_msleep(2);
	check_content();
	if (who == 2)
		test_verify(moved_to, 8 * TEST_PAGE, 77);
	for (int p = 0; p < ALL; p++)
		if (seed[p] != NONE && !readonly[p])
			memset(page(p), who, TEST_PAGE);
}

static pid_t start(struct test_sync *sync, int who, int step)
{
	pid_t pid = MUST(fork()), grandchild = 0;

	if (pid)
		return pid;
	if (who == 1)
		grandchild = start(sync, 4, 6); /* it has what this one changes now */
	change(who, step);
	if (who == 2) {
		MUST(munmap(page(PAGES - 8), 8 * TEST_PAGE));
		for (int p = PAGES - 8; p < PAGES; p++)
			seed[p] = NONE;
		MUST(mprotect(page(16), 16 * TEST_PAGE, PROT_READ));
		for (int p = 16; p < 32; p++)
			readonly[p] = true;
		MUST(madvise(page(40), 4 * TEST_PAGE, MADV_DONTNEED));
		for (int p = 40; p < 44; p++)
			seed[p] = NONE;
		MUST(mremap(moved, 8 * TEST_PAGE, 8 * TEST_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, moved_to));
	}
	stand(sync, who);
	if (grandchild)
		test_reap(grandchild);
	_exit(0);
}

static void *map(size_t pages, int flags, int fd)
{
	return MUST(mmap(NULL, pages * TEST_PAGE, PROT_READ | PROT_WRITE, flags, fd, 0));
}

static void set_up(void)
{
	int fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
	static char content[TEST_PAGE];

	for (int p = PAGES; p < ALL; p++) {
		test_fill(content, TEST_PAGE, p);
		CHECK_EQ(write(fd, content, TEST_PAGE), TEST_PAGE);
	}
	anon = map(PAGES, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	file = map(PAGES, MAP_PRIVATE, fd);
	close(fd);
	moved = map(8, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	moved_to = map(8, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	test_fill(moved, 8 * TEST_PAGE, 77);
	MUST(madvise(anon, PAGES * TEST_PAGE, MADV_NOHUGEPAGE));
	for (int p = 0; p < ALL; p++) {
		seed[p] = p < PAGES + PAGES / 2 ? 500 + p : FILED;
		if (seed[p] != FILED)
			test_fill(page(p), TEST_PAGE, seed[p]);
	}
	shared = map(1, MAP_SHARED | MAP_ANONYMOUS, -1);
}

int main(int argc, char **argv)
{
	uint8_t now[ALL][NR];
	struct test_sync sync;
	pid_t kids[4];

	test_init(argc, argv);
	set_up();
	test_sync_init(&sync);
	shared->pid[0] = getpid();
	kids[1] = start(&sync, 1, 1);
	change(0, 2); /* the first child and its own one share the old pages */
	kids[2] = start(&sync, 2, 3);
	kids[3] = start(&sync, 3, 4);
	change(0, 5); /* all others share the old pages */
	change(0, 1); /* and here the other two children */
	test_sync_wait(&sync, 4);
	find_same(same);
	CHECK_EQ(same[0][4], 0);
	CHECK_EQ(same[5][2], 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		(*(volatile char *)page(0))++;
	find_same(now);
	for (int p = 0; p < ALL; p++)
		for (int who = 0; who < NR; who++)
			if (now[p][who] != same[p][who])
				fail("page %d: process %d shares it with process %d, not %d", p, who, now[p][who],
				     same[p][who]);
	__atomic_store_n(&shared->checked, 1, __ATOMIC_RELEASE);
	for (int who = 1; who < 4; who++)
		test_reap(kids[who]);
	check_content();
	pass();
}
