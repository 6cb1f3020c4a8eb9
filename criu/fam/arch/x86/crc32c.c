/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instruction takes three cycles, but one can begin in each: three strands of LANE bytes side by side. The checksum
 * is linear, so that the first strand's state only has to be moved past the bytes of the others: a table for each of
 * its bytes.
 */
#include "fam/arch.h"

#include <cpuid.h>
#include <immintrin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define LANE	   1360ul /* three and 16 bytes are a page */
#define POLYNOMIAL 0x82f63b78u

static uint32_t past_lane[4][256];

/* Asked once: in a virtual machine each CPUID goes to its host, 20 us. */
bool crc32c_insn_there(void)
{
	static atomic_int known;
	unsigned eax, ebx, ecx, edx;

	if (!known)
		known = __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_SSE4_2) ? 1 : -1;
	return known > 0;
}

static void fill_past_lane(void)
{
	uint32_t of_bit[32];

	/* The state behind LANE zero bytes of a state with one bit. */
	for (int bit = 0; bit < 32; bit++) {
		uint32_t state = 1u << bit;

		for (unsigned long n = 0; n < LANE * 8; n++)
			state = state >> 1 ^ (state & 1 ? POLYNOMIAL : 0);
		of_bit[bit] = state;
	}
	for (int byte = 0; byte < 4; byte++)
		for (uint32_t value = 0; value < 256; value++)
			for (int bit = 0; bit < 8; bit++)
				if (value & 1u << bit)
					past_lane[byte][value] ^= of_bit[byte * 8 + bit];
}

static uint32_t move_past_lane(uint32_t state)
{
	return past_lane[0][state & 0xff] ^ past_lane[1][state >> 8 & 0xff] ^ past_lane[2][state >> 16 & 0xff] ^
	       past_lane[3][state >> 24];
}

static uint64_t word(const unsigned char *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

__attribute__((target("sse4.2"))) uint32_t crc32c_insn(uint32_t state, const unsigned char *p, size_t len)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (len >= 3 * LANE)
		pthread_once(&once, fill_past_lane);
	for (; len >= 3 * LANE; p += 3 * LANE, len -= 3 * LANE) {
		uint64_t a = state, b = 0, c = 0;

		for (unsigned long n = 0; n < LANE; n += 8) {
			a = _mm_crc32_u64(a, word(p + n));
			b = _mm_crc32_u64(b, word(p + LANE + n));
			c = _mm_crc32_u64(c, word(p + 2 * LANE + n));
		}
		state = move_past_lane(move_past_lane(a) ^ b) ^ c;
	}
	for (; len >= 8; p += 8, len -= 8)
		state = _mm_crc32_u64(state, word(p));
	while (len--)
		state = _mm_crc32_u8(state, *p++);
	return state;
}
