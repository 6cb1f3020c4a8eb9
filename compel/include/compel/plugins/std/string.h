/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPEL_PLUGINS_STD_STRING_H
#define COMPEL_PLUGINS_STD_STRING_H

#include <stddef.h>

/* As in C; the compiler itself may call the first four. */
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);

/*
 * Copy past the caches, for a destination that nobody reads soon. What isn't 8-byte aligned at the ends of @dst goes
 * the usual way. On return the stores are globally visible; making them durable is the caller's business.
 */
void std_copy_nt(void *dst, const void *src, size_t n);

#endif
