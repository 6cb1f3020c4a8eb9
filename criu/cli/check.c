/* SPDX-License-Identifier: GPL-2.0 */
/* `criu check`: the probe table, told to a person. */
#include "cli/cli.h"

#include <string.h>

#include "kernel/kernel.h"

static const char *reason(int result, const struct kernel_probe *probe)
{
	if (probe->later)
		return probe->later;
	return result == -ECANCELED ? "switched off by the environment" : strerrordesc_np(-result) ?: "unknown error";
}

static int check_feature(struct cr_ctx *ctx, struct kernel *kernel, const char *name)
{
	int feature = kernel_find(name), result;

	if (feature < 0) {
		cr_error_log(ctx, cr_fail(ctx, -ENOENT, "Unknown feature %s", name));
		return EXIT_FAILURE;
	}
	result = kernel_ask(kernel, feature);
	if (result) {
		cr_fail(ctx, result, "%s isn't supported: %s", name, reason(result, &kernel_probes[feature]));
		cr_error_log(ctx, result);
		return EXIT_FAILURE;
	}
	printf("%s is supported\n", name);
	return EXIT_SUCCESS;
}

int cli_check(struct cr_ctx *ctx, const struct cr_opts *opts)
{
	_cleanup_kernel_ struct kernel *kernel = NULL;
	bool impossible = false, incomplete = false;

	if (kernel_new(&kernel)) {
		cr_error_log(ctx, -ENOMEM);
		return EXIT_FAILURE;
	}
	if (opts->check_feature)
		return check_feature(ctx, kernel, opts->check_feature);
	for (int i = 0; i < KERNEL_FEATURES; i++) {
		const struct kernel_probe *probe = &kernel_probes[i];
		int result;

		if ((probe->need == NEED_EXTRA && !opts->check_extra) ||
		    (probe->need == NEED_EXPERIMENTAL && !opts->check_experimental))
			continue;
		result = kernel_ask(kernel, i);
		if (!result)
			continue;
		log_warn(ctx->log, "%s isn't supported: %s", probe->name, reason(result, probe));
		impossible |= probe->need == NEED_ALWAYS;
		incomplete = true;
	}
	if (impossible)
		printf("Does not look good.\n");
	else if (incomplete)
		printf("Looks good but some kernel features are missing\n"
		       "(named above): process trees that need them can't be dumped or restored.\n");
	else
		printf("Looks good.\n");
	return incomplete ? EXIT_FAILURE : EXIT_SUCCESS;
}
