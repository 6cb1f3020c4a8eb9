/* SPDX-License-Identifier: GPL-2.0 */
/* `criu fam gc` and `rm`. */
#include "cli/fam.h"

#include <string.h>
#include <time.h>

#include "fam_tools/gc.h"

/* What became of each checkpoint, as it is told. */
struct report {
	struct json json; /* used if is_json */
	bool is_json, dry_run;
	uint64_t freed, bytes;
};

static const char *const why_names[] = {
	[GC_INCOMPLETE] = "incomplete",
	[GC_ORPHAN] = "orphan",
	[GC_KEPT] = "kept",
	[GC_NEW_ORPHAN] = "an orphan from now on",
	[GC_WAITS] = "an orphan not long enough",
};

static void report_begin(struct report *rep, const struct cr_opts *opts)
{
	*rep = (struct report){ .json = { .out = stdout }, .is_json = opts->json, .dry_run = opts->dry_run };
	if (!rep->is_json)
		return;
	json_object_begin(&rep->json, NULL);
	json_bool(&rep->json, "dry_run", rep->dry_run);
	json_array_begin(&rep->json, "checkpoints");
}

static void report_one(struct report *rep, const struct fam_info *info, bool freed, const char *why)
{
	char id[FAM_ID_TEXT], size[FAM_SIZE_TEXT];

	fam_id_print(info->id, id);
	rep->freed += freed;
	rep->bytes += freed ? info->allocated : 0;
	if (rep->is_json) {
		fam_json_checkpoint(&rep->json, info);
		json_bool(&rep->json, "freed", freed);
		json_string(&rep->json, "why", why);
		json_object_end(&rep->json);
		return;
	}
	printf("%s  %-6s  %6s  ", id,
	       !freed	      ? "stays"
	       : rep->dry_run ? "goes"
			      : "freed",
	       fam_size_text(info->allocated, size));
	fam_print_safe(why);
	printf("  ");
	fam_print_safe(info->images_dir);
	putchar('\n');
}

static void report_end(struct report *rep, uint64_t trimmed)
{
	char size[FAM_SIZE_TEXT], trim[FAM_SIZE_TEXT];

	if (!rep->is_json) {
		printf("%llu checkpoint%s %sfreed, %s; %s of spare memory given back\n", (unsigned long long)rep->freed,
		       rep->freed == 1 ? "" : "s", rep->dry_run ? "would be " : "", fam_size_text(rep->bytes, size),
		       fam_size_text(trimmed, trim));
		return;
	}
	json_array_end(&rep->json);
	json_number(&rep->json, "freed", rep->freed);
	json_number(&rep->json, "freed_bytes", rep->bytes);
	json_number(&rep->json, "trimmed_bytes", trimmed);
	json_object_end(&rep->json);
}

static bool is_listed(const struct fam_view *view, uint64_t id)
{
	for (size_t i = 0; i < view->nr; i++)
		if (view->list[i].id == id)
			return true;
	return false;
}

/* Opening the pool to write has freed what BEFORE has as incomplete. */
static void report_recovered(struct report *rep, const struct fam_view *before, const struct fam_view *view)
{
	for (size_t i = 0; i < before->nr; i++)
		if (before->list[i].state == FAM_INCOMPLETE && (rep->dry_run || !is_listed(view, before->list[i].id)))
			report_one(rep, &before->list[i], true, why_names[GC_INCOMPLETE]);
}

/* Somebody may read it: then it stays, and the report tells who. */
static int free_orphan(struct report *rep, struct fam_pool *pool, const struct fam_info *info)
{
	struct cr_error error = { 0 };
	struct cr_ctx *outer = pool->ctx, inner = { .log = outer->log, .error = &error };
	int err = 0;

	if (!rep->dry_run) {
		pool->ctx = &inner;
		err = fam_checkpoint_remove(pool, info->id);
		pool->ctx = outer;
	}
	if (err && err != -EBUSY)
		return error.taken ? cr_fail(outer, err, "%s", error.text)
				   : cr_fail_errno(outer, err, "Can't remove a checkpoint");
	report_one(rep, info, !err, !err ? why_names[GC_ORPHAN] : error.taken ? error.text : "in use");
	return 0;
}

