/* SPDX-License-Identifier: GPL-2.0 */
/* Unix sockets. Included by test_fd_roundtrip.c. */

static void pair(int type, int first)
{
	int ends[2];

	must(socketpair(AF_UNIX, type, 0, ends) == 0 && ends[0] == first && ends[1] == first + 1);
}

static bool gets(int fd, const char *text)
{
	char buf[100];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	return n == (ssize_t)strlen(text) && !memcmp(buf, text, n);
}

static bool is_empty(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void make_pairs(int who)
{
	if (who) {
		close(3);
		return;
	}
	pair(SOCK_STREAM | SOCK_NONBLOCK, 3);
	must(write(3, "to four", 7) == 7 && write(4, "to ", 3) == 3 && write(4, "three", 5) == 5);
	pair(SOCK_DGRAM, 5);
	must(send(5, "one", 3, 0) == 3 && send(5, "", 0, 0) == 0 && send(5, "three", 5, 0) == 5);
	must(send(6, "back", 4, 0) == 4);
	pair(SOCK_SEQPACKET, 7);
	must(send(7, "a", 1, 0) == 1 && send(7, "bc", 2, 0) == 2);
	pair(SOCK_STREAM, 9);
	must(write(10, "last words", 10) == 10 && close(10) == 0);
	pair(SOCK_STREAM, 10);
	must(write(10, "half", 4) == 4 && shutdown(10, SHUT_WR) == 0);
	must(socket(AF_UNIX, SOCK_DGRAM, 0) == 12);
	pair(SOCK_SEQPACKET, 13);
	must(send(14, "seq", 3, 0) == 3 && close(14) == 0);
	must(dup2(3, 300) == 300);
}

static void check_pairs(int who)
{
	if (who) {
		must(fcntl(3, F_GETFD) < 0 && same_open_file(getpid(), 4, notes->pids[0], 4));
		must(same_open_file(getpid(), 300, notes->pids[0], 3));
		return;
	}
	must(fcntl(3, F_GETFL) == (O_RDWR | O_NONBLOCK));
	must(gets(4, "to four") && gets(3, "to three") && is_empty(3) && is_empty(4));
	must(gets(6, "one") && gets(6, "") && gets(6, "three") && is_empty(6) && gets(5, "back") && is_empty(5));
	must(gets(8, "a") && gets(8, "bc") && is_empty(8) && is_empty(7));
	must(send(8, "on", 2, 0) == 2 && gets(7, "on"));
	must(gets(9, "last words") && gets(9, "") && send(9, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
	must(gets(11, "half") && gets(11, "") && write(11, "ok", 2) == 2 && gets(10, "ok"));
	must(send(10, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
	must(is_empty(12) && send(12, "x", 1, 0) < 0 && errno == ENOTCONN);
	must(gets(13, "seq") && gets(13, ""));
}

static int option_of(int fd, int name)
{
	socklen_t len = sizeof(int);
	int v;

	must(getsockopt(fd, SOL_SOCKET, name, &v, &len) == 0);
	return v;
}

static void make_options(int who)
{
	struct timeval wait = { 3, 0 };
	static char block[50000];
	int on = 1, size = 300000, small = 20000;

	pair(SOCK_STREAM, 3);
	must(!setsockopt(3, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)));
	must(!setsockopt(4, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)));
	must(!setsockopt(4, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	must(!setsockopt(4, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)));
	for (int i = 0; i < 5; i++)
		must(send(3, block, sizeof(block), MSG_DONTWAIT) == sizeof(block));
	notes->number[0] = option_of(3, SO_SNDBUF);
	notes->number[1] = option_of(4, SO_SNDBUF);
}

static void check_options(int who)
{
	struct timeval wait;
	socklen_t len = sizeof(wait);
	static char block[300000];

	must(option_of(3, SO_SNDBUF) == 600000 && option_of(4, SO_RCVBUF) == 40000);
	must(option_of(4, SO_SNDBUF) == notes->number[1] && option_of(4, SO_PASSCRED) && !option_of(3, SO_PASSCRED));
	must(!getsockopt(4, SOL_SOCKET, SO_RCVTIMEO, &wait, &len) && wait.tv_sec == 3 && !wait.tv_usec);
	must(option_of(3, 72) == 1 && option_of(4, 72) == 2);
	must(recv(4, block, 250000, MSG_WAITALL) == 250000 && is_empty(4));
}

static void make_rights(int who)
{
	char control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { "x", 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	pair(SOCK_STREAM, 3);
	must(sendmsg(3, &msg, 0) == 1);
}

static void make_named(int who)
{
	struct sockaddr_un addr = { AF_UNIX, "\0test" };

	must(socket(AF_UNIX, SOCK_STREAM, 0) == 3);
	addr.sun_path[6] = getpid() % 127 + 1;
	must(bind(3, (void *)&addr, 12) == 0);
}

static void check_named(int who)
{
	struct sockaddr_un addr;
	socklen_t len = sizeof(addr);

	must(getsockname(3, (void *)&addr, &len) == 0 && len == 12 && !memcmp(addr.sun_path, "\0test", 5));
}

static void make_listening(int who)
{
	make_named(who);
	must(listen(3, 5) == 0);
}

static void check_listening(int who)
{
	struct sockaddr_un addr;
	socklen_t len = sizeof(addr);

	check_named(who);
	must(getsockname(3, (void *)&addr, &len) == 0 && socket(AF_UNIX, SOCK_STREAM, 0) == 4);
	must(connect(4, (void *)&addr, len) == 0 && accept(3, NULL, NULL) == 5);
}

static void make_outside(int who)
{
	pair(SOCK_STREAM, 3);
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		__atomic_store_n(&notes->number[0], 1, __ATOMIC_SEQ_CST);
		for (;;)
			pause();
	}
	close(4);
	while (!__atomic_load_n(&notes->number[0], __ATOMIC_SEQ_CST))
		usleep(1000);
}

static void bind_path(int fd, const char *name)
{
	struct sockaddr_un addr = { AF_UNIX };

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", scratch(name));
	must(bind(fd, (void *)&addr, sizeof(addr)) == 0);
}

static void make_path(int who)
{
	must(socket(AF_UNIX, SOCK_STREAM, 0) == 3);
	bind_path(3, "taken.sock");
	must(listen(3, 5) == 0);
}

/* Another server came up at the path, or at the port, and stays until the test ends. */
static void take_path(struct cr_opts *opts)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	must(unlink(scratch("taken.sock")) == 0);
	bind_path(fd, "taken.sock");
	must(listen(fd, 1) == 0);
}

static void replace_path(struct cr_opts *opts)
{
	int fd = open(scratch("taken.sock"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	must(fd < 0 && unlink(scratch("taken.sock")) == 0);
	fd = open(scratch("taken.sock"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	must(fd >= 0 && close(fd) == 0);
}

static int tcp_listener(int port)
{
	struct sockaddr_in addr = { AF_INET, htons(port), { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(bind(fd, (void *)&addr, len) == 0 && listen(fd, 1) == 0);
	must(getsockname(fd, (void *)&addr, &len) == 0);
	notes->number[0] = ntohs(addr.sin_port);
	return fd;
}

static void make_port(int who)
{
	must(tcp_listener(0) == 3);
}

static void take_port(struct cr_opts *opts)
{
	must(fcntl(tcp_listener(notes->number[0]), F_SETFD, FD_CLOEXEC) == 0);
}

const struct fd_case unix_cases[] = {
	{ .name = "a path in use", .make = make_path, .between = take_path, .failure = "is in use by another socket" },
	{ .name = "a path of another file", .make = make_path, .between = replace_path, .failure = "isn't a socket" },
	{ .name = "a port in use", .make = make_port, .between = take_port, .failure = "Address already in use" },
	{ .name = "socket pairs", .nr_tasks = 2, .make = make_pairs, .check = check_pairs },
	{ .name = "socket options", .make = make_options, .check = check_options },
	{ .name = "descriptors in flight", .make = make_rights, .refusal = "SCM_RIGHTS" },
	{ .name = "a named socket", .make = make_named, .check = check_named },
	{ .name = "a listening socket", .make = make_listening, .check = check_listening },
	{ .name = "a peer outside", .make = make_outside, .refusal = "is outside the tree" },
	{}
};
