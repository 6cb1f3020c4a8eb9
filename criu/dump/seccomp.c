/* SPDX-License-Identifier: GPL-2.0 */
#include "dump/seccomp.h"

#include <errno.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "image/image.h"
#include "proc/list.h"
#include "proc/status.h"
#include "seccomp.pb-c.h"

/* An image says so of filters that all threads of their processes have. */
#define FOR_ALL_THREADS SECCOMP_FILTER_FLAG_TSYNC

/* ptrace(2) as the kernel has it: glibc's <sys/ptrace.h> and <linux/ptrace.h> don't go together. */
static long trace(long request, pid_t tid, unsigned long addr, void *data)
{
	return syscall(SYS_ptrace, request, tid, addr, data) < 0 ? -errno : 0;
}

/*
 * Most threads can be told without reading a file: one with a filter by ptrace(2), a strict one because it can be in
 * none but a few system calls, or in the one that has made it strict.
 */
static bool is_free_of_seccomp(const struct compel_thread *th)
{
#if defined(__x86_64__)
	const long nr = th->regs.orig_rax;

	if (nr < 0 || nr == SYS_read || nr == SYS_write || nr == SYS_exit || nr == SYS_rt_sigreturn ||
	    nr == SYS_prctl || nr == SYS_seccomp)
		return false;
	return trace(PTRACE_SECCOMP_GET_FILTER, th->tid, 0, NULL) == -EINVAL;
#else
	return false;
#endif
}

static int read_mode(struct dump *d, const struct task *task, size_t i, unsigned *ret)
{
	_cleanup_proc_status_ struct proc_status st = { 0 };
	_cleanup_close_ int tidfd = -1;
	pid_t tid = task->threads[i].tid;
	int r;

	*ret = SECCOMP_MODE_DISABLED;
	if (is_free_of_seccomp(&task->dump->threads[i]))
		return 0;
	tidfd = proc_open_tid(task->dump->procfd, tid);
	r = tidfd < 0 ? tidfd : proc_read_status(tidfd, &st);
	if (r < 0)
		return cr_fail_errno(d->ctx, r, "Can't read the status of thread %d", tid);
	*ret = st.seccomp;
	return 0;
}

static int refuse_thread(struct dump *d, const struct task *task, pid_t tid, const char *what)
{
	return cr_fail(d->ctx, -EOPNOTSUPP, "Thread %d of task %d (%s): %s isn't supported", tid, task->pid,
		       task->dump->stat.comm, what);
}

/* The filters from the first that was installed on; *RET is the last. */
static int read_filters(struct dump *d, const struct task *task, pid_t tid, uint32_t *ret)
{
	struct sock_filter code[BPF_MAXINSNS];
	int r;

	*ret = SECCOMP_NONE;
	for (unsigned long n = 0;; n++) {
		struct seccomp_metadata meta = { .filter_off = n };
		long nr = syscall(SYS_ptrace, PTRACE_SECCOMP_GET_FILTER, tid, n, code);

		if (nr < 0 && errno == ENOENT)
			return 0;
		if (nr < 0 && errno == EACCES)
			return cr_fail(d->ctx, -EACCES,
				       "Seccomp filters of thread %d: to read them takes CAP_SYS_ADMIN and a criu that "
				       "has no seccomp itself",
				       tid);
		if (nr < 0)
			return cr_fail_errno(d->ctx, -errno, "Can't read seccomp filter %lu of thread %d", n, tid);
		/* Before Linux 4.16 there are no flags, either. */
		r = trace(PTRACE_SECCOMP_GET_METADATA, tid, sizeof(meta), &meta);
		if (r < 0)
			return cr_fail_errno(d->ctx, r, "Can't read the flags of seccomp filter %lu of thread %d", n,
					     tid);
		if (meta.flags & ~(uint64_t)SECCOMP_FILTER_FLAG_LOG)
			return refuse_thread(d, task, tid, "a seccomp filter with flags that are new to us");
		if (seccomp_code_returns(code, nr, SECCOMP_RET_USER_NOTIF))
			return refuse_thread(d, task, tid, "a seccomp filter with user notification");
		r = seccomp_set_add(&d->seccomp, *ret, code, nr, meta.flags, ret);
		if (r < 0)
			return r;
	}
}

