/* SPDX-License-Identifier: GPL-2.0 */
/* What a dump doesn't support is refused here, while nothing has been changed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump/state.h"
#include "proc/status.h"
#include "proc/timers.h"

static const char *const namespaces[] = { "cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts" };

static int check_namespaces(struct dump *d, const struct task *task)
{
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
		struct stat theirs, ours;
		char path[32];

		snprintf(path, sizeof(path), "ns/%s", namespaces[i]);
		if (fstatat(task->dump->procfd, path, &theirs, 0) < 0) {
			if (errno == ENOENT)
				continue;
			return cr_fail_errno(d->ctx, -errno, "Can't look at the %s namespace of task %d", namespaces[i],
					     task->pid);
		}
		snprintf(path, sizeof(path), "/proc/self/ns/%s", namespaces[i]);
		if (stat(path, &ours) < 0)
			return cr_fail_errno(d->ctx, -errno, "Can't look at %s", path);
		if (theirs.st_ino != ours.st_ino || theirs.st_dev != ours.st_dev)
			return cr_fail(d->ctx, -EOPNOTSUPP,
				       "Task %d (%s): a %s namespace other than criu's isn't supported", task->pid,
				       task->dump->stat.comm, namespaces[i]);
	}
	return 0;
}

static int check_timers(struct dump *d, const struct task *task)
{
	_cleanup_proc_timer_list_ struct proc_timer_list timers = { 0 };
	int r = proc_read_timers(task->dump->procfd, &timers);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return cr_fail_errno(d->ctx, r, "Can't read the timers of task %d", task->pid);
	if (timers.nr)
		return cr_fail(d->ctx, -EOPNOTSUPP, "Task %d (%s): POSIX timers (%zu of them) aren't supported",
			       task->pid, task->dump->stat.comm, timers.nr);
	return 0;
}

static int check_status(struct dump *d, const struct task *task)
{
	_cleanup_proc_status_ struct proc_status st = { 0 };
	const char *comm = task->dump->stat.comm;
	int r = proc_read_status(task->dump->procfd, &st);

	if (r < 0)
		return cr_fail_errno(d->ctx, r, "Can't read the status of task %d", task->pid);
	if (!(st.has & PROC_STATUS_HAS_MM))
		return cr_fail(d->ctx, -EOPNOTSUPP, "Task %d (%s) is a kernel thread", task->pid, comm);
	if (st.seccomp)
		return cr_fail(d->ctx, -EOPNOTSUPP, "Task %d (%s): seccomp (mode %u) isn't supported", task->pid, comm,
			       st.seccomp);
	if (st.has & PROC_STATUS_HAS_SHSTK)
		return cr_fail(d->ctx, -EOPNOTSUPP, "Task %d (%s): a shadow stack isn't supported", task->pid, comm);
	state_of(task)->umask = st.umask;
	return 0;
}

/* Without --shell-job a tree has to bring its session and group leaders along, or be restored without a home. */
static int check_root_session(struct dump *d)
{
	const struct task *root = d->tree.root;

	if (d->opts->shell_job)
		return 0;
	if (root->sid != root->pid && !task_tree_find(&d->tree, root->sid))
		return cr_fail(d->ctx, -EINVAL,
			       "The session leader %d of task %d (%s) is outside of the tree: use --shell-job",
			       root->sid, root->pid, root->dump->stat.comm);
	return 0;
}

int dump_check_tasks(struct dump *d)
{
	struct task *task;
	int r = check_root_session(d);

	for_each_task (&d->tree, task) {
		if (r < 0)
			return r;
		if (task->state == TASK_DEAD)
			continue;
		task->dump->state = calloc(1, sizeof(*task->dump->state));
		if (!task->dump->state)
			return -ENOMEM;
		r = check_namespaces(d, task);
		if (!r)
			r = check_status(d, task);
		if (!r)
			r = check_timers(d, task);
		if (!r)
			r = vma_collect(d->ctx, task->pid, task->dump->procfd, &state_of(task)->vmas);
	}
	return r;
}
