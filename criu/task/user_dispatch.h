/* SPDX-License-Identifier: GPL-2.0 */
/* System call user dispatch of a thread that we trace: PR_SET_SYSCALL_USER_DISPATCH of prctl(2), seen from outside. */
#ifndef CRIU_TASK_USER_DISPATCH_H
#define CRIU_TASK_USER_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* As the kernel tells it. Calls from elsewhere than the LEN bytes from OFFSET on, which may wrap around, become
 * signals. */
struct user_dispatch {
	uint64_t mode; /* 0: off; else 1 */
	uint64_t selector, offset, len;
};

/* 0 or -errno; any before Linux 6.4. */
int user_dispatch_get(pid_t tid, struct user_dispatch *ret);

/* CONFIG as got. One that wraps takes Linux 6.16: before, it is -EINVAL. */
int user_dispatch_set(pid_t tid, const struct user_dispatch *config);

/*
 * What the kernel takes for CONFIG. It tells of a range whose calls alone become signals (PR_SYS_DISPATCH_INCLUSIVE_ON)
 * as of all the rest, which goes around the end of memory, but doesn't take it so.
 */
struct user_dispatch user_dispatch_settable(const struct user_dispatch *config);

#endif
