/* SPDX-License-Identifier: GPL-2.0 */
/* Linear pools that are none, damaged, or made to do harm: a named error, and what is whole can be read. */
#include "fam/linear_fixture.h"

#define POOL_SIZE (16ul << 20)

static char *map_pool(struct fixture *f)
{
	char *map = mmap(NULL, POOL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, f->memfd, 0);

	assert_true(map != MAP_FAILED);
	return map;
}

static void assert_refused(struct fixture *f, int error, const char *why)
{
	struct fam_pool *pool;

	for (int access = FAM_READ; access <= FAM_WRITE; access++) {
		assert_int_equal(try_open(f, access, &pool), error);
		assert_non_null(strstr(f->error.text, why));
	}
}

static void no_pool(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, -EPROTO, "0 bytes");
	assert_int_equal(ftruncate(f->memfd, POOL_SIZE), 0);
	assert_refused(f, -EPROTO, "holds no pool");
	assert_int_equal(pwrite(f->memfd, "something else", 14, 0), 14);
	assert_refused(f, -EPROTO, "holds no pool");
}

static void what_holds_something_becomes_no_pool(void **state)
{
	struct fixture *f = *state;
	struct fam_init_args args = { .ctx = &f->ctx, .path = "/pool" };
	struct linear *linear;

	assert_int_equal(ftruncate(f->memfd, POOL_SIZE), 0);
	assert_int_equal(pwrite(f->memfd, "x", 1, BLOCK - 1), 1);
	assert_int_equal(linear_init_fd(&args, f->memfd, NULL), -EEXIST);
	assert_non_null(strstr(f->error.text, "holds something"));
	args.force = true;
	assert_int_equal(linear_init_fd(&args, f->memfd, NULL), 0);
	linear = open_pool(f, FAM_WRITE);
	add(f, linear, BLOCK, 1);
	assert_int_equal(linear_init_fd(&args, f->memfd, NULL), -EBUSY);
	close_pool(linear);
	args.force = false;
	memset(&f->error, 0, sizeof(f->error));
	assert_int_equal(linear_init_fd(&args, f->memfd, NULL), -EEXIST);
	assert_non_null(strstr(f->error.text, "is a pool already"));
	args.force = true;
	assert_int_equal(linear_init_fd(&args, f->memfd, NULL), 0);
	linear = open_pool(f, FAM_READ);
	assert_int_equal(linear->nr_entries, 0);
	close_pool(linear);
}

static void sizes_that_cannot_be(void **state)
{
	static const uint64_t sizes[] = { 4 << 20, (6 << 20) + 1, POOL_SIZE + (2 << 20), UINT64_MAX, 1ull << 63 };
	struct fixture *f = *state;
	struct fam_init_args args = { .ctx = &f->ctx, .path = "/pool" };

	assert_int_equal(ftruncate(f->memfd, POOL_SIZE), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		args.size = sizes[i];
		assert_int_equal(linear_init_fd(&args, f->memfd, NULL), -EINVAL);
	}
	assert_refused(f, -EPROTO, "holds no pool");
	args.size = 6 << 20;
	assert_int_equal(linear_init_fd(&args, f->memfd, NULL), 0);
}

/* Other devices aren't even opened. */
static void other_devices(void **state)
{
	struct fixture *f = *state;
	struct fam_init_args init = { .ctx = &f->ctx, .path = "/dev/null", .force = true };
	struct fam_open_args args = { .ctx = &f->ctx, .path = "/dev/null", .access = FAM_WRITE, .create = true };
	struct linear_medium null;
	struct fam_pool *pool;
	int fd;

	assert_int_equal(fam_pool_init(&init), -EPROTO);
	assert_int_equal(fam_pool_open(&args, &pool), -EPROTO);
	assert_non_null(strstr(f->error.text, "/dev/null is neither a directory nor a device-DAX device"));
	memset(&f->error, 0, sizeof(f->error));
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_int_equal(linear_medium_probe(&f->ctx, fd, "/dev/null", &null), -EOPNOTSUPP);
	close(fd);
}

