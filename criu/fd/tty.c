/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Terminals at dump. A pseudoterminal belongs to the tree if a task has its master. Any other is outside: it
 * can only be replaced, at restore, by the one that criu itself has (--shell-job).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "base/str.h"
#include "fd/reg.h"
#include "fd/registry.h"
#include "fd/tty.h"
#include "proc/stat.h"

#ifndef TIOCGEXCL
#define TIOCGEXCL _IOR('T', 0x40, int)
#endif

/* A terminal that tasks have open, described when first met. */
struct terminal {
	uint32_t id;
	enum tty_kind kind;
	int index; /* of the pseudoterminal; -1: it is none */
	struct stat st;
	int locked, exclusive, packet_mode;
	struct tty_termios termios, termios_locked;
	struct winsize winsize;
	char *who; /* for a message */
};

struct task_note {
	pid_t sid, foreground;
	dev_t tty; /* its controlling terminal, 0: none */
};

struct tty_dump {
	struct terminal *v;
	size_t nr;
	struct task_note *tasks;
	size_t nr_tasks;
};

int tty_pts_index(dev_t rdev)
{
	return major(rdev) >= 136 && major(rdev) <= 143 ? (int)(minor(rdev) + (major(rdev) - 136) * 256) : -1;
}

enum tty_kind tty_kind_of(dev_t rdev)
{
	if (tty_pts_index(rdev) >= 0)
		return TTY_SLAVE;
	if (major(rdev) == 5 && minor(rdev) <= 2)
		return minor(rdev) == 0 ? TTY_CTTY : minor(rdev) == 1 ? TTY_CONSOLE : TTY_MASTER;
	if (major(rdev) == 4)
		return minor(rdev) < 64 ? TTY_VT : TTY_SERIAL;
	return TTY_NONE;
}

static bool tty_match(const struct fd_object *obj)
{
	return S_ISCHR(obj->st.st_mode) && !(obj->flags & O_PATH) && tty_kind_of(obj->st.st_rdev) != TTY_NONE;
}

static struct tty_dump *state_of(struct fd_dump *dump)
{
	return fd_dump_state(dump, &tty_ops, sizeof(struct tty_dump));
}

