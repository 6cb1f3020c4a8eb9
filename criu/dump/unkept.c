/* SPDX-License-Identifier: GPL-2.0 */
#include "dump/unkept.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "proc/parse.h"
#include "proc/values.h"
#include "task/sched_attr.h"

#define TEXT_MAX (1 << 20)

#ifndef PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG
#define PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG 0x4211
#endif
#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE 62
#endif
#define SCHED_CORE_GET 0

/* ioprio_get(2): the C library has no names for these. */
#define IOPRIO_OF_THREAD   1
#define IOPRIO_CLASS(prio) ((prio) >> 13)

/* What ptrace(2) tells of prctl(PR_SET_SYSCALL_USER_DISPATCH). */
struct user_dispatch {
	uint64_t mode, selector, offset, len;
};

int refuse_state(struct dump *d, const struct task *task, const char *what)
{
	return cr_fail(d->ctx, -EOPNOTSUPP, "Task %d (%s): %s isn't supported", task->pid, task->dump->stat.comm, what);
}

void warn_state(struct dump *d, const struct task *task, const char *what)
{
	log_warn(d->ctx->log, "Task %d (%s): %s won't be restored", task->pid, task->dump->stat.comm, what);
}

static uint64_t get_slice(pid_t tid)
{
	struct sched_attr_v0 attr = { .size = sizeof(attr) };

	if (syscall(SYS_sched_getattr, tid, &attr, sizeof(attr), 0) < 0)
		return 0;
	return attr.policy == SCHED_OTHER || attr.policy == SCHED_BATCH ? attr.runtime : 0;
}

/* More than one number stands there: "0-1", "0,2". */
static bool has_several(const char *path)
{
	char text[64];
	size_t len;

	return !proc_read_small(AT_FDCWD, path, text, sizeof(text), &len) && strpbrk(text, "-,");
}

static bool has_semaphores(void)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	const char *line;

	if (proc_read_text(AT_FDCWD, "/proc/sysvipc/sem", TEXT_MAX, &text, &len))
		return false;
	line = strchr(text, '\n');
	return line && line[1];
}

int baseline_read(struct cr_ctx *ctx, struct baseline *ret)
{
	_cleanup_close_ int self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct baseline base = { 0 };
	size_t len;
	int r;

	if (self < 0)
		return cr_fail_errno(ctx, -errno, "Can't open /proc/self");
	r = proc_read_text(self, "status", TEXT_MAX, &base.status, &len);
	if (!r)
		r = proc_read_text(self, "cgroup", TEXT_MAX, &base.cgroup, &len);
	if (r < 0) {
		baseline_free(&base);
		return cr_fail_errno(ctx, r, "Can't read what criu itself has");
	}
	/* Where the kernel doesn't have them the tasks don't either. */
	proc_read_timerslack(self, &base.timer_slack);
	proc_read_coredump_filter(self, &base.coredump_filter);
	base.slice = get_slice(0);
	base.keyring = syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3 /* the session's */, 0);
	base.several_nodes = has_several("/sys/devices/system/node/online");
	base.semaphores = has_semaphores();
	*ret = base;
	return 0;
}

void baseline_free(struct baseline *base)
{
	free(base->status);
	free(base->cgroup);
	*base = (struct baseline){ 0 };
}

/* The value of a line "KEY:\tVALUE\n"; *LEN is 0 where there is none. */
static const char *find_line(const char *text, const char *key, size_t *len)
{
	const char *at = text;

	*len = 0;
	while ((at = strstr(at, key))) {
		if ((at == text || at[-1] == '\n') && at[strlen(key)] == ':') {
			at += strlen(key) + 1;
			at += strspn(at, " \t");
			*len = strcspn(at, "\n");
			return at;
		}
		at++;
	}
	return "";
}

static int check_status_lines(struct dump *d, const struct task *task, const struct baseline *base, const char *status)
{
	static const char *const keys[] = { "Speculation_Store_Bypass", "SpeculationIndirectBranch", "untag_mask" };
	static const char *const names[] = {
		"its own control of speculative store bypass (PR_SET_SPECULATION_CTRL)",
		"its own control of speculative indirect branches (PR_SET_SPECULATION_CTRL)",
		"address tagging (ARCH_ENABLE_TAGGED_ADDR)",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		size_t len, own_len;
		const char *value = find_line(status, keys[i], &len);
		const char *own = find_line(base->status, keys[i], &own_len);

		if (len != own_len || memcmp(value, own, len))
			return refuse_state(d, task, names[i]);
	}
	return 0;
}

