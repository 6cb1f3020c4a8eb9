/* SPDX-License-Identifier: GPL-2.0 */
/* Terminals. Included by test_fd_roundtrip.c. */

/* A pseudoterminal's master at the number FD, and its slave behind it. */
static void make_pty(int fd, int number_of_note)
{
	int unlock = 0, n;

	must(open("/dev/ptmx", O_RDWR | O_NOCTTY) == fd);
	must(ioctl(fd, TIOCSPTLCK, &unlock) == 0 && ioctl(fd, TIOCGPTN, &n) == 0);
	notes->number[number_of_note] = n;
}

static void open_pts(int fd, int number_of_note, int flags)
{
	char name[32];

	snprintf(name, sizeof(name), "/dev/pts/%ld", notes->number[number_of_note]);
	must(open(name, flags) == fd);
}

static bool is_pts(int fd, int number_of_note)
{
	char name[32];

	snprintf(name, sizeof(name), "/dev/pts/%ld", notes->number[number_of_note]);
	return !strcmp(link_of(fd), name);
}

static void make_ptys(int who)
{
	struct winsize size = { 33, 77, 5, 6 };
	struct termios t;
	int on = 1;

	if (who) {
		close(3);
		return;
	}
	make_pty(3, 0);
	make_pty(4, 1);
	must(close(3) == 0);
	make_pty(3, 2);
	open_pts(5, 1, O_RDWR | O_NOCTTY | O_NONBLOCK);
	must(ioctl(4, _IO('T', 0x41) /* TIOCGPTPEER */, O_WRONLY | O_NOCTTY) == 6 && dup2(6, 7) == 7 && close(6) == 0);
	open_pts(6, 1, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	must(tcgetattr(5, &t) == 0);
	cfmakeraw(&t);
	t.c_cc[VINTR] = 'q';
	t.c_cc[VMIN] = 3;
	must(tcsetattr(5, TCSANOW, &t) == 0 && ioctl(5, TIOCSWINSZ, &size) == 0);
	must(fchown(5, 11, 22) == 0 && fchmod(5, 0622) == 0);
	must(ioctl(4, TIOCPKT, &on) == 0 && ioctl(5, TIOCEXCL) == 0);
	must(ioctl(3, TIOCSPTLCK, &on) == 0);
}

static void check_ptys(int who)
{
	struct winsize size;
	struct termios t;
	struct stat st;
	char buf[16];
	int on, n;

	if (who) {
		must(same_open_file(getpid(), 4, notes->pids[0], 4) && fcntl(3, F_GETFD) < 0);
		return;
	}
	must(!strcmp(link_of(3), "/dev/ptmx") && ioctl(3, TIOCGPTN, &n) == 0 && n == notes->number[2]);
	must(ioctl(4, TIOCGPTN, &n) == 0 && n == notes->number[1]);
	must(is_pts(5, 1) && is_pts(6, 1));
	must((fcntl(5, F_GETFL) & (O_ACCMODE | O_NONBLOCK)) == (O_RDWR | O_NONBLOCK));
	must(fcntl(5, F_GETFL) == (O_RDWR | O_NONBLOCK | 0100000) && fcntl(7, F_GETFL) == O_WRONLY);
	must(fcntl(5, F_GETFD) == 0 && fcntl(7, F_GETFD) == 0);
	must((fcntl(6, F_GETFL) & O_ACCMODE) == O_RDONLY && fcntl(6, F_GETFD) == FD_CLOEXEC);
	must(tcgetattr(5, &t) == 0 && t.c_cc[VINTR] == 'q' && t.c_cc[VMIN] == 3 && !(t.c_lflag & ICANON));
	must(ioctl(5, TIOCGWINSZ, &size) == 0 && size.ws_row == 33 && size.ws_col == 77 && size.ws_ypixel == 6);
	must(fstat(5, &st) == 0 && st.st_uid == 11 && st.st_gid == 22 && (st.st_mode & 0777) == 0622);
	must(ioctl(4, TIOCGPKT, &on) == 0 && on && ioctl(3, TIOCGPTLCK, &on) == 0 && on);
	must(ioctl(4, TIOCGPTLCK, &on) == 0 && !on && ioctl(5, _IOR('T', 0x40, int), &on) == 0 && on);
	must(write(5, "out", 3) == 3 && read(4, buf, sizeof(buf)) == 4 && !memcmp(buf, "\0out", 4));
	must(write(4, "in!", 3) == 3 && read(5, buf, sizeof(buf)) == 3 && !memcmp(buf, "in!", 3));
}

/* A terminal that controls a session, with /dev/tty open. Task 1 leads it. */
static void make_session(int who)
{
	if (!who)
		make_pty(3, 0);
	if (who == 1) {
		open_pts(4, 0, O_RDWR);
		must(open("/dev/tty", O_RDWR | O_CLOEXEC) == 5);
		must(tcgetsid(4) == getpid() && tcgetpgrp(4) == getpid());
	}
}

static void check_session(int who)
{
	int fd;

	if (who == 1) {
		must(is_pts(4, 0) && tcgetsid(4) == getpid() && tcgetpgrp(4) == getpid());
		must(!strcmp(link_of(5), "/dev/tty") && fcntl(5, F_GETFD) == FD_CLOEXEC && tcgetsid(5) == getpid());
		fd = open("/dev/tty", O_RDWR);
		must(fd >= 0);
		must(write(fd, "x", 1) == 1);
		return;
	}
	must(fcntl(4, F_GETFD) < 0);
	fd = open("/dev/tty", O_RDWR);
	must(fd < 0 && errno == ENXIO);
}

static int outer_master = -1;

/* A terminal whose master the test keeps. */
static void setup_outer(struct cr_opts *opts)
{
	int slave, n;

	close_fdp(&outer_master);
	assert_int_equal(openpty(&outer_master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(ioctl(outer_master, TIOCGPTN, &n), 0);
	notes->number[0] = n;
	close(slave);
}

static void setup_shell_job(struct cr_opts *opts)
{
	setup_outer(opts);
	opts->shell_job = true;
}

static void make_outer(int who)
{
	struct termios t;
	char name[32];
	int n = notes->number[0];

	snprintf(name, sizeof(name), "/dev/pts/%d", n);
	must(open(name, O_RDWR | O_NOCTTY) == 3 && open(name, O_RDONLY | O_NOCTTY) == 4);
	must(tcgetattr(3, &t) == 0);
	cfmakeraw(&t);
	must(tcsetattr(3, TCSANOW, &t) == 0);
}

static void own_terminal(struct cr_opts *opts)
{
	int slave, n;

	close(outer_master);
	assert_int_equal(openpty(&outer_master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(ioctl(outer_master, TIOCGPTN, &n), 0);
	notes->number[1] = n;
	assert_int_equal(dup2(slave, 0), 0);
	close(slave);
}

static void no_terminal(struct cr_opts *opts)
{
	int null = open("/dev/null", O_RDWR);

	assert_int_equal(dup2(null, 0), 0);
	close(null);
}

static void check_outer(int who)
{
	struct termios t;

	must(is_pts(3, 1) && is_pts(4, 1) && tcgetattr(3, &t) == 0 && !(t.c_lflag & ICANON));
	must((fcntl(4, F_GETFL) & O_ACCMODE) == O_RDONLY);
}

/* A shell itself: the leader of a session with a job in the foreground. */
static void make_shell(int who)
{
	char name[32];
	int n = notes->number[0];

	snprintf(name, sizeof(name), "/dev/pts/%d", n);
	if (!who) {
		must(open(name, O_RDWR) == 3);
		return;
	}
	signal(SIGTTOU, SIG_IGN);
	must(tcsetpgrp(3, getpid()) == 0);
}

static void check_shell(int who)
{
	must(is_pts(3, 1) && tcgetsid(3) == notes->pids[0] && tcgetpgrp(3) == notes->pids[1]);
}

const struct fd_case tty_cases[] = {
	{ .name = "pseudoterminals", .nr_tasks = 2, .make = make_ptys, .check = check_ptys },
	{ .name = "a controlling terminal",
	  .nr_tasks = 2,
	  .sessions = true,
	  .make = make_session,
	  .check = check_session },
	{ .name = "a terminal outside", .setup = setup_outer, .make = make_outer, .refusal = "--shell-job" },
	{ .name = "a shell's job",
	  .setup = setup_shell_job,
	  .make = make_outer,
	  .between = own_terminal,
	  .check = check_outer },
	{ .name = "a shell",
	  .nr_tasks = 2,
	  .shell = true,
	  .setup = setup_shell_job,
	  .make = make_shell,
	  .between = own_terminal,
	  .check = check_shell },
	{ .name = "a shell's job without a terminal",
	  .setup = setup_shell_job,
	  .make = make_outer,
	  .between = no_terminal,
	  .failure = "standard input is no terminal" },
	{}
};
