/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How long an epoll polls busily for packets isn't kept: the log says so.
 *
 * expect: warned busy polling .EPIOCSPARAMS. won.t be restored
 * rounds: 1
 */
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "zdtm.h"

/* ioctl_eventpoll(2) */
struct params {
	uint32_t usecs;
	uint16_t budget;
	uint8_t prefer, pad;
};

int main(int argc, char **argv)
{
	struct params params = { .usecs = 64, .budget = 8 };
	struct epoll_event event;
	int ep;

	test_init(argc, argv);
	ep = MUST(epoll_create1(0));
	if (ioctl(ep, _IOW(0x8A, 0x01, struct params), &params) < 0)
		skip("no busy polling of an epoll: %s", strerror(errno));

	test_ready();
	test_wait();

	if (test_sabotage())
		close(ep);
	CHECK_EQ(epoll_wait(ep, &event, 1, 0), 0);
	pass();
}
