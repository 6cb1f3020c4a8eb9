/* SPDX-License-Identifier: GPL-2.0 */
/* A thread that waits in vfork(2) for its child to execute something or to end: only SIGKILL reaches it. */
#ifndef CRIU_SEIZE_VFORK_H
#define CRIU_SEIZE_VFORK_H

#include <stdbool.h>
#include <sys/types.h>

/* Is that what thread TID, which the caller traces, is doing? False where it can't be told. */
bool waits_in_vfork(pid_t tid);

#endif