/* Values in files of their own. All of them only steer how well it runs, or what a crash leaves. */
static int check_values(struct dump *d, const struct task *task, const struct baseline *base)
{
	_cleanup_free_ char *cgroup = NULL;
	int procfd = task->dump->procfd, nice;
	char autogroup[64];
	uint64_t slack;
	uint32_t filter;
	size_t len;
	int r;

	/* A real-time task has none. */
	if (!proc_read_timerslack(procfd, &slack) && slack && slack != base->timer_slack)
		warn_state(d, task, "its timer slack (PR_SET_TIMERSLACK)");
	if (!proc_read_coredump_filter(procfd, &filter) && filter != base->coredump_filter)
		warn_state(d, task, "its coredump_filter");
	if (!proc_read_small(procfd, "autogroup", autogroup, sizeof(autogroup), &len) &&
	    sscanf(autogroup, "/autogroup-%*u nice %d", &nice) == 1 && nice)
		warn_state(d, task, "the nice value of its autogroup");
	r = proc_read_text(procfd, "cgroup", TEXT_MAX, &cgroup, &len);
	if (r < 0)
		return cr_fail_errno(d->ctx, r, "Can't read the control groups of task %d", task->pid);
	if (strcmp(cgroup, base->cgroup))
		warn_state(d, task, "its place in control groups other than criu's");
	return 0;
}

/*
 * What semop(2) with SEM_UNDO would take back at exit. A task that never used it has no list, as we have none; threads
 * get one, empty or not, as soon as there are two.
 */
static int check_semaphores(struct dump *d, const struct task *task, const struct baseline *base)
{
	int order;

	if (!base->semaphores)
		return 0;
	order = syscall(SYS_kcmp, task->pid, getpid(), KCMP_SYSVSEM, 0, 0);
	if (order <= 0)
		return 0;
	if (task->nr_threads == 1)
		return refuse_state(d, task, "a list of System V semaphore operations to undo (SEM_UNDO)");
	warn_state(d, task, "what it may have to undo on System V semaphores (SEM_UNDO)");
	return 0;
}

static int check_process(struct dump *d, const struct task *task)
{
	uint8_t ports[8];
	struct iovec iov = { ports, sizeof(ports) };

	if (task->parent && task->dump->stat.exit_signal != SIGCHLD)
		return refuse_state(d, task, "an exit signal other than SIGCHLD (clone(2))");
	if (!ptrace(PTRACE_GETREGSET, task->pid, NT_386_IOPERM, &iov))
		return refuse_state(d, task, "access to I/O ports (ioperm)");
	return 0;
}

/* What each thread may have of its own; what is only warned about is named once. */
struct seen {
	bool ioprio, slice;
};

static int check_thread(struct dump *d, const struct task *task, size_t i, const struct baseline *base,
			struct seen *seen)
{
	pid_t tid = task->threads[i].tid;
	struct user_dispatch dispatch = { 0 };
	unsigned long cookie = 0;
	uint64_t slice = get_slice(tid);
	long prio;

	if (!ptrace(PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, tid, sizeof(dispatch), &dispatch) && dispatch.mode)
		return refuse_state(d, task, "system call user dispatch (PR_SET_SYSCALL_USER_DISPATCH)");
	if (!prctl(PR_SCHED_CORE, SCHED_CORE_GET, tid, 0, &cookie) && cookie)
		return refuse_state(d, task, "a core scheduling cookie (PR_SCHED_CORE)");
	prio = syscall(SYS_ioprio_get, IOPRIO_OF_THREAD, tid);
	if (!seen->ioprio && prio >= 0 && IOPRIO_CLASS(prio)) {
		warn_state(d, task, "its I/O priority (ioprio_set)");
		seen->ioprio = true;
	}
	if (!seen->slice && slice && base->slice && slice != base->slice) {
		warn_state(d, task, "its scheduling slice (sched_setattr)");
		seen->slice = true;
	}
	return 0;
}

int check_outside(struct dump *d, const struct task *task, const struct baseline *base, const char *status)
{
	struct seen seen = { 0 };
	int r = check_status_lines(d, task, base, status);

	if (!r)
		r = check_process(d, task);
	if (!r)
		r = check_semaphores(d, task, base);
	if (!r)
		r = check_values(d, task, base);
	for (size_t i = 0; i < task->nr_threads && !r; i++)
		r = check_thread(d, task, i, base, &seen);
	return r;
}
