/* SPDX-License-Identifier: GPL-2.0 */
/* A linear pool's checkpoints: made, found again, removed; what others of this host may do meanwhile. */
#include "fam/linear_fixture.h"

#include <sys/file.h>

static void committed_is_found_again(void **state)
{
	struct fixture *f = *state;
	struct fam_checkpoint *cp;
	struct fam_usage usage;
	struct fam_info *list;
	struct linear *linear;
	unsigned images = 0;
	uint64_t id;
	size_t nr;

	make_pool(f, 16 << 20);
	linear = open_pool(f, FAM_WRITE);
	id = add(f, linear, 2 * BLOCK, 0x5a);
	close_pool(linear);

	linear = open_pool(f, FAM_READ);
	assert_int_equal(linear_open_checkpoint(&linear->pool, id ^ 1, &cp), -ENOENT);
	assert_int_equal(linear_open_checkpoint(&linear->pool, id, &cp), 0);
	assert_int_equal(cp->size, 2 * BLOCK);
	assert_int_equal((uintptr_t)cp->base % BLOCK, 0);
	assert_int_equal(cp->fd, -1);
	assert_true(cp->committed);
	assert_true(is_filled(cp->base, cp->size, 0x5a));
	assert_int_equal(linear_images(cp, count_image, &images), 0);
	assert_int_equal(images, 3);
	assert_int_equal(linear->pool.ops->list(&linear->pool, &list, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(list[0].id, id);
	assert_int_equal(list[0].size, 2 * BLOCK);
	assert_int_equal(list[0].allocated, 3 * BLOCK);
	assert_string_equal(list[0].images_dir, f->dir);
	free(list[0].images_dir);
	free(list);
	assert_int_equal(linear->pool.ops->usage(&linear->pool, &usage), 0);
	assert_int_equal(usage.size, 7 * BLOCK);
	assert_int_equal(usage.used, 3 * BLOCK);
	linear_close_checkpoint(cp);
	close_pool(linear);

	linear = open_pool(f, FAM_WRITE);
	assert_int_equal(linear_remove(&linear->pool, id), 0);
	assert_int_equal(linear_remove(&linear->pool, id), -ENOENT);
	assert_int_equal(linear->blocks.nr_free, 7);
	close_pool(linear);
	linear = open_pool(f, FAM_READ);
	assert_int_equal(linear->nr_entries, 0);
	close_pool(linear);
}

static uint64_t orphan_since(struct linear *linear)
{
	struct fam_info *list;
	uint64_t since;
	size_t nr;

	assert_int_equal(linear->pool.ops->list(&linear->pool, &list, &nr), 0);
	assert_int_equal(nr, 1);
	since = list[0].orphan_since;
	free(list[0].images_dir);
	free(list);
	return since;
}

static void orphans_are_noted(void **state)
{
	struct fixture *f = *state;
	struct linear *linear;
	uint64_t id;

	make_pool(f, 16 << 20);
	linear = open_pool(f, FAM_WRITE);
	id = add(f, linear, BLOCK, 0x5a);
	assert_int_equal(orphan_since(linear), 0);
	assert_int_equal(linear_note_orphan(&linear->pool, id ^ 1, 1234), -ENOENT);
	assert_int_equal(linear_note_orphan(&linear->pool, id, 1234), 0);
	assert_int_equal(orphan_since(linear), 1234);
	close_pool(linear);
	linear = open_pool(f, FAM_WRITE);
	assert_int_equal(orphan_since(linear), 1234);
	/* The next one in its slot isn't one. */
	assert_int_equal(linear_remove(&linear->pool, id), 0);
	add(f, linear, BLOCK, 0x5b);
	close_pool(linear);
	linear = open_pool(f, FAM_READ);
	assert_int_equal(orphan_since(linear), 0);
	close_pool(linear);
}

static void assert_nowhere(struct fixture *f, const char *bytes)
{
	char *pool = mmap(NULL, 8 << 20, PROT_READ, MAP_SHARED, f->memfd, 0);

	assert_true(pool != MAP_FAILED);
	assert_null(memmem(pool, 8 << 20, bytes, strlen(bytes)));
	munmap(pool, 8 << 20);
}

/* An earlier owner's bytes are nowhere in the next one: not between what is used, not in the images' blocks. */
static void nothing_old_is_seen(void **state)
{
	static const struct fam_range used[] = { { PAGE, PAGE }, { BLOCK - PAGE, 2 * PAGE } };
	struct fixture *f = *state;
	struct fam_checkpoint *cp;
	struct linear *linear;
	uint64_t id;

	make_pool(f, 8 << 20);
	linear = open_pool(f, FAM_WRITE);
	assert_int_equal(linear_remove(&linear->pool, add(f, linear, 2 * BLOCK, 0xaa)), 0);
	/* Images come to stand where content stood. */
	id = add(f, linear, BLOCK, 0xbb);
	assert_nowhere(f, "\xaa\xaa\xaa");
	assert_int_equal(linear_remove(&linear->pool, id), 0);
	assert_int_equal(linear_remove(&linear->pool, add(f, linear, 2 * BLOCK, 0xbb)), 0);

	assert_int_equal(linear_create(&linear->pool, 2 * BLOCK, used, 2, &cp), 0);
	memset(cp->base + PAGE, 0x11, PAGE);
	memset(cp->base + BLOCK - PAGE, 0x22, 2 * PAGE);
	assert_int_equal(linear_flush(cp), 0);
	assert_true(is_filled(cp->base, PAGE, 0));
	assert_true(is_filled(cp->base + PAGE, PAGE, 0x11));
	assert_true(is_filled(cp->base + 2 * PAGE, BLOCK - 3 * PAGE, 0));
	assert_true(is_filled(cp->base + BLOCK - PAGE, 2 * PAGE, 0x22));
	assert_true(is_filled(cp->base + BLOCK + PAGE, BLOCK - PAGE, 0));
	assert_nowhere(f, "\xbb\xbb\xbb");
	linear_close_checkpoint(cp);
	close_pool(linear);
}

static void fragments_look_like_one_piece(void **state)
{
	struct fixture *f = *state;
	struct fam_checkpoint *cp;
	struct linear *linear;
	uint64_t id[5], large;

	make_pool(f, 32 << 20);
	linear = open_pool(f, FAM_WRITE);
	for (int i = 0; i < 5; i++)
		id[i] = add(f, linear, BLOCK, i + 1);
	assert_int_equal(linear_remove(&linear->pool, id[1]), 0);
	assert_int_equal(linear_remove(&linear->pool, id[3]), 0);
	large = add(f, linear, 8 * BLOCK, 0x77);
	close_pool(linear);

	linear = open_pool(f, FAM_READ);
	assert_int_equal(linear_open_checkpoint(&linear->pool, large, &cp), 0);
	assert_true(((struct linear_checkpoint *)cp)->nr_fragments > 1);
	assert_true(is_filled(cp->base, 8 * BLOCK, 0x77));
	linear_close_checkpoint(cp);
	for (int i = 0; i < 5; i += 2) {
		assert_int_equal(linear_open_checkpoint(&linear->pool, id[i], &cp), 0);
		assert_true(is_filled(cp->base, BLOCK, i + 1));
		linear_close_checkpoint(cp);
	}
	close_pool(linear);
}

static void full_pool(void **state)
{
	struct fixture *f = *state;
	struct fam_range all = { 0, 7 * BLOCK };
	struct fam_checkpoint *cp = NULL;
	struct linear *linear;

	make_pool(f, 16 << 20);
	linear = open_pool(f, FAM_WRITE);
	/* All 7 blocks: nothing would be left for the images. */
	assert_int_equal(linear_create(&linear->pool, all.len, &all, 1, &cp), -ENOSPC);
	assert_non_null(strstr(f->error.text, "/pool is full"));
	assert_int_equal(linear->blocks.nr_free, 7);
	add(f, linear, 6 * BLOCK, 1);
	all.len = BLOCK;
	assert_int_equal(linear_create(&linear->pool, all.len, &all, 1, &cp), -ENOSPC);
	assert_int_equal(linear_create(&linear->pool, 0, &all, 0, &cp), -ENOSPC);
	assert_null(cp);
	close_pool(linear);
}

/* Nothing on the medium tells of it, whether it was given up or its writer was killed. */
static void uncommitted_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct fam_range all = { 0, 3 * BLOCK };
	struct fam_checkpoint *cp;
	struct linear *linear;
	int status;
	pid_t pid;

	make_pool(f, 16 << 20);
	linear = open_pool(f, FAM_WRITE);
	assert_int_equal(linear_create(&linear->pool, all.len, &all, 1, &cp), 0);
	linear_close_checkpoint(cp);
	assert_int_equal(linear->blocks.nr_free, 7);
	close_pool(linear);
	pid = fork();
	if (!pid) {
		linear = open_pool(f, FAM_WRITE);
		if (!linear_create(&linear->pool, all.len, &all, 1, &cp) && memset(cp->base, 1, all.len) &&
		    !linear_flush(cp))
			raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	linear = open_pool(f, FAM_WRITE);
	assert_int_equal(linear->nr_entries, 0);
	assert_int_equal(linear->blocks.nr_free, 7);
	close_pool(linear);
}

/* A set without pages is nothing special. */
static void without_content(void **state)
{
	struct fixture *f = *state;
	struct fam_checkpoint *cp;
	struct linear *linear;
	unsigned images = 0;
	uint64_t id;

	make_pool(f, 6 << 20);
	linear = open_pool(f, FAM_WRITE);
	id = add(f, linear, 0, 0);
	close_pool(linear);
	linear = open_pool(f, FAM_READ);
	assert_int_equal(linear_open_checkpoint(&linear->pool, id, &cp), 0);
	assert_int_equal(cp->size, 0);
	assert_int_equal(linear_images(cp, count_image, &images), 0);
	assert_int_equal(images, 3);
	linear_close_checkpoint(cp);
	close_pool(linear);
}

/* Between the commit and its inventory the writer was killed. */
static void incomplete_is_invisible_and_freed(void **state)
{
	struct fixture *f = *state;
	struct fam_commit commit = { f->dirfd, f->dir, FAM_KEEP };
	struct fam_range all = { 0, BLOCK };
	struct fam_checkpoint *cp;
	struct fam_info *list;
	struct linear *linear, *reader;
	uint64_t id;
	size_t nr;

	make_pool(f, 16 << 20);
	linear = open_pool(f, FAM_WRITE);
	assert_int_equal(linear_create(&linear->pool, BLOCK, &all, 1, &cp), 0);
	assert_int_equal(linear_flush(cp), 0);
	make_images(f, cp);
	assert_int_equal(linear_commit(cp, &commit), 0);
	id = cp->id;
	linear_close_checkpoint(cp);
	close_pool(linear);

	linear = open_pool(f, FAM_READ);
	assert_int_equal(linear_open_checkpoint(&linear->pool, id, &cp), -ENOENT);
	assert_int_equal(linear->pool.ops->list(&linear->pool, &list, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(list[0].state, FAM_INCOMPLETE);
	assert_int_equal(list[0].flags, FAM_KEEP);
	free(list[0].images_dir);
	free(list);
	/* Only now does the inventory come: it's whole. */
	assert_int_equal(renameat(f->dirfd, FAM_INVENTORY_NEW, f->dirfd, "inventory.img"), 0);
	assert_int_equal(linear_open_checkpoint(&linear->pool, id, &cp), 0);
	linear_close_checkpoint(cp);
	close_pool(linear);
	linear = open_pool(f, FAM_WRITE);
	assert_int_equal(linear->nr_entries, 1);
	close_pool(linear);

	/* While somebody reads it, it stays, and isn't in the way. */
	reader = open_pool(f, FAM_READ);
	assert_int_equal(linear_open_checkpoint(&reader->pool, id, &cp), 0);
	assert_int_equal(renameat(f->dirfd, "inventory.img", f->dirfd, FAM_INVENTORY_NEW), 0);
	linear = open_pool(f, FAM_WRITE);
	assert_int_equal(linear->nr_entries, 1);
	close_pool(linear);
	linear_close_checkpoint(cp);
	close_pool(reader);
	linear = open_pool(f, FAM_WRITE);
	assert_int_equal(linear->nr_entries, 0);
	assert_int_equal(linear->blocks.nr_free, 7);
	close_pool(linear);
}

static void one_writer(void **state)
{
	struct fixture *f = *state;
	struct linear *linear, *reader;
	struct fam_pool *pool;

	make_pool(f, 16 << 20);
	linear = open_pool(f, FAM_WRITE);
	assert_int_equal(try_open(f, FAM_WRITE, &pool), -EBUSY);
	reader = open_pool(f, FAM_READ);
	close_pool(reader);
	close_pool(linear);
	linear = open_pool(f, FAM_WRITE);
	close_pool(linear);
}

/* A reader, then a process that has inherited what it had open. */
static void what_is_read_stays(void **state)
{
	struct fixture *f = *state;
	struct linear *reader, *writer;
	struct fam_checkpoint *cp;
	int end[2], status;
	char text[32];
	uint64_t id;
	pid_t pid;

	make_pool(f, 16 << 20);
	writer = open_pool(f, FAM_WRITE);
	id = add(f, writer, BLOCK, 3);
	reader = open_pool(f, FAM_READ);
	assert_int_equal(linear_open_checkpoint(&reader->pool, id, &cp), 0);
	assert_int_equal(linear_remove(&writer->pool, id), -EBUSY);
	snprintf(text, sizeof(text), "by process %d", getpid());
	assert_non_null(strstr(f->error.text, text));

	assert_int_equal(pipe(end), 0);
	pid = fork();
	if (!pid) {
		close(end[1]);
		_exit(read(end[0], text, 1));
	}
	linear_close_checkpoint(cp);
	close_pool(reader);
	memset(&f->error, 0, sizeof(f->error));
	assert_int_equal(linear_remove(&writer->pool, id), -EBUSY);
	snprintf(text, sizeof(text), "by process %d", pid);
	assert_non_null(strstr(f->error.text, text));
	close(end[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(end[0]);
	assert_int_equal(linear_remove(&writer->pool, id), 0);
	close_pool(writer);
}

/* A reader that has the pool open sees what comes and goes. */
static void reader_sees_changes(void **state)
{
	struct fixture *f = *state;
	struct linear *reader, *writer;
	struct fam_checkpoint *cp;
	uint64_t id;

	make_pool(f, 16 << 20);
	reader = open_pool(f, FAM_READ);
	writer = open_pool(f, FAM_WRITE);
	id = add(f, writer, BLOCK, 3);
	assert_int_equal(linear_open_checkpoint(&reader->pool, id, &cp), 0);
	linear_close_checkpoint(cp);
	assert_int_equal(linear_remove(&writer->pool, id), 0);
	assert_int_equal(linear_open_checkpoint(&reader->pool, id, &cp), -ENOENT);
	close_pool(writer);
	close_pool(reader);
}

static void spare_memory_is_given_back(void **state)
{
	struct fixture *f = *state;
	struct linear *linear;
	struct fam_usage usage;
	uint64_t id;

	make_pool(f, 16 << 20);
	linear = open_pool(f, FAM_WRITE);
	id = add(f, linear, 3 * BLOCK, 3);
	add(f, linear, BLOCK, 4);
	assert_int_equal(linear_remove(&linear->pool, id), 0);
	assert_int_equal(linear->pool.ops->usage(&linear->pool, &usage), 0);
	assert_int_equal(usage.used, 2 * BLOCK);
	assert_int_equal(usage.spare, 4 * BLOCK);
	assert_int_equal(linear->pool.ops->trim(&linear->pool, BLOCK + 1), 0);
	assert_int_equal(linear->pool.ops->usage(&linear->pool, &usage), 0);
	assert_int_equal(usage.spare, 2 * BLOCK);
	assert_int_equal(linear->pool.ops->trim(&linear->pool, 0), 0);
	assert_int_equal(linear->pool.ops->usage(&linear->pool, &usage), 0);
	assert_int_equal(usage.spare, 0);
	/* It comes back when it is needed. */
	add(f, linear, 4 * BLOCK, 5);
	close_pool(linear);
}

static int open_as(struct fixture *f, const char *host, enum fam_access access, bool force, struct fam_pool **ret)
{
	struct fam_open_args args = { .ctx = &f->ctx, .path = "/pool", .access = access, .force = force };
	int r;

	memset(&f->error, 0, sizeof(f->error));
	setenv(FAM_HOST_ENV, host, 1);
	r = linear_open_fd(&args, medium(f, access == FAM_WRITE ? O_RDWR : O_RDONLY), NULL, ret);
	unsetenv(FAM_HOST_ENV);
	return r;
}

/* Its host may go on, any other one only by force; and then it has lost it. */
static void lease_of_a_killed_writer(void **state)
{
	struct fixture *f = *state;
	struct fam_range all = { 0, BLOCK };
	struct fam_checkpoint *cp;
	struct fam_pool *pool;
	int status;
	pid_t pid;

	make_pool(f, 16 << 20);
	pid = fork();
	if (!pid)
		_exit(open_as(f, "one", FAM_WRITE, false, &pool) || raise(SIGKILL));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(open_as(f, "other", FAM_WRITE, false, &pool), -EBUSY);
	assert_non_null(strstr(f->error.text, "host one"));
	assert_int_equal(open_as(f, "other", FAM_READ, false, &pool), 0);
	close_pool((struct linear *)pool);
	assert_int_equal(open_as(f, "one", FAM_WRITE, false, &pool), 0);
	close_pool((struct linear *)pool);
	assert_int_equal(open_as(f, "other", FAM_WRITE, false, &pool), 0);

	/* Taken away while it is held, as if flock(2) didn't reach so far. */
	assert_int_equal(flock(pool->fd, LOCK_UN), 0);
	pid = fork();
	if (!pid)
		_exit(open_as(f, "one", FAM_WRITE, true, &pool) || raise(SIGKILL));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(linear_create(pool, BLOCK, &all, 1, &cp), -EBUSY);
	assert_non_null(strstr(f->error.text, "taken away"));
	close_pool((struct linear *)pool);
}

/* That a directory isn't here means nothing if it was another host's. */
static void images_of_another_host(void **state)
{
	struct fixture *f = *state;
	struct fam_info *list;
	struct fam_pool *pool;
	size_t nr;

	make_pool(f, 16 << 20);
	assert_int_equal(open_as(f, "one", FAM_WRITE, false, &pool), 0);
	add(f, (struct linear *)pool, BLOCK, 1);
	close_pool((struct linear *)pool);
	for (int other = 0; other < 2; other++) {
		assert_int_equal(open_as(f, other ? "other" : "one", FAM_READ, false, &pool), 0);
		assert_int_equal(pool->ops->list(pool, &list, &nr), 0);
		assert_int_equal(nr, 1);
		assert_int_equal(list[0].state, other ? FAM_COMMITTED : FAM_ORPHAN);
		free(list[0].images_dir);
		free(list);
		close_pool((struct linear *)pool);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(committed_is_found_again),
		TEST(orphans_are_noted),
		TEST(nothing_old_is_seen),
		TEST(fragments_look_like_one_piece),
		TEST(full_pool),
		TEST(uncommitted_leaves_nothing),
		TEST(without_content),
		TEST(incomplete_is_invisible_and_freed),
		TEST(one_writer),
		TEST(what_is_read_stays),
		TEST(reader_sees_changes),
		TEST(spare_memory_is_given_back),
		TEST(lease_of_a_killed_writer),
		TEST(images_of_another_host),
	};

	unsetenv(FAM_FLUSH_ENV);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
