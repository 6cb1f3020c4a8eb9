/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads share the filters that they inherit, and SECCOMP_FILTER_FLAG_TSYNC asks for that: so filters are installed
 * once, by a thread that then creates all others that have them. This plans who does what, as steps for each thread.
 */
#ifndef CRIU_RESTORE_SECCOMP_PLAN_H
#define CRIU_RESTORE_SECCOMP_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core.pb-c.h"
#include "pie/plan.h"
#include "seccomp.pb-c.h"
#include "task/task.h"

struct seccomp_plan {
	struct plan_step *steps;
	size_t nr_steps;
	struct {
		size_t first, nr; /* in STEPS */
	} * threads;
	uint32_t *filters; /* numbers in seccomp.img; a step has the place in this array */
	size_t nr_filters;
	size_t nr_relayed; /* threads that others than the first create */
	size_t code_len;   /* of all filters, bytes */
	bool any;
};

/* What is damaged is refused. 0 or -errno, explained. */
int seccomp_validate(struct cr_ctx *ctx, const SeccompEntry *e);

/* CORES are of the task's threads. ALL may be NULL: there is no such image. 0, -EINVAL explained, -ENOMEM. */
int seccomp_plan(struct cr_ctx *ctx, const struct task *task, CoreEntry *const *cores, const SeccompEntry *all,
		 struct seccomp_plan *ret);
void seccomp_plan_free(struct seccomp_plan *plan);

/* To memory with room for all: STEPS, FILTERS, and CODE of code_len bytes. */
void seccomp_plan_put(const struct seccomp_plan *plan, const SeccompEntry *all, struct plan_step *steps,
		      struct plan_filter *filters, char *code);

#endif
