/* SPDX-License-Identifier: GPL-2.0 */
#include "cli/cli.h"

#include <string.h>

#include "image/cpuinfo.h"

#define EXIT_INCOMPATIBLE 161 /* -ENOTSUP as an exit status */

int cli_cpuinfo(struct cr_ctx *ctx, const struct cr_opts *opts, const char *action)
{
	int err;

	if (action && !strcmp(action, "dump"))
		err = cpuinfo_write(ctx, opts->images_dirfd);
	else if (action && !strcmp(action, "check"))
		err = cpuinfo_check(ctx, opts->images_dirfd, opts->cpu_cap ? opts->cpu_cap | CPU_CAP_IMAGE : 0);
	else
		err = cr_fail(ctx, -EINVAL, "cpuinfo takes dump or check");
	if (!err)
		return EXIT_SUCCESS;
	cr_error_log(ctx, err);
	return err == -ENOTSUP ? EXIT_INCOMPATIBLE : EXIT_FAILURE;
}
