/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A session on a pseudo terminal, as a terminal emulator makes one: controlling terminal, foreground and background
 * group.
 *
 * The parent holds the master; the leader and its jobs have the slave.
 */
#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "zdtm.h"

static struct test_sync sync_all;

static void job(bool foreground)
{
	int tty;

	test_sync_done(&sync_all);
	test_wait_polling();
	tty = MUST(open("/dev/tty", O_RDWR));
	CHECK_EQ(tcgetpgrp(tty) == getpgid(0), foreground);
	close(tty);
	_exit(foreground ? 11 : 12);
}

static void leader(int slave)
{
	pid_t fg, bg;
	int tty;

	signal(SIGTTOU, SIG_IGN);
	MUST(setsid());
	MUST(ioctl(slave, TIOCSCTTY, 0));
	fg = MUST(fork());
	if (fg == 0)
		job(true);
	MUST(setpgid(fg, fg));
	bg = MUST(fork());
	if (bg == 0)
		job(false);
	MUST(setpgid(bg, bg));
	MUST(tcsetpgrp(slave, fg));
	test_sync_done(&sync_all);
	test_wait_polling();
	CHECK_EQ(tcgetsid(slave), getpid());
	CHECK_EQ(tcgetpgrp(slave), fg);
	tty = MUST(open("/dev/tty", O_RDWR));
	CHECK_EQ(tcgetsid(tty), getpid());
	test_reap_status(fg, 11 << 8);
	test_reap_status(bg, 12 << 8);
	CHECK_EQ(write(tty, "bye", 3), 3);
	pause(); /* until the parent hangs up */
	_exit(1);
}

int main(int argc, char **argv)
{
	int master, slave;
	char text[64];
	pid_t kid;

	test_init(argc, argv);
	MUST(openpty(&master, &slave, NULL, NULL, NULL));
	test_sync_init(&sync_all);
	kid = MUST(fork());
	if (kid == 0) {
		close(master);
		leader(slave);
	}
	close(slave);
	test_sync_wait(&sync_all, 3);

	test_ready();
	test_wait();

	CHECK_EQ(read(master, text, sizeof(text)), 3);
	CHECK_MEM(text, "bye", 3);
	/* Hanging up sends SIGHUP to the session leader. */
	if (test_sabotage())
		kill(kid, SIGKILL);
	close(master);
	test_reap_status(kid, SIGHUP);
	pass();
}
