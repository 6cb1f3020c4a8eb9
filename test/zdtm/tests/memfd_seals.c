/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Seals of memfds, together with the mappings that were made before them.
 *
 * F_SEAL_FUTURE_WRITE leaves shared writable mappings alone that are older, also those of a child and of who has
 * closed the descriptor; F_SEAL_WRITE leaves private ones and shared ones for reading.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "zdtm.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#define ALL_OLD (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define SIZE	(3 * TEST_PAGE)

static const int kinds[] = {
	0,
	F_SEAL_SHRINK,
	F_SEAL_GROW,
	F_SEAL_WRITE,
	F_SEAL_SEAL,
	F_SEAL_FUTURE_WRITE,
	F_SEAL_FUTURE_WRITE | F_SEAL_SEAL,
	F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK,
	ALL_OLD,
	ALL_OLD | F_SEAL_FUTURE_WRITE,
};
#define NR (sizeof(kinds) / sizeof(kinds[0]))

static char *shared[NR], *reader[NR], *private[NR];
static int fds[NR];

static void *map(int fd, int prot, int flags)
{
	return MUST(mmap(NULL, SIZE, prot, flags, fd, 0));
}

static void make(size_t i)
{
	char path[32];
	int ro;

	fds[i] = MUST(memfd_create("sealed", MFD_ALLOW_SEALING));
	MUST(ftruncate(fds[i], SIZE));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[i]);
	ro = MUST(open(path, O_RDONLY));
	reader[i] = map(ro, PROT_READ, MAP_SHARED);
	private[i] = map(fds[i], PROT_READ | PROT_WRITE, MAP_PRIVATE);
	private[i][TEST_PAGE] = 'p';
	CHECK_EQ(pwrite(fds[i], "content", 7, 0), 7);
	if (!(kinds[i] & F_SEAL_WRITE))
		shared[i] = map(fds[i], PROT_READ | PROT_WRITE, MAP_SHARED);
	MUST(fcntl(fds[i], F_ADD_SEALS, kinds[i]));
	MUST(close(ro));
}

static void check(size_t i)
{
	int seals = kinds[i];
	bool no_write = seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);

	CHECK_EQ(fcntl(fds[i], F_GET_SEALS), seals);
	CHECK_MEM(reader[i], "content", 8);
	CHECK_EQ(private[i][TEST_PAGE], 'p');
	private[i][0] = 'P';
	if (shared[i]) {
		CHECK_EQ(shared[i][9], 'k');
		shared[i][8] = 's';
		CHECK_EQ(reader[i][8], 's');
	}
	CHECK(mprotect(reader[i], SIZE, PROT_READ | PROT_WRITE) == -1 && errno == EACCES);
	CHECK_EQ(pwrite(fds[i], "c", 1, 0), no_write ? -1 : 1);
	CHECK_EQ(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fds[i], 0) == MAP_FAILED, no_write);
	CHECK_EQ(ftruncate(fds[i], SIZE + 1), seals & F_SEAL_GROW ? -1 : 0);
	CHECK_EQ(ftruncate(fds[i], SIZE - TEST_PAGE), seals & F_SEAL_SHRINK ? -1 : 0);
	CHECK_EQ(fcntl(fds[i], F_ADD_SEALS, F_SEAL_GROW), seals & F_SEAL_SEAL ? -1 : 0);
}

int main(int argc, char **argv)
{
	struct test_sync sync;
	pid_t kid;

	test_init(argc, argv);
	for (size_t i = 0; i < NR; i++)
		make(i);
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		for (size_t i = 0; i < NR; i++)
			MUST(close(fds[i]));
		test_sync_done(&sync);
		test_wait_polling();
		for (size_t i = 0; i < NR; i++)
			if (shared[i])
				shared[i][9] = 'k';
		_exit(0);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	test_reap(kid);
	if (test_sabotage())
		MUST(fcntl(fds[0], F_ADD_SEALS, F_SEAL_GROW));
	for (size_t i = 0; i < NR; i++)
		check(i);
	pass();
}
