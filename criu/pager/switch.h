/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kills processes when the last process that holds the switch ends, in whatever way: the kernel does it, while it
 * closes the descriptors. Each process is the owner (F_SETOWN) of its own reading ends of two pipes, which send SIGKILL
 * (F_SETSIG, O_ASYNC) when the last writing end goes. Linux closes the descriptors of an ended process from the lowest
 * to the highest or the other way round; one writing end is the lowest, the other the highest, so that one of them goes
 * before everything else. fcntl(2), Documentation/design/pager.md.
 */
#ifndef CRIU_PAGER_SWITCH_H
#define CRIU_PAGER_SWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The writing end that is below everything else: must be free when the switch is made. */
#define SWITCH_LOWEST 3

struct switch_pid {
	pid_t pid;  /* < 0: a process group */
	int fds[2]; /* -1: disarmed */
};

struct kill_switch {
	int writers[2], readers[2];
	struct switch_pid *pids; /* mapped */
	size_t nr;
};

/* 0 or -errno. Descriptors that are made later are below the higher writing end: see switch_raise(). */
int switch_make(struct kill_switch *sw);
/*
 * From now on PID, which lives, is killed when the switch fires; if it is negative all processes of that group are,
 * also those that are forked into it later, and in that moment. 0 or -errno; fine when it is armed already.
 */
int switch_arm(struct kill_switch *sw, pid_t pid);
bool switch_has(const struct kill_switch *sw, pid_t pid);
/* FD was made: the higher writing end stays above. 0 or -errno. */
int switch_raise(struct kill_switch *sw, int fd);
/* Forgets processes that have ended. */
void switch_sweep(struct kill_switch *sw);
/* Nobody will be killed any more; all descriptors between the two writing ends are closed. May be called twice. */
void switch_disarm(struct kill_switch *sw);
/* Kills all of them now. */
void switch_fire(struct kill_switch *sw);

#endif
