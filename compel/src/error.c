/* SPDX-License-Identifier: GPL-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

int compel_fail(struct compel_error *error, int err, const char *fmt, ...)
{
	va_list ap;

	error->err = err;
	va_start(ap, fmt);
	vsnprintf(error->text, sizeof(error->text), fmt, ap);
	va_end(ap);
	return err;
}

const char *compel_strerror_detail(const struct compel_thread *th)
{
	if (th->error.text[0])
		return th->error.text;
	return strerror(-th->error.err);
}
