/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pseudo terminal with both ends in the tree: settings, window size, and it carries data.
 */
#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "zdtm.h"

/* The kernel hands it over bit by bit. */
static void read_all(int fd, char *text, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = read(fd, text + got, len - got);

		CHECK(n > 0 || (n < 0 && errno == EAGAIN));
		if (n > 0)
			got += n;
		else
			test_msleep(1);
	}
}

int main(int argc, char **argv)
{
	struct winsize size = { .ws_row = 33, .ws_col = 111, .ws_xpixel = 7, .ws_ypixel = 9 }, size_now;
	struct termios tio, now;
	int master, slave, other;
	char name[64], text[64];

	test_init(argc, argv);
	MUST(openpty(&master, &slave, name, NULL, &size));
	MUST(tcgetattr(slave, &tio));
	cfmakeraw(&tio);
	tio.c_cc[VMIN] = 5;
	tio.c_cc[VINTR] = 'q';
	tio.c_oflag |= OPOST | ONLCR;
	MUST(tcsetattr(slave, TCSANOW, &tio));
	MUST(tcgetattr(slave, &tio));
	other = MUST(open(name, O_RDONLY | O_NOCTTY | O_NONBLOCK));

	test_ready();
	test_wait();

	if (test_sabotage()) {
		size.ws_row++;
		MUST(ioctl(master, TIOCSWINSZ, &size));
		size.ws_row--;
	}
	MUST(ioctl(slave, TIOCGWINSZ, &size_now));
	CHECK_MEM(&size_now, &size, sizeof(size));
	MUST(tcgetattr(slave, &now));
	CHECK_EQ(now.c_iflag, tio.c_iflag);
	CHECK_EQ(now.c_oflag, tio.c_oflag);
	CHECK_EQ(now.c_cflag, tio.c_cflag);
	CHECK_EQ(now.c_lflag, tio.c_lflag);
	CHECK_MEM(now.c_cc, tio.c_cc, sizeof(tio.c_cc));
	CHECK_EQ(write(slave, "down\n", 5), 5);
	read_all(master, text, 6);
	CHECK_MEM(text, "down\r\n", 6);
	CHECK_EQ(write(master, "up up", 5), 5);
	read_all(slave, text, 2);
	read_all(other, text, 3);
	CHECK_EQ(read(other, text, sizeof(text)), -1);
	CHECK_EQ(ptsname_r(master, text, sizeof(text)), 0);
	CHECK(!strcmp(text, name));
	/* Hanging up. */
	close(master);
	CHECK_EQ(read(slave, text, 1), 0);
	pass();
}
