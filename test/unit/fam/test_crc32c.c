/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fam/arch.h"
#include "fam/crc32c.h"

/* RFC 3720, appendix B.4, and the checksum's usual check value. */
static void known_values(void **state)
{
	unsigned char zeros[32] = { 0 }, ones[32], up[32], down[32];

	memset(ones, 0xff, sizeof(ones));
	for (int i = 0; i < 32; i++) {
		up[i] = i;
		down[i] = 31 - i;
	}
	for (int by_table = 0; by_table < 2; by_table++) {
		uint32_t (*crc)(uint32_t, const void *, size_t) = by_table ? fam_crc32c_by_table : fam_crc32c;

		assert_int_equal(crc(0, "123456789", 9), 0xe3069283);
		assert_int_equal(crc(0, zeros, 32), 0x8a9136aa);
		assert_int_equal(crc(0, ones, 32), 0x62a8ab43);
		assert_int_equal(crc(0, up, 32), 0x46dd794e);
		assert_int_equal(crc(0, down, 32), 0x113fdb5c);
		assert_int_equal(crc(0, "", 0), 0);
		assert_int_equal(crc(0x46dd794e, "", 0), 0x46dd794e);
	}
}

/* Lengths round those where the instruction's strands begin, at odd addresses, in one piece and in two. */
static void instruction_and_table_agree(void **state)
{
	static const size_t lengths[] = { 1, 7, 8, 9, 1359, 4079, 4080, 4081, 4096, 8159, 8160, 8161, 20000 };
	unsigned char buf[20008];

	if (!crc32c_insn_there())
		skip();
	srandom(1);
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = random();
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (size_t shift = 0; shift < 8; shift++) {
			size_t len = lengths[i], cut = random() % (len + 1);
			uint32_t whole = fam_crc32c_by_table(0, buf + shift, len);

			assert_int_equal(fam_crc32c(0, buf + shift, len), whole);
			assert_int_equal(fam_crc32c(fam_crc32c(0, buf + shift, cut), buf + shift + cut, len - cut),
					 whole);
			assert_int_equal(
				fam_crc32c_by_table(fam_crc32c(0, buf + shift, cut), buf + shift + cut, len - cut),
				whole);
		}
}

static void parts_are_joined(void **state)
{
	unsigned char buf[3 * 4096];

	srandom(2);
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = random();
	for (size_t cut = 0; cut <= sizeof(buf); cut += cut < 10 ? 1 : 1021) {
		uint32_t a = fam_crc32c(0, buf, cut), b = fam_crc32c(0, buf + cut, sizeof(buf) - cut);

		assert_int_equal(fam_crc32c_join(a, b, sizeof(buf) - cut), fam_crc32c(0, buf, sizeof(buf)));
	}
	assert_int_equal(fam_crc32c_join(0, 0x12345678, 1ull << 40), 0x12345678);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values),
		cmocka_unit_test(instruction_and_table_agree),
		cmocka_unit_test(parts_are_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
