/* SPDX-License-Identifier: GPL-2.0 */
/* Directories that become sets; the copies of images that a pool keeps; all page maps of a set. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/str.h"
#include "fam/pool_ops.h"
#include "fam_tools/set.h"

static char top[] = "/tmp/test_set.XXXXXX";

static int make_top(void **state)
{
	return mkdtemp(top) ? 0 : -1;
}

static int remove_top(void **state)
{
	return rmdir(top);
}

struct fixture {
	struct cr_error error;
	struct cr_ctx ctx;
	struct fam_pool pool;
	struct fam_checkpoint cp;
	struct new_dir dir;
};

static const char *const *images; /* what the pool has copies of, NULL-ended */

static int fake_images(struct fam_checkpoint *cp,
		       int (*each)(void *arg, const char *name, const void *data, size_t len), void *arg)
{
	int r = 0;

	for (const char *const *name = images; *name && !r; name++)
		r = each(arg, *name, *name, strlen(*name));
	return r;
}

static const struct fam_pool_ops fake_ops = { .images = fake_images };

static struct fixture *begin(void)
{
	static struct fixture f;
	_cleanup_free_ char *path = str_printf("%s/set", top);

	memset(&f, 0, sizeof(f));
	f.ctx.error = &f.error;
	f.pool = (struct fam_pool){ .ops = &fake_ops, .ctx = &f.ctx };
	f.cp.pool = &f.pool;
	assert_int_equal(new_dir_open(&f.ctx, path, &f.dir), 0);
	return &f;
}

static void end(struct fixture *f)
{
	char *path = strdup(f->dir.path);

	new_dir_close(&f->dir);
	assert_int_equal(access(path, F_OK), -1);
	free(path);
}

static void a_failed_set_leaves_nothing(void **state)
{
	static const char *const some[] = { "a.img", "inventory.img", NULL };
	struct fixture *f = begin();
	struct stat st;

	assert_int_equal(fstat(f->dir.dirfd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	images = some;
	assert_int_equal(set_unpack(&f->cp, &f->dir), 0);
	assert_int_equal(faccessat(f->dir.dirfd, "a.img", F_OK, 0), 0);
	assert_int_equal(faccessat(f->dir.dirfd, FAM_INVENTORY_NEW, F_OK, 0), 0);
	assert_int_equal(faccessat(f->dir.dirfd, "inventory.img", F_OK, 0), -1);
	end(f);
}

static void a_committed_set_stays(void **state)
{
	static const char *const some[] = { "inventory.img", "b.img", NULL };
	struct fixture *f = begin();
	_cleanup_free_ char *text = NULL, *path = strdup(f->dir.path);

	images = some;
	assert_int_equal(set_unpack(&f->cp, &f->dir), 0);
	assert_int_equal(set_commit(&f->ctx, &f->dir), 0);
	assert_int_equal(read_file_at(f->dir.dirfd, "inventory.img", 100, &text, NULL), 0);
	assert_string_equal(text, "inventory.img");
	new_dir_close(&f->dir);
	assert_int_equal(access(path, F_OK), 0);
	/* It isn't empty, so it can't become another, and isn't touched. */
	assert_int_equal(new_dir_open(&f->ctx, path, &f->dir), -ENOTEMPTY);
	new_dir_close(&f->dir);
	f->dir.dirfd = open(path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(unlinkat(f->dir.dirfd, "inventory.img", 0), 0);
	assert_int_equal(unlinkat(f->dir.dirfd, "b.img", 0), 0);
	close_fdp(&f->dir.dirfd);
	assert_int_equal(rmdir(path), 0);
}

static void names_of_images_are_checked(void **state)
{
	static const char *const bad[] = { "", "/x.img", "../x.img", "a/b.img", "pool", ".img/", "again.img" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fixture *f = begin();
		const char *names[] = { "again.img", bad[i], "inventory.img", NULL };

		images = names;
		if (!set_unpack(&f->cp, &f->dir) || !f->error.taken)
			fail_msg("%s is taken", bad[i]);
		end(f);
	}
}

static void a_copy_without_an_inventory_is_no_set(void **state)
{
	static const char *const some[] = { "a.img", NULL };
	struct fixture *f = begin();

	images = some;
	assert_int_equal(set_unpack(&f->cp, &f->dir), -EPROTO);
	assert_non_null(strstr(f->error.text, "no inventory"));
	end(f);
}

/* Root has one in memory, without a name; others one in $TMPDIR that goes again. */
static void scratch_is_private_and_goes(void **state)
{
	static const char *const some[] = { "a.img", "inventory.img", NULL };
	struct fixture *f = begin();
	struct new_dir scratch;
	struct stat st;

	setenv("TMPDIR", top, 1);
	assert_int_equal(new_dir_scratch(&f->ctx, &scratch), 0);
	assert_int_equal(fstat(scratch.dirfd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	images = some;
	assert_int_equal(set_unpack(&f->cp, &scratch), 0);
	assert_int_equal(faccessat(scratch.dirfd, "a.img", F_OK, 0), 0);
	assert_true(scratch.path || !geteuid());
	new_dir_close(&scratch);
	unsetenv("TMPDIR");
	end(f); /* and the top directory is empty in the end */
}

static void write_map(struct fixture *f, enum image_kind kind, unsigned long id, uint32_t pages_id)
{
	const struct page_run_list none = { 0 };

	assert_int_equal(pagemap_write(&f->ctx, f->dir.dirfd, kind, id, pages_id, &none), 0);
}

static void pagemaps_are_found_by_their_names(void **state)
{
	static const char *const others[] = { "pagemap-.img", "pagemap-007.img", "pagemap-1.img.x", "pagemap-x.img",
					      "pagemap-99999999999999999999999999.img" };
	_cleanup_set_pagemaps_ struct set_pagemaps maps = { 0 };
	struct fixture *f = begin();

	write_map(f, IMG_PAGEMAP, 17, 9);
	write_map(f, IMG_SHMEM_PAGEMAP, 18446744073709551615ul, 2);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(write_file_at(f->dir.dirfd, others[i], "x", 1), 0);
	assert_int_equal(set_pagemaps_read(&f->ctx, f->dir.dirfd, &maps), 0);
	assert_int_equal(maps.nr, 2);
	assert_int_equal(maps.v[0].kind, IMG_SHMEM_PAGEMAP);
	assert_true(maps.v[0].id == UINT64_MAX);
	assert_int_equal(maps.v[1].id, 17);
	end(f);
}

static void pagemaps_have_pages_of_their_own(void **state)
{
	_cleanup_set_pagemaps_ struct set_pagemaps maps = { 0 };
	struct fixture *f = begin();

	write_map(f, IMG_PAGEMAP, 1, 5);
	write_map(f, IMG_PAGEMAP, 2, 5);
	assert_int_equal(set_pagemaps_read(&f->ctx, f->dir.dirfd, &maps), -EINVAL);
	assert_non_null(strstr(f->error.text, "Two pagemaps have the pages 5"));
	end(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failed_set_leaves_nothing),
		cmocka_unit_test(a_committed_set_stays),
		cmocka_unit_test(names_of_images_are_checked),
		cmocka_unit_test(a_copy_without_an_inventory_is_no_set),
		cmocka_unit_test(scratch_is_private_and_goes),
		cmocka_unit_test(pagemaps_are_found_by_their_names),
		cmocka_unit_test(pagemaps_have_pages_of_their_own),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}
