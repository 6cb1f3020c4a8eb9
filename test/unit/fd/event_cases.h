/* SPDX-License-Identifier: GPL-2.0 */
/* eventfd, signalfd, timerfd, epoll. Included by test_fd_roundtrip.c. */

static void make_eventfds(int who)
{
	uint64_t large = 0x123456789abcull;

	must(eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK) == 3 && eventfd(7, EFD_CLOEXEC) == 4 && eventfd(0, 0) == 5);
	must(write(5, &large, 8) == 8);
}

static void check_eventfds(int who)
{
	uint64_t v;

	for (int i = 0; i < 3; i++)
		must(read(3, &v, 8) == 8 && v == 1);
	must(read(3, &v, 8) < 0 && errno == EAGAIN && fcntl(3, F_GETFL) == (O_RDWR | O_NONBLOCK));
	must(read(4, &v, 8) == 8 && v == 7 && fcntl(4, F_GETFD) == FD_CLOEXEC && fcntl(4, F_GETFL) == O_RDWR);
	must(read(5, &v, 8) == 8 && v == 0x123456789abcull);
}

static void make_signalfd(int who)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 2);
	must(signalfd(-1, &set, SFD_NONBLOCK) == 3);
}

static void check_signalfd(int who)
{
	struct signalfd_siginfo info;
	sigset_t set;

	must(fcntl(3, F_GETFL) == (O_RDWR | O_NONBLOCK));
	must(fdinfo_number(3, "sigmask:", 16) == (1l << (SIGUSR1 - 1) | 1l << (SIGRTMIN + 1)));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	must(read(3, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGUSR1);
}

static void make_timerfds(int who)
{
	struct itimerspec soon = { { 0, 1000000 }, { 0, 1 } }, later = { { 0, 0 }, { 1000, 0 } };
	struct itimerspec once = { { 0, 0 }, { 0, 1 } }, at = { { 5, 0 }, { 0, 0 } };
	struct timespec now;

	must(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK) == 3 && !timerfd_settime(3, 0, &soon, NULL));
	must(timerfd_create(CLOCK_BOOTTIME, 0) == 4 && !timerfd_settime(4, 0, &later, NULL));
	must(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK) == 5 && !timerfd_settime(5, 0, &once, NULL));
	must(timerfd_create(CLOCK_REALTIME, 0) == 6 && !clock_gettime(CLOCK_REALTIME, &now));
	at.it_value.tv_sec = now.tv_sec + 500;
	must(!timerfd_settime(6, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL));
	must(timerfd_create(CLOCK_MONOTONIC, 0) == 7);
	usleep(20000);
}

static void check_timerfds(int who)
{
	struct itimerspec t;
	uint64_t v;

	must(read(3, &v, 8) == 8 && v >= 20 && v < 10000);
	must(!timerfd_gettime(3, &t) && t.it_interval.tv_nsec == 1000000 && t.it_value.tv_nsec <= 1000000);
	must(!timerfd_gettime(4, &t) && t.it_value.tv_sec >= 990 && t.it_value.tv_sec < 1000 && !t.it_interval.tv_sec);
	must(fdinfo_number(4, "clockid:", 10) == CLOCK_BOOTTIME);
	must(read(5, &v, 8) == 8 && v == 1 && read(5, &v, 8) < 0 && errno == EAGAIN);
	must(!timerfd_gettime(6, &t) && t.it_value.tv_sec >= 490 && t.it_value.tv_sec <= 500);
	must(t.it_interval.tv_sec == 5 && fdinfo_number(6, "settime flags:", 8) == 3);
	must(!timerfd_gettime(7, &t) && !t.it_value.tv_sec && !t.it_value.tv_nsec);
}

static void watch(int epfd, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	must(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == 0);
}

/* A number that went to another file, one that was closed, a nested epoll, a shared one. */
static void make_epolls(int who)
{
	if (who)
		return;
	must(epoll_create1(0) == 3 && epoll_create1(EPOLL_CLOEXEC) == 4);
	must(eventfd(1, 0) == 5 && eventfd(0, 0) == 6 && eventfd(1, 0) == 7 && eventfd(1, 0) == 8);
	watch(3, 5, EPOLLIN, 0xfedcba9876543210ull);
	watch(3, 6, EPOLLIN | EPOLLOUT | EPOLLET, 6);
	watch(3, 7, EPOLLIN | EPOLLONESHOT, 7);
	watch(3, 8, EPOLLIN, 8);
	watch(4, 3, EPOLLIN, 3);
	must(dup2(7, 20) == 20 && dup2(6, 7) == 7); /* 7 is another file now, the watched one is 20 */
	must(dup2(8, 300) == 300 && close(8) == 0);
	watch(3, 7, EPOLLIN, 77);
}

static void check_epolls(int who)
{
	struct epoll_event events[10];
	int n, seen = 0;

	if (who)
		return;
	n = epoll_wait(3, events, 10, 0);
	for (int i = 0; i < n; i++) {
		if (events[i].data.u64 == 0xfedcba9876543210ull)
			seen |= 1;
		if (events[i].data.u64 == 6 && events[i].events == EPOLLOUT)
			seen |= 2;
		if (events[i].data.u64 == 7)
			seen |= 4;
		if (events[i].data.u64 == 8)
			seen |= 8;
	}
	must(n == 4 && seen == 15);
	must(epoll_wait(4, events, 10, 0) == 1 && events[0].data.u64 == 3);
	must(epoll_ctl(3, EPOLL_CTL_DEL, 5, NULL) == 0 && epoll_ctl(3, EPOLL_CTL_DEL, 7, NULL) == 0);
	must(epoll_ctl(3, EPOLL_CTL_DEL, 20, NULL) < 0 && errno == ENOENT);
	must(fcntl(8, F_GETFD) < 0 && fcntl(4, F_GETFD) == FD_CLOEXEC);
	must(dup2(300, 8) == 8 && epoll_ctl(3, EPOLL_CTL_DEL, 8, NULL) == 0);
}

static void make_inotify(int who)
{
	must(inotify_init() == 3);
}

const struct fd_case event_cases[] = {
	{ .name = "eventfd", .make = make_eventfds, .check = check_eventfds },
	{ .name = "signalfd", .make = make_signalfd, .check = check_signalfd },
	{ .name = "timerfd", .make = make_timerfds, .check = check_timerfds },
	{ .name = "epoll", .nr_tasks = 2, .make = make_epolls, .check = check_epolls },
	{ .name = "inotify", .make = make_inotify, .refusal = "anon_inode:inotify) isn't supported" },
	{}
};
