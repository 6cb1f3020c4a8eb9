/* SPDX-License-Identifier: GPL-2.0 */
#include "dump/unkept.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/prctl.h"
#include "proc/parse.h"

#define TEXT_MAX (1 << 20)

int refuse_state(struct dump *d, const struct task *task, const char *what)
{
	return cr_fail(d->ctx, -EOPNOTSUPP, "Task %d (%s): %s isn't supported", task->pid, task->dump->stat.comm, what);
}

void warn_state(struct dump *d, const struct task *task, const char *what)
{
	log_warn(d->ctx->log, "Task %d (%s): %s won't be restored", task->pid, task->dump->stat.comm, what);
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

static int check_tagging(struct dump *d, const struct task *task, const struct baseline *base, const char *status)
{
	size_t len, own_len;
	const char *value = find_line(status, "untag_mask", &len);
	const char *own = find_line(base->status, "untag_mask", &own_len);

	if (len != own_len || memcmp(value, own, len))
		return refuse_state(d, task, "address tagging (ARCH_ENABLE_TAGGED_ADDR)");
	return 0;
}

static int check_cgroups(struct dump *d, const struct task *task, const struct baseline *base)
{
	_cleanup_free_ char *cgroup = NULL;
	size_t len;
	int r;

	r = proc_read_text(task->dump->procfd, "cgroup", TEXT_MAX, &cgroup, &len);
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

/* What a restore can't give to clone(2), or only with SIGCHLD, or what would end or stop the parent once more. */
int check_exit_signal(struct dump *d, const struct task *task)
{
	int sig = task->dump->stat.exit_signal;

	if (!task->parent || sig == SIGCHLD)
		return 0;
	if (sig < 0 || sig >= NSIG)
		return refuse_state(d, task, "an exit signal that doesn't exist (clone(2))");
	if (task->born == BORN_ELSEWHERE)
		return refuse_state(d, task,
				    "an exit signal other than SIGCHLD in a session that its parent can't give");
	if (task->state == TASK_DEAD && (sig == SIGKILL || sig == SIGSTOP))
		return refuse_state(d, task, "as a zombie the exit signal SIGKILL or SIGSTOP (clone(2))");
	return 0;
}

/* What each thread may have of its own. A kernel without one of them says so for the first thread. */
static int check_threads_own(struct dump *d, const struct task *task)
{
	bool has_ports = true, has_cookies = true;

	for (size_t i = 0; i < task->nr_threads && (has_ports || has_cookies); i++) {
		pid_t tid = task->threads[i].tid;
		uint8_t ports[8];
		struct iovec iov = { ports, sizeof(ports) };
		unsigned long cookie = 0;

		if (has_ports && !ptrace(PTRACE_GETREGSET, tid, NT_386_IOPERM, &iov))
			return refuse_state(d, task, "access to I/O ports (ioperm)");
		has_ports = has_ports && errno != EINVAL;
		if (has_cookies && prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, tid, 0, &cookie))
			has_cookies = false;
		if (cookie)
			return refuse_state(d, task, "a core scheduling cookie (PR_SCHED_CORE)");
	}
	return 0;
}

int check_outside(struct dump *d, const struct task *task, const struct baseline *base, const char *status)
{
	int r = check_tagging(d, task, base, status);

	if (!r)
		r = check_semaphores(d, task, base);
	if (!r)
		r = check_cgroups(d, task, base);
	if (!r)
		r = check_threads_own(d, task);
	return r;
}
