/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Open files of several kinds at fixed numbers, for scenarios that change or replace them between dump and restore.
 *
 * 10: the file "data"; 11: a copy of this program, "program"; 12, 13: a pipe's ends; 14, 15: a pseudo terminal's
 * slave and master; 16, 17: a socket pair.
 */
#include <fcntl.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "zdtm.h"

static void move(int fd, int nr)
{
	MUST(dup2(fd, nr));
	close(fd);
}

static void copy_program(void)
{
	static char buf[65536];
	int from = MUST(open("/proc/self/exe", O_RDONLY)), to = MUST(open("program", O_CREAT | O_RDWR, 0700));
	ssize_t n;

	while ((n = MUST(read(from, buf, sizeof(buf)))))
		CHECK_EQ(write(to, buf, n), n);
	close(from);
	move(to, 11);
}

int main(int argc, char **argv)
{
	int fd, pair[2];
	struct stat st;

	test_init(argc, argv);
	fd = MUST(open("data", O_CREAT | O_RDWR, 0600));
	CHECK_EQ(write(fd, "content", 7), 7);
	move(fd, 10);
	copy_program();
	MUST(pipe(pair));
	move(pair[0], 12);
	move(pair[1], 13);
	MUST(openpty(&pair[1], &pair[0], NULL, NULL, NULL));
	move(pair[0], 14);
	move(pair[1], 15);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	move(pair[0], 16);
	move(pair[1], 17);

	test_ready();
	test_wait();

	if (test_sabotage())
		close(15);
	for (int nr = 10; nr <= 17; nr++)
		MUST(fstat(nr, &st));
	MUST(fstat(10, &st));
	CHECK(S_ISREG(st.st_mode));
	MUST(fstat(12, &st));
	CHECK(S_ISFIFO(st.st_mode));
	CHECK(isatty(14));
	MUST(fstat(16, &st));
	CHECK(S_ISSOCK(st.st_mode));
	pass();
}