static int dump_thread(struct dump *d, const struct task *task, size_t i, unsigned mode)
{
	struct dump_state *s = state_of(task);
	pid_t tid = task->threads[i].tid;
	int r;

	if (!s->seccomp) {
		s->seccomp = calloc(task->nr_threads, sizeof(*s->seccomp));
		if (!s->seccomp)
			return -ENOMEM;
		for (size_t k = 0; k < task->nr_threads; k++)
			s->seccomp[k].top = SECCOMP_NONE;
	}
	s->seccomp[i].mode = mode;
	switch (mode) {
	case SECCOMP_MODE_STRICT:
		break;
	case SECCOMP_MODE_FILTER:
		r = read_filters(d, task, tid, &s->seccomp[i].top);
		if (r < 0)
			return r;
		break;
	default:
		return refuse_thread(d, task, tid, "a seccomp mode that is new to us");
	}
	r = compel_set_flags(tid, COMPEL_SEIZE_SUSPEND_SECCOMP);
	if (r == -EPERM)
		return cr_fail(d->ctx, r,
			       "Seccomp of thread %d: to suspend it takes CAP_SYS_ADMIN and a criu that has no seccomp "
			       "itself",
			       tid);
	return r < 0 ? cr_fail_errno(d->ctx, r, "Can't suspend the seccomp of thread %d", tid) : 0;
}

static int mark_partial(struct dump *d, const struct task *task)
{
	const struct dump_state *s = state_of(task);
	_cleanup_free_ uint32_t *tops = NULL;

	if (!s->seccomp)
		return 0;
	tops = calloc(task->nr_threads, sizeof(*tops));
	if (!tops)
		return -ENOMEM;
	for (size_t i = 0; i < task->nr_threads; i++)
		tops[i] = s->seccomp[i].top;
	return seccomp_set_mark_partial(&d->seccomp, tops, task->nr_threads);
}

int dump_seccomp_task(struct dump *d, const struct task *task)
{
	int r = 0;

	for (size_t i = 0; i < task->nr_threads && !r; i++) {
		unsigned mode;

		r = read_mode(d, task, i, &mode);
		if (!r && mode != SECCOMP_MODE_DISABLED)
			r = dump_thread(d, task, i, mode);
	}
	return r ?: mark_partial(d, task);
}

void dump_seccomp_core(const struct task *task, size_t i, ThreadCoreEntry *core)
{
	const struct dump_seccomp *s = state_of(task)->seccomp;

	if (!s || s[i].mode == SECCOMP_MODE_DISABLED)
		return;
	core->has_seccomp_mode = true;
	core->seccomp_mode = s[i].mode == SECCOMP_MODE_STRICT ? SECCOMP_MODE__strict : SECCOMP_MODE__filter;
	core->has_seccomp_filter = s[i].top != SECCOMP_NONE;
	core->seccomp_filter = core->has_seccomp_filter ? s[i].top : 0;
}

int dump_seccomp_image(struct dump *d)
{
	const struct seccomp_set *set = &d->seccomp;
	_cleanup_free_ SeccompFilter *filters = calloc(set->nr ?: 1, sizeof(*filters));
	_cleanup_free_ SeccompFilter **v = calloc(set->nr ?: 1, sizeof(*v));
	SeccompEntry entry = SECCOMP_ENTRY__INIT;
	int r;

	if (!filters || !v)
		return -ENOMEM;
	for (uint32_t i = 0; i < set->nr; i++) {
		const struct seccomp_filter_entry *e = &set->v[i];

		seccomp_filter__init(&filters[i]);
		filters[i].filter.data = (uint8_t *)e->code;
		filters[i].filter.len = e->nr * sizeof(*e->code);
		filters[i].has_prev = e->prev != SECCOMP_NONE;
		filters[i].prev = filters[i].has_prev ? e->prev : 0;
		filters[i].flags = e->flags | (e->partial ? 0 : FOR_ALL_THREADS);
		filters[i].has_flags = filters[i].flags != 0;
		v[i] = &filters[i];
	}
	entry.n_seccomp_filters = set->nr;
	entry.seccomp_filters = v;
	r = image_write_single(d->images_dirfd, IMG_SECCOMP, &entry.base);
	return r < 0 ? cr_fail_errno(d->ctx, r, "Can't write seccomp.img") : 0;
}
