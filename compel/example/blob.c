/* SPDX-License-Identifier: GPL-2.0 */
/* Runs inside of the task. */
#include <compel/plugins/std.h>

#include "blob.h"

int parasite_entry(unsigned int cmd, void *data)
{
	struct example_args *args = data;

	if (cmd != EXAMPLE_TELL)
		return -22;
	args->pid = sys_getpid();
	args->tid = sys_gettid();
	return sys_getcwd(args->cwd, sizeof(args->cwd)) < 0 ? -1 : 0;
}
