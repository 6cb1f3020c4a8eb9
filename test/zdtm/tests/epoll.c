/* SPDX-License-Identifier: GPL-2.0 */
/*
 * epoll: several targets with events and 64-bit data, edge-triggered, one-shot spent,
 * nested epoll.
 *
 * ignore: ^\d+/fds/4$ the kernel adds EPOLLERR and EPOLLHUP to what a spent one-shot target waits for
 */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "zdtm.h"

static void add(int ep, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = { .events = events, .data.u64 = data };

	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
}

int main(int argc, char **argv)
{
	int ep, outer, p[2], ev_one, ev_edge, i, n;
	struct epoll_event got[8];
	uint64_t seen = 0, one = 1;

	test_init(argc, argv);
	ep = MUST(epoll_create1(EPOLL_CLOEXEC));
	outer = MUST(epoll_create1(0));
	MUST(pipe(p));
	CHECK(write(p[1], "x", 1) == 1);
	ev_one = MUST(eventfd(1, 0));
	ev_edge = MUST(eventfd(0, EFD_NONBLOCK));
	add(ep, p[0], EPOLLIN, 0x1111222233334444ull);
	add(ep, p[1], 0, 5);
	add(ep, ev_edge, EPOLLIN | EPOLLET, 0xffffffffffffffffull);
	add(outer, ep, EPOLLIN, 42);
	add(outer, ev_one, EPOLLIN | EPOLLONESHOT, 43);
	CHECK_EQ(epoll_wait(outer, got, 8, 0), 2); /* spends the one-shot */

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	CHECK_EQ(epoll_wait(outer, got, 8, 0), 1);
	CHECK_EQ(got[0].data.u64, 42);
	CHECK_EQ(epoll_wait(ep, got, 8, 0), 1);
	CHECK_EQ(got[0].data.u64, 0x1111222233334444ull);
	CHECK_EQ(got[0].events, EPOLLIN);
	CHECK_EQ(write(ev_edge, &one, 8), 8);
	n = epoll_wait(ep, got, 8, 0);
	CHECK_EQ(n, 2);
	for (i = 0; i < n; i++)
		seen += got[i].data.u64;
	CHECK_EQ(seen, 0x1111222233334443ull);
	CHECK_EQ(epoll_wait(ep, got, 8, 0), 1); /* the edge was told once */
	add(outer, p[0], EPOLLIN, 1);
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, p[1], got) == -1 && errno == EEXIST);
	pass();
}
