/* SPDX-License-Identifier: GPL-2.0 */
#include "seize/vfork.h"

#include <compel/compel.h>
#include <inttypes.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "proc/list.h"
#include "proc/parse.h"

bool waits_in_vfork(pid_t tid)
{
	_cleanup_close_ int procfd = proc_open_pid(tid);
	uint64_t first, flags;
	char text[256];
	size_t len;
	int nr;

	/* "NUMBER ARGUMENTS... STACK INSTRUCTION" of one that sleeps: proc_pid_syscall(5). */
	if (procfd < 0 || proc_read_small(procfd, "syscall", text, sizeof(text), &len) ||
	    sscanf(text, "%d %" SCNx64, &nr, &first) != 2)
		return false;
	switch (nr) {
#ifdef SYS_vfork
	case SYS_vfork:
		return true;
#endif
	case SYS_clone:
		return first & CLONE_VFORK;
	case SYS_clone3: /* struct clone_args begins with the flags */
		return !compel_peek(tid, first, &flags, sizeof(flags)) && flags & CLONE_VFORK;
	}
	return false;
}
