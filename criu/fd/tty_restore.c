/* SPDX-License-Identifier: GPL-2.0 */
/* Terminals at restore: pseudoterminals are made anew, a terminal outside becomes criu's own. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fd/reg.h"
#include "fd/registry.h"
#include "fd/tty.h"

/* As fcntl(2) tells it; glibc's O_LARGEFILE is 0 on 64-bit machines. */
#define O_LARGEFILE_KERNEL 0100000u

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

/* More than a kernel has pseudoterminals. */
#define TERMINALS_MAX 8192

struct terminal_info {
	TtyInfoEntry *entry;
	enum tty_kind kind;
	struct tty_termios termios, termios_locked;
	bool has_termios, has_locked;
	struct fd_file *master; /* NULL: no pseudoterminal of the tree */
	struct fd_file *file;	/* one that is it */
};

struct tty_restore {
	struct terminal_info *v;
	size_t nr;
	struct pair_map masters; /* index to file id */
};

static struct tty_restore *state_of(struct fd_restore *restore)
{
	return fd_restore_state(restore, &tty_ops, sizeof(struct tty_restore));
}

static struct terminal_info *info_find(struct tty_restore *state, uint32_t id)
{
	for (size_t i = 0; i < state->nr; i++)
		if (state->v[i].entry->id == id)
			return &state->v[i];
	return NULL;
}

static struct terminal_info *info_of(struct fd_restore *restore, const struct fd_file *file)
{
	return info_find(state_of(restore), file->entry->tty->tty_info_id);
}

static bool is_outside(const struct terminal_info *info)
{
	return (info->kind == TTY_SLAVE || info->kind == TTY_CTTY) && !info->master;
}

int tty_check(struct fd_restore *restore, struct fd_file *file)
{
	const TtyFileEntry *entry = file->entry->tty;
	struct fd_file *path = entry->has_regf_id ? fd_file_find(restore, entry->regf_id) : NULL;

	if (!path || path->ops != &reg_ops)
		return fd_bad(restore, file, "no path");
	file->path_file = path;
	path->path_only = true;
	return 0;
}

static int add_info(struct fd_restore *restore, struct image *img, ProtobufCMessage *msg)
{
	const TtyInfoEntry *from = (TtyInfoEntry *)msg;
	struct tty_restore *state = state_of(restore);
	struct terminal_info *info;
	TtyInfoEntry *copy;
	size_t size = tty_info_entry__get_packed_size(from);
	_cleanup_free_ uint8_t *packed = malloc(size ?: 1);

	if (state->nr >= TERMINALS_MAX || info_find(state, from->id) || tty_kind_of(from->rdev) == TTY_NONE ||
	    (from->pty && from->pty->index > INT32_MAX))
		return -EBADMSG;
	info = reallocarray(state->v, state->nr + 1, sizeof(*info));
	if (!info || !packed)
		return -ENOMEM;
	state->v = info;
	info += state->nr;
	*info = (struct terminal_info){ .kind = tty_kind_of(from->rdev) };
	if ((info->kind == TTY_MASTER || info->kind == TTY_SLAVE) && !from->pty)
		return -EBADMSG;
	info->has_termios = from->termios;
	info->has_locked = from->termios_locked;
	if ((from->termios && tty_termios_from_entry(from->termios, &info->termios) < 0) ||
	    (from->termios_locked && tty_termios_from_entry(from->termios_locked, &info->termios_locked) < 0))
		return -EBADMSG;
	copy = tty_info_entry__unpack(NULL, tty_info_entry__pack(from, packed), packed);
	if (!copy)
		return -ENOMEM;
	info->entry = copy;
	state->nr++;
	return 0;
}

static int note_data(struct fd_restore *restore, struct image *img, ProtobufCMessage *msg)
{
	const TtyDataEntry *entry = (TtyDataEntry *)msg;

	log_warn(restore->ctx->log, "tty-data.img: %zu bytes that waited in terminal %u aren't restored",
		 entry->data.len, entry->tty_id);
	return 0;
}

static int note_file(struct fd_restore *restore, struct tty_restore *state, struct fd_file *file)
{
	struct terminal_info *info = info_of(restore, file);
	uint64_t *id;
	bool is_new;
	int r;

	if (!info)
		return fd_bad(restore, file, "no entry in tty-info.img");
	info->file = info->file ?: file;
	if (info->kind != TTY_MASTER)
		return 0;
	r = pair_map_get(&state->masters, info->entry->pty->index, 0, &id, &is_new);
	if (!r && !is_new)
		return fd_bad(restore, file, "the number of another pseudoterminal");
	if (!r)
		*id = file->id;
	return r;
}

