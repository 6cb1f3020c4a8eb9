/* SPDX-License-Identifier: GPL-2.0 */
/* Strict parsing of numbers, and strings that are built. */
#ifndef CRIU_BASE_STR_H
#define CRIU_BASE_STR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

/* The whole of S is a number in BASE (0, 8, 10, 16) that fits: 0, -EINVAL or -ERANGE. */
int parse_u64(const char *s, int base, uint64_t *ret);
int parse_u32(const char *s, int base, uint32_t *ret);
int parse_i32(const char *s, int base, int32_t *ret);
/* "12", "4K", "1M", "2G", "1T" in bytes. */
int parse_size(const char *s, uint64_t *ret);
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* asprintf(3) that returns the string or NULL. Free with free(). */
char *str_printf(const char *fmt, ...) __printf(1, 2);

#endif
