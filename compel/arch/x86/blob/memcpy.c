/* SPDX-License-Identifier: GPL-2.0 */
#include <stdint.h>

#include <compel/plugins/std/string.h>

void *memcpy(void *dst, const void *src, size_t n)
{
	void *to = dst;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(n) : : "memory");
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	unsigned char *to = (unsigned char *)dst + n - 1;
	const unsigned char *from = (const unsigned char *)src + n - 1;

	if ((uintptr_t)dst - (uintptr_t)src >= n)
		return memcpy(dst, src, n);
	__asm__ volatile("std; rep movsb; cld" : "+D"(to), "+S"(from), "+c"(n) : : "memory", "cc");
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	void *to = dst;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(c) : "memory");
	return dst;
}

static inline void copy_32(void *to, const void *from)
{
	uint64_t a, b, c, d;

	__asm__ volatile("movq (%5), %0; movq 8(%5), %1; movq 16(%5), %2; movq 24(%5), %3\n\t"
			 "movnti %0, (%4); movnti %1, 8(%4); movnti %2, 16(%4); movnti %3, 24(%4)"
			 : "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(d)
			 : "r"(to), "r"(from)
			 : "memory");
}

/*
 * Four pages side by side, line by line. The processor reads ahead within pages only, so one page after the other waits
 * at the begin of each: a quarter slower.
 */
#define PAGE  4096
#define LINE  64
#define BLOCK (4 * PAGE)

static void copy_block(unsigned char *to, const unsigned char *from)
{
	for (size_t line = 0; line < PAGE; line += LINE) {
		for (size_t at = line; at < BLOCK; at += PAGE) {
			copy_32(to + at, from + at);
			copy_32(to + at + 32, from + at + 32);
		}
	}
}

void std_copy_nt(void *dst, const void *src, size_t n)
{
	unsigned char *to = dst;
	const unsigned char *from = src;
	size_t head = -(uintptr_t)to & 7;

	if (head > n)
		head = n;
	memcpy(to, from, head);
	to += head;
	from += head;
	n -= head;
	for (; n >= BLOCK; n -= BLOCK, to += BLOCK, from += BLOCK)
		copy_block(to, from);
	for (; n >= 32; n -= 32, to += 32, from += 32)
		copy_32(to, from);
	for (; n >= 8; n -= 8, to += 8, from += 8) {
		uint64_t a;

		__asm__ volatile("movq (%2), %0; movnti %0, (%1)" : "=&r"(a) : "r"(to), "r"(from) : "memory");
	}
	memcpy(to, from, n);
	__asm__ volatile("sfence" : : : "memory");
}