static int tty_dump_task(struct fd_dump *dump, const struct fd_task *task)
{
	struct tty_dump *state = state_of(dump);
	struct proc_stat stat;
	struct task_note *grown;
	int r = state ? proc_read_stat(task->procfd, &stat) : -ENOMEM;

	if (r < 0)
		return cr_fail_errno(dump->ctx, r, "task %d (%s): Can't read its terminal", task->pid, task->comm);
	grown = reallocarray(state->tasks, state->nr_tasks + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	state->tasks = grown;
	grown[state->nr_tasks++] = (struct task_note){ stat.session, stat.tpgid, (uint32_t)stat.tty_nr };
	return 0;
}

/* -1 if it isn't one; -errno if the terminal has been hung up. */
static int find_index(const struct fd_object *obj, enum tty_kind kind, int *ret)
{
	unsigned int n;

	*ret = tty_pts_index(obj->st.st_rdev);
	if (kind == TTY_MASTER) {
		if (ioctl(obj->fd, TIOCGPTN, &n) < 0)
			return -errno;
		*ret = n;
	} else if (kind == TTY_CTTY) {
		if (ioctl(obj->fd, TIOCGDEV, &n) < 0)
			return -errno;
		*ret = tty_pts_index(n);
	}
	return 0;
}

static int read_terminal(struct fd_dump *dump, const struct fd_object *obj, struct terminal *t)
{
	int r = tty_get_termios(obj->fd, false, &t->termios), waiting = 0;

	if (!r)
		r = tty_get_termios(obj->fd, true, &t->termios_locked);
	if (!r && (ioctl(obj->fd, TIOCGWINSZ, &t->winsize) < 0 || ioctl(obj->fd, TIOCGEXCL, &t->exclusive) < 0))
		r = -errno;
	if (!r && t->kind == TTY_MASTER &&
	    (ioctl(obj->fd, TIOCGPTLCK, &t->locked) < 0 || ioctl(obj->fd, TIOCGPKT, &t->packet_mode) < 0))
		r = -errno;
	if (r < 0)
		return r;
	if (!ioctl(obj->fd, FIONREAD, &waiting) && waiting)
		log_warn(dump->ctx->log, FD_WHO "%d bytes that wait in the terminal aren't dumped", FD_WHO_ARGS(obj),
			 waiting);
	return 0;
}

static int add_terminal(struct fd_dump *dump, struct tty_dump *state, const struct fd_object *obj, int index,
			struct terminal **ret)
{
	struct terminal *t = reallocarray(state->v, state->nr + 1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	state->v = t;
	t += state->nr;
	*t = (struct terminal){ .id = state->nr + 1, .kind = tty_kind_of(obj->st.st_rdev), .index = index };
	t->st = obj->st;
	r = read_terminal(dump, obj, t);
	if (r == -EIO)
		return fd_refuse(dump, obj, "a terminal that was hung up");
	if (r < 0)
		return cr_fail_errno(dump->ctx, r, FD_WHO "Can't read the terminal's settings", FD_WHO_ARGS(obj));
	t->who = str_printf("task %d (%s): descriptor %d (%s)", obj->task->pid, obj->task->comm, obj->nr, obj->link);
	if (!t->who)
		return -ENOMEM;
	state->nr++;
	*ret = t;
	return 0;
}

static int find_terminal(struct fd_dump *dump, struct tty_dump *state, const struct fd_object *obj,
			 struct terminal **ret)
{
	enum tty_kind kind = tty_kind_of(obj->st.st_rdev);
	int index, r = find_index(obj, kind, &index);

	if (r == -EIO || str_ends(obj->link, " (deleted)"))
		return fd_refuse(dump, obj, "a terminal that was hung up");
	if (r < 0)
		return cr_fail_errno(dump->ctx, r, FD_WHO "Can't tell which terminal it is", FD_WHO_ARGS(obj));
	for (size_t i = 0; i < state->nr; i++) {
		struct terminal *t = &state->v[i];

		if (t->kind != kind || t->index != index || t->st.st_rdev != obj->st.st_rdev)
			continue;
		/* A master is opened once; its number may be used again in another instance of devpts. */
		if (kind == TTY_MASTER || (kind == TTY_SLAVE && t->st.st_dev != obj->st.st_dev))
			return fd_refuse(dump, obj, "a terminal of another devpts");
		*ret = t;
		return 0;
	}
	return add_terminal(dump, state, obj, index, ret);
}

static int tty_dump(struct fd_dump *dump, const struct fd_object *obj)
{
	struct tty_dump *state = state_of(dump);
	TtyFileEntry entry = TTY_FILE_ENTRY__INIT;
	struct terminal *terminal = NULL;
	FownEntry fown, none = FOWN_ENTRY__INIT;
	int r = state ? find_terminal(dump, state, obj, &terminal) : -ENOMEM;

	if (!r)
		r = fown_dump(dump, obj, &fown);
	if (r < 0)
		return r;
	entry.id = obj->id;
	entry.tty_info_id = terminal->id;
	entry.flags = obj->flags;
	entry.fown = &fown;
	entry.has_regf_id = true;
	entry.regf_id = fd_dump_new_id(dump);
	r = reg_dump_as(dump, obj, entry.regf_id, obj->flags, &none);
	return r < 0 ? r : fd_dump_write(dump, FD_TYPES__TTY, obj->id, &entry.base);
}

static const struct terminal *master_of(const struct tty_dump *state, int index)
{
	for (size_t i = 0; i < state->nr; i++)
		if (state->v[i].kind == TTY_MASTER && state->v[i].index == index)
			return &state->v[i];
	return NULL;
}

/* A task that the terminal controls. */
static const struct task_note *controlled_by(const struct tty_dump *state, const struct terminal *t)
{
	for (size_t i = 0; i < state->nr_tasks; i++) {
		const struct task_note *task = &state->tasks[i];

		if (task->tty && (t->index >= 0 ? tty_pts_index(task->tty) == t->index : task->tty == t->st.st_rdev))
			return task;
	}
	return NULL;
}

/* OUTSIDE is the index of a terminal outside that was met before. */
static int check_outside(struct fd_dump *dump, const struct terminal *t, int *outside)
{
	char key[32];

	snprintf(key, sizeof(key), "tty[%x:%x]", (uint32_t)t->st.st_rdev, (uint32_t)t->st.st_dev);
	for (size_t i = 0; i < dump->opts->external.nr; i++)
		if (!strcmp(dump->opts->external.v[i], key))
			return 0;
	if (!dump->opts->shell_job)
		return cr_fail(dump->ctx, -EOPNOTSUPP,
			       "%s: the terminal's other end is outside the tree; if the task is a job of a shell, "
			       "use --shell-job, else --external %s",
			       t->who, key);
	if (*outside >= 0 && *outside != t->index)
		return cr_fail(dump->ctx, -EOPNOTSUPP, "%s: a second terminal outside the tree isn't supported",
			       t->who);
	*outside = t->index;
	return 0;
}

static TtyType type_of(enum tty_kind kind)
{
	static const TtyType types[] = {
		[TTY_MASTER] = TTY_TYPE__PTY,	   [TTY_SLAVE] = TTY_TYPE__PTY, [TTY_CTTY] = TTY_TYPE__CTTY,
		[TTY_CONSOLE] = TTY_TYPE__CONSOLE, [TTY_VT] = TTY_TYPE__VT,	[TTY_SERIAL] = TTY_TYPE__SERIAL,
	};

	return types[kind];
}

static int write_terminal(struct fd_dump *dump, const struct terminal *t, const struct task_note *task)
{
	uint32_t words[TTY_NCCS], words_locked[TTY_NCCS];
	TermiosEntry termios, locked;
	WinsizeEntry winsize = WINSIZE_ENTRY__INIT;
	TtyPtyEntry pty = TTY_PTY_ENTRY__INIT;
	TtyInfoEntry entry = TTY_INFO_ENTRY__INIT;

	tty_termios_to_entry(&t->termios, &termios, words);
	tty_termios_to_entry(&t->termios_locked, &locked, words_locked);
	winsize.ws_row = t->winsize.ws_row;
	winsize.ws_col = t->winsize.ws_col;
	winsize.ws_xpixel = t->winsize.ws_xpixel;
	winsize.ws_ypixel = t->winsize.ws_ypixel;
	entry.id = t->id;
	entry.type = type_of(t->kind);
	entry.locked = t->locked;
	entry.exclusive = t->exclusive;
	entry.packet_mode = t->packet_mode;
	entry.sid = task ? task->sid : 0;
	entry.pgrp = task && task->foreground > 0 ? task->foreground : 0;
	entry.rdev = t->st.st_rdev;
	entry.termios = &termios;
	entry.termios_locked = &locked;
	entry.winsize = &winsize;
	if (t->index >= 0) {
		pty.index = t->index;
		entry.pty = &pty;
	}
	entry.has_dev = entry.has_uid = entry.has_gid = true;
	entry.dev = t->st.st_dev;
	entry.uid = t->st.st_uid;
	entry.gid = t->st.st_gid;
	return fd_dump_append(dump, IMG_TTY_INFO, &entry.base, NULL, 0);
}

static int tty_dump_end(struct fd_dump *dump, bool ok)
{
	struct tty_dump *state = dump->state[fd_ops_index(&tty_ops)];
	int outside = -1, r = 0;

	if (!state)
		return 0;
	for (size_t i = 0; i < state->nr && ok && !r; i++) {
		const struct terminal *t = &state->v[i];
		const struct task_note *task = controlled_by(state, t);

		if ((t->kind == TTY_SLAVE || t->kind == TTY_CTTY) && !master_of(state, t->index))
			r = check_outside(dump, t, &outside);
		if (!r)
			r = write_terminal(dump, t, task);
	}
	for (size_t i = 0; i < state->nr; i++)
		free(state->v[i].who);
	free(state->v);
	free(state->tasks);
	return r;
}

const struct fd_ops tty_ops = {
	.name = "a terminal",
	.type = FD_TYPES__TTY,
	.member = offsetof(FileEntry, tty),
	.old_kind = IMG_TTY_FILES,
	.match = tty_match,
	.dump_task = tty_dump_task,
	.dump = tty_dump,
	.dump_end = tty_dump_end,
	.read = tty_read,
	.check = tty_check,
	.key = tty_key,
	.open = tty_open,
	.session = tty_session,
	.finish = tty_finish,
	.task = tty_task,
	.free = tty_free,
};
