/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Asking the pagers that run: each has a socket in PAGER_DIR, which root alone may enter. A request is one packet of
 * one word, an answer one packet of text.
 */
#ifndef CRIU_PAGER_ASK_H
#define CRIU_PAGER_ASK_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/error.h"

#define PAGER_DIR "/run/criu-fam"
/* Requests. */
#define ASK_JSON   "json"   /* the figures, as one JSON object */
#define ASK_TEXT   "text"   /* the same to be read */
#define ASK_PIDS   "pids"   /* the processes it serves, a line each */
#define ASK_FINISH "finish" /* fill now; the answer comes when nothing is missing any more */

/* Prints what the pager of process PID (or the pager PID itself) says. 0; -ESRCH: there is none (cr_fail). */
int pager_stat(struct cr_ctx *ctx, pid_t pid, bool json, FILE *out);
/*
 * Before a dump: waits until no process of the tree ROOT has missing pages any more, at most SECONDS. 0 at once where
 * no pager runs; -ETIMEDOUT (cr_fail).
 */
int pager_finish(struct cr_ctx *ctx, pid_t root, unsigned seconds);

#endif
