/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A performance counter (perf_event_open(2)) is refused.
 *
 * expect: refused perf_event
 */
#include <linux/perf_event.h>
#include <sys/syscall.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr) };
	uint64_t count;
	int fd;

	test_init(argc, argv);
	fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	if (fd < 0)
		skip("no performance counters: %s", strerror(errno));

	test_ready();
	test_wait();

	CHECK_EQ(read(fd, &count, sizeof(count)), sizeof(count));
	pass();
}
