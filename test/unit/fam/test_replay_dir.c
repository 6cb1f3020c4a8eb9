/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The content of a directory pool on DAX after power cuts (fam/replay.h), as far as stores go: tmpfs stands for DAX,
 * its names, sizes and holes for what a file system's journal keeps. A file that held something else is used again; as
 * soon as its checkpoint is committed all of it is there.
 */
#include "fam/fixture.h"

#include <sys/mman.h>

#include "fam/dir.h"
#include "fam/replay.h"

#define SIZE (4 * MIB)

static const struct fam_range used[] = {
	{ PAGE, PAGE },
	{ 100 * PAGE, 30 * PAGE },
	{ 3 * MIB, 16 * PAGE },
};
#define NR_USED (sizeof(used) / sizeof(used[0]))

struct run {
	struct fixture *f;
	struct replay replay;
	struct fam_checkpoint *cp;
	char *expected; /* SIZE bytes */
};

/* Holes read as zero whatever was there. */
static bool is_whole(struct run *run, const char *image)
{
	off_t at = 0, end;

	while (at < (off_t)SIZE) {
		at = lseek(run->cp->fd, at, SEEK_DATA);
		if (at < 0)
			return errno == ENXIO;
		end = lseek(run->cp->fd, at, SEEK_HOLE);
		if (end < 0 || memcmp(image + at, run->expected + at, end - at))
			return false;
		at = end;
	}
	return true;
}

/* Before the commit it is nobody's, whatever is in it. */
static bool check(void *arg, int image_fd)
{
	struct run *run = arg;
	struct fam_info *list;
	size_t nr;

	if (fam_pool_list(run->cp->pool, &list, &nr))
		return false;
	fam_list_free(list, nr);
	return nr == run->cp->committed && (!nr || is_whole(run, run->replay.image));
}

static void expect(struct run *run)
{
	run->expected = calloc(1, SIZE);
	assert_non_null(run->expected);
	for (size_t i = 0; i < NR_USED; i++)
		memset(run->expected + used[i].offset, i + 1, used[i].len);
}

/* One dump into a file that was full of something else. */
static void play(struct run *run, long leave_out)
{
	struct fam_pool *pool;

	assert_int_equal(pool_open(run->f, FAM_WRITE, &pool), 0);
	assert_int_equal(fam_checkpoint_remove(pool, checkpoint_make(run->f, pool, SIZE, 'x')), 0);
	assert_int_equal(fam_checkpoint_create(pool, SIZE, used, NR_USED, &run->cp), 0);
	assert_true(((struct dir_checkpoint *)run->cp)->is_reused);
	assert_string_equal(((struct dir_checkpoint *)run->cp)->how.name, "clflush");
	run->replay.check = check;
	run->replay.arg = run;
	run->replay.leave_out = leave_out;
	assert_int_equal(replay_begin(&run->replay, run->cp->fd), 0);
	((struct dir_checkpoint *)run->cp)->how.observer = &run->replay.observer;
	for (size_t i = 0; i < NR_USED; i++)
		memset(run->cp->base + used[i].offset, i + 1, used[i].len);
	assert_int_equal(fam_checkpoint_flush(run->cp), 0);
	if (!is_whole(run, run->replay.durable))
		run->replay.nr_bad++;
	images_make(run->f, pool, run->cp->id);
	assert_int_equal(commit(run->f, run->cp), 0);
	replay_cut(&run->replay);
	replay_end(&run->replay);
	fam_checkpoint_close(&run->cp);
	fam_pool_close(&pool);
	/* Its set isn't finished: the next writer frees it. */
	assert_int_equal(pool_open(run->f, FAM_WRITE, &pool), 0);
	fam_pool_close(&pool);
}

static void power_cuts(void **state)
{
	struct run run = { .f = *state, .replay = { .max_single = 20, .nr_random = 20 } };

	expect(&run);
	play(&run, -1);
	assert_int_equal(run.replay.nr_bad, 0);
	print_message("%u flushes and fences, %u cuts\n", run.replay.nr_events, run.replay.nr_cuts);
	assert_true(run.replay.nr_events >= NR_USED + 1);
	free(run.expected);
}

static void none_can_be_left_out(void **state)
{
	unsigned nr_events = 1;

	for (unsigned n = 0; n < nr_events; n++) {
		struct run run = { .f = *state, .replay = { .max_single = 2, .nr_random = 8 } };

		expect(&run);
		play(&run, n);
		assert_int_not_equal(run.replay.nr_bad, 0);
		nr_events = run.replay.nr_events;
		free(run.expected);
	}
	assert_true(nr_events >= NR_USED + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(power_cuts),
		TEST(none_can_be_left_out),
	};

	if (!is_root()) {
		print_message("skipped: pools are root's, and there are no user namespaces\n");
		return 0;
	}
	setenv(FAM_FLUSH_ENV, "clflush", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
