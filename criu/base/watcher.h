/* SPDX-License-Identifier: GPL-2.0 */
/* A process that sees to what is left if this one is killed. */
#ifndef CRIU_BASE_WATCHER_H
#define CRIU_BASE_WATCHER_H

#include "base/error.h"

struct watcher;

/*
 * When this process has ended CLEAN_UP is called with ARG, in a process that shares its memory (CLONE_VM) and then
 * ends. What it reads must be whole at any moment. It may make system calls, and those of the C library that take no
 * lock. *RET goes with watcher_end(). 0 or -errno (cr_fail).
 */
int watcher_start(struct cr_ctx *ctx, void (*clean_up)(void *arg), void *arg, struct watcher **ret);
/* CLEAN_UP won't be called any more. NULL is fine. */
void watcher_end(struct watcher **watcher);

#endif
