/* SPDX-License-Identifier: GPL-2.0 */
/* attributes.img: what of threads and tasks differs from the kernel's defaults and has no place in CRIU's images. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <linux/prctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attributes.pb-c.h"
#include "base/cleanup.h"
#include "dump/state.h"
#include "image/image.h"
#include "proc/parse.h"
#include "proc/values.h"
#include "task/attributes.h"
#include "task/sched_attr.h"

/* One entry while it is made. */
struct draft {
	AttributesEntry e;
	bool any; /* there is something to say */
	SchedTimes sched;
	MemoryPolicy policy;
	UserDispatch dispatch;
	unsigned char cpus[ATTRIBUTES_CPUS_MAX];
	AreaPolicy *areas; /* owned, as the messages behind them */
	AreaPolicy **area_refs;
};

/* What the writing of one image needs to know once. */
struct writer {
	struct dump *d;
	struct image *img; /* created with the first entry */
	long cpus_online;
	uint64_t default_slice; /* ns; 0: not known */
};

/* ---- a thread ------------------------------------------------------------------------------------------------ */

static int get_sched(pid_t tid, struct sched_attr_v0 *ret)
{
	*ret = (struct sched_attr_v0){ .size = sizeof(*ret) };
	return syscall(SYS_sched_getattr, tid, ret, sizeof(*ret), 0) < 0 ? -errno : 0;
}

/* What the kernel gives. This process ends with the dump: its own slice doesn't matter. */
static uint64_t find_default_slice(void)
{
	struct sched_attr_v0 attr;

	if (get_sched(0, &attr) || attr.policy != SCHED_OTHER || !attr.runtime)
		return 0;
	attr.runtime = 0;
	if (syscall(SYS_sched_setattr, 0, &attr, 0) || get_sched(0, &attr))
		return 0;
	return attr.runtime;
}

static int put_sched(const struct writer *w, pid_t tid, struct draft *t)
{
	struct sched_attr_v0 attr;
	int r = get_sched(tid, &attr);

	if (r < 0)
		return cr_fail_errno(w->d->ctx, r, "Can't read the scheduling of thread %d", tid);
	sched_times__init(&t->sched);
	t->sched.runtime = attr.runtime;
	if (attr.policy == SCHED_DEADLINE) {
		t->sched.has_deadline = t->sched.has_period = t->sched.has_flags = true;
		t->sched.deadline = attr.deadline;
		t->sched.period = attr.period;
		t->sched.flags = attr.flags & SCHED_ATTR_DEADLINE_FLAGS;
	} else if ((attr.policy != SCHED_OTHER && attr.policy != SCHED_BATCH) || !attr.runtime ||
		   attr.runtime == w->default_slice) {
		return 0;
	}
	t->e.sched = &t->sched;
	t->any = true;
	return 0;
}

static int put_cpus(const struct writer *w, pid_t tid, struct draft *t)
{
	long len = syscall(SYS_sched_getaffinity, tid, sizeof(t->cpus), t->cpus);

	if (len < 0)
		return cr_fail_errno(w->d->ctx, -errno, "Can't read the CPU affinity of thread %d", tid);
	if (attributes_all_cpus(t->cpus, len, w->cpus_online))
		return 0;
	t->e.has_cpus = t->any = true;
	t->e.cpus = (ProtobufCBinaryData){ len, t->cpus };
	return 0;
}

static void fill_policy(const struct parasite_policy *p, MemoryPolicy *ret)
{
	memory_policy__init(ret);
	ret->mode = p->mode;
	ret->nodes = (ProtobufCBinaryData){ sizeof(p->nodes), (uint8_t *)p->nodes };
	while (ret->nodes.len && !ret->nodes.data[ret->nodes.len - 1])
		ret->nodes.len--;
}

