/* SPDX-License-Identifier: GPL-2.0 */
#include "base/error.h"

#include <string.h>

static void record(struct cr_ctx *ctx, int code, const char *file, int line, bool with_errno, const char *fmt,
		   va_list args)
{
	struct cr_error *error = ctx ? ctx->error : NULL;
	int untaken = 0;
	size_t len;

	if (!error || !atomic_compare_exchange_strong(&error->taken, &untaken, 1))
		return;
	error->code = code;
	error->line = line;
	snprintf(error->file, sizeof(error->file), "%s", file);
	vsnprintf(error->text, sizeof(error->text), fmt, args);
	if (with_errno) {
		len = strlen(error->text);
		snprintf(error->text + len, sizeof(error->text) - len, ": %s",
			 strerrordesc_np(-code) ?: "Unknown error");
	}
	atomic_store(&error->taken, 2);
}

int cr_fail_at(struct cr_ctx *ctx, int code, const char *file, int line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	record(ctx, code, file, line, false, fmt, args);
	va_end(args);
	return code;
}

int cr_fail_errno_at(struct cr_ctx *ctx, int code, const char *file, int line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	record(ctx, code, file, line, true, fmt, args);
	va_end(args);
	return code;
}

void cr_error_log(struct cr_ctx *ctx, int code)
{
	const struct cr_error *error = ctx->error;

	if (error && atomic_load(&error->taken)) {
		/* A writer that was killed half-way may have left text without its end. */
		log_line(ctx->log, LOG_ERROR, error->file, error->line, "%.*s", (int)sizeof(error->text) - 1,
			 error->text);
		return;
	}
	log_line(ctx->log, LOG_ERROR, __FILE__, __LINE__, "%s",
		 code < 0 ? strerrordesc_np(-code) ?: "Unknown error" : "An action script failed");
}

void cr_assert_failed(const char *file, int line, const char *cond)
{
	fprintf(stderr, "Error (%s:%d): an invariant is broken: %s\n", file, line, cond);
	abort();
}
