/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A linear pool after power cuts (fam/replay.h) in its making, in dumps into it and in what removes them: what was
 * committed is whole, what was not is invisible, nothing is lost. And with any flush or fence left out that fails.
 */
#include "fam/linear_fixture.h"

#include "fam/crc32c.h"
#include "fam/replay.h"

#define POOL_SIZE (10ul << 20) /* four blocks of data */

static const struct fam_range used[] = { { PAGE, PAGE }, { 200 * PAGE, 30 * PAGE } };

enum expect {
	ABSENT,
	MAY_BE, /* it is being committed or removed */
	THERE,
};

struct known {
	uint64_t id; /* 0: not known yet: it may not be there */
	uint32_t crc;
	enum expect expect;
};

struct run {
	struct fixture *f;
	struct replay replay;
	struct known known[3];
	bool is_new;			/* the pool is being made: there may be none */
	uint8_t old_uuid[FAM_UUID_LEN]; /* but if it is still the old one, all is there */
};

/* What surrounds the copy of the images was zeroed. */
static bool images_are_whole(struct linear *linear, struct linear_checkpoint *c)
{
	unsigned images = 0;
	char *map;
	bool whole;

	if (linear_images(&c->cp, count_image, &images) || images != 3 ||
	    linear_map(linear->pool.ctx, &linear->medium, &c->archive, 1, false, &map))
		return false;
	whole = is_filled(map + c->archive_len, c->archive.nr * BLOCK - c->archive_len, 0);
	munmap(map, c->archive.nr * BLOCK);
	return whole;
}

static bool is_whole(struct linear *linear, const struct known *known)
{
	struct fam_checkpoint *cp;
	bool whole;

	if (linear_open_checkpoint(&linear->pool, known->id, &cp))
		return false;
	whole = fam_crc32c(0, cp->base, cp->size) == known->crc &&
		images_are_whole(linear, (struct linear_checkpoint *)cp);
	linear_close_checkpoint(cp);
	return whole;
}

static bool all_is_right(struct run *run, struct linear *linear)
{
	bool is_old = !memcmp(linear->pool.uuid, run->old_uuid, FAM_UUID_LEN);
	uint32_t nr_used = 1;
	size_t nr = 0;

	for (size_t i = 0; i < 3; i++) {
		const struct known *known = &run->known[i];
		struct linear_entry *entry = linear_find(linear, known->id);

		if (!entry && (known->expect == THERE || (run->is_new && known->id && is_old)))
			return false;
		if (!entry)
			continue;
		if (known->expect == ABSENT || entry->fault)
			return false;
		nr_used += entry->copy->size / BLOCK + entry->copy->archive.nr;
		nr++;
		if (!is_whole(linear, known)) /* which reads all entries anew */
			return false;
	}
	/* No others, none damaged, and the rest is free. */
	return nr == linear->nr_entries && linear->blocks.nr_free == POOL_SIZE / BLOCK - nr_used;
}

static bool check(void *arg, int image_fd)
{
	struct run *run = arg;
	struct cr_error error = { 0 };
	struct cr_ctx ctx = { run->f->log, &error };
	struct fam_open_args args = { .ctx = &ctx, .path = "/pool", .access = FAM_READ };
	struct fam_pool *pool;
	bool right;
	int r = linear_open_fd(&args, dup(image_fd), NULL, &pool);

	if (r)
		return run->is_new && r == -EPROTO;
	right = all_is_right(run, (struct linear *)pool);
	close_pool((struct linear *)pool);
	return right;
}

static struct linear *open_recorded(struct run *run)
{
	struct fam_open_args args = { .ctx = &run->f->ctx, .path = "/pool", .access = FAM_WRITE };
	struct fam_pool *pool;

	assert_int_equal(linear_open_fd(&args, medium(run->f, O_RDWR), &run->replay.observer, &pool), 0);
	return (struct linear *)pool;
}

/* As what is durable says: the flush has to be enough, whatever the commit does. */
static void check_flushed(struct run *run, const struct linear_checkpoint *c)
{
	uint64_t at = 0;

	for (size_t i = 0; i < c->nr_fragments; i++) {
		size_t len = c->fragments[i].nr * BLOCK;

		if (memcmp(run->replay.durable + c->fragments[i].first * BLOCK, c->cp.base + at, len))
			run->replay.nr_bad++;
		at += len;
	}
}