/* FIELD is recorded if VALUE isn't what a thread has by default. */
#define PUT(t, field, value, dfl)                                                                                      \
	do {                                                                                                           \
		if ((value) != (dfl)) {                                                                                \
			(t)->e.has_##field = (t)->any = true;                                                          \
			(t)->e.field = (value);                                                                        \
		}                                                                                                      \
	} while (0)

static int32_t own_speculation(int32_t value, int32_t dfl)
{
	return value > 0 && (value & PR_SPEC_PRCTL) ? value & ~PR_SPEC_PRCTL : dfl;
}

static void put_inside(const struct parasite_thread *in, uint32_t personality, struct draft *t)
{
	if (in->ioprio > 0 && ATTRIBUTES_IOPRIO_CLASS(in->ioprio))
		PUT(t, ioprio, (uint32_t)in->ioprio, 0u);
	PUT(t, timer_slack, in->timer_slack, ATTRIBUTES_TIMER_SLACK);
	PUT(t, timer_slack_default, in->timer_slack_default, in->timer_slack ? ATTRIBUTES_TIMER_SLACK : 0);
	PUT(t, personality, in->personality, personality);
	PUT(t, store_bypass, (uint32_t)own_speculation(in->speculation[0], PR_SPEC_ENABLE), PR_SPEC_ENABLE);
	PUT(t, indirect_branch, (uint32_t)own_speculation(in->speculation[1], PR_SPEC_ENABLE), PR_SPEC_ENABLE);
	PUT(t, l1d_flush, (uint32_t)own_speculation(in->speculation[2], PR_SPEC_DISABLE), PR_SPEC_DISABLE);
	PUT(t, tsc, (uint32_t)in->tsc, PR_TSC_ENABLE);
	PUT(t, cpuid_faults, !in->cpuid, false);
	PUT(t, mce_kill, (uint32_t)(in->mce_kill < 0 ? PR_MCE_KILL_DEFAULT : in->mce_kill), PR_MCE_KILL_DEFAULT);
	PUT(t, io_flusher, in->io_flusher > 0, false);
	if (in->policy.mode != MPOL_DEFAULT) {
		fill_policy(&in->policy, &t->policy);
		t->e.policy = &t->policy;
		t->any = true;
	}
}

static void put_dispatch(const struct user_dispatch *config, struct draft *t)
{
	if (!config->mode)
		return;
	user_dispatch__init(&t->dispatch);
	t->dispatch.selector = config->selector;
	t->dispatch.offset = config->offset;
	t->dispatch.len = config->len;
	t->e.dispatch = &t->dispatch;
	t->any = true;
}

/* ---- a process ----------------------------------------------------------------------------------------------- */

static int autogroup_nice(int procfd)
{
	char text[64];
	size_t len;
	int nice;

	if (proc_read_small(procfd, "autogroup", text, sizeof(text), &len) ||
	    sscanf(text, "/autogroup-%*u nice %d", &nice) != 1)
		return 0;
	return nice;
}

static int put_areas(const struct dump_state *s, struct draft *t)
{
	MemoryPolicy *policies;

	if (!s->nr_policies)
		return 0;
	t->areas = calloc(s->nr_policies, sizeof(*t->areas) + sizeof(*policies));
	t->area_refs = calloc(s->nr_policies, sizeof(*t->area_refs));
	if (!t->areas || !t->area_refs)
		return -ENOMEM;
	policies = (MemoryPolicy *)(t->areas + s->nr_policies);
	for (size_t i = 0; i < s->nr_policies; i++) {
		area_policy__init(&t->areas[i]);
		fill_policy(&s->policies[i], &policies[i]);
		t->areas[i].start = s->policies[i].addr;
		t->areas[i].policy = &policies[i];
		t->area_refs[i] = &t->areas[i];
	}
	t->e.n_areas = s->nr_policies;
	t->e.areas = t->area_refs;
	t->any = true;
	return 0;
}

