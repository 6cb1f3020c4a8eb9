/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Errors. A function that fails returns -errno; where a person can be told more, it says so with
 * cr_fail(), once, as near to the cause as possible. The first message wins and is what the top
 * logs and what an RPC reply carries.
 */
#ifndef CRIU_BASE_ERROR_H
#define CRIU_BASE_ERROR_H

#include <stdatomic.h>

#include "base/log.h"

/* Plain data without pointers, so that it may stand in memory that several processes share. */
struct cr_error {
	atomic_int taken; /* 0 none, 1 being written, 2 complete */
	int code;	  /* -errno */
	int line;
	char file[64];
	char text[960];
};

/* What every function that can explain itself is given. */
struct cr_ctx {
	struct log *log;
	struct cr_error *error; /* owned by the top; shared memory in a restore */
};

/*
 * Records the message unless one is recorded already; returns CODE (a negative errno).
 * The errno's own text is appended by cr_fail_errno.
 */
int cr_fail_at(struct cr_ctx *ctx, int code, const char *file, int line, const char *fmt, ...) __printf(5, 6);
#define cr_fail(ctx, code, ...) cr_fail_at(ctx, code, __FILE__, __LINE__, __VA_ARGS__)
/* cr_fail(ctx, -22, "Can't open %s", p) reads "Can't open x: Invalid argument". CODE is negative. */
int cr_fail_errno_at(struct cr_ctx *ctx, int code, const char *file, int line, const char *fmt, ...) __printf(5, 6);
#define cr_fail_errno(ctx, code, ...) cr_fail_errno_at(ctx, code, __FILE__, __LINE__, __VA_ARGS__)
/* The top's one line: logs the recorded error, or CODE's own text when nobody explained it. */
void cr_error_log(struct cr_ctx *ctx, int code);

/* Ends the program: for checks of our own invariants only, never for input. */
#define cr_assert(cond) ((cond) ? (void)0 : cr_assert_failed(__FILE__, __LINE__, #cond))
void cr_assert_failed(const char *file, int line, const char *cond) __attribute__((__noreturn__));

#endif
