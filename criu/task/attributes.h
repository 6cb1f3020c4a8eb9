/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Attributes of threads and tasks that CRIU's images have no place for: attributes.img, an image of our own. What
 * isn't in it is as the kernel gives it by default, whatever the engine that restores has itself.
 */
#ifndef CRIU_TASK_ATTRIBUTES_H
#define CRIU_TASK_ATTRIBUTES_H

#include <stdbool.h>
#include <stdint.h>

#include "attributes.pb-c.h"
#include "base/error.h"
#include "pie/plan.h"
#include "task/task.h"

/* 65,536 CPUs; the kernel's limit is 8,192. */
#define ATTRIBUTES_CPUS_MAX 8192
/* The kernel's defaults: init's timer slack in nanoseconds, and proc_pid_coredump_filter(5). */
#define ATTRIBUTES_TIMER_SLACK	   50000u
#define ATTRIBUTES_COREDUMP_FILTER 0x33u
/* ioprio_set(2): the C library has no names for these. */
#define ATTRIBUTES_IOPRIO_CLASS(prio) ((prio) >> 13 & 7)

/* The entries of one set. */
struct attributes;

/*
 * Reads and checks attributes.img; without one, or without an entry, all has its default. Areas are checked by
 * attributes_areas_to_plan(). 0, -EBADMSG for a damaged image or one that names threads which aren't TREE's, -errno,
 * explained. *RET goes with attributes_free().
 */
int attributes_read(struct cr_ctx *ctx, int images_dirfd, const struct task_tree *tree, struct attributes **ret);
void attributes_free(struct attributes **set);
/* Of thread TID, never NULL; lives as long as the set. */
const AttributesEntry *attributes_of(const struct attributes *set, pid_t tid);
/* What a process sends its parent when it ends, 0: nothing. */
int attributes_exit_signal(const AttributesEntry *e);

/* Whether an affinity of LEN bytes allows all of the CPUs that are online. */
bool attributes_all_cpus(const unsigned char *mask, int len, long online);

/* What the engine has itself, and so every thread that is born of it. */
struct own_attributes {
	struct plan_attributes has; /* set: unused */
	uint32_t coredump_filter;
	uint32_t ioprio;
	uint64_t nodes[PLAN_NODE_WORDS]; /* that tasks of ours may use */
	bool has_nodes;			 /* else the kernel has no memory policies */
	bool pinned;			 /* to some of the CPUs */
};
void own_attributes_read(struct own_attributes *ret);

/*
 * Whether timer slacks have to be set at all. If so each thread's is, and whoever creates a thread or process takes on
 * its default before: attributes_slack_default().
 */
bool attributes_slacks_differ(const struct attributes *set, const struct own_attributes *own);
uint64_t attributes_slack_default(const AttributesEntry *e);

/*
 * What the thread itself sets, ret->set being what it has to. E is its entry, LEADER the one of its process's first
 * thread (or E itself), PERSONALITY the process's.
 */
void attributes_to_plan(struct cr_ctx *ctx, const AttributesEntry *e, const AttributesEntry *leader,
			uint32_t personality, const struct own_attributes *own, bool slacks,
			struct plan_attributes *ret);
/* The memory policy that thread E will have, unless it is our own. */
bool attributes_policy(const AttributesEntry *e, const struct own_attributes *own, struct plan_policy *ret);
/* Memory policies of areas: E->n_areas of them at most; the number. */
size_t attributes_areas_to_plan(struct cr_ctx *ctx, const AttributesEntry *e, const struct own_attributes *own,
				struct plan_area_policy *ret);
/* Segments of the local descriptor table: E->ldt.len / 8 of them at most; the number. */
size_t attributes_ldt_to_plan(const AttributesEntry *e, struct plan_segment *ret);

/*
 * From outside, before scheduling is restored: CPU affinity (a CPU set of which this machine has none is left out with
 * a warning; without one all CPUs are allowed, whatever our own is), I/O priority.
 */
int attributes_restore_thread(struct cr_ctx *ctx, const AttributesEntry *e, pid_t tid,
			      const struct own_attributes *own);
/* The last thing that is done to a thread, as it makes no system call for us any more: user dispatch. */
int attributes_restore_dispatch(struct cr_ctx *ctx, const AttributesEntry *e, pid_t tid);
/* coredump_filter; with OWN_SESSION the nice value of the session's autogroup, too. */
int attributes_restore_process(struct cr_ctx *ctx, const AttributesEntry *e, pid_t pid,
			       const struct own_attributes *own, bool own_session);

#endif
