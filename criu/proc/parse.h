/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pieces of text between two pointers, for the parsers of this directory. Each function moves the cursor behind
 * what it took, or returns false and leaves the cursor anywhere: a parser then gives up with -EBADMSG.
 */
#ifndef CRIU_PROC_PARSE_H
#define CRIU_PROC_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

struct cursor {
	const char *p, *end;
};

static inline bool cur_char(struct cursor *c, char ch)
{
	if (c->p >= c->end || *c->p != ch)
		return false;
	c->p++;
	return true;
}

/* Any number of blanks and tabs. */
static inline void cur_blanks(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
		c->p++;
}

static inline bool cur_text(struct cursor *c, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(c->end - c->p) < len || memcmp(c->p, text, len))
		return false;
	c->p += len;
	return true;
}

static inline bool cur_end(const struct cursor *c)
{
	return c->p == c->end;
}

/* Hexadecimal digits without a prefix. */
static inline bool cur_hex(struct cursor *c, uint64_t *ret)
{
	const char *start = c->p;
	uint64_t v = 0;

	for (; c->p < c->end; c->p++) {
		unsigned int d = (unsigned char)*c->p;

		if (d - '0' <= 9)
			d -= '0';
		else if ((d | 0x20) - 'a' <= 5)
			d = (d | 0x20) - 'a' + 10;
		else
			break;
		if (v >> 60)
			return false;
		v = v << 4 | d;
	}
	*ret = v;
	return c->p > start;
}

static inline bool cur_u64(struct cursor *c, uint64_t *ret)
{
	const char *start = c->p;
	uint64_t v = 0;

	for (; c->p < c->end && (unsigned char)(*c->p - '0') <= 9; c->p++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *c->p - '0', &v))
			return false;
	*ret = v;
	return c->p > start;
}

static inline bool cur_u32(struct cursor *c, uint32_t *ret)
{
	uint64_t v;

	if (!cur_u64(c, &v) || v > UINT32_MAX)
		return false;
	*ret = v;
	return true;
}

static inline bool cur_oct32(struct cursor *c, uint32_t *ret)
{
	const char *start = c->p;
	uint64_t v = 0;

	for (; c->p < c->end && (unsigned char)(*c->p - '0') <= 7; c->p++) {
		v = v << 3 | (*c->p - '0');
		if (v > UINT32_MAX)
			return false;
	}
	*ret = v;
	return c->p > start;
}

static inline bool cur_i64(struct cursor *c, int64_t *ret)
{
	bool neg = cur_char(c, '-');
	uint64_t v;

	if (!cur_u64(c, &v) || v > (uint64_t)INT64_MAX + neg)
		return false;
	*ret = neg ? (int64_t)-v : (int64_t)v;
	return true;
}

static inline bool cur_int(struct cursor *c, int *ret)
{
	int64_t v;

	if (!cur_i64(c, &v) || v < INT32_MIN || v > INT32_MAX)
		return false;
	*ret = v;
	return true;
}

/* The next line, without its newline, which has to be there. False at the end of the text, too. */
static inline bool cur_line(struct cursor *c, struct cursor *line)
{
	const char *nl = c->p < c->end ? memchr(c->p, '\n', c->end - c->p) : NULL;

	if (!nl)
		return false;
	line->p = c->p;
	line->end = nl;
	c->p = nl + 1;
	return true;
}

/*
 * Reads the whole of a /proc file into *RET, NUL-ended, free with free(); the kernel gives these files about a
 * page at a time. 0; -EFBIG beyond MAX bytes; -errno of open(2) and read(2).
 */
int proc_read_text(int procfd, const char *path, size_t max, char **ret, size_t *len);
/* The same into the caller's buffer of SIZE bytes, for files known to be small: -EBADMSG if it doesn't fit. */
int proc_read_small(int procfd, const char *path, char *buf, size_t size, size_t *len);

#endif
