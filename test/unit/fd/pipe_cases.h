/* SPDX-License-Identifier: GPL-2.0 */
/* Pipes and FIFOs. Included by test_fd_roundtrip.c. */

static char many[100000];

static long inode_of(int fd)
{
	struct stat st;

	must(fstat(fd, &st) == 0);
	return st.st_ino;
}

/* Both ends, one end, another capacity, data that a task holds the other end of. */
static void make_pipes(int who)
{
	int ends[2];

	if (who) {
		close(3);
		close(4);
		return;
	}
	must(pipe2(ends, O_NONBLOCK) == 0 && ends[0] == 3 && ends[1] == 4);
	must(write(4, "hello", 5) == 5);
	must(pipe(ends) == 0 && ends[0] == 5 && ends[1] == 6);
	must(fcntl(6, F_SETPIPE_SZ, 1 << 18) == 1 << 18);
	memset(many, 'm', sizeof(many));
	must(write(6, many, sizeof(many)) == sizeof(many));
	must(pipe(ends) == 0 && ends[0] == 7);
	must(write(8, "lost", 4) == 4 && close(8) == 0);
	must(pipe(ends) == 0 && ends[0] == 8 && ends[1] == 9 && close(8) == 0);
	must(open("/proc/self/fd/5", O_RDWR) == 8);
}

static void check_pipes(int who)
{
	static char buf[sizeof(many) + 1];

	if (who) {
		must(fcntl(3, F_GETFD) < 0 && same_open_file(getpid(), 5, notes->pids[0], 5));
		return;
	}
	must(fcntl(3, F_GETFL) == O_NONBLOCK && fcntl(4, F_GETFL) == (O_WRONLY | O_NONBLOCK));
	must(read(3, buf, sizeof(buf)) == 5 && !memcmp(buf, "hello", 5));
	must(read(3, buf, sizeof(buf)) < 0 && errno == EAGAIN);
	must(fcntl(5, F_GETPIPE_SZ) == 1 << 18 && fcntl(3, F_GETPIPE_SZ) == 65536);
	must(fcntl(5, F_GETFL) == O_RDONLY && fcntl(6, F_GETFL) == O_WRONLY);
	must(read(5, buf, sizeof(buf)) == sizeof(many) && buf[0] == 'm' && buf[sizeof(many) - 1] == 'm');
	must(read(7, buf, sizeof(buf)) == 4 && read(7, buf, sizeof(buf)) == 0);
	signal(SIGPIPE, SIG_IGN);
	must(write(9, "x", 1) < 0 && errno == EPIPE);
	must((fcntl(8, F_GETFL) & O_ACCMODE) == O_RDWR);
	must(write(8, "y", 1) == 1 && read(5, buf, sizeof(buf)) == 1 && buf[0] == 'y');
}

static void make_packets(int who)
{
	int ends[2];

	must(pipe2(ends, O_DIRECT) == 0);
	must(write(4, "one", 3) == 3 && write(4, "two!", 4) == 4 && write(4, "x", 1) == 1);
	must(pipe2(ends, O_DIRECT) == 0);
	must(write(6, "only", 4) == 4);
}

static void check_packets(int who)
{
	char buf[100];

	must(read(3, buf, 100) == 3 && read(3, buf, 100) == 4 && !memcmp(buf, "two!", 4) && read(3, buf, 100) == 1);
	must(fcntl(4, F_GETFL) == (O_WRONLY | O_DIRECT));
	must(write(6, "next", 4) == 4 && read(5, buf, 100) == 4 && read(5, buf, 2) == 2);
}

static void make_fifos(int who)
{
	must(mkfifo(scratch("f"), 0600) == 0);
	must(open(scratch("f"), O_RDONLY | O_NONBLOCK) == 3);
	must(open(scratch("f"), O_WRONLY) == 4);
	must(write(4, "fifo", 4) == 4);
	must(mkfifo(scratch("g"), 0600) == 0);
	must(open(scratch("g"), O_RDWR) == 5 && open(scratch("g"), O_WRONLY | O_CLOEXEC) == 6);
	must(write(6, "data", 4) == 4 && close(5) == 0);
}

static void check_fifos(int who)
{
	char buf[100];

	must(!strcmp(link_of(3), scratch("f")));
	must(fcntl(3, F_GETFL) == (O_RDONLY | O_NONBLOCK | 0100000) && fcntl(4, F_GETFL) == (O_WRONLY | 0100000));
	must(read(3, buf, 100) == 4 && !memcmp(buf, "fifo", 4));
	must(read(3, buf, 100) < 0 && errno == EAGAIN);
	must(close(4) == 0 && read(3, buf, 100) == 0);
	must(fcntl(6, F_GETFD) == FD_CLOEXEC);
}

static void make_output(int who)
{
	int ends[2];

	must(pipe(ends) == 0 && close(3) == 0 && dup2(4, 3) == 3);
	notes->number[0] = inode_of(3);
}

/* Another pipe takes its place, as an engine does with a container's output. */
static void give_output(struct cr_opts *opts)
{
	static char text[64];
	static char *list[] = { text };
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	notes->number[1] = inode_of(ends[1]);
	snprintf(text, sizeof(text), "fd[%d]:pipe:[%ld]", ends[1], notes->number[0]);
	opts->inherit_fd = (struct str_array){ list, 1 };
}

static void check_output(int who)
{
	must(inode_of(3) == notes->number[1] && inode_of(4) == notes->number[1]);
	must(same_open_file(getpid(), 3, getpid(), 4));
}

const struct fd_case pipe_cases[] = {
	{ .name = "an inherited pipe", .make = make_output, .between = give_output, .check = check_output },
	{ .name = "pipes", .nr_tasks = 2, .make = make_pipes, .check = check_pipes },
	{ .name = "packets", .make = make_packets, .check = check_packets },
	{ .name = "FIFOs", .make = make_fifos, .check = check_fifos },
	{}
};