/* Which are outside, and may be. */
static int check_outside(struct fd_restore *restore, struct tty_restore *state)
{
	int nr;

	for (size_t i = 0; i < state->nr; i++) {
		struct terminal_info *info = &state->v[i];
		uint64_t *id = info->entry->pty ? pair_map_find(&state->masters, info->entry->pty->index, 0) : NULL;

		if (info->kind <= TTY_CTTY && id)
			info->master = fd_file_find(restore, *id);
		if (!info->file || !is_outside(info) || inherit_has(restore, info->file, &nr))
			continue;
		if (!restore->opts->shell_job)
			return cr_fail(restore->ctx, -EOPNOTSUPP,
				       "files.img: file %u: the terminal's other end isn't in the images; "
				       "--shell-job takes criu's own terminal",
				       info->file->id);
		if (!isatty(STDIN_FILENO))
			return cr_fail(restore->ctx, -ENOTTY, "--shell-job: standard input is no terminal");
	}
	return 0;
}

int tty_read(struct fd_restore *restore)
{
	struct tty_restore *state = state_of(restore);
	int r = state ? fd_read_image(restore, IMG_TTY_INFO, add_info) : -ENOMEM;

	if (!r)
		r = fd_read_image(restore, IMG_TTY_DATA, note_data);
	for (size_t i = 0; i < restore->nr_files && !r; i++)
		if (restore->files[i].ops == &tty_ops)
			r = note_file(restore, state, &restore->files[i]);
	return r < 0 ? r : check_outside(restore, state);
}

void tty_key(const struct fd_restore *restore, const struct fd_file *file, char *key)
{
	const struct terminal_info *info =
		info_find(restore->state[fd_ops_index(&tty_ops)], file->entry->tty->tty_info_id);

	snprintf(key, FD_KEY_MAX, "tty[%x:%x]", info->entry->rdev, info->entry->dev);
}

static int set_settings(const struct terminal_info *info, int fd)
{
	int r = info->has_termios ? tty_set_termios(fd, false, &info->termios) : 0;

	if (!r && info->has_locked)
		r = tty_set_termios(fd, true, &info->termios_locked);
	return r;
}

static int open_master(struct fd_restore *restore, const struct terminal_info *info, struct fd_file *file, int *ret)
{
	const WinsizeEntry *size = info->entry->winsize;
	const RegFileEntry *path = file->path_file->entry->reg;
	_cleanup_close_ int fd = -1;
	int index, unlocked = 0, r;

	r = pty_open_master(restore, path->name, file->entry->tty->flags & O_ACCMODE, info->entry->pty->index, &fd,
			    &index);
	if (r < 0)
		return r;
	if (ioctl(fd, TIOCSPTLCK, &unlocked) < 0)
		return -errno;
	r = set_settings(info, fd);
	if (!r && size) {
		struct winsize w = { size->ws_row, size->ws_col, size->ws_xpixel, size->ws_ypixel };

		r = ioctl(fd, TIOCSWINSZ, &w) < 0 ? -errno : 0;
	}
	if (!r)
		*ret = take_fd(fd);
	return r;
}

/*
 * open(2) always sets O_LARGEFILE, TIOCGPTPEER doesn't; nothing can change it later. O_CLOEXEC isn't given to
 * TIOCGPTPEER, which would keep it among the flags of the open file.
 */
static int open_peer(int master_fd, uint32_t flags, int *ret)
{
	int how = flags & (O_ACCMODE | O_NONBLOCK);
	_cleanup_close_ int fd = ioctl(master_fd, TIOCGPTPEER, how | O_NOCTTY);
	char name[32];

	if (fd < 0)
		return -errno;
	if (flags & O_LARGEFILE_KERNEL) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		*ret = open(name, how | O_NOCTTY | O_CLOEXEC);
		return *ret < 0 ? -errno : 0;
	}
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	*ret = take_fd(fd);
	return 0;
}

static int open_slave(struct fd_restore *restore, const struct terminal_info *info, struct fd_file *file, int *ret)
{
	const RegFileEntry *path = file->path_file->entry->reg;
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r = fd_open_file(restore, info->master);

	if (!r)
		r = open_peer(info->master->fd, file->entry->tty->flags, &fd);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (info->entry->has_uid && info->entry->has_gid &&
	    (st.st_uid != info->entry->uid || st.st_gid != info->entry->gid) &&
	    fchown(fd, info->entry->uid, info->entry->gid) < 0)
		return -errno;
	if (path->has_mode && S_ISCHR(path->mode) && path->mode != st.st_mode && fchmod(fd, path->mode & 07777) < 0)
		return -errno;
	*ret = take_fd(fd);
	return 0;
}

/* The one that criu was started from takes its place: its open file, if that is of the same sort, as in a shell's job.
 */