static void dump(struct run *run, struct linear *linear, struct known *known, int value)
{
	struct fam_commit commit = { run->f->dirfd, run->f->dir, 0 };
	struct fam_checkpoint *cp;

	assert_int_equal(linear_create(&linear->pool, BLOCK, used, 2, &cp), 0);
	for (size_t i = 0; i < 2; i++)
		for (uint64_t n = 0; n < used[i].len; n += 8)
			memcpy(cp->base + used[i].offset + n, &(uint64_t){ n * 0x9e3779b97f4a7c15 + value }, 8);
	assert_int_equal(linear_flush(cp), 0);
	check_flushed(run, (struct linear_checkpoint *)cp);
	*known = (struct known){ cp->id, fam_crc32c(0, cp->base, cp->size), MAY_BE };
	make_images(run->f, NULL);
	assert_int_equal(linear_commit(cp, &commit), 0);
	known->expect = THERE;
	replay_cut(&run->replay);
	linear_close_checkpoint(cp);
}

/* What is free was another owner's, who has left something else everywhere. */
static void spoil_free(struct run *run, struct linear *linear)
{
	struct fam_fragment free_run = { 0, 0 };

	while ((free_run = fam_blocks_run(&linear->blocks, free_run.first + free_run.nr)).nr)
		replay_store(&run->replay, free_run.first * BLOCK, 0xbb, free_run.nr * BLOCK);
}

static void drop(struct run *run, struct linear *linear, struct known *known)
{
	known->expect = MAY_BE;
	assert_int_equal(linear_remove(&linear->pool, known->id), 0);
	known->expect = ABSENT;
	replay_cut(&run->replay);
	spoil_free(run, linear);
}

/* Blocks and slots that held something else are used again. */
static void dumps(struct run *run)
{
	struct linear *linear = open_recorded(run);

	spoil_free(run, linear);
	dump(run, linear, &run->known[0], 1);
	drop(run, linear, &run->known[0]);
	dump(run, linear, &run->known[1], 2);
	dump(run, linear, &run->known[2], 3);
	drop(run, linear, &run->known[1]);
	close_pool(linear);
}

static void dump_and_drop(struct run *run)
{
	struct linear *linear = open_recorded(run);

	spoil_free(run, linear);
	dump(run, linear, &run->known[0], 1);
	drop(run, linear, &run->known[0]);
	close_pool(linear);
}

/* The pool, with a checkpoint, is made anew. */
static void make_anew(struct run *run)
{
	struct fam_init_args args = { .ctx = &run->f->ctx, .path = "/pool", .force = true };
	struct linear *linear = open_recorded(run);
	int fd;

	spoil_free(run, linear);
	dump(run, linear, &run->known[0], 1);
	memcpy(run->old_uuid, linear->pool.uuid, FAM_UUID_LEN);
	close_pool(linear);
	run->is_new = true;
	run->known[0].expect = MAY_BE;
	fd = medium(run->f, O_RDWR);
	assert_int_equal(linear_init_fd(&args, fd, &run->replay.observer), 0);
	close(fd);
	run->is_new = false;
	run->known[0].expect = ABSENT;
	replay_cut(&run->replay);
}

static unsigned play(struct fixture *f, void (*what)(struct run *run), struct run *run, long leave_out)
{
	run->f = f;
	run->replay.check = check;
	run->replay.arg = run;
	run->replay.leave_out = leave_out;
	assert_int_equal(ftruncate(f->memfd, 0), 0);
	make_pool(f, POOL_SIZE);
	assert_int_equal(replay_begin(&run->replay, f->memfd), 0);
	what(run);
	replay_end(&run->replay);
	return run->replay.nr_bad;
}

static void power_cuts(void **state)
{
	static void (*const plays[])(struct run * run) = { dumps, make_anew };

	for (size_t i = 0; i < sizeof(plays) / sizeof(plays[0]); i++) {
		struct run run = { .replay = { .max_single = 8, .nr_random = 6 } };

		assert_int_equal(play(*state, plays[i], &run, -1), 0);
		print_message("%u flushes and fences, %u cuts\n", run.replay.nr_events, run.replay.nr_cuts);
		assert_true(run.replay.nr_cuts > 500);
	}
}

/* How many flushes and fences WHAT can do without, each left out in turn. */
static unsigned nr_not_missed(struct fixture *f, void (*what)(struct run *run), unsigned *ret_events)
{
	unsigned nr = 0;

	*ret_events = 1;
	for (unsigned n = 0; n < *ret_events; n++) {
		struct run run = { .replay = { .max_single = 2, .nr_random = 8 } };

		nr += !play(f, what, &run, n);
		*ret_events = run.replay.nr_events;
	}
	return nr;
}

static void none_can_be_left_out(void **state)
{
	unsigned nr_events;

	assert_int_equal(nr_not_missed(*state, dump_and_drop, &nr_events), 0);
	assert_true(nr_events > 20);
	/* One superblock would do, and most of the index was zero already; old superblocks and slots have to go. */
	assert_int_equal(nr_not_missed(*state, make_anew, &nr_events), 2 + 7);
	assert_true(nr_events > 40);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(power_cuts),
		TEST(none_can_be_left_out),
	};

	setenv(FAM_FLUSH_ENV, "none", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
