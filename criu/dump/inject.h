/* SPDX-License-Identifier: GPL-2.0 */
/* The capture method "inject": the parasite stores a task's pages into the page image itself. */
#ifndef CRIU_DUMP_INJECT_H
#define CRIU_DUMP_INJECT_H

#include <stdbool.h>

#include "pages/capture.h"
#include "seize/seize.h"

/* The argument of the operations below. */
struct inject {
	struct cr_ctx *ctx;
	struct task *task; /* has the parasite */
};

extern const struct capture_inject_ops inject_ops;

/*
 * Nothing comes of the CPU time that the copying takes from a task which won't run on: it has no limit of it, no timer
 * of its CPU time is armed (should the dump fail), and a mapping isn't locked.
 */
bool inject_is_harmless(const struct task *task);

#endif
