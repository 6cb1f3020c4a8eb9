/* SPDX-License-Identifier: GPL-2.0 */
/* A pool on the device-DAX device that DAX_DEV names (test/vm/run-in-vm -d devdax gives one), which loses what it
 * holds. */
#include "fam/linear_fixture.h"

static const char *device;

static struct fam_pool *open_device(struct fixture *f, enum fam_access access)
{
	struct fam_open_args args = { .ctx = &f->ctx, .path = device, .access = access };
	struct fam_pool *pool = NULL;

	memset(&f->error, 0, sizeof(f->error));
	if (fam_pool_open(&args, &pool))
		fail_msg("%s", f->error.text);
	return pool;
}

static int device_begin(void **state)
{
	struct fixture *f;

	if (fixture_begin(state))
		return -1;
	f = *state;
	if (device && fam_pool_init(&(struct fam_init_args){ .ctx = &f->ctx, .path = device, .force = true }))
		return -1;
	return 0;
}

/* One with used pages among unused ones. */
static uint64_t add_with_gaps(struct fixture *f, struct fam_pool *pool)
{
	static const struct fam_range used[] = { { PAGE, PAGE }, { BLOCK - PAGE, 2 * PAGE } };
	struct fam_commit commit = { f->dirfd, f->dir, 0 };
	struct fam_checkpoint *cp;
	uint64_t id;

	assert_int_equal(fam_checkpoint_create(pool, 2 * BLOCK, used, 2, &cp), 0);
	assert_true(cp->is_pmem);
	memset(cp->base + PAGE, 0x11, PAGE);
	memset(cp->base + BLOCK - PAGE, 0x22, 2 * PAGE);
	assert_int_equal(fam_checkpoint_flush(cp), 0);
	make_images(f, NULL);
	assert_int_equal(fam_checkpoint_commit(cp, &commit), 0);
	id = cp->id;
	fam_checkpoint_close(&cp);
	return id;
}

static void check_with_gaps(struct fam_pool *pool, uint64_t id)
{
	struct fam_checkpoint *cp;

	assert_int_equal(fam_checkpoint_open(pool, id, &cp), 0);
	assert_true(is_filled(cp->base, PAGE, 0));
	assert_true(is_filled(cp->base + PAGE, PAGE, 0x11));
	assert_true(is_filled(cp->base + 2 * PAGE, BLOCK - 3 * PAGE, 0));
	assert_true(is_filled(cp->base + BLOCK - PAGE, 2 * PAGE, 0x22));
	assert_true(is_filled(cp->base + BLOCK + PAGE, BLOCK - PAGE, 0));
	assert_int_equal(fam_checkpoint_images(cp, count_image, &(unsigned){ 0 }), 0);
	fam_checkpoint_close(&cp);
}

static void made_found_and_removed(void **state)
{
	struct fixture *f = *state;
	struct fam_pool *pool;
	uint64_t id, whole;

	if (!device)
		skip();
	pool = open_device(f, FAM_WRITE);
	assert_true(pool->caps == FAM_CAP_PMEM);
	assert_int_equal(((struct linear *)pool)->flush.by, FLUSH_BY_LINES);
	/* An earlier owner, who had all of the device. */
	whole = add(f, (struct linear *)pool, pool->size - 3 * BLOCK, 0xaa);
	assert_int_equal(fam_checkpoint_remove(pool, whole), 0);
	id = add_with_gaps(f, pool);
	fam_pool_close(&pool);
	pool = open_device(f, FAM_READ);
	check_with_gaps(pool, id);
	fam_pool_close(&pool);
	pool = open_device(f, FAM_WRITE);
	assert_int_equal(fam_checkpoint_remove(pool, id), 0);
	fam_pool_close(&pool);
}

/* Locks of byte ranges and flock(2) work on the device's inode, too. */
static void readers_and_writers(void **state)
{
	struct fixture *f = *state;
	struct fam_open_args args = { .ctx = &f->ctx, .path = device, .access = FAM_WRITE };
	struct fam_pool *writer, *reader, *second;
	struct fam_checkpoint *cp;
	char text[32];
	uint64_t id;

	if (!device)
		skip();
	writer = open_device(f, FAM_WRITE);
	assert_int_equal(fam_pool_open(&args, &second), -EBUSY);
	id = add_with_gaps(f, writer);
	reader = open_device(f, FAM_READ);
	assert_int_equal(fam_checkpoint_open(reader, id, &cp), 0);
	memset(&f->error, 0, sizeof(f->error));
	assert_int_equal(fam_checkpoint_remove(writer, id), -EBUSY);
	snprintf(text, sizeof(text), "by process %d", getpid());
	assert_non_null(strstr(f->error.text, text));
	fam_checkpoint_close(&cp);
	assert_int_equal(fam_checkpoint_remove(writer, id), 0);
	fam_pool_close(&reader);
	fam_pool_close(&writer);
}

static void fragments(void **state)
{
	struct fixture *f = *state;
	struct fam_checkpoint *cp;
	struct fam_pool *pool;
	uint64_t id[8], large;

	if (!device)
		skip();
	pool = open_device(f, FAM_WRITE);
	for (int i = 0; i < 8; i++)
		id[i] = add(f, (struct linear *)pool, BLOCK, i + 1);
	for (int i = 0; i < 8; i += 2)
		assert_int_equal(fam_checkpoint_remove(pool, id[i]), 0);
	large = add(f, (struct linear *)pool, (((struct linear *)pool)->blocks.nr_free - 1) * BLOCK, 0x77);
	fam_pool_close(&pool);
	pool = open_device(f, FAM_READ);
	assert_int_equal(fam_checkpoint_open(pool, large, &cp), 0);
	assert_int_equal(((struct linear_checkpoint *)cp)->nr_fragments, 5);
	assert_true(is_filled(cp->base, cp->size, 0x77));
	fam_checkpoint_close(&cp);
	fam_pool_close(&pool);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, device_begin, fixture_end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(made_found_and_removed),
		TEST(readers_and_writers),
		TEST(fragments),
	};

	unsetenv(FAM_FLUSH_ENV);
	device = getenv("DAX_DEV");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
