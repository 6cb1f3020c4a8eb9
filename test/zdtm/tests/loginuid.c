/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The login uid (/proc/PID/loginuid) of a child.
 */
#include <fcntl.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct test_sync sync;
	char text[32] = "";
	pid_t kid;
	int fd;

	test_init(argc, argv);
	fd = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		skip("the kernel has none: %s", strerror(errno));
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		close(fd);
		fd = MUST(open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC));
		if (write(fd, "4321", 4) != 4)
			fail("the login uid can't be set: %s", strerror(errno));
		close(fd);
		test_sync_done(&sync);
		test_wait_polling();
		test_read_file("/proc/self/loginuid", text, sizeof(text));
		CHECK_EQ(strtoul(text, NULL, 10), 4321 + test_sabotage());
		_exit(0);
	}
	close(fd);
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	test_reap(kid);
	pass();
}
