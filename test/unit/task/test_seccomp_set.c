/* SPDX-License-Identifier: GPL-2.0 */
/* Filters of many threads: equal ones on equal ones are one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/seccomp.h>

#include "task/seccomp_set.h"

#define RET(value) BPF_STMT(BPF_RET | BPF_K, value)

static uint32_t add(struct seccomp_set *set, uint32_t prev, uint32_t value, uint32_t flags)
{
	const struct sock_filter code[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), RET(value) };
	uint32_t id;

	assert_int_equal(seccomp_set_add(set, prev, code, 2, flags, &id), 0);
	return id;
}

static void equal_ones_are_shared(void **state)
{
	struct seccomp_set set = { 0 };
	uint32_t a = add(&set, SECCOMP_NONE, 1, 0), b = add(&set, a, 2, 0);

	assert_int_equal(add(&set, SECCOMP_NONE, 1, 0), a);
	assert_int_equal(add(&set, a, 2, 0), b);
	assert_int_not_equal(add(&set, SECCOMP_NONE, 2, 0), b);
	assert_int_not_equal(add(&set, a, 2, 2), b);
	assert_int_equal(set.nr, 4);
	assert_int_equal(set.v[b].prev, a);
	assert_int_equal(set.v[b].code[1].k, 2);
	seccomp_set_free(&set);
	assert_null(set.v);
}

static void many_are_found_again(void **state)
{
	struct seccomp_set set = { 0 };
	uint32_t top = SECCOMP_NONE;

	for (uint32_t i = 0; i < 1000; i++) {
		top = add(&set, top, i / 2, 0);
		assert_int_equal(top, i);
	}
	top = SECCOMP_NONE;
	for (uint32_t i = 0; i < 1000; i++)
		top = add(&set, top, i / 2, 0);
	assert_int_equal(set.nr, 1000);
	seccomp_set_free(&set);
}

static void partial_ones_are_told(void **state)
{
	struct seccomp_set set = { 0 };
	uint32_t a = add(&set, SECCOMP_NONE, 1, 0), b = add(&set, a, 2, 0), c = add(&set, a, 3, 0);
	uint32_t other = add(&set, SECCOMP_NONE, 4, 0);

	assert_int_equal(seccomp_set_mark_partial(&set, (uint32_t[]){ b, c, b }, 3), 0);
	assert_false(set.v[a].partial);
	assert_true(set.v[b].partial);
	assert_true(set.v[c].partial);
	assert_false(set.v[other].partial);
	assert_int_equal(seccomp_set_mark_partial(&set, (uint32_t[]){ b }, 1), 0);
	assert_true(set.v[b].partial);
	assert_int_equal(seccomp_set_mark_partial(&set, (uint32_t[]){ a, SECCOMP_NONE }, 2), 0);
	assert_true(set.v[a].partial);
	seccomp_set_free(&set);
}

static void constant_actions_are_seen(void **state)
{
	const struct sock_filter code[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SECCOMP_RET_USER_NOTIF),
					    RET(SECCOMP_RET_ERRNO | 5), RET(SECCOMP_RET_ALLOW) };

	assert_true(seccomp_code_returns(code, 3, SECCOMP_RET_ERRNO));
	assert_true(seccomp_code_returns(code, 3, SECCOMP_RET_ALLOW));
	assert_false(seccomp_code_returns(code, 3, SECCOMP_RET_USER_NOTIF));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_ones_are_shared),
		cmocka_unit_test(many_are_found_again),
		cmocka_unit_test(partial_ones_are_told),
		cmocka_unit_test(constant_actions_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
