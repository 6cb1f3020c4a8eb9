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
