/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Storing to a bad place is an error at whatever step, and no signal. By itself: cmocka sets SIGBUS's handler before
 * each test, fam_guarded() only once.
 */
#include "fam/linear_fixture.h"

static void every_step_fails_by_name(void **state)
{
	struct fixture *f = *state;
	struct fam_commit commit = { f->dirfd, f->dir, 0 };
	struct fam_range used = { PAGE, PAGE };
	struct fam_checkpoint *cp;
	struct linear *linear;
	uint64_t id;

	make_pool(f, 16 << 20);
	linear = open_pool(f, FAM_WRITE);
	id = add(f, linear, BLOCK, 1);
	make_images(f, NULL);
	assert_int_equal(linear_create(&linear->pool, BLOCK, &used, 1, &cp), 0);
	assert_int_equal(ftruncate(f->memfd, 2 * BLOCK), 0);
	assert_int_equal(linear_flush(cp), -EIO);
	assert_int_equal(linear_commit(cp, &commit), -EIO);
	assert_int_equal(ftruncate(f->memfd, PAGE), 0);
	assert_int_equal(linear_remove(&linear->pool, id), -EIO);
	linear_close_checkpoint(cp);
	close_pool(linear);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_step_fails_by_name, fixture_begin, fixture_end),
	};

	unsetenv(FAM_FLUSH_ENV);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
