/* SPDX-License-Identifier: GPL-2.0 */
/*
 * State that no image holds: refused by name, or, where that would stand in the way of everyday use and the loss does
 * no harm, warned about by name. Documentation/what-is-kept.md is the list.
 */
#ifndef CRIU_DUMP_UNKEPT_H
#define CRIU_DUMP_UNKEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "dump/state.h"

/* What criu itself has, and so what a restored task would have. */
struct baseline {
	char *status, *cgroup; /* the texts of /proc/self/status and /proc/self/cgroup; owned */
	bool semaphores;       /* there are System V ones */
	long keyring;	       /* the session's; by baseline_inside() only */
};

/* 0 or -errno. *RET goes with baseline_free(). */
int baseline_read(struct cr_ctx *ctx, struct baseline *ret);
void baseline_free(struct baseline *base);
#define _cleanup_baseline_ __cleanup(baseline_free)
/* What check_answers() wants of it. Nothing is to be freed. */
void baseline_inside(struct baseline *ret);

/* Of zombies, too. 0, -EOPNOTSUPP. */
int check_exit_signal(struct dump *d, const struct task *task);
/* What can be seen from outside. STATUS is the text of /proc/PID/status. 0, -EOPNOTSUPP, -errno. */
int check_outside(struct dump *d, const struct task *task, const struct baseline *base, const char *status);
/* By what the parasite was told in the task. 0, -EOPNOTSUPP. */
int check_answers(struct dump *d, const struct task *task, const struct baseline *base);

/* By name. Returns -EOPNOTSUPP. */
int refuse_state(struct dump *d, const struct task *task, const char *what);
void warn_state(struct dump *d, const struct task *task, const char *what);

#endif