/* Any byte of either superblock may be wrong: the other one is taken. Of both: it is refused. */
static void superblocks(void **state)
{
	struct fixture *f = *state;
	struct fam_linear_super *super;
	char *map;

	make_pool(f, POOL_SIZE);
	map = map_pool(f);
	for (size_t copy = 0; copy < 2; copy++)
		for (size_t i = 0; i < sizeof(struct fam_linear_super); i++) {
			map[copy * LINEAR_SUPER_COPY + i] ^= 1;
			close_pool(open_pool(f, FAM_READ));
			map[copy * LINEAR_SUPER_COPY + i] ^= 1;
		}
	for (size_t i = 0; i < sizeof(struct fam_linear_super); i++) {
		size_t other = LINEAR_SUPER_COPY + (i * 7 + 9) % sizeof(struct fam_linear_super);
		struct fam_pool *pool;

		map[i] ^= 0x80;
		map[other] ^= 0x80;
		assert_true(try_open(f, FAM_READ, &pool) < 0);
		map[i] ^= 0x80;
		map[other] ^= 0x80;
	}
	for (size_t copy = 0; copy < 2; copy++) {
		super = (struct fam_linear_super *)(map + copy * LINEAR_SUPER_COPY);
		super->version = 77;
		fam_linear_seal(super);
	}
	assert_refused(f, -EPROTONOSUPPORT, "77");
	munmap(map, POOL_SIZE);
}

/* Superblocks with the right checksum. */
static void superblocks_that_lie(void **state)
{
	struct fixture *f = *state;
	struct fam_linear_super lies[7], *super;
	char *map;

	make_pool(f, POOL_SIZE);
	map = map_pool(f);
	for (size_t i = 0; i < 7; i++)
		memcpy(&lies[i], map, sizeof(lies[i]));
	lies[0].size = POOL_SIZE + BLOCK;
	lies[1].size = POOL_SIZE - 1;
	lies[2].nr_slots++;
	lies[3].nr_slots = UINT32_MAX;
	lies[4].data_block = POOL_SIZE / BLOCK;
	lies[5].flags = 1;
	lies[6].nr_slots = 0;
	for (size_t i = 0; i < 7; i++) {
		fam_linear_seal(&lies[i]);
		for (size_t copy = 0; copy < 2; copy++) {
			super = (struct fam_linear_super *)(map + copy * LINEAR_SUPER_COPY);
			*super = lies[i];
		}
		assert_refused(f, -EPROTO, "damaged");
	}
	munmap(map, POOL_SIZE);
	assert_int_equal(ftruncate(f->memfd, POOL_SIZE - BLOCK), 0);
}

static void cut_off(void **state)
{
	struct fixture *f = *state;

	make_pool(f, POOL_SIZE);
	assert_int_equal(ftruncate(f->memfd, POOL_SIZE - 1), 0);
	assert_refused(f, -EPROTO, "larger than what it is on");
	assert_int_equal(ftruncate(f->memfd, 100), 0);
	assert_refused(f, -EPROTO, "no pool is there");
}

typedef void (*spoil_fn)(struct fam_linear_slot *slot);

static void path_not_ended(struct fam_linear_slot *slot)
{
	memset(slot->path, '/', LINEAR_PATH_MAX);
	slot->path_len = LINEAR_PATH_MAX;
}

static void path_too_long(struct fam_linear_slot *slot)
{
	slot->path_len = UINT32_MAX;
}

static void path_relative(struct fam_linear_slot *slot)
{
	slot->path[0] = 'x';
}

static void path_shorter(struct fam_linear_slot *slot)
{
	slot->path_len--;
}

static void unknown_value(struct fam_linear_slot *slot)
{
	slot->zero3[39] = 1;
}

static void too_many_fragments(struct fam_linear_slot *slot)
{
	slot->nr_fragments = LINEAR_FRAGMENTS + 1;
}

static void fragment_behind_end(struct fam_linear_slot *slot)
{
	slot->fragments[0].first = POOL_SIZE / BLOCK;
}

static void fragment_over_end(struct fam_linear_slot *slot)
{
	slot->fragments[0].first = POOL_SIZE / BLOCK - 1;
}

static void fragment_in_head(struct fam_linear_slot *slot)
{
	slot->fragments[0].first = 0;
}

static void fragment_wraps(struct fam_linear_slot *slot)
{
	slot->fragments[0].nr = UINT32_MAX;
	slot->size = slot->fragments[0].nr * BLOCK;
}

static void fragment_empty(struct fam_linear_slot *slot)
{
	slot->fragments[1] = (struct fam_fragment){ 3, 0 };
	slot->nr_fragments = 2;
}

static void fragment_twice(struct fam_linear_slot *slot)
{
	slot->fragments[1] = slot->fragments[0];
	slot->nr_fragments = 2;
	slot->size *= 2;
}

