/* SPDX-License-Identifier: GPL-2.0 */
/* `criu fam verify`. */
#include "cli/fam.h"

#include "base/cleanup.h"
#include "fam_tools/verify.h"

struct findings {
	struct json *json; /* NULL: lines */
	uint64_t problems;
};

static int print_problem(void *arg, uint64_t checkpoint, const char *text)
{
	struct findings *found = arg;
	char id[FAM_ID_TEXT];

	found->problems++;
	fam_id_print(checkpoint, id);
	if (found->json) {
		json_object_begin(found->json, NULL);
		json_string(found->json, "checkpoint", id);
		json_string(found->json, "problem", text);
		json_object_end(found->json);
		return 0;
	}
	printf("%s: ", id);
	fam_print_safe(text);
	putchar('\n');
	return 0;
}

/* Incomplete checkpoints are nobody's: the next writer frees them. ONLY: the place of the one to look at, or -1. */
static int verify(const struct fam_view *view, int only, struct findings *found, uint64_t *ret_checked)
{
	struct verify_args args = { .pool = view->pool, .problem = print_problem, .arg = found };
	int err = 0;

	*ret_checked = 0;
	for (size_t i = 0; i < view->nr && !err; i++) {
		if ((only >= 0 && i != (size_t)only) || view->list[i].state == FAM_INCOMPLETE)
			continue;
		++*ret_checked;
		err = verify_checkpoint(&args, view->list[i].id);
	}
	return err;
}

static int verify_lines(const struct fam_view *view, int only, uint64_t *ret_problems)
{
	struct findings found = { 0 };
	uint64_t checked;
	int err = verify(view, only, &found, &checked);

	if (!err)
		printf("%llu checkpoint%s, %llu problem%s\n", (unsigned long long)checked, checked == 1 ? "" : "s",
		       (unsigned long long)found.problems, found.problems == 1 ? "" : "s");
	*ret_problems = found.problems;
	return err;
}

static int verify_json(const struct fam_view *view, int only, uint64_t *ret_problems)
{
	struct json json = { .out = stdout };
	struct findings found = { .json = &json };
	uint64_t checked;
	int err;

	json_object_begin(&json, NULL);
	json_array_begin(&json, "problems");
	err = verify(view, only, &found, &checked);
	json_array_end(&json);
	json_number(&json, "checkpoints", checked);
	json_object_end(&json);
	*ret_problems = found.problems;
	return err;
}

int fam_run_verify(struct cr_ctx *ctx, const struct cr_opts *opts, char **words)
{
	_cleanup_fam_view_ struct fam_view view = { 0 };
	struct fam_words given;
	uint64_t problems = 0;
	int err, only = -1;

	fam_words_take(opts, words, true, &given);
	if (given.ids[0] && given.ids[1])
		return fam_status(ctx, cr_fail(ctx, -EINVAL, "verify takes one checkpoint, or none for all"));
	err = fam_view_open(ctx, opts, &given, FAM_READ, &view);
	if (!err && given.ids[0]) {
		only = fam_words_find(ctx, view.list, view.nr, given.ids[0]);
		err = only < 0 ? only : 0;
	}
	err = err ?: (opts->json ? verify_json : verify_lines)(&view, only, &problems);
	return fam_status(ctx, err) ?: problems ? EXIT_FAILURE : EXIT_SUCCESS;
}
