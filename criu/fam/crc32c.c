/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/crc32c.h"

#include <pthread.h>

#include "fam/arch.h"

#define POLYNOMIAL 0x82f63b78u /* bits reversed: the lowest bit is the first one */

static uint32_t table[256];

static void fill_table(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t state = byte;

		for (int bit = 0; bit < 8; bit++)
			state = state >> 1 ^ (state & 1 ? POLYNOMIAL : 0);
		table[byte] = state;
	}
}

uint32_t fam_crc32c_by_table(uint32_t crc, const void *buf, size_t len)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const unsigned char *p = buf;
	uint32_t state = ~crc;

	pthread_once(&once, fill_table);
	while (len--)
		state = state >> 8 ^ table[(state ^ *p++) & 0xff];
	return ~state;
}

uint32_t fam_crc32c(uint32_t crc, const void *buf, size_t len)
{
	if (crc32c_insn_there())
		return ~crc32c_insn(~crc, buf, len);
	return fam_crc32c_by_table(crc, buf, len);
}

/* The product of two polynomials modulo ours; the highest bit stands for x^0. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
	uint32_t product = 0;

	for (uint32_t bit = 1u << 31; bit; bit >>= 1) {
		if (a & bit)
			product ^= b;
		b = b >> 1 ^ (b & 1 ? POLYNOMIAL : 0);
	}
	return product;
}

/*
 * A CRC is the remainder of a polynomial: what follows multiplies it by x for each bit. The inversions before and after
 * cancel out.
 */
uint32_t fam_crc32c_join(uint32_t a, uint32_t b, uint64_t len)
{
	uint32_t power = 1u << (31 - 8); /* x^8: one byte */

	for (; len; len >>= 1) {
		if (len & 1)
			a = multiply(a, power);
		power = multiply(power, power);
	}
	return a ^ b;
}
