/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a core dump would hold (/proc/PID/coredump_filter), a child's own.
 */
#include <fcntl.h>

#include "zdtm.h"

static void set_filter(const char *value)
{
	int fd = MUST(open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC));

	CHECK_EQ(write(fd, value, strlen(value)), strlen(value));
	close(fd);
}

static void check_filter(unsigned long value)
{
	char text[32];

	test_read_file("/proc/self/coredump_filter", text, sizeof(text));
	CHECK_EQ(strtoul(text, NULL, 16), value);
}

int main(int argc, char **argv)
{
	struct test_sync sync;
	pid_t kid;

	test_init(argc, argv);
	test_sync_init(&sync);
	set_filter("0x41");
	kid = MUST(fork());
	if (kid == 0) {
		set_filter("0");
		test_sync_done(&sync);
		test_wait_polling();
		check_filter(0);
		_exit(0);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		set_filter("0x33");
	check_filter(0x41);
	test_reap(kid);
	pass();
}
