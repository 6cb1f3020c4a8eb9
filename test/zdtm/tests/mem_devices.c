/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mappings of /dev/zero: private (with pages of its own) and shared between parent and child; execute-only memory.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "zdtm.h"

#define SIZE (4 * TEST_PAGE)

/* mov $42, %eax; ret */
static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };

int main(int argc, char **argv)
{
	char *private, *shared;
	struct test_sync sync;
	int (*run)(void);
	pid_t kid;
	int fd;

	test_init(argc, argv);
	fd = MUST(open("/dev/zero", O_RDWR));
	private = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	shared = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	run = MUST((int (*)(void))mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	close(fd);
	memcpy(run, code, sizeof(code));
	MUST(mprotect(run, TEST_PAGE, PROT_EXEC));
	test_fill(private + TEST_PAGE, TEST_PAGE, 1);
	test_fill(shared + 2 * TEST_PAGE, TEST_PAGE, 2);
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		test_sync_done(&sync);
		test_wait_polling();
		shared[0] = 'k';
		_exit(run() == 42 ? 0 : 1);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		shared[2 * TEST_PAGE]++;
	test_reap(kid);
	CHECK_EQ(run(), 42);
	CHECK_EQ(shared[0], 'k');
	test_verify(shared + 2 * TEST_PAGE, TEST_PAGE, 2);
	test_verify_bytes(private, TEST_PAGE, 0);
	test_verify(private + TEST_PAGE, TEST_PAGE, 1);
	pass();
}
