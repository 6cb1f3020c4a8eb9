/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Until the commit the tasks die with the engine by PTRACE_O_EXITKILL, which has to be taken from each thread by a
 * call of its own. The guardian makes the commit one moment: if the engine dies before the shared memory says so,
 * it kills those that would live on.
 */
#ifndef CRIU_RESTORE_GUARDIAN_H
#define CRIU_RESTORE_GUARDIAN_H

#include "restore/engine.h"

/* A process with our memory and a session of its own. 0 or -errno, explained. */
int guardian_start(struct restore *r);
/* Ends and reaps it; fine when there is none. */
void guardian_end(struct restore *r);

#endif
