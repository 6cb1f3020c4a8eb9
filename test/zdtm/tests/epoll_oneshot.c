/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An entry with EPOLLONESHOT that has fired stays silent until it is armed again; one that hasn't fires once.
 *
 * The first is moved to another number, and its own is another's.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "zdtm.h"

static void add(int epfd, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events | EPOLLONESHOT, .data.u64 = 100 + fd };

	MUST(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event));
}

/* Exactly these are ready, in any order. */
static void check_ready(int epfd, uint64_t a, uint64_t b)
{
	struct epoll_event events[8];
	int nr = MUST(epoll_wait(epfd, events, 8, 50));

	CHECK_EQ(nr, (a > 0) + (b > 0));
	for (int i = 0; i < nr; i++)
		CHECK(events[i].data.u64 == a || events[i].data.u64 == b);
}

int main(int argc, char **argv)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data.u64 = 7 };
	int epfd, moved, fired[2], armed, edge;

	test_init(argc, argv);
	epfd = MUST(epoll_create1(0));
	moved = MUST(eventfd(1, 0));
	armed = MUST(eventfd(0, 0));
	edge = MUST(eventfd(1, 0));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fired));
	CHECK_EQ(write(fired[1], "x", 1), 1);
	add(epfd, moved, EPOLLIN);
	add(epfd, fired[0], EPOLLIN | EPOLLET);
	check_ready(epfd, 100 + moved, 100 + fired[0]);
	add(epfd, armed, EPOLLIN);
	/* Ready, not yet reported. */
	add(epfd, edge, EPOLLIN | EPOLLET);
	MUST(dup2(moved, 40));
	MUST(dup2(armed, moved));

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(epoll_ctl(epfd, EPOLL_CTL_MOD, fired[0], &event));
	check_ready(epfd, 100 + edge, 0);
	/* Not even the end of the other side. */
	MUST(close(fired[1]));
	MUST(eventfd_write(40, 5));
	MUST(eventfd_write(armed, 1));
	check_ready(epfd, 100 + armed, 0);
	check_ready(epfd, 0, 0);
	MUST(epoll_ctl(epfd, EPOLL_CTL_MOD, fired[0], &event));
	check_ready(epfd, 7, 0);
	pass();
}
