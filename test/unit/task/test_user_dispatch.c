/* SPDX-License-Identifier: GPL-2.0 */
/* Ranges of user dispatch, as the kernel tells them and as it takes them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "task/user_dispatch.h"

static void check(uint64_t mode, uint64_t offset, uint64_t len, uint64_t want_mode, uint64_t want_offset,
		  uint64_t want_len)
{
	const struct user_dispatch told = { mode, 0x1000, offset, len };
	struct user_dispatch got = user_dispatch_settable(&told);

	assert_int_equal(got.mode, want_mode);
	assert_int_equal(got.selector, 0x1000);
	assert_int_equal(got.offset, want_offset);
	assert_int_equal(got.len, want_len);
}

static void most_are_taken_as_told(void **state)
{
	check(0, 0, 0, 0, 0, 0);
	check(1, 0, 0, 1, 0, 0);
	check(1, 0, 0x1000, 1, 0, 0x1000);
	check(1, 0x400000, 0x1000, 1, 0x400000, 0x1000);
}

static void a_range_is_told_inside_out(void **state)
{
	check(1, 0x401000, -0x1000ul, 2, 0x400000, 0x1000);
	check(1, 0x1000, -0x1000ul, 2, 0, 0x1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(most_are_taken_as_told),
		cmocka_unit_test(a_range_is_told_inside_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
