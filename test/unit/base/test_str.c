/* SPDX-License-Identifier: GPL-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/str.h"

static void numbers_are_taken_whole(void **state)
{
	static const char *const bad[] = { "", " 1", "1 ", "+1", "-1", "1x", "0x", "x", "--1", "1,000" };
	uint64_t value = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_u64(bad[i], 0, &value), -EINVAL);
	assert_int_equal(value, 7);
	assert_int_equal(parse_u64("18446744073709551615", 10, &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(parse_u64("18446744073709551616", 10, &value), -ERANGE);
	assert_int_equal(parse_u64("7fff", 16, &value), 0);
	assert_int_equal(value, 0x7fff);
	assert_int_equal(parse_u64("0x10", 0, &value), 0);
	assert_int_equal(value, 16);
	assert_int_equal(parse_u64("010", 0, &value), 0);
	assert_int_equal(value, 8);
	assert_int_equal(parse_u64("ff", 10, &value), -EINVAL);
	assert_int_equal(parse_u64("8", 8, &value), -EINVAL);
}

static void narrower_numbers_are_held_to_their_range(void **state)
{
	uint32_t u;
	int32_t i;

	assert_int_equal(parse_u32("4294967295", 10, &u), 0);
	assert_true(u == UINT32_MAX);
	assert_int_equal(parse_u32("4294967296", 10, &u), -ERANGE);
	assert_int_equal(parse_i32("-2147483648", 10, &i), 0);
	assert_true(i == INT32_MIN);
	assert_int_equal(parse_i32("-2147483649", 10, &i), -ERANGE);
	assert_int_equal(parse_i32("2147483648", 10, &i), -ERANGE);
	assert_int_equal(parse_i32("2147483647", 10, &i), 0);
	assert_int_equal(parse_i32("-", 10, &i), -EINVAL);
	assert_int_equal(parse_i32("--1", 10, &i), -EINVAL);
	assert_int_equal(parse_i32("- 1", 10, &i), -EINVAL);
}

static void sizes_have_one_unit(void **state)
{
	static const char *const bad[] = { "", "K", "1KK", "1P", "-1K", "1 K", "0x1K", "1.5M", "K1" };
	uint64_t value;

	assert_int_equal(parse_size("12", &value), 0);
	assert_int_equal(value, 12);
	assert_int_equal(parse_size("4K", &value), 0);
	assert_int_equal(value, 4096);
	assert_int_equal(parse_size("1m", &value), 0);
	assert_int_equal(value, 1 << 20);
	assert_int_equal(parse_size("17179869183G", &value), 0);
	assert_int_equal(parse_size("17179869184G", &value), -ERANGE);
	assert_int_equal(parse_size("2T", &value), 0);
	assert_true(value == 2ull << 40);
	assert_int_equal(parse_size("16777216T", &value), -ERANGE);
	assert_int_equal(parse_size("1111111111111111111111111111", &value), -ERANGE);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_size(bad[i], &value), -EINVAL);
}

static void beginnings_and_ends(void **state)
{
	assert_true(str_starts("pages-1.img", "pages-"));
	assert_false(str_starts("page", "pages-"));
	assert_true(str_ends("pages-1.img", ".img"));
	assert_false(str_ends("img", ".img"));
	assert_true(str_starts("", "") && str_ends("", ""));
}

static void strings_are_built(void **state)
{
	_cleanup_free_ char *s = str_printf("%s-%d", "core", 17);

	assert_string_equal(s, "core-17");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_taken_whole), cmocka_unit_test(narrower_numbers_are_held_to_their_range),
		cmocka_unit_test(sizes_have_one_unit),	   cmocka_unit_test(beginnings_and_ends),
		cmocka_unit_test(strings_are_built),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
