/* SPDX-License-Identifier: GPL-2.0 */
/* Terminals: what their dump and restore share. tty(4), pty(7), ioctl_tty(2). */
#ifndef CRIU_FD_TTY_H
#define CRIU_FD_TTY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fd/dump.h"
#include "fd/restore.h"

#include "tty.pb-c.h"

/* The kernel's struct termios, which glibc's is not. */
#define TTY_NCCS 19
struct tty_termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line;
	uint8_t cc[TTY_NCCS];
};

/* Which terminal a descriptor is: device numbers of Documentation/admin-guide/devices.txt. */
enum tty_kind {
	TTY_NONE,
	TTY_MASTER, /* of a pseudoterminal: ptmx(4) */
	TTY_SLAVE,  /* pts(4) */
	TTY_CTTY,   /* /dev/tty, tty(4): whatever terminal it was at open(2) */
	TTY_CONSOLE,
	TTY_VT,
	TTY_SERIAL,
};
enum tty_kind tty_kind_of(dev_t rdev);
/* The number of a pseudoterminal's slave; -1 if it is none. */
int tty_pts_index(dev_t rdev);

/* tty_attr.c: 0 or -errno. SETs are done as from the foreground. */
int tty_get_termios(int fd, bool locked, struct tty_termios *ret);
int tty_set_termios(int fd, bool locked, const struct tty_termios *termios);
int tty_set_foreground(int fd, pid_t pgrp);
/* c_cc is packed: four characters to a word. ENTRY->c_cc needs TTY_NCCS words. */
void tty_termios_to_entry(const struct tty_termios *termios, TermiosEntry *entry, uint32_t *words);
/* -EBADMSG if there are too few words. */
int tty_termios_from_entry(const TermiosEntry *entry, struct tty_termios *ret);

/* tty_pty.c */

/* Opens PATH (a ptmx) with FLAGS until it gives the pseudoterminal INDEX, or any if that is taken. */
int pty_open_master(struct fd_restore *restore, const char *path, int flags, int index, int *ret_fd, int *ret_index);
/* Opens /dev/tty with FLAGS such that it is the slave of MASTER_FD: no session keeps the terminal. */
int pty_open_as_ctty(int master_fd, int flags, int *ret);

/* tty_restore.c */
int tty_check(struct fd_restore *restore, struct fd_file *file);
int tty_read(struct fd_restore *restore);
void tty_key(const struct fd_restore *restore, const struct fd_file *file, char *key);
int tty_open(struct fd_restore *restore, struct fd_file *file, int *ret);
int tty_finish(struct fd_restore *restore, struct fd_file *file, int nr, pid_t pid, pid_t sid);
int tty_session(struct fd_restore *restore, pid_t sid);
int tty_task(struct fd_restore *restore, const struct fd_table *table, pid_t pid, pid_t sid);
void tty_free(struct fd_restore *restore);

#endif
