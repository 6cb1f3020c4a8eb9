/* SPDX-License-Identifier: GPL-2.0 */
/* What a thread is given from outside. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"
#include "task/attributes.h"
#include "task/user_dispatch.h"

#define WHO_THREAD 1 /* ioprio_set(2) */

static int set_cpus(struct cr_ctx *ctx, const AttributesEntry *e, pid_t tid, const struct own_attributes *own)
{
	unsigned char all[ATTRIBUTES_CPUS_MAX];

	if (!e->has_cpus && !own->pinned)
		return 0;
	if (!e->has_cpus) {
		/* Which of them there are, and which its cpuset has, the kernel knows. */
		memset(all, 0xff, sizeof(all));
		if (syscall(SYS_sched_setaffinity, tid, sizeof(all), all))
			log_warn(ctx->log, "Thread %d may use the CPUs of criu only: %s", tid, strerror(errno));
		return 0;
	}
	if (!syscall(SYS_sched_setaffinity, tid, e->cpus.len, e->cpus.data))
		return 0;
	if (errno == EINVAL) {
		log_warn(ctx->log, "None of the CPUs that thread %d may use is here: it may use all", tid);
		return 0;
	}
	return cr_fail_errno(ctx, -errno, "Can't set the CPU affinity of thread %d", tid);
}

int attributes_restore_thread(struct cr_ctx *ctx, const AttributesEntry *e, pid_t tid, const struct own_attributes *own)
{
	uint32_t prio = e->has_ioprio ? e->ioprio : 0;
	int r = set_cpus(ctx, e, tid, own);

	if (r < 0 || prio == own->ioprio)
		return r;
	if (syscall(SYS_ioprio_set, WHO_THREAD, tid, prio))
		return cr_fail_errno(ctx, -errno, "Can't set the I/O priority of thread %d to %#x", tid, prio);
	return 0;
}

int attributes_restore_dispatch(struct cr_ctx *ctx, const AttributesEntry *e, pid_t tid)
{
	struct user_dispatch config = { .mode = 1 };
	int r;

	if (!e->dispatch)
		return 0;
	config.selector = e->dispatch->selector;
	config.offset = e->dispatch->offset;
	config.len = e->dispatch->len;
	r = user_dispatch_set(tid, &config);
	return r < 0 ? cr_fail_errno(ctx, r, "Can't set the system call dispatch of thread %d", tid) : 0;
}

static int write_value(pid_t pid, const char *name, const char *value)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return write_file_at(AT_FDCWD, path, value, strlen(value));
}

int attributes_restore_process(struct cr_ctx *ctx, const AttributesEntry *e, pid_t pid,
			       const struct own_attributes *own, bool own_session)
{
	uint32_t filter = e->has_coredump_filter ? e->coredump_filter : ATTRIBUTES_COREDUMP_FILTER;
	char value[16];
	int r = 0;

	if (filter != own->coredump_filter) {
		snprintf(value, sizeof(value), "%#x", filter);
		r = write_value(pid, "coredump_filter", value);
		if (r < 0)
			return cr_fail_errno(ctx, r, "Can't set the coredump_filter of task %d", pid);
	}
	if (own_session && e->has_autogroup_nice) {
		snprintf(value, sizeof(value), "%d", e->autogroup_nice);
		r = write_value(pid, "autogroup", value);
		/* A kernel may be without them; they only steer who runs first. */
		if (r < 0)
			log_warn(ctx->log, "Can't set the nice value of task %d's autogroup: %s", pid, strerror(-r));
	}
	return 0;
}