static int collect(struct report *rep, const struct fam_view *view, const struct cr_opts *opts)
{
	uint64_t now = time(NULL);
	int err = 0;

	for (size_t i = 0; i < view->nr && !err; i++) {
		const struct fam_info *info = &view->list[i];
		enum gc_verdict verdict = gc_judge(info, opts->fam_orphans, opts->fam_grace, now);

		if (verdict == GC_ORPHAN)
			err = free_orphan(rep, view->pool, info);
		else if (verdict == GC_KEPT || verdict == GC_NEW_ORPHAN || verdict == GC_WAITS)
			report_one(rep, info, false, why_names[verdict]);
		if (!err && !rep->dry_run)
			err = gc_note(view->pool, info, verdict, now);
	}
	return err;
}

static int trim(struct fam_pool *pool, const struct cr_opts *opts, uint64_t *ret_bytes)
{
	struct fam_usage before, after;
	int err;

	*ret_bytes = 0;
	if (!opts->fam_trim)
		return 0;
	err = fam_pool_usage(pool, &before);
	if (!err && opts->dry_run) {
		*ret_bytes = before.spare > opts->fam_trim_keep ? before.spare - opts->fam_trim_keep : 0;
		return 0;
	}
	err = err ?: fam_pool_trim(pool, opts->fam_trim_keep);
	err = err ?: fam_pool_usage(pool, &after);
	if (!err && before.spare > after.spare)
		*ret_bytes = before.spare - after.spare;
	return err;
}

int fam_run_gc(struct cr_ctx *ctx, const struct cr_opts *opts, char **words)
{
	_cleanup_fam_view_ struct fam_view before = { 0 }, view = { 0 };
	struct fam_words given;
	struct report rep;
	uint64_t trimmed;
	int err;

	fam_words_take(opts, words, false, &given);
	err = fam_view_open(ctx, opts, &given, FAM_READ, &before);
	if (!err && !opts->dry_run) {
		fam_pool_close(&before.pool);
		err = fam_view_open(ctx, opts, &given, FAM_WRITE, &view);
	}
	if (err)
		return fam_status(ctx, err);
	report_begin(&rep, opts);
	report_recovered(&rep, &before, &view);
	err = collect(&rep, opts->dry_run ? &before : &view, opts);
	err = err ?: trim(opts->dry_run ? before.pool : view.pool, opts, &trimmed);
	report_end(&rep, err ? 0 : trimmed);
	return fam_status(ctx, err);
}

/* ---- rm ------------------------------------------------------------------------------------------------------ */

static int check_removable(struct cr_ctx *ctx, const struct cr_opts *opts, const struct fam_view *view, char **ids)
{
	for (; *ids; ids++) {
		int at = fam_words_find(ctx, view->list, view->nr, *ids);

		if (at < 0)
			return at;
		if (view->list[at].flags & FAM_KEEP && !opts->force)
			return cr_fail(ctx, -EPERM, "The checkpoint %s is to be kept (--fam-keep); --force removes it",
				       *ids);
	}
	return 0;
}

static int remove_all(struct cr_ctx *ctx, const struct cr_opts *opts, const struct fam_view *view, char **ids)
{
	struct json json = { .out = stdout };
	int err = 0;

	if (opts->json) {
		json_object_begin(&json, NULL);
		json_array_begin(&json, "removed");
	}
	for (; *ids && !err; ids++) {
		const struct fam_info *info = &view->list[fam_words_find(ctx, view->list, view->nr, *ids)];
		char id[FAM_ID_TEXT];

		err = fam_checkpoint_remove(view->pool, info->id);
		if (err)
			break;
		fam_id_print(info->id, id);
		if (opts->json)
			json_string(&json, NULL, id);
		else
			printf("%s removed\n", id);
	}
	if (opts->json) {
		json_array_end(&json);
		json_object_end(&json);
	}
	return err ? cr_fail_errno(ctx, err, "Can't remove %s", *ids) : 0;
}

int fam_run_rm(struct cr_ctx *ctx, const struct cr_opts *opts, char **words)
{
	_cleanup_fam_view_ struct fam_view view = { 0 };
	struct fam_words given;
	int err;

	fam_words_take(opts, words, true, &given);
	if (!given.ids[0])
		return fam_status(ctx, cr_fail(ctx, -EINVAL, "No checkpoint was given"));
	err = fam_view_open(ctx, opts, &given, FAM_WRITE, &view);
	/* All are looked up first: a wrong one must not come up when others are gone. */
	err = err ?: check_removable(ctx, opts, &view, given.ids);
	err = err ?: remove_all(ctx, opts, &view, given.ids);
	return fam_status(ctx, err);
}
