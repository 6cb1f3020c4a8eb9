/* SPDX-License-Identifier: GPL-2.0 */
/* The life of a directory pool: made, filled, read, reused, full. */
#include "fam/fixture.h"

static void first_use_makes_a_pool(void **state)
{
	struct fixture *f = *state;
	struct fam_pool *pool;
	struct fam_info *list;
	struct stat st;
	uint64_t id;
	size_t nr;

	assert_int_equal(chmod(f->pool, 0755), 0);
	assert_int_equal(pool_open(f, FAM_READ, &pool), -EPROTO);
	forget_error(f);
	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	assert_int_equal(stat(f->pool, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_string_equal(pool->path, f->pool);
	assert_int_equal(!!(pool->caps & FAM_CAP_UFFD), f->on_tmpfs);
	id = checkpoint_make(f, pool, 4 * MIB, 'a');
	assert_int_equal(fam_pool_list(pool, &list, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(list[0].id, id);
	assert_int_equal(list[0].state, FAM_COMMITTED);
	assert_int_equal(list[0].size, 4 * MIB);
	assert_true(list[0].allocated > 4 * MIB);
	assert_string_equal(list[0].images_dir, f->images);
	fam_list_free(list, nr);
	fam_pool_close(&pool);
	assert_null(pool);
}

static void content_is_read_again(void **state)
{
	struct fixture *f = *state;
	struct fam_checkpoint *cp;
	struct fam_pool *pool;
	uint64_t id;
	char byte;

	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	id = checkpoint_make(f, pool, 2 * MIB, 'r');
	fam_pool_close(&pool);
	assert_int_equal(pool_open(f, FAM_READ, &pool), 0);
	assert_int_equal(fam_checkpoint_open(pool, id + 1, &cp), -ENOENT);
	forget_error(f);
	assert_int_equal(fam_checkpoint_open(pool, id, &cp), 0);
	assert_int_equal(cp->size, 2 * MIB);
	assert_true(cp->committed);
	assert_int_equal((uintptr_t)cp->base % FAM_ALIGN, 0);
	assert_true(is_all(cp->base, cp->size, 'r'));
	assert_int_equal(pread(cp->fd, &byte, 1, 77), 1);
	assert_int_equal(byte, 'r');
	assert_int_equal(fam_checkpoint_remove(pool, id), -EROFS);
	fam_checkpoint_close(&cp);
	fam_pool_close(&pool);
}

struct seen {
	unsigned core, inventory, other;
};

static int see(void *arg, const char *name, const void *data, size_t len)
{
	struct seen *seen = arg;

	if (!strcmp(name, "core-7.img"))
		seen->core += len == 9 && !memcmp(data, "registers", 9);
	else if (!strcmp(name, "inventory.img"))
		seen->inventory += len == 9 && !memcmp(data, "inventory", 9);
	else
		seen->other += strcmp(name, "fam.img") != 0;
	return 0;
}

static void images_are_kept(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };
	struct fam_checkpoint *cp;
	struct fam_pool *pool;
	uint64_t id;

	image_put(f, "pages-1.img", "of an older set");
	image_put(f, "dump.log", "no image");
	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	id = checkpoint_make(f, pool, 2 * MIB, 'i');
	assert_int_equal(fam_checkpoint_open(pool, id, &cp), 0);
	assert_int_equal(fam_checkpoint_images(cp, see, &seen), 0);
	assert_int_equal(seen.core, 1);
	assert_int_equal(seen.inventory, 1);
	assert_int_equal(seen.other, 0);
	fam_checkpoint_close(&cp);
	fam_pool_close(&pool);
}

/* A secret fills a checkpoint; the next one, of any shape, shows its own bytes and zeroes. */
static void reuse_shows_nothing(void **state)
{
	const struct fam_range used[] = {
		{ PAGE, PAGE },	    { 3 * PAGE, 2 * MIB }, { 7 * MIB, PAGE }, { 8 * MIB + PAGE, 6 * MIB },
		{ 15 * MIB, PAGE },
	};
	const size_t nr = sizeof(used) / sizeof(used[0]);
	struct fixture *f = *state;
	struct fam_checkpoint *cp;
	struct fam_usage usage;
	struct fam_pool *pool;
	uint64_t id, at = 0;

	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	id = checkpoint_make(f, pool, 20 * MIB, 's');
	assert_int_equal(fam_checkpoint_remove(pool, id), 0);
	assert_int_equal(fam_pool_usage(pool, &usage), 0);
	assert_int_equal(usage.used, 0);
	assert_int_equal(usage.spare, 20 * MIB);
	assert_int_equal(fam_checkpoint_create(pool, 16 * MIB, used, nr, &cp), 0);
	assert_int_equal(cp->base[0], 's'); /* it is that memory */
	for (size_t i = 0; i < nr; i++)
		memset(cp->base + used[i].offset, 'n', used[i].len);
	assert_int_equal(fam_checkpoint_flush(cp), 0);
	images_make(f, pool, cp->id);
	assert_int_equal(commit(f, cp), 0);
	inventory_commit(f);
	id = cp->id;
	fam_checkpoint_close(&cp);
	assert_int_equal(fam_checkpoint_open(pool, id, &cp), 0);
	for (size_t i = 0; i < nr; i++) {
		assert_true(is_all(cp->base + at, used[i].offset - at, 0));
		assert_true(is_all(cp->base + used[i].offset, used[i].len, 'n'));
		at = used[i].offset + used[i].len;
	}
	assert_true(is_all(cp->base + at, cp->size - at, 0));
	assert_int_equal(lseek(cp->fd, 0, SEEK_END), 16 * MIB);
	fam_checkpoint_close(&cp);
	fam_pool_close(&pool);
}

/* Every second page, into memory that an earlier one left: each is looked at once, not all for each. */
static void many_gaps(void **state)
{
	const uint64_t size = 256 * MIB;
	const size_t nr = size / PAGE / 2;
	struct fam_range *used = calloc(nr, sizeof(*used));
	struct fixture *f = *state;
	struct fam_checkpoint *cp;
	struct fam_pool *pool;
	uint64_t start;

	assert_non_null(used);
	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	used[0].len = size;
	assert_int_equal(fam_checkpoint_create(pool, size, used, 1, &cp), 0);
	memset(cp->base, 'x', size);
	fam_checkpoint_close(&cp);
	for (size_t i = 0; i < nr; i++)
		used[i] = (struct fam_range){ i * 2 * PAGE, PAGE };
	start = now_us();
	assert_int_equal(fam_checkpoint_create(pool, size, used, nr, &cp), 0);
	assert_int_equal(fam_checkpoint_flush(cp), 0);
	assert_in_range(now_us() - start, 0, 10000000);
	for (size_t i = 0; i < nr; i += 1000) {
		assert_true(is_all(cp->base + i * 2 * PAGE, PAGE, 'x'));
		assert_true(is_all(cp->base + (i * 2 + 1) * PAGE, PAGE, 0));
	}
	fam_checkpoint_close(&cp);
	fam_pool_close(&pool);
	free(used);
}

static void abandoned_is_freed(void **state)
{
	struct fam_range all = { 0, 2 * MIB };
	struct fixture *f = *state;
	struct fam_checkpoint *cp;
	struct fam_usage usage;
	struct fam_pool *pool;

	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	assert_int_equal(fam_checkpoint_create(pool, 2 * MIB, &all, 1, &cp), 0);
	fam_checkpoint_close(&cp);
	assert_int_equal(fam_pool_usage(pool, &usage), 0);
	assert_int_equal(usage.used, 0);
	assert_int_equal(usage.spare, 2 * MIB);
	assert_int_equal(fam_pool_trim(pool, 0), 0);
	assert_int_equal(fam_pool_usage(pool, &usage), 0);
	assert_int_equal(usage.spare, 0);
	fam_pool_close(&pool);
}

static ino_t pages_ino(const struct fam_checkpoint *cp)
{
	struct stat st;

	assert_int_equal(fstat(cp->fd, &st), 0);
	return st.st_ino;
}

/* Two services take turns: each gets its own memory back, and a small one doesn't eat the large one's. */
static void files_fit(void **state)
{
	const uint64_t sizes[] = { 64 * MIB, 2 * MIB };
	struct fixture *f = *state;
	struct fam_checkpoint *cp;
	struct fam_pool *pool;
	ino_t inos[2] = { 0 };

	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	for (int i = 0; i < 8; i++) {
		struct fam_range all = { 0, sizes[i % 2] };

		assert_int_equal(fam_checkpoint_create(pool, all.len, &all, 1, &cp), 0);
		if (i >= 2)
			assert_int_equal(pages_ino(cp), inos[i % 2]);
		inos[i % 2] = pages_ino(cp);
		fam_checkpoint_close(&cp);
	}
	assert_int_not_equal(inos[0], inos[1]);
	fam_pool_close(&pool);
}

/* A file that was too large: what was cut off stays in the pool. */
static void nothing_is_lost(void **state)
{
	struct fixture *f = *state;
	struct fam_usage usage;
	struct fam_pool *pool;

	assert_int_equal(fam_pool_init(&(struct fam_init_args){ .ctx = &f->ctx, .path = f->pool, .size = 128 * MIB }),
			 0);
	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	checkpoint_make(f, pool, 44 * MIB, 'l');
	assert_int_equal(fam_pool_usage(pool, &usage), 0);
	assert_int_equal(usage.spare, 64 * MIB);
	fam_pool_close(&pool);
	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	assert_int_equal(fam_pool_usage(pool, &usage), 0);
	assert_in_range(usage.spare, 82 * MIB, 84 * MIB);
	assert_true(usage.used + usage.spare <= 128 * MIB);
	/* What was given back on purpose stays given back. */
	assert_int_equal(fam_pool_trim(pool, 0), 0);
	fam_pool_close(&pool);
	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	assert_int_equal(fam_pool_usage(pool, &usage), 0);
	assert_int_equal(usage.spare, 0);
	fam_pool_close(&pool);
}

/* A file that was as large, but has it elsewhere. */
static void gaps_are_not_lost(void **state)
{
	const struct fam_range used[] = { { 0, 2 * MIB }, { 18 * MIB, 26 * MIB } };
	struct fixture *f = *state;
	struct fam_checkpoint *cp;
	struct fam_usage usage;
	struct fam_pool *pool;

	assert_int_equal(fam_pool_init(&(struct fam_init_args){ .ctx = &f->ctx, .path = f->pool, .size = 128 * MIB }),
			 0);
	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	assert_int_equal(fam_checkpoint_create(pool, 44 * MIB, used, 2, &cp), 0);
	assert_int_equal(fam_checkpoint_flush(cp), 0);
	fam_checkpoint_close(&cp);
	fam_pool_close(&pool);
	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	assert_int_equal(fam_pool_usage(pool, &usage), 0);
	assert_in_range(usage.spare, 126 * MIB, 128 * MIB);
	fam_pool_close(&pool);
}

static void full_is_said(void **state)
{
	struct fixture *f = *state;
	struct fam_range all = { 0, 0 };
	struct fam_usage before, after;
	struct fam_checkpoint *cp;
	struct fam_pool *pool;
	uint64_t id;

	assert_int_equal(fam_pool_init(&(struct fam_init_args){ .ctx = &f->ctx, .path = f->pool, .size = 64 * MIB }),
			 0);
	assert_int_equal(fam_pool_init(&(struct fam_init_args){ .ctx = &f->ctx, .path = f->pool, .size = 64 * MIB }),
			 -EEXIST);
	forget_error(f);
	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	assert_int_equal(pool->size, 64 * MIB);
	assert_int_equal(fam_pool_usage(pool, &before), 0);
	assert_int_equal(before.spare, 64 * MIB);
	/* More than the largest spare file holds: others give what it lacks. */
	id = checkpoint_make(f, pool, 50 * MIB, 'f');
	assert_int_equal(fam_pool_usage(pool, &before), 0);
	assert_true(before.used + before.spare <= 64 * MIB);
	all.len = 20 * MIB;
	assert_int_equal(fam_checkpoint_create(pool, 20 * MIB, &all, 1, &cp), -ENOSPC);
	assert_non_null(strstr(f->error.text, "is full"));
	assert_int_equal(fam_pool_usage(pool, &after), 0);
	assert_memory_equal(&before, &after, sizeof(before));
	forget_error(f);
	assert_int_equal(fam_checkpoint_remove(pool, id), 0);
	checkpoint_make(f, pool, 60 * MIB, 'g');
	fam_pool_close(&pool);
}

static void a_reader_holds_it(void **state)
{
	struct fixture *f = *state;
	struct fam_checkpoint *cp;
	struct fam_pool *pool;
	char pid[32];
	uint64_t id;

	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	id = checkpoint_make(f, pool, 2 * MIB, 'h');
	assert_int_equal(fam_checkpoint_open(pool, id, &cp), 0);
	assert_int_equal(fam_checkpoint_remove(pool, id), -EBUSY);
	snprintf(pid, sizeof(pid), "process %d", getpid());
	assert_non_null(strstr(f->error.text, pid));
	fam_checkpoint_close(&cp);
	assert_int_equal(fam_checkpoint_remove(pool, id), 0);
	fam_pool_close(&pool);
}

#define BOTH(test)                                                                                                     \
	cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end),                                             \
		cmocka_unit_test_setup_teardown(test, fixture_begin_disk, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(first_use_makes_a_pool),
		BOTH(content_is_read_again),
		BOTH(images_are_kept),
		BOTH(reuse_shows_nothing),
		BOTH(abandoned_is_freed),
		BOTH(files_fit),
		BOTH(nothing_is_lost),
		BOTH(gaps_are_not_lost),
		BOTH(full_is_said),
		BOTH(a_reader_holds_it),
		cmocka_unit_test_setup_teardown(many_gaps, fixture_begin, fixture_end),
	};

	if (!is_root()) {
		print_message("skipped: pools are root's, and there are no user namespaces\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
