/* SPDX-License-Identifier: GPL-2.0 */
/* Owners of open files: who gets SIGIO or what F_SETSIG chose, and with whose rights. fcntl(2). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fd/dump.h"
#include "fd/restore.h"
#include "proc/list.h"
#include "proc/status.h"

#ifndef F_GETOWNER_UIDS
#define F_GETOWNER_UIDS 17 /* since Linux 3.6, with CONFIG_CHECKPOINT_RESTORE */
#endif

/* A thread besides the first is made too late in a restore to own files. */
static int check_owner_is_process(struct fd_dump *dump, const struct fd_object *obj, pid_t tid)
{
	_cleanup_close_ int procfd = proc_open_pid(tid);
	_cleanup_proc_status_ struct proc_status status = {};
	int r = procfd < 0 ? procfd : proc_read_status(procfd, &status);

	if (r < 0) /* the owner is gone */
		return 0;
	if (status.tgid != tid)
		return cr_fail(dump->ctx, -EOPNOTSUPP, FD_WHO "a file owned by thread %d of process %d isn't supported",
			       FD_WHO_ARGS(obj), tid, status.tgid);
	return 0;
}

int fown_dump(struct fd_dump *dump, const struct fd_object *obj, FownEntry *ret)
{
	struct f_owner_ex owner = {};
	uid_t uids[2] = {};
	int sig;

	fown_entry__init(ret);
	if (obj->nr < 0 || (obj->flags & O_PATH))
		return 0;
	sig = fcntl(obj->fd, F_GETSIG);
	if (sig < 0 || fcntl(obj->fd, F_GETOWN_EX, &owner) < 0)
		return cr_fail_errno(dump->ctx, -errno, FD_WHO "Can't ask for its owner", FD_WHO_ARGS(obj));
	ret->signum = sig;
	if (!owner.pid)
		return 0;
	if (fcntl(obj->fd, F_GETOWNER_UIDS, uids) < 0)
		return cr_fail_errno(dump->ctx, -errno, FD_WHO "Can't ask for its owner's user", FD_WHO_ARGS(obj));
	ret->uid = uids[0];
	ret->euid = uids[1];
	ret->pid_type = owner.type;
	ret->pid = owner.pid;
	return owner.type == F_OWNER_TID ? check_owner_is_process(dump, obj, owner.pid) : 0;
}

int fown_check(struct fd_restore *restore, const struct fd_file *file, const FownEntry *fown)
{
	if (fown->pid_type > F_OWNER_PGRP || fown->pid > INT32_MAX || fown->signum >= (uint32_t)NSIG)
		return cr_fail(restore->ctx, -EBADMSG, "files.img: file %u has an impossible owner", file->id);
	return 0;
}

/* The kernel notes the real and effective user of who sets the owner. */
static int set_owner_as(int fd, const FownEntry *fown)
{
	struct f_owner_ex owner = { .type = fown->pid_type, .pid = fown->pid };
	uid_t real, effective, saved;
	bool change;
	int r = 0;

	if (getresuid(&real, &effective, &saved) < 0)
		return -errno;
	change = real != fown->uid || effective != fown->euid;
	if (change && setresuid(fown->uid, fown->euid, effective) < 0)
		return -errno;
	if (fcntl(fd, F_SETOWN_EX, &owner) < 0)
		r = -errno;
	if (change) {
		if (setresuid(real, effective, saved) < 0)
			return -errno;
		prctl(PR_SET_DUMPABLE, 1); /* lost by the change; /proc/self is needed on */
	}
	return r;
}

int fown_restore(struct fd_restore *restore, const struct fd_file *file, int nr, const FownEntry *fown)
{
	int r;

	if (fown->signum && fcntl(nr, F_SETSIG, (int)fown->signum) < 0)
		return cr_fail_errno(restore->ctx, -errno, "Can't set the signal of descriptor %d", nr);
	if (!fown->pid)
		return 0;
	r = set_owner_as(nr, fown);
	if (r == -ESRCH) {
		log_warn(restore->ctx->log, "Descriptor %d (file %u): its owner %u isn't there any more", nr, file->id,
			 fown->pid);
		return 0;
	}
	return r < 0 ? cr_fail_errno(restore->ctx, r, "Can't set the owner of descriptor %d", nr) : 0;
}