static void size_larger(struct fam_linear_slot *slot)
{
	slot->size += BLOCK;
}

static void size_odd(struct fam_linear_slot *slot)
{
	slot->size++;
}

static void images_in_content(struct fam_linear_slot *slot)
{
	slot->archive = slot->fragments[0];
}

static void images_outside(struct fam_linear_slot *slot)
{
	slot->archive.first = 1000;
}

static void images_longer(struct fam_linear_slot *slot)
{
	slot->archive_len = UINT64_MAX;
}

static void images_empty(struct fam_linear_slot *slot)
{
	slot->archive_len = 0;
}

static void no_id(struct fam_linear_slot *slot)
{
	slot->id = 0;
}

static void unknown_flag(struct fam_linear_slot *slot)
{
	slot->flags = 0x80;
}

static void assert_states(struct linear *linear, enum fam_state first, enum fam_state second)
{
	struct fam_info *list;
	size_t nr;

	assert_int_equal(linear->pool.ops->list(&linear->pool, &list, &nr), 0);
	assert_int_equal(nr, 2);
	assert_int_equal(list[0].state, first);
	assert_int_equal(list[1].state, second);
	for (size_t i = 0; i < nr; i++)
		free(list[i].images_dir);
	free(list);
}

/* With the right checksum each. A whole one beside it can be read; nothing is written any more. */
static void slots_that_lie(void **state)
{
	static const spoil_fn spoil[] = {
		path_not_ended,	     path_too_long,  path_relative,  path_shorter,	unknown_value,
		too_many_fragments,  fragment_wraps, fragment_empty, fragment_twice,	size_larger,
		fragment_behind_end, size_odd,	     images_outside, images_in_content, images_longer,
		fragment_over_end,   images_empty,   no_id,	     unknown_flag,	fragment_in_head,
	};
	struct fixture *f = *state;
	struct fam_range all = { 0, BLOCK };
	struct fam_linear_slot *slot, whole;
	struct fam_checkpoint *cp;
	struct linear *linear;
	uint64_t id[2];
	char *map;

	make_pool(f, POOL_SIZE);
	linear = open_pool(f, FAM_WRITE);
	id[0] = add(f, linear, 2 * BLOCK, 1);
	id[1] = add(f, linear, BLOCK, 2);
	close_pool(linear);
	map = map_pool(f);
	slot = (struct fam_linear_slot *)(map + LINEAR_SLOTS);
	memcpy(&whole, slot, sizeof(whole));
	for (size_t i = 0; i < sizeof(spoil) / sizeof(spoil[0]); i++) {
		memcpy(slot, &whole, sizeof(whole));
		spoil[i](slot);
		slot->commit = fam_linear_commit_word(slot);
		linear = open_pool(f, FAM_READ);
		assert_states(linear, FAM_DAMAGED, FAM_ORPHAN);
		assert_int_equal(linear_open_checkpoint(&linear->pool, id[0], &cp), slot->id ? -EPROTO : -ENOENT);
		assert_int_equal(linear_open_checkpoint(&linear->pool, id[1], &cp), 0);
		assert_true(is_filled(cp->base, cp->size, 2));
		linear_close_checkpoint(cp);
		close_pool(linear);
		linear = open_pool(f, FAM_WRITE);
		memset(&f->error, 0, sizeof(f->error));
		assert_int_equal(linear_create(&linear->pool, BLOCK, &all, 1, &cp), -EPROTO);
		assert_non_null(strstr(f->error.text, "slot 0"));
		close_pool(linear);
	}
	/* Who knows better may remove it. */
	memcpy(slot, &whole, sizeof(whole));
	slot->size++;
	linear = open_pool(f, FAM_WRITE);
	assert_int_equal(linear_remove(&linear->pool, id[0]), 0);
	add(f, linear, 2 * BLOCK, 3);
	close_pool(linear);
	munmap(map, POOL_SIZE);
}

