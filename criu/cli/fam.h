/* SPDX-License-Identifier: GPL-2.0 */
/* What `criu fam` commands share, and each of them: their contract is struct command's run. */
#ifndef CRIU_CLI_FAM_H
#define CRIU_CLI_FAM_H

#include "cli/fam_words.h"
#include "cli/json.h"
#include "cli/options.h"
#include "fam/pool.h"

typedef int fam_command_run(struct cr_ctx *ctx, const struct cr_opts *opts, char **words);

fam_command_run fam_run_init, fam_run_list, fam_run_show, fam_run_verify, fam_run_gc, fam_run_rm, fam_run_export,
	fam_run_import, fam_run_stat;

/* A pool that is open, with its checkpoints. Zeroed is none; end it with fam_view_close(). */
struct fam_view {
	struct fam_pool *pool;
	struct fam_info *list; /* owned; the oldest first */
	size_t nr;
};

/* Opens the pool of WORDS and lists it. 0 or -errno (cr_fail). */
int fam_view_open(struct cr_ctx *ctx, const struct cr_opts *opts, const struct fam_words *words, enum fam_access access,
		  struct fam_view *ret);
void fam_view_close(struct fam_view *view);
#define _cleanup_fam_view_ __cleanup(fam_view_close)

/* The exit status of a command that ended with RESULT, which is logged if it is an error. */
int fam_status(struct cr_ctx *ctx, int result);

/* "committed" and so on. */
const char *fam_state_name(enum fam_state state);
/* BYTES in a few characters: "0", "12K", "1.5G". */
#define FAM_SIZE_TEXT 24
const char *fam_size_text(uint64_t bytes, char text[FAM_SIZE_TEXT]);
/* 32 hexadecimal digits. */
#define FAM_UUID_TEXT (2 * FAM_UUID_LEN + 1)
const char *fam_uuid_text(const struct fam_pool *pool, char text[FAM_UUID_TEXT]);
/* What a pool tells of itself, which is untrusted: no control characters reach the terminal. */
void fam_print_safe(const char *text);
/* The object of one checkpoint, without its end. */
void fam_json_checkpoint(struct json *json, const struct fam_info *info);
/* "pool": what it is. */
void fam_json_pool(struct json *json, const struct fam_pool *pool, const struct fam_usage *usage);

#endif
