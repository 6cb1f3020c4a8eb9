/* SPDX-License-Identifier: GPL-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/phase.h"

static char trace[64];
static int fails_with;
static bool cancel_before_c;

static int note(const char *what)
{
	strcat(trace, what);
	return 0;
}

static int run_a(void *arg)
{
	return note("a");
}

static int run_b(void *arg)
{
	note("b");
	return fails_with;
}

static int run_c(void *arg)
{
	return note("c");
}

static void undo_a(void *arg)
{
	note("A");
}

static void undo_c(void *arg)
{
	note("C");
}

static void undo_b(void *arg)
{
	note("B");
}

static int cancelled(void *arg)
{
	return cancel_before_c && strchr(trace, 'b') ? -EINTR : 0;
}

static const struct phase table[] = {
	{ "alpha", run_a, undo_a },
	{ "beta", run_b, undo_b },
	{ "gamma", run_c, undo_c },
};

static int run(const char *fault, struct cr_error *error)
{
	struct cr_ctx ctx = { .error = error };

	memset(error, 0, sizeof(*error));
	trace[0] = '\0';
	if (fault)
		setenv("CRIU_FAULT_PHASE", fault, 1);
	else
		unsetenv("CRIU_FAULT_PHASE");
	return phases_run(&ctx, table, 3, NULL, cancelled);
}

static void all_run_in_order(void **state)
{
	static struct cr_error error;

	assert_int_equal(run(NULL, &error), 0);
	assert_string_equal(trace, "abc");
}

static void a_failure_undoes_from_itself_backwards(void **state)
{
	static struct cr_error error;

	fails_with = -ENOMEM;
	assert_int_equal(run(NULL, &error), -ENOMEM);
	assert_string_equal(trace, "abBA");
	fails_with = 3;
	assert_int_equal(run(NULL, &error), 3);
	assert_string_equal(trace, "abBA");
	fails_with = 0;
}

static void any_phase_can_be_made_to_fail(void **state)
{
	static struct cr_error error;

	assert_int_equal(run("beta", &error), -EIO);
	assert_string_equal(trace, "abBA");
	assert_non_null(strstr(error.text, "beta"));
	assert_int_equal(run("beta:before", &error), -EIO);
	assert_string_equal(trace, "aBA");
	assert_int_equal(run("gamma", &error), -EIO);
	assert_string_equal(trace, "abcCBA");
	assert_int_equal(run("bet", &error), 0);
	assert_int_equal(run("beta:after", &error), 0);
	assert_int_equal(run("", &error), 0);
}

static void cancelling_undoes_what_has_begun(void **state)
{
	static struct cr_error error;

	cancel_before_c = true;
	assert_int_equal(run(NULL, &error), -EINTR);
	assert_string_equal(trace, "abBA");
	cancel_before_c = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_run_in_order),
		cmocka_unit_test(a_failure_undoes_from_itself_backwards),
		cmocka_unit_test(any_phase_can_be_made_to_fail),
		cmocka_unit_test(cancelling_undoes_what_has_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
