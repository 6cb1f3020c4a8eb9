/* SPDX-License-Identifier: GPL-2.0 */
/* The capture method "inject": the parasite stores a task's pages into the page image itself. */
#ifndef CRIU_DUMP_INJECT_H
#define CRIU_DUMP_INJECT_H

#include "pages/capture.h"
#include "seize/seize.h"

/* The argument of the operations below. */
struct inject {
	struct cr_ctx *ctx;
	struct task *task; /* has the parasite */
};

extern const struct capture_inject_ops inject_ops;

#endif