static int put_process(const struct writer *w, const struct task *task, struct draft *t)
{
	const struct dump_state *s = state_of(task);
	int procfd = task->dump->procfd, r;
	uint32_t filter = ATTRIBUTES_COREDUMP_FILTER;

	r = proc_read_coredump_filter(procfd, &filter);
	if (r < 0 && r != -ENOENT)
		return cr_fail_errno(w->d->ctx, r, "Can't read the coredump_filter of task %d", task->pid);
	PUT(t, coredump_filter, filter, ATTRIBUTES_COREDUMP_FILTER);
	PUT(t, autogroup_nice, autogroup_nice(procfd), 0);
	if (!owns(task, SHARE_VM))
		return 0;
	PUT(t, mdwe, (uint32_t)s->inside.mdwe, 0u);
	PUT(t, memory_merge, s->inside.memory_merge > 0, false);
	PUT(t, thp_flags, (uint32_t)s->inside.thp_disabled & ~1u, 0u);
	if (s->ldt_len) {
		t->e.has_ldt = t->any = true;
		t->e.ldt = (ProtobufCBinaryData){ s->ldt_len, s->ldt };
	}
	return put_areas(s, t);
}

/* -------------------------------------------------------------------------------------------------------------- */

static int write_entry(struct writer *w, const struct draft *t)
{
	int r = 0;

	if (!t->any)
		return 0;
	if (!w->img)
		r = image_create(w->d->images_dirfd, IMG_ATTRIBUTES, &w->img);
	if (!r)
		r = image_write(w->img, &t->e.base);
	return r < 0 ? cr_fail_errno(w->d->ctx, r, "Can't write attributes.img") : 0;
}

/* The root of the tree gets a parent that isn't of it, and what that one wants. */
static void put_exit_signal(const struct task *task, struct draft *t)
{
	if (task->parent)
		PUT(t, exit_signal, (uint32_t)task->dump->stat.exit_signal, (uint32_t)SIGCHLD);
}

static int write_zombie(struct writer *w, const struct task *task)
{
	struct draft t = { 0 };

	attributes_entry__init(&t.e);
	t.e.tid = task->pid;
	put_exit_signal(task, &t);
	return write_entry(w, &t);
}

static int write_thread(struct writer *w, const struct task *task, size_t i, struct draft *t)
{
	const struct dump_state *s = state_of(task);
	int r;

	attributes_entry__init(&t->e);
	t->e.tid = task->threads[i].tid;
	r = put_cpus(w, t->e.tid, t);
	if (!r)
		r = put_sched(w, t->e.tid, t);
	if (!r && i == 0)
		r = put_process(w, task, t);
	if (i == 0)
		put_exit_signal(task, t);
	if (r < 0)
		return r;
	put_inside(&s->threads[i], s->threads[0].personality, t);
	if (s->dispatch)
		put_dispatch(&s->dispatch[i], t);
	return write_entry(w, t);
}

static int write_all(struct writer *w)
{
	struct task *task;
	int r = 0;

	for_each_task (&w->d->tree, task) {
		if (!r && task->state == TASK_DEAD)
			r = write_zombie(w, task);
		for (size_t i = 0; !r && task->state != TASK_DEAD && i < task->nr_threads; i++) {
			struct draft t = { 0 };

			r = write_thread(w, task, i, &t);
			free(t.areas);
			free(t.area_refs);
		}
	}
	return r;
}

int dump_attributes(struct dump *d)
{
	struct writer w = {
		.d = d,
		.cpus_online = sysconf(_SC_NPROCESSORS_ONLN),
		.default_slice = find_default_slice(),
	};
	char name[IMAGE_NAME_MAX];
	int r, end;

	/* One that an older dump left. */
	image_name(IMG_ATTRIBUTES, name, sizeof(name));
	if (unlinkat(d->images_dirfd, name, 0) < 0 && errno != ENOENT)
		return cr_fail_errno(d->ctx, -errno, "Can't remove an old %s", name);
	r = write_all(&w);
	end = image_close(&w.img);
	return r < 0 ? r : end < 0 ? cr_fail_errno(d->ctx, end, "Can't write %s", name) : 0;
}
