/* SPDX-License-Identifier: GPL-2.0 */
/* What a dump doesn't support is refused here, while nothing has been changed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dump/seccomp.h"
#include "dump/state.h"
#include "dump/unkept.h"
#include "proc/list.h"
#include "proc/parse.h"
#include "proc/status.h"

#define STATUS_MAX (1 << 20)

static const char *const namespaces[] = {
	"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "user", "time_for_children", "uts"
};

static int check_namespaces(struct dump *d, const struct task *task)
{
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
		struct stat theirs = { 0 }, ours;
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/ns/%s", namespaces[i]);
		if (stat(path, &ours) < 0) {
			if (errno == ENOENT)
				continue;
			return cr_fail_errno(d->ctx, -errno, "Can't look at %s", path);
		}
		/* A pid namespace for children doesn't show before the first child is there. */
		snprintf(path, sizeof(path), "ns/%s", namespaces[i]);
		if (fstatat(task->dump->procfd, path, &theirs, 0) < 0 && errno != ENOENT)
			return cr_fail_errno(d->ctx, -errno, "Can't look at the %s namespace of task %d", namespaces[i],
					     task->pid);
		if (theirs.st_ino != ours.st_ino || theirs.st_dev != ours.st_dev)
			return cr_fail(d->ctx, -EOPNOTSUPP,
				       "Task %d (%s): a %s namespace other than criu's isn't supported", task->pid,
				       task->dump->stat.comm, namespaces[i]);
	}
	return 0;
}

/*
 * A thread may have left the namespaces of the process: as runtimes of containers do with networks. Each look costs as
 * much as all the rest of a thread, so the others aren't looked for; the mount namespace goes with the directories.
 */
static int check_thread_network(struct dump *d, const struct task *task, pid_t tid, const struct stat *first)
{
	struct stat theirs;
	char path[64];

	snprintf(path, sizeof(path), "task/%d/ns/net", tid);
	if (fstatat(task->dump->procfd, path, &theirs, 0) < 0)
		return cr_fail_errno(d->ctx, -errno, "Can't look at the network namespace of thread %d", tid);
	if (theirs.st_ino != first->st_ino || theirs.st_dev != first->st_dev)
		return cr_fail(d->ctx, -EOPNOTSUPP,
			       "Thread %d of task %d (%s): a network namespace of its own isn't supported", tid,
			       task->pid, task->dump->stat.comm);
	return 0;
}

static int check_threads(struct dump *d, const struct task *task)
{
	struct stat net;
	bool has_net = task->nr_threads > 1 && !fstatat(task->dump->procfd, "ns/net", &net, 0);
	int r = 0;

	for (size_t i = 1; i < task->nr_threads && has_net && !r; i++)
		r = check_thread_network(d, task, task->threads[i].tid, &net);
	return r;
}

static int check_status(struct dump *d, const struct task *task, const struct baseline *base)
{
	_cleanup_proc_status_ struct proc_status st = { 0 };
	_cleanup_free_ char *text = NULL;
	const char *comm = task->dump->stat.comm;
	size_t len;
	int r = proc_read_text(task->dump->procfd, "status", STATUS_MAX, &text, &len);

	if (!r)
		r = proc_parse_status(text, len, &st);
	if (r < 0)
		return cr_fail_errno(d->ctx, r, "Can't read the status of task %d", task->pid);
	if (!(st.has & PROC_STATUS_HAS_MM))
		return cr_fail(d->ctx, -EOPNOTSUPP, "Task %d (%s) is a kernel thread", task->pid, comm);
	if (st.has & PROC_STATUS_HAS_SHSTK)
		return cr_fail(d->ctx, -EOPNOTSUPP, "Task %d (%s): a shadow stack isn't supported", task->pid, comm);
	state_of(task)->umask = st.umask;
	return check_outside(d, task, base, text);
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

static int check_uprobes(struct dump *d, const struct task *task)
{
	const struct vma_list *list = &state_of(task)->vmas;

	for (size_t i = 0; i < list->nr && !d->opts->allow_uprobes; i++)
		if (list->v[i].status & VMA_AREA_UPROBES)
			return cr_fail(d->ctx, -EOPNOTSUPP,
				       "Task %d (%s): uprobes are in use there: use --allow-uprobes", task->pid,
				       task->dump->stat.comm);
	return 0;
}

static int check_task(struct dump *d, const struct task *task, const struct baseline *base)
{
	int r = check_namespaces(d, task);

	if (!r)
		r = dump_seccomp_task(d, task);
	if (!r)
		r = check_threads(d, task);
	if (!r)
		r = check_status(d, task, base);
	if (!r)
		r = dump_list_timers(d, task);
	if (!r && owns(task, SHARE_VM))
		r = vma_collect(d->ctx, task->pid, task->dump->procfd, &state_of(task)->vmas);
	if (!r)
		r = check_uprobes(d, task);
	if (!r)
		r = dump_suspend_dispatch(d, task);
	return r;
}

int dump_check_tasks(struct dump *d)
{
	_cleanup_baseline_ struct baseline base = { 0 };
	struct task *task;
	int r = check_root_session(d);

	if (!r)
		r = baseline_read(d->ctx, &base);
	for_each_task (&d->tree, task) {
		if (r < 0)
			return r;
		r = check_exit_signal(d, task);
		if (!r && task->state != TASK_DEAD)
			r = check_task(d, task, &base);
	}
	return r;
}
