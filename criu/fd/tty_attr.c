/* SPDX-License-Identifier: GPL-2.0 */
/* Line settings of terminals: termios(3), ioctl_tty(2). */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#include "fd/tty.h"

_Static_assert(NCCS == TTY_NCCS, "The kernel's c_cc has another size on this architecture");

int tty_get_termios(int fd, bool locked, struct tty_termios *ret)
{
	struct termios t;

	memset(&t, 0, sizeof(t));
	if (ioctl(fd, locked ? TIOCGLCKTRMIOS : TCGETS, &t) < 0)
		return -errno;
	*ret = (struct tty_termios){ t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag, t.c_line, {} };
	memcpy(ret->cc, t.c_cc, sizeof(ret->cc));
	return 0;
}

/* Processes in the background are stopped when they change a terminal, unless SIGTTOU is blocked. */
static int change(int fd, unsigned long request, void *arg)
{
	sigset_t set, before;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTTOU);
	sigprocmask(SIG_BLOCK, &set, &before);
	r = ioctl(fd, request, arg) < 0 ? -errno : 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

int tty_set_termios(int fd, bool locked, const struct tty_termios *termios)
{
	struct tty_termios now;
	struct termios t;
	int r = tty_get_termios(fd, locked, &now);

	if (r < 0 || !memcmp(&now, termios, sizeof(now)))
		return r;
	memset(&t, 0, sizeof(t));
	t.c_iflag = termios->iflag;
	t.c_oflag = termios->oflag;
	t.c_cflag = termios->cflag;
	t.c_lflag = termios->lflag;
	t.c_line = termios->line;
	memcpy(t.c_cc, termios->cc, sizeof(termios->cc));
	return change(fd, locked ? TIOCSLCKTRMIOS : TCSETS, &t);
}

int tty_set_foreground(int fd, pid_t pgrp)
{
	return change(fd, TIOCSPGRP, &pgrp);
}

void tty_termios_to_entry(const struct tty_termios *termios, TermiosEntry *entry, uint32_t *words)
{
	termios_entry__init(entry);
	entry->c_iflag = termios->iflag;
	entry->c_oflag = termios->oflag;
	entry->c_cflag = termios->cflag;
	entry->c_lflag = termios->lflag;
	entry->c_line = termios->line;
	memset(words, 0, TTY_NCCS * sizeof(*words));
	memcpy(words, termios->cc, sizeof(termios->cc));
	entry->n_c_cc = TTY_NCCS;
	entry->c_cc = words;
}

int tty_termios_from_entry(const TermiosEntry *entry, struct tty_termios *ret)
{
	if (entry->n_c_cc * sizeof(uint32_t) < sizeof(ret->cc) || entry->c_line > UINT8_MAX)
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	ret->iflag = entry->c_iflag;
	ret->oflag = entry->c_oflag;
	ret->cflag = entry->c_cflag;
	ret->lflag = entry->c_lflag;
	ret->line = entry->c_line;
	memcpy(ret->cc, entry->c_cc, sizeof(ret->cc));
	return 0;
}
