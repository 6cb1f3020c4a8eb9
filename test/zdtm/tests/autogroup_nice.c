/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The nice value of a session's autogroup (sched(7)); a child's session has its own.
 */
#include <fcntl.h>

#include "zdtm.h"

static int get_nice(void)
{
	char text[64];
	int nice = 0;

	test_read_file("/proc/self/autogroup", text, sizeof(text));
	CHECK_EQ(sscanf(text, "/autogroup-%*d nice %d", &nice), 1);
	return nice;
}

static void set_nice(const char *value)
{
	int fd = MUST(open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC));

	CHECK_EQ(write(fd, value, strlen(value)), strlen(value));
	close(fd);
}

int main(int argc, char **argv)
{
	struct test_sync sync;
	pid_t kid;

	test_init(argc, argv);
	if (access("/proc/self/autogroup", W_OK))
		skip("no autogroups");
	test_sync_init(&sync);
	set_nice("7");
	kid = MUST(fork());
	if (kid == 0) {
		MUST(setsid());
		set_nice("-3");
		test_sync_done(&sync);
		test_wait_polling();
		CHECK_EQ(get_nice(), -3);
		_exit(0);
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		set_nice("6");
	CHECK_EQ(get_nice(), 7);
	test_reap(kid);
	pass();
}