/* Neither of two that share a block, or an id, can be trusted. */
static void slots_that_overlap(void **state)
{
	struct fixture *f = *state;
	struct fam_linear_slot *slot, whole;
	struct fam_checkpoint *cp;
	struct linear *linear;
	uint64_t id[3];
	char *map;

	make_pool(f, POOL_SIZE);
	linear = open_pool(f, FAM_WRITE);
	for (int i = 0; i < 3; i++)
		id[i] = add(f, linear, BLOCK, i);
	close_pool(linear);
	map = map_pool(f);
	slot = (struct fam_linear_slot *)(map + LINEAR_SLOTS);
	memcpy(&whole, &slot[2], sizeof(whole));
	for (int twice = 0; twice < 2; twice++) {
		memcpy(&slot[2], &whole, sizeof(whole));
		if (twice)
			slot[2].id = slot[1].id;
		else
			slot[2].fragments[0] = slot[1].archive;
		slot[2].commit = fam_linear_commit_word(&slot[2]);
		linear = open_pool(f, FAM_READ);
		assert_int_equal(linear_open_checkpoint(&linear->pool, id[0], &cp), 0);
		linear_close_checkpoint(cp);
		assert_int_equal(linear_open_checkpoint(&linear->pool, id[1], &cp), -EPROTO);
		assert_int_equal(linear_open_checkpoint(&linear->pool, id[2], &cp), twice ? -ENOENT : -EPROTO);
		close_pool(linear);
	}
	/* When one is removed the other one is whole. */
	linear = open_pool(f, FAM_WRITE);
	assert_int_equal(linear_remove(&linear->pool, id[1]), 0);
	assert_int_equal(linear_open_checkpoint(&linear->pool, id[1], &cp), 0);
	linear_close_checkpoint(cp);
	close_pool(linear);
	munmap(map, POOL_SIZE);
}

/* In a slot or the copy of the images. */
static void flipped_bits(void **state)
{
	struct fixture *f = *state;
	struct fam_linear_slot *slot;
	struct fam_checkpoint *cp;
	struct linear *linear;
	char *map, *data;
	uint64_t id;

	make_pool(f, POOL_SIZE);
	linear = open_pool(f, FAM_WRITE);
	id = add(f, linear, BLOCK, 1);
	close_pool(linear);
	map = map_pool(f);
	slot = (struct fam_linear_slot *)(map + LINEAR_SLOTS);
	for (size_t i = offsetof(struct fam_linear_slot, id); i < sizeof(*slot); i += 61) {
		((char *)slot)[i] ^= 4;
		linear = open_pool(f, FAM_READ);
		assert_true(linear_open_checkpoint(&linear->pool, id, &cp) < 0);
		close_pool(linear);
		((char *)slot)[i] ^= 4;
	}
	linear = open_pool(f, FAM_READ);
	assert_int_equal(linear_open_checkpoint(&linear->pool, id, &cp), 0);
	data = memmem(map + slot->archive.first * BLOCK, slot->archive_len, "the core", 8);
	assert_non_null(data);
	for (size_t i = 0; i < 8; i++) {
		data[i] ^= 4;
		assert_int_equal(linear_images(cp, NULL, NULL), -EPROTO);
		data[i] ^= 4;
	}
	assert_int_equal(linear_images(cp, NULL, NULL), 0);
	linear_close_checkpoint(cp);
	close_pool(linear);
	munmap(map, POOL_SIZE);
}

/* Reading a bad place is an error, not a signal. */
static void bad_place(void **state)
{
	struct fixture *f = *state;
	struct fam_checkpoint *cp;
	struct linear *linear;
	char copy[PAGE];
	uint64_t id;

	make_pool(f, POOL_SIZE);
	linear = open_pool(f, FAM_WRITE);
	id = add(f, linear, BLOCK, 1);
	close_pool(linear);
	linear = open_pool(f, FAM_READ);
	assert_int_equal(linear_open_checkpoint(&linear->pool, id, &cp), 0);
	assert_int_equal(linear_peek(copy, cp->base, PAGE), 0);
	assert_int_equal(ftruncate(f->memfd, BLOCK), 0);
	assert_int_equal(linear_peek(copy, cp->base, PAGE), -EIO);
	assert_int_equal(linear_images(cp, NULL, NULL), -EIO);
	linear_close_checkpoint(cp);
	assert_int_equal(ftruncate(f->memfd, 0), 0);
	assert_true(linear_open_checkpoint(&linear->pool, id, &cp) < 0);
	close_pool(linear);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(no_pool),
		TEST(what_holds_something_becomes_no_pool),
		TEST(sizes_that_cannot_be),
		TEST(other_devices),
		TEST(superblocks),
		TEST(superblocks_that_lie),
		TEST(cut_off),
		TEST(slots_that_lie),
		TEST(slots_that_overlap),
		TEST(flipped_bits),
		TEST(bad_place),
	};

	unsetenv(FAM_FLUSH_ENV);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
