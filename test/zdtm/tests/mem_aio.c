/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AIO contexts (io_setup(2)): at the same addresses, with the events that were not read, and they go on working.
 *
 * One is fresh, one holds a few events round the end of its ring, one is as full as can be, one has a long ring.
 */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include "zdtm.h"

#define NR 4
/* How many requests a context is made for, how many it has completed, and how many of these were not read. */
static const struct {
	unsigned int nr, done, unread;
} kinds[NR] = { { 1, 0, 0 }, { 62, 130, 7 }, { 40, 62, 62 }, { 500, 1700, 300 } };

static aio_context_t contexts[NR];
static char buf[64];
static int fd;

static void submit(int i, uint64_t data, int flag_fd)
{
	struct iocb request = {
		.aio_data = data,
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = fd,
		.aio_buf = (uintptr_t)buf,
		.aio_nbytes = data % 60,
		.aio_flags = flag_fd >= 0 ? IOCB_FLAG_RESFD : 0,
		.aio_resfd = flag_fd,
	};
	struct iocb *requests[1] = { &request };

	CHECK_EQ(syscall(SYS_io_submit, contexts[i], 1, requests), 1);
}

static void take(int i, uint64_t data)
{
	struct timespec none = { 0, 0 };
	struct io_event event;

	CHECK_EQ(syscall(SYS_io_getevents, contexts[i], 1, 1, &event, &none), 1);
	CHECK_EQ(event.data, data);
	CHECK_EQ(event.res, (long)(data % 60));
}

static void take_none(int i)
{
	struct timespec none = { 0, 0 };
	struct io_event event;

	CHECK_EQ(syscall(SYS_io_getevents, contexts[i], 0, 1, &event, &none), 0);
}

int main(int argc, char **argv)
{
	aio_context_t before[NR];
	int flag_fd;

	test_init(argc, argv);
	fd = MUST(open("mem_aio.file", O_RDWR | O_CREAT | O_TRUNC, 0600));
	CHECK_EQ(write(fd, buf, sizeof(buf)), sizeof(buf));
	flag_fd = MUST(eventfd(0, EFD_NONBLOCK));
	for (int i = 0; i < NR; i++) {
		MUST(syscall(SYS_io_setup, kinds[i].nr, &contexts[i]));
		before[i] = contexts[i];
		for (unsigned int n = 0; n < kinds[i].done; n++) {
			submit(i, n, -1);
			if (n >= kinds[i].unread)
				take(i, n - kinds[i].unread);
		}
	}

	test_ready();
	test_wait();

	if (test_sabotage())
		take(1, kinds[1].done - kinds[1].unread);
	for (int i = 0; i < NR; i++) {
		CHECK_EQ(contexts[i], before[i]);
		for (unsigned int n = kinds[i].done - kinds[i].unread; n < kinds[i].done; n++)
			take(i, n);
		take_none(i);
		/* More than once round. */
		for (unsigned int n = 0; n < 3000; n++) {
			submit(i, n, n == 5 ? flag_fd : -1);
			submit(i, n + 1, -1);
			take(i, n);
			take(i, n + 1);
		}
		take_none(i);
		/* As many as it was made for, at least, may be under way or unread. */
		for (unsigned int n = 0; n < kinds[i].nr; n++)
			submit(i, n, -1);
		MUST(syscall(SYS_io_destroy, contexts[i]));
	}
	{
		eventfd_t value;

		MUST(eventfd_read(flag_fd, &value));
		CHECK_EQ(value, NR);
	}
	unlink("mem_aio.file");
	pass();
}
