/* SPDX-License-Identifier: GPL-2.0 */
#include "task/user_dispatch.h"

#include <errno.h>
#include <sys/ptrace.h>

#include "base/prctl.h"

#ifndef PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG
#define PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG 0x4210
#define PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG 0x4211
#endif

int user_dispatch_get(pid_t tid, struct user_dispatch *ret)
{
	return ptrace(PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, tid, sizeof(*ret), ret) ? -errno : 0;
}

struct user_dispatch user_dispatch_settable(const struct user_dispatch *config)
{
	uint64_t end = config->offset + config->len;

	if (!config->mode || !config->offset || end > config->offset)
		return *config;
	return (struct user_dispatch){ PR_SYS_DISPATCH_INCLUSIVE_ON, config->selector, end, -config->len };
}

int user_dispatch_set(pid_t tid, const struct user_dispatch *config)
{
	struct user_dispatch settable = user_dispatch_settable(config);

	return ptrace(PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG, tid, sizeof(settable), &settable) ? -errno : 0;
}
