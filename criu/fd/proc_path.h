/* SPDX-License-Identifier: GPL-2.0 */
/* Paths of /proc that are about one process: proc(5). */
#ifndef CRIU_FD_PROC_PATH_H
#define CRIU_FD_PROC_PATH_H

#include <stdbool.h>
#include <sys/types.h>

struct proc_path {
	pid_t pid;
	pid_t tid;	  /* of /proc/PID/task/TID; PID where there is none in the path */
	const char *rest; /* in the path, behind the slash: "", "maps", "net/dev" */
};

/* Is PATH one of /proc/PID...? */
bool proc_path_parse(const char *path, struct proc_path *ret);
/* Does REST (of above) name something in the directory DIR? "fd/3" does in "fd", "fd" and "fdinfo/3" don't. */
bool proc_path_inside(const char *rest, const char *dir);
/* Is there a component that is a number, as in "/newroot/proc/12/maps"? */
bool proc_path_has_number(const char *path);

#endif