static int open_own(struct fd_restore *restore, const struct terminal_info *info, const char *path, uint32_t flags,
		    int *ret)
{
	int own = fcntl(STDIN_FILENO, F_GETFL), r;

	if (info->kind == TTY_SLAVE && own >= 0 && !((own ^ flags) & (O_ACCMODE | O_LARGEFILE_KERNEL | O_NONBLOCK)))
		*ret = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	else
		*ret = open(path, (flags & (O_ACCMODE | O_NONBLOCK)) | O_NOCTTY | O_CLOEXEC);
	if (*ret < 0)
		return cr_fail_errno(restore->ctx, -errno, "--shell-job: Can't open criu's own terminal");
	r = set_settings(info, *ret);
	if (r < 0)
		close(*ret);
	return r;
}

int tty_open(struct fd_restore *restore, struct fd_file *file, int *ret)
{
	const struct terminal_info *info = info_of(restore, file);
	uint32_t flags = file->entry->tty->flags;
	int r;

	switch (info->kind) {
	case TTY_MASTER:
		return open_master(restore, info, file, ret);
	case TTY_SLAVE:
		return info->master ? open_slave(restore, info, file, ret)
				    : open_own(restore, info, "/proc/self/fd/0", flags, ret);
	case TTY_CTTY:
		if (!info->master)
			return open_own(restore, info, "/dev/tty", flags, ret);
		r = fd_open_file(restore, info->master);
		return r < 0 ? r : pty_open_as_ctty(info->master->fd, flags & (O_ACCMODE | O_NONBLOCK), ret);
	default:
		r = reg_open_as(restore, file->path_file, flags, ret);
		if (!r)
			r = set_settings(info, *ret);
		return r;
	}
}

int tty_session(struct fd_restore *restore, pid_t sid)
{
	const struct tty_restore *state = state_of(restore);

	for (size_t i = 0; i < state->nr; i++) {
		const struct terminal_info *info = &state->v[i];
		const struct fd_file *by = info->master ?: info->file;

		if (info->entry->sid != (uint32_t)sid || !by || by->fd < 0)
			continue;
		if (is_outside(info))
			log_warn(restore->ctx->log, "The session %d takes criu's own terminal over", sid);
		if (ioctl(by->fd, TIOCSCTTY, is_outside(info)) < 0)
			return cr_fail_errno(restore->ctx, -errno,
					     "task %d: Can't make file %u its controlling terminal", sid, by->id);
		return 0;
	}
	return 0;
}

/* Neither may be set before every file is open. */
int tty_finish(struct fd_restore *restore, struct fd_file *file, int nr, pid_t pid, pid_t sid)
{
	const struct terminal_info *info = info_of(restore, file);
	int on = 1;

	if (is_outside(info))
		return 0;
	if ((info->entry->exclusive && ioctl(nr, TIOCEXCL) < 0) ||
	    (info->kind == TTY_MASTER && info->entry->packet_mode && ioctl(nr, TIOCPKT, &on) < 0) ||
	    (info->kind == TTY_MASTER && info->entry->locked && ioctl(nr, TIOCSPTLCK, &on) < 0))
		return cr_fail_errno(restore->ctx, -errno, "Can't set the terminal of descriptor %d", nr);
	return 0;
}

/* A descriptor of the table that leads to the terminal, or /dev/tty. */
static int any_descriptor(struct fd_restore *restore, const struct fd_table *table, const struct terminal_info *info,
			  int *opened)
{
	for (size_t i = 0; table && i < table->nr; i++) {
		const struct terminal_info *other;

		if (table->v[i].file->ops != &tty_ops)
			continue;
		other = info_of(restore, table->v[i].file);
		if (other == info || (info->master && other->master == info->master))
			return table->v[i].nr;
	}
	*opened = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
	return *opened;
}

/*
 * The foreground process group: set by the session's leader or, if criu's own terminal stays with its session, by the
 * group's leader.
 */
int tty_task(struct fd_restore *restore, const struct fd_table *table, pid_t pid, pid_t sid)
{
	const struct tty_restore *state = state_of(restore);

	for (size_t i = 0; i < state->nr; i++) {
		const struct terminal_info *info = &state->v[i];
		pid_t leader = info->entry->sid, group = info->entry->pgrp;
		_cleanup_close_ int opened = -1;
		int fd, r;

		if (!info->file || !group || (pid != leader && !(is_outside(info) && pid == group)))
			continue;
		if (group == leader) /* so it is by TIOCSCTTY */
			return 0;
		fd = any_descriptor(restore, table, info, &opened);
		r = fd < 0 ? -errno : tty_set_foreground(fd, group);
		if (r < 0)
			log_warn(restore->ctx->log, "task %d: Can't make %d the foreground group of its terminal: %s",
				 pid, group, strerror(-r));
		return 0;
	}
	return 0;
}

void tty_free(struct fd_restore *restore)
{
	struct tty_restore *state = state_of(restore);

	for (size_t i = 0; i < state->nr; i++)
		tty_info_entry__free_unpacked(state->v[i].entry, NULL);
	free(state->v);
	pair_map_free(&state->masters);
}
