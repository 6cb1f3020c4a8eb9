/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A target of an epoll set whose own descriptor number is in use by another file now; a duplicate keeps it open.
 */
#include <fcntl.h>
#include <sys/epoll.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 9 }, got;
	int ep, p[2], keep;

	test_init(argc, argv);
	ep = MUST(epoll_create1(0));
	MUST(pipe(p));
	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev));
	keep = MUST(dup(p[0]));
	MUST(dup2(MUST(open("/dev/null", O_RDWR)), p[0]));

	test_ready();
	test_wait();

	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	if (!test_sabotage())
		CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 1);
	CHECK_EQ(got.data.u64, 9);
	CHECK_EQ(read(keep, &got, 1), 1);
	pass();
}
