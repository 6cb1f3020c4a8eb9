/* SPDX-License-Identifier: GPL-2.0 */
/* proc_pid_oom_score_adj(5), /proc/PID/loginuid. */
#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "base/str.h"
#include "task/core_restore.h"

/* Writes VALUE to a file of /proc/self unless it says so already. Where there is none, only DFL is right. */
static int set_value(const char *path, const char *value, const char *dfl)
{
	_cleanup_free_ char *now = NULL;
	int err;

	err = read_file_at(AT_FDCWD, path, 64, &now, NULL);
	if (err == -ENOENT && !strcmp(value, dfl))
		return 0;
	if (err)
		return err;
	now[strcspn(now, "\n")] = 0;
	return strcmp(now, value) ? write_file_at(AT_FDCWD, path, value, strlen(value)) : 0;
}

int proc_values_restore(struct cr_ctx *ctx, pid_t pid, const TaskCoreEntry *tc)
{
	char value[16];
	int err = 0;

	if (tc->has_oom_score_adj) {
		snprintf(value, sizeof(value), "%d", tc->oom_score_adj);
		err = set_value("/proc/self/oom_score_adj", value, "0");
		if (err)
			return cr_fail_errno(ctx, err, "Task %d: can't set oom_score_adj to %s", pid, value);
	}
	if (tc->has_loginuid) {
		snprintf(value, sizeof(value), "%u", tc->loginuid);
		err = set_value("/proc/self/loginuid", value, "4294967295");
		/* It may be immutable (auditctl --loginuid-immutable), and nothing but the audit log reads it. */
		if (err)
			log_warn(ctx->log, "Task %d: can't set loginuid to %s: %s", pid, value, strerror(-err));
	}
	return 0;
}
