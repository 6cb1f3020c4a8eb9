/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A memfd (mapped shared and private, the descriptor shared with a child) is refused, and all of it stays.
 *
 * expect: refused memfd
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "zdtm.h"

#define SIZE (9 * TEST_PAGE + 50)

int main(int argc, char **argv)
{
	char *shared, *private, link[256] = "", want[SIZE];
	struct test_sync sync;
	pid_t kid;
	int fd;

	test_init(argc, argv);
	test_fill(want, SIZE, 1);
	fd = MUST(memfd_create("the name", MFD_ALLOW_SEALING | MFD_CLOEXEC));
	CHECK(write(fd, want, SIZE) == SIZE);
	shared = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	private = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	private[100] = 'p';
	MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK));
	MUST(lseek(fd, 77, SEEK_SET));
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		test_sync_done(&sync);
		test_wait_polling();
		shared[200] = 'k';
		_exit(0);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	test_reap(kid);
	if (test_sabotage())
		shared[0]++;
	CHECK_EQ(shared[200], 'k');
	shared[200] = want[200];
	test_verify(shared, SIZE, 1);
	CHECK_EQ(private[100], 'p');
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_GROW | F_SEAL_SHRINK);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 77);
	MUST(readlink("/proc/self/fd/3", link, sizeof(link) - 1));
	CHECK(fd != 3 || !strcmp(link, "/memfd:the name (deleted)"));
	CHECK_EQ(pwrite(fd, "z", 1, 5), 1);
	CHECK_EQ(shared[5], 'z');
	CHECK(ftruncate(fd, 1) == -1 && errno == EPERM);
	pass();
}
