/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A memfd: name, content, seals, offset, mapped shared and private, its descriptor shared with a child.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "zdtm.h"

#define SIZE (9 * TEST_PAGE + 50)

int main(int argc, char **argv)
{
	char *shared, *private, path[32], link[256] = "", want[SIZE];
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
		CHECK_EQ(lseek(fd, 1, SEEK_CUR), 78);
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
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 78);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	MUST(readlink(path, link, sizeof(link) - 1));
	CHECK(!strcmp(link, "/memfd:the name (deleted)"));
	/* The private page that was written to is a copy, the next one is still the file's. */
	CHECK_EQ(pwrite(fd, "zy", 2, TEST_PAGE - 1), 2);
	CHECK_EQ(shared[TEST_PAGE], 'y');
	CHECK_EQ(private[TEST_PAGE], 'y');
	CHECK_EQ(private[TEST_PAGE - 1], want[TEST_PAGE - 1]);
	CHECK(ftruncate(fd, 1) == -1 && errno == EPERM);
	pass();
}
