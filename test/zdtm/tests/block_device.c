/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A block device: descriptors with their positions, a shared and a private mapping.
 *
 * needs: file:/dev/loop-control
 */
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "zdtm.h"

#define SIZE (64 * TEST_PAGE)

static char device[32];

/* It lets go of its file when nobody has it open any more. */
static void clear_at_end(int fd)
{
	struct loop_info64 info;

	MUST(ioctl(fd, LOOP_GET_STATUS64, &info));
	info.lo_flags |= LO_FLAGS_AUTOCLEAR;
	MUST(ioctl(fd, LOOP_SET_STATUS64, &info));
}

/* The device that holds the file BACKING. */
static void attach(int backing)
{
	int control = MUST(open("/dev/loop-control", O_RDWR | O_CLOEXEC));

	for (;;) {
		int fd;

		snprintf(device, sizeof(device), "/dev/loop%d", MUST(ioctl(control, LOOP_CTL_GET_FREE)));
		fd = open(device, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			skip("can't open %s: %s", device, strerror(errno));
		if (!ioctl(fd, LOOP_SET_FD, backing)) {
			MUST(close(fd));
			break;
		}
		CHECK_EQ(errno, EBUSY); /* somebody was quicker */
		MUST(close(fd));
	}
	MUST(close(control));
}

int main(int argc, char **argv)
{
	char *shared, *private, *memory = malloc(SIZE);
	int backing, rw, ro;

	test_init(argc, argv);
	backing = MUST(open("backing", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
	MUST(ftruncate(backing, SIZE));
	attach(backing);
	MUST(close(backing));
	rw = MUST(open(device, O_RDWR));
	ro = MUST(open(device, O_RDONLY | O_CLOEXEC));
	test_fill(memory, SIZE, 7);
	CHECK_EQ(write(rw, memory, SIZE / 2), SIZE / 2);
	CHECK_EQ(lseek(ro, 12345, SEEK_SET), 12345);
	shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, rw, 0);
	private = mmap(NULL, SIZE / 2, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, SIZE / 2);
	CHECK(shared != MAP_FAILED && private != MAP_FAILED);
	memcpy(shared + SIZE / 2, memory + SIZE / 2, SIZE / 2);
	private[TEST_PAGE + 5]++;

	test_ready();
	test_wait();
	clear_at_end(rw);

	if (test_sabotage())
		shared[SIZE - 1]++;
	CHECK_EQ(lseek(rw, 0, SEEK_CUR), SIZE / 2);
	CHECK_EQ(lseek(ro, 0, SEEK_CUR), 12345);
	CHECK_EQ(private[TEST_PAGE + 5], (char)(memory[SIZE / 2 + TEST_PAGE + 5] + 1));
	CHECK(!memcmp(shared, memory, SIZE));
	shared[3]++;
	memory[3]++;
	MUST(msync(shared, SIZE, MS_SYNC));
	CHECK_EQ(pread(ro, memory + SIZE / 2, SIZE / 2, 0), SIZE / 2);
	CHECK(!memcmp(memory, memory + SIZE / 2, SIZE / 2));
	MUST(munmap(shared, SIZE));
	MUST(munmap(private, SIZE / 2));
	MUST(close(rw));
	MUST(close(ro));
	pass();
}
