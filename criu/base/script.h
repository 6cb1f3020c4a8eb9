/* SPDX-License-Identifier: GPL-2.0 */
/* Action scripts: commands of the user's that run at the stages of a dump and a restore (--action-script). */
#ifndef CRIU_BASE_SCRIPT_H
#define CRIU_BASE_SCRIPT_H

#include <sys/types.h>

#include "base/error.h"
#include "base/opts.h"

/* In the order in which a dump, then a restore, comes to them. */
enum script_action {
	SCRIPT_PRE_STREAM,
	SCRIPT_PRE_DUMP,
	SCRIPT_NETWORK_LOCK,
	SCRIPT_POST_DUMP,
	SCRIPT_PRE_RESTORE,
	SCRIPT_SETUP_NAMESPACES,
	SCRIPT_POST_SETUP_NAMESPACES,
	SCRIPT_POST_RESTORE,
	SCRIPT_NETWORK_UNLOCK,
	SCRIPT_PRE_RESUME,
	SCRIPT_POST_RESUME,
	SCRIPT_STATUS_READY,
	SCRIPT_ACTIONS,
};

/* "pre-dump" and so on. */
const char *script_action_name(enum script_action action);

/*
 * Runs every script of OPTS by "/bin/sh -c", one after another, until one fails. Their environment is ours and
 * CRTOOLS_SCRIPT_ACTION (the name), CRTOOLS_IMAGE_DIR ("/proc/PID/fd/N", our own IMAGES_DIRFD) and, where
 * INIT_PID > 0, CRTOOLS_INIT_PID; what they print goes to the log.
 * Returns 0, also when there are none, or -errno (explained). A post-dump script that exits with a status is reported
 * by that positive status, which becomes the program's. See criu(8), --action-script.
 */
int script_run(struct cr_ctx *ctx, const struct cr_opts *opts, enum script_action action, int images_dirfd,
	       pid_t init_pid);

#endif
