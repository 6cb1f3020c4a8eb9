/* SPDX-License-Identifier: GPL-2.0 */
#include "base/str.h"

#include <ctype.h>
#include <limits.h>
#include <stdarg.h>

int parse_u64(const char *s, int base, uint64_t *ret)
{
	unsigned long long value;
	char *end;

	/* strtoull(3) would skip blanks and take a sign. */
	if (!isxdigit((unsigned char)*s))
		return -EINVAL;
	errno = 0;
	value = strtoull(s, &end, base);
	if (end == s || *end)
		return -EINVAL;
	if (errno)
		return -errno;
	*ret = value;
	return 0;
}

int parse_u32(const char *s, int base, uint32_t *ret)
{
	uint64_t value;
	int err = parse_u64(s, base, &value);

	if (err)
		return err;
	if (value > UINT32_MAX)
		return -ERANGE;
	*ret = value;
	return 0;
}

int parse_i32(const char *s, int base, int32_t *ret)
{
	bool negative = *s == '-';
	uint64_t value;
	int err = parse_u64(s + negative, base, &value);

	if (err)
		return err;
	if (value > (uint64_t)INT32_MAX + negative)
		return -ERANGE;
	*ret = negative ? (int32_t) - (int64_t)value : (int32_t)value;
	return 0;
}

int parse_size(const char *s, uint64_t *ret)
{
	static const char units[] = "KMGT";
	size_t len = strlen(s);
	unsigned int shift = 0;
	char digits[24];
	const char *unit;
	uint64_t value;
	int err;

	unit = len ? strchr(units, toupper((unsigned char)s[len - 1])) : NULL;
	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		len--;
	}
	if (!len)
		return -EINVAL;
	if (len >= sizeof(digits))
		return -ERANGE;
	memcpy(digits, s, len);
	digits[len] = '\0';
	err = parse_u64(digits, 10, &value);
	if (err)
		return err;
	if (value > UINT64_MAX >> shift)
		return -ERANGE;
	*ret = value << shift;
	return 0;
}

bool str_starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool str_ends(const char *s, const char *suffix)
{
	size_t len = strlen(s), tail = strlen(suffix);

	return len >= tail && !strcmp(s + len - tail, suffix);
}

char *str_printf(const char *fmt, ...)
{
	va_list args;
	char *s;
	int n;

	va_start(args, fmt);
	n = vasprintf(&s, fmt, args);
	va_end(args);
	return n < 0 ? NULL : s;
}
