/* SPDX-License-Identifier: GPL-2.0 */
/* A pool on hugetlbfs, by the functions that everybody uses. Needs root and free huge pages of 2 MiB. */
#include "fam/linear_fixture.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define POOL_SIZE (16ul << 20)
#define POOL	  "/mnt/pool"

/* Pages that nobody has or was promised. */
static unsigned free_pages(void)
{
	FILE *meminfo = fopen("/proc/meminfo", "re");
	unsigned nr_free = 0, reserved = 0;
	char line[128];

	while (meminfo && fgets(line, sizeof(line), meminfo))
		if (!sscanf(line, "HugePages_Free: %u", &nr_free))
			sscanf(line, "HugePages_Rsvd: %u", &reserved);
	if (meminfo)
		fclose(meminfo);
	return nr_free - reserved;
}

/* In a mount namespace of its own, which goes with this program. */
static int mount_begin(void **state)
{
	if (geteuid() || free_pages() < POOL_SIZE / BLOCK)
		return fixture_begin(state);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/mnt", "hugetlbfs", 0, "pagesize=2M"))
		return -1;
	return fixture_begin(state);
}

static int mount_end(void **state)
{
	umount2("/mnt", MNT_DETACH);
	return fixture_end(state);
}

static void pool_of_huge_pages(void **state)
{
	struct fixture *f = *state;
	struct fam_init_args init = { .ctx = &f->ctx, .path = POOL };
	struct fam_open_args args = { .ctx = &f->ctx, .path = POOL, .access = FAM_WRITE, .create = true };
	struct fam_commit commit = { f->dirfd, f->dir, 0 };
	struct fam_range all = { 0, 2 * BLOCK };
	struct fam_checkpoint *cp;
	struct fam_usage usage;
	struct fam_pool *pool;
	struct stat st;
	uint64_t id;

	if (geteuid() || free_pages() < POOL_SIZE / BLOCK)
		skip();
	assert_int_equal(mkdir(POOL, 0700), 0);
	/* It doesn't grow. */
	assert_int_equal(fam_pool_init(&init), -EINVAL);
	assert_int_equal(fam_pool_open(&args, &pool), -EPROTO);
	assert_int_equal(mkdir(POOL "/other", 0700), 0);
	init.size = POOL_SIZE;
	assert_int_equal(fam_pool_init(&init), -EEXIST);
	assert_int_equal(rmdir(POOL "/other"), 0);
	init.size = 1ull << 40;
	assert_int_equal(fam_pool_init(&init), -ENOSPC);
	assert_int_equal(rmdir(POOL), 0); /* nothing is left in it */
	assert_int_equal(mkdir(POOL, 0755), 0);
	/* Of an init that was killed. */
	assert_int_equal(mknod(POOL "/" LINEAR_FILE ".new", S_IFREG | 0600, 0), 0);
	init.size = POOL_SIZE;
	assert_int_equal(fam_pool_init(&init), 0);
	assert_int_equal(stat(POOL "/" LINEAR_FILE, &st), 0);
	assert_int_equal(st.st_blocks * 512, POOL_SIZE);
	assert_int_equal(fam_pool_init(&init), -EEXIST);

	assert_int_equal(fam_pool_open(&args, &pool), 0);
	assert_int_equal(fam_checkpoint_create(pool, all.len, &all, 1, &cp), 0);
	id = cp->id;
	memset(cp->base, 0x42, all.len);
	assert_int_equal(fam_checkpoint_flush(cp), 0);
	make_images(f, NULL);
	assert_int_equal(fam_checkpoint_commit(cp, &commit), 0);
	fam_checkpoint_close(&cp);
	assert_int_equal(fam_pool_trim(pool, BLOCK), 0);
	assert_int_equal(fam_pool_usage(pool, &usage), 0);
	assert_int_equal(usage.spare, BLOCK);
	assert_int_equal(stat(POOL "/" LINEAR_FILE, &st), 0);
	assert_int_equal(st.st_blocks * 512, 5 * BLOCK);
	fam_pool_close(&pool);

	args.access = FAM_READ;
	args.create = false;
	assert_int_equal(fam_pool_open(&args, &pool), 0);
	assert_int_equal(fam_checkpoint_open(pool, id, &cp), 0);
	assert_true(is_filled(cp->base, cp->size, 0x42));
	fam_checkpoint_close(&cp);
	fam_pool_close(&pool);

	/* Open to others: refused. */
	assert_int_equal(chmod(POOL "/" LINEAR_FILE, 0640), 0);
	assert_int_equal(fam_pool_open(&args, &pool), -EPERM);
	assert_int_equal(chmod(POOL "/" LINEAR_FILE, 0600), 0);
	assert_int_equal(chmod(POOL, 0755), 0);
	assert_int_equal(fam_pool_open(&args, &pool), -EPERM);
	assert_int_equal(chmod(POOL, 0700), 0);
	assert_int_equal(unlink(POOL "/" LINEAR_FILE), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pool_of_huge_pages, mount_begin, mount_end),
	};

	unsetenv(FAM_FLUSH_ENV);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
