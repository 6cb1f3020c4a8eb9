/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Megabytes that a parent and three children share copy-on-write are shared again, and what each has changed is its
 * own.
 *
 * Half of the memory the parent has thrown away since: its children share that with each other.
 *
 * not-in: fam-lazy each process gets pages of its own
 */
#include <sys/mman.h>

#include "zdtm.h"

#define PAGES 4096
#define SIZE  (PAGES * TEST_PAGE)
#define KIDS  3

static char *mem;
static uint64_t frames[KIDS + 1][PAGES];

static bool changed_by(int who, int p)
{
	return who && p % 64 == who;
}

static bool has(int who, int p)
{
	return who || p < PAGES / 2;
}

static void change(int who)
{
	for (int p = 0; p < PAGES; p++)
		if (changed_by(who, p))
			test_fill(mem + p * TEST_PAGE, TEST_PAGE, 10000 * who + p);
}

static void check_content(int who)
{
	for (int p = 0; p < PAGES; p++)
		if (has(who, p))
			test_verify(mem + p * TEST_PAGE, TEST_PAGE, changed_by(who, p) ? 10000 * who + p : p);
}

/* Of those who have not changed it the first one. */
static int shares_with(int who, int p)
{
	int other = 0;

	while (changed_by(other, p) || !has(other, p))
		other++;
	return changed_by(who, p) ? who : other;
}

static void check_frames(const pid_t *pids)
{
	test_frames(pids, KIDS + 1, mem, PAGES, frames[0]);
	for (int who = 0; who <= KIDS; who++)
		for (int p = 0; p < PAGES; p++) {
			int other = shares_with(who, p);

			if (!has(who, p)) {
				CHECK_EQ(frames[who][p], 0);
				continue;
			}
			CHECK(frames[who][p]);
			if (frames[who][p] != frames[other][p])
				fail("page %d: process %d doesn't share it with process %d", p, who, other);
			for (other = 0; other < who; other++)
				CHECK_EQ(frames[who][p] == frames[other][p],
					 has(other, p) && shares_with(who, p) == shares_with(other, p));
		}
}

static void stand(int who, const int *checked)
{
	test_wait_polling();
	while (!__atomic_load_n(checked, __ATOMIC_ACQUIRE))
		test_msleep(2);
	check_content(who);
	memset(mem, who, SIZE);
	_exit(0);
}

int main(int argc, char **argv)
{
	pid_t pids[KIDS + 1] = { 0 };
	struct test_sync sync;
	int *checked;

	test_init(argc, argv);
	mem = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	checked = MUST((int *)mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	MUST(madvise(mem, SIZE, MADV_NOHUGEPAGE));
	for (int p = 0; p < PAGES; p++)
		test_fill(mem + p * TEST_PAGE, TEST_PAGE, p);
	test_sync_init(&sync);
	for (int who = 1; who <= KIDS; who++) {
		pids[who] = MUST(fork());
		if (!pids[who]) {
			change(who);
			test_sync_done(&sync);
			stand(who, checked);
		}
	}
	MUST(madvise(mem + SIZE / 2, SIZE / 2, MADV_DONTNEED));
	test_sync_wait(&sync, KIDS);
	check_frames(pids);

	test_ready();
	test_wait();

	if (test_sabotage())
		(*(volatile char *)mem)++;
	check_frames(pids);
	__atomic_store_n(checked, 1, __ATOMIC_RELEASE);
	for (int who = 1; who <= KIDS; who++)
		test_reap(pids[who]);
	check_content(0);
	pass();
}
