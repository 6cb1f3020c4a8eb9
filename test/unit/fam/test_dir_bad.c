/* SPDX-License-Identifier: GPL-2.0 */
/* Directory pools that aren't as they should be: other owners, damage, other writers, sets that were never finished. */
#include "fam/fixture.h"

#include <glob.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>

#include "fam/crc32c.h"
#include "fam/format.h"

static char path_buf[256];

/* POOL/NAME, where %s in NAME is the checkpoint. */
static const char *in_pool(struct fixture *f, const char *name, uint64_t id)
{
	char text[FAM_ID_TEXT], rest[128];

	fam_id_print(id, text);
	snprintf(rest, sizeof(rest), name, text);
	snprintf(path_buf, sizeof(path_buf), "%s/%s", f->pool, rest);
	return path_buf;
}

static void flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	char byte;

	assert_true(fd >= 0);
	assert_int_equal(pread_full(fd, &byte, 1, at), 0);
	byte ^= 0x10;
	assert_int_equal(pwrite_full(fd, &byte, 1, at), 0);
	close(fd);
}

static uint64_t pool_with_one(struct fixture *f)
{
	struct fam_pool *pool;
	uint64_t id;

	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	id = checkpoint_make(f, pool, 2 * MIB, 'x');
	fam_pool_close(&pool);
	return id;
}

/* Opening fails with CODE and a message that has TEXT, for readers and writers. */
static void assert_refused(struct fixture *f, int code, const char *text)
{
	struct fam_pool *pool;

	for (enum fam_access access = FAM_READ; access <= FAM_WRITE; access++) {
		assert_int_equal(pool_open(f, access, &pool), code);
		if (!strstr(f->error.text, text))
			fail_msg("'%s' isn't in: %s", text, f->error.text);
		forget_error(f);
	}
}

static int checkpoint_open_code(struct fixture *f, uint64_t id)
{
	struct fam_checkpoint *cp;
	struct fam_pool *pool;
	int r;

	assert_int_equal(pool_open(f, FAM_READ, &pool), 0);
	r = fam_checkpoint_open(pool, id, &cp);
	if (!r)
		fam_checkpoint_close(&cp);
	fam_pool_close(&pool);
	return r;
}

static void open_to_others(void **state)
{
	struct fixture *f = *state;
	uint64_t id = pool_with_one(f);

	assert_int_equal(chmod(f->pool, 0750), 0);
	assert_refused(f, -EPERM, "0750");
	assert_int_equal(chmod(f->pool, 0700), 0);
	assert_int_equal(chmod(in_pool(f, "pool", 0), 0604), 0);
	assert_refused(f, -EPERM, "0604");
	assert_int_equal(chmod(in_pool(f, "pool", 0), 0600), 0);
	assert_int_equal(chmod(in_pool(f, "checkpoints", 0), 0711), 0);
	assert_refused(f, -EPERM, "checkpoints");
	assert_int_equal(chmod(in_pool(f, "checkpoints", 0), 0700), 0);
	assert_int_equal(chmod(in_pool(f, "checkpoints/%s/pages", id), 0644), 0);
	assert_int_equal(checkpoint_open_code(f, id), -EPERM);
	forget_error(f);
	assert_int_equal(chmod(in_pool(f, "checkpoints/%s/pages", id), 0600), 0);
	assert_int_equal(checkpoint_open_code(f, id), 0);
	/* In a user namespace there may be nobody else. */
	if (!chown(f->pool, 1000, 0))
		assert_refused(f, -EPERM, "user 1000");
}

static void links(void **state)
{
	struct fixture *f = *state;
	uint64_t id = pool_with_one(f);
	char elsewhere[128];

	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", f->top);
	assert_int_equal(rename(in_pool(f, "checkpoints/%s/pages", id), elsewhere), 0);
	assert_int_equal(symlink(elsewhere, in_pool(f, "checkpoints/%s/pages", id)), 0);
	assert_int_equal(checkpoint_open_code(f, id), -EPERM);
	forget_error(f);
	assert_int_equal(unlink(in_pool(f, "checkpoints/%s/pages", id)), 0);
	assert_int_equal(mkfifo(in_pool(f, "checkpoints/%s/pages", id), 0600), 0);
	assert_int_equal(checkpoint_open_code(f, id), -EPERM);
	forget_error(f);
	assert_int_equal(unlink(in_pool(f, "checkpoints/%s/pages", id)), 0);
	assert_int_equal(rename(elsewhere, in_pool(f, "checkpoints/%s/pages", id)), 0);
	assert_int_equal(checkpoint_open_code(f, id), 0);
	assert_int_equal(rename(in_pool(f, "new", 0), elsewhere), 0);
	assert_int_equal(symlink(elsewhere, in_pool(f, "new", 0)), 0);
	assert_refused(f, -EPERM, "new");
}

static void damaged_superblock(void **state)
{
	struct fixture *f = *state;
	struct fam_super super;
	int fd;

	pool_with_one(f);
	flip(in_pool(f, "pool", 0), 20);
	assert_refused(f, -EPROTO, "damaged");
	flip(in_pool(f, "pool", 0), 20);
	fd = open(in_pool(f, "pool", 0), O_RDWR);
	assert_int_equal(pread_full(fd, &super, sizeof(super), 0), 0);
	super.version = 2;
	super.crc = fam_crc32c(0, &super, offsetof(struct fam_super, crc));
	assert_int_equal(pwrite_full(fd, &super, sizeof(super), 0), 0);
	close(fd);
	assert_refused(f, -EPROTONOSUPPORT, "version 2");
	assert_int_equal(truncate(in_pool(f, "pool", 0), 65), 0);
	super.version = FAM_VERSION;
	assert_int_equal(truncate(in_pool(f, "pool", 0), 10), 0);
	assert_refused(f, -EPROTO, "damaged");
	assert_int_equal(unlink(in_pool(f, "pool", 0)), 0);
	assert_refused(f, -EPROTO, "isn't a pool");
}

static void damaged_checkpoint(void **state)
{
	struct fixture *f = *state;
	uint64_t id = pool_with_one(f);
	struct fam_pool *pool;
	struct fam_info *list;
	size_t nr;

	assert_int_equal(truncate(in_pool(f, "checkpoints/%s/pages", id), MIB), 0);
	assert_int_equal(checkpoint_open_code(f, id), -EPROTO);
	assert_non_null(strstr(f->error.text, "1048576"));
	forget_error(f);
	assert_int_equal(truncate(in_pool(f, "checkpoints/%s/pages", id), 2 * MIB), 0);
	flip(in_pool(f, "checkpoints/%s/record", id), 40);
	assert_int_equal(checkpoint_open_code(f, id), -EPROTO);
	forget_error(f);
	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	assert_int_equal(fam_pool_list(pool, &list, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(list[0].state, FAM_DAMAGED);
	assert_int_equal(list[0].id, id);
	fam_list_free(list, nr);
	assert_int_equal(fam_checkpoint_remove(pool, id), 0);
	assert_int_equal(fam_checkpoint_remove(pool, id), -ENOENT);
	fam_pool_close(&pool);
}

static int nothing(void *arg, const char *name, const void *data, size_t len)
{
	return 0;
}

static void damaged_images(void **state)
{
	struct fixture *f = *state;
	uint64_t id = pool_with_one(f);
	struct fam_checkpoint *cp;
	struct fam_pool *pool;

	assert_int_equal(pool_open(f, FAM_READ, &pool), 0);
	assert_int_equal(fam_checkpoint_open(pool, id, &cp), 0);
	assert_int_equal(fam_checkpoint_images(cp, nothing, NULL), 0);
	flip(in_pool(f, "checkpoints/%s/images", id), 140);
	assert_int_equal(fam_checkpoint_images(cp, nothing, NULL), -EPROTO);
	assert_non_null(strstr(f->error.text, "damaged"));
	assert_int_equal(truncate(in_pool(f, "checkpoints/%s/images", id), 0), 0);
	assert_int_equal(fam_checkpoint_images(cp, nothing, NULL), -EPROTO);
	fam_checkpoint_close(&cp);
	fam_pool_close(&pool);
}

static void not_empty(void **state)
{
	const struct fam_init_args args = { .ctx = &((struct fixture *)*state)->ctx,
					    .path = ((struct fixture *)*state)->pool };
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(chmod(f->pool, 0755), 0);
	assert_int_equal(write_file_at(AT_FDCWD, in_pool(f, "notes", 0), "x", 1), 0);
	assert_int_equal(fam_pool_init(&args), -EEXIST);
	forget_error(f);
	assert_refused(f, -EPROTO, "isn't a pool");
	assert_int_equal(stat(f->pool, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

static void never_finished(void **state)
{
	struct fixture *f = *state;
	struct fam_pool *reader, *writer;
	struct fam_info *list;
	struct fam_usage usage;
	uint64_t id = pool_with_one(f);
	size_t nr;

	assert_int_equal(renameat(f->imagesfd, "inventory.img", f->imagesfd, FAM_INVENTORY_NEW), 0);
	assert_int_equal(pool_open(f, FAM_READ, &reader), 0);
	assert_int_equal(fam_pool_list(reader, &list, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(list[0].state, FAM_INCOMPLETE);
	fam_list_free(list, nr);
	assert_int_equal(checkpoint_open_code(f, id), -ENOENT);
	assert_non_null(strstr(f->error.text, "never finished"));
	forget_error(f);
	assert_int_equal(pool_open(f, FAM_WRITE, &writer), 0);
	assert_int_equal(fam_pool_list(reader, &list, &nr), 0);
	assert_int_equal(nr, 0);
	fam_list_free(list, nr);
	assert_int_equal(fam_pool_usage(writer, &usage), 0);
	assert_int_equal(usage.spare, 2 * MIB);
	fam_pool_close(&writer);
	fam_pool_close(&reader);
}

static void orphans_stay(void **state)
{
	struct fixture *f = *state;
	struct fam_pool *pool;
	struct fam_info *list;
	uint64_t id = pool_with_one(f);
	size_t nr;

	assert_int_equal(unlinkat(f->imagesfd, "fam.img", 0), 0);
	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	assert_int_equal(fam_pool_list(pool, &list, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(list[0].state, FAM_ORPHAN);
	fam_list_free(list, nr);
	fam_pool_close(&pool);
	assert_int_equal(checkpoint_open_code(f, id), 0);
}

static void two_writers(void **state)
{
	struct fixture *f = *state;
	struct fam_open_args args = { .ctx = &f->ctx, .path = f->pool, .access = FAM_WRITE, .create = true };
	struct fam_pool *pool;
	int ready[2], status;
	char byte, text[32];
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!fam_pool_open(&args, &pool) && write(ready[1], "r", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(fam_pool_open(&args, &pool), -EBUSY);
	snprintf(text, sizeof(text), "process %d", pid);
	assert_non_null(strstr(f->error.text, text));
	forget_error(f);
	/* Readers aren't kept out, and a writer that waits gets it when the first one dies. */
	args.access = FAM_READ;
	args.create = false;
	assert_int_equal(fam_pool_open(&args, &pool), 0);
	fam_pool_close(&pool);
	args.access = FAM_WRITE;
	args.wait_seconds = 30;
	if (!fork()) {
		usleep(50000);
		kill(pid, SIGKILL);
		_exit(0);
	}
	assert_int_equal(fam_pool_open(&args, &pool), 0);
	fam_pool_close(&pool);
	while (wait(&status) > 0)
		;
	close(ready[0]);
	close(ready[1]);
}

/* The lock is given back though a child has its descriptors. */
static void lock_after_fork(void **state)
{
	struct fixture *f = *state;
	struct fam_pool *pool;
	pid_t pid;

	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
	}
	fam_pool_close(&pool);
	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	fam_pool_close(&pool);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void vanished(void **state)
{
	struct fam_range all = { 0, 2 * MIB };
	struct fixture *f = *state;
	struct fam_checkpoint *cp;
	struct fam_pool *pool;

	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	assert_int_equal(nftw(f->pool, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
	assert_int_equal(fam_checkpoint_create(pool, 2 * MIB, &all, 1, &cp), -ENOENT);
	assert_non_null(strstr(f->error.text, f->pool));
	forget_error(f);
	fam_pool_close(&pool);
	assert_int_equal(pool_open(f, FAM_WRITE, &pool), -ENOENT);
	assert_non_null(strstr(f->error.text, f->pool));
}

/* Somebody cuts the file that is being written. */
static void cut_beneath(void **state)
{
	const struct fam_range used[] = { { 0, PAGE }, { 3 * MIB, PAGE } };
	struct fixture *f = *state;
	struct fam_checkpoint *cp;
	struct fam_pool *pool;
	uint64_t id;

	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	id = checkpoint_make(f, pool, 4 * MIB, 'c');
	assert_int_equal(fam_checkpoint_remove(pool, id), 0);
	setenv("CRIU_FAM_FLUSH", "clflush", 1);
	assert_int_equal(fam_checkpoint_create(pool, 4 * MIB, used, 2, &cp), 0);
	unsetenv("CRIU_FAM_FLUSH");
	assert_int_equal(ftruncate(cp->fd, 2 * MIB), 0);
	assert_int_equal(fam_checkpoint_flush(cp), -EIO);
	assert_non_null(strstr(f->error.text, f->pool));
	fam_checkpoint_close(&cp);
	fam_pool_close(&pool);
}

/* A file system that is smaller than the pool thinks. */
static int in_small(struct fixture *f)
{
	struct fam_range all = { 0, 24 * MIB };
	struct fam_usage before, after;
	struct fam_checkpoint *cp;
	struct fam_pool *pool;
	uint64_t id;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("small", f->pool, "tmpfs", 0, "size=32m,mode=0700"))
		return 77;
	if (fam_pool_init(&(struct fam_init_args){ .ctx = &f->ctx, .path = f->pool, .size = 64 * MIB }) != -ENOSPC)
		return 1;
	forget_error(f);
	if (pool_open(f, FAM_WRITE, &pool))
		return 2;
	id = checkpoint_make(f, pool, 10 * MIB, 's');
	checkpoint_make(f, pool, 12 * MIB, 't');
	if (fam_checkpoint_remove(pool, id) || fam_pool_usage(pool, &before))
		return 3;
	if (fam_checkpoint_create(pool, 24 * MIB, &all, 1, &cp) != -ENOSPC || !strstr(f->error.text, "is full"))
		return 4;
	forget_error(f);
	if (fam_pool_usage(pool, &after) || after.used != before.used || after.spare != before.spare)
		return 5;
	all.len = 18 * MIB;
	if (fam_checkpoint_create(pool, 18 * MIB, &all, 1, &cp))
		return 6;
	fam_checkpoint_close(&cp);
	fam_pool_close(&pool);
	return 0;
}

static void run_in_child(struct fixture *f, int (*run)(struct fixture *f))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(run(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static int begin_checkpoint(struct fixture *f)
{
	struct fam_range all = { 0, 2 * MIB };
	struct fam_checkpoint *cp;
	struct fam_pool *pool;

	if (pool_open(f, FAM_WRITE, &pool) || fam_checkpoint_create(pool, 2 * MIB, &all, 1, &cp))
		return 1;
	memset(cp->base, 'x', 2 * MIB);
	return 0; /* killed */
}

/* A task that stored its pages outlives the dump: what it has isn't given to the next one. */
static void still_written_to(void **state)
{
	struct fixture *f = *state;
	struct fam_usage usage;
	struct fam_pool *pool;
	struct stat st;
	glob_t found;
	int fd;

	run_in_child(f, begin_checkpoint);
	assert_int_equal(glob(in_pool(f, "new/*/pages", 0), 0, NULL, &found), 0);
	fd = open(found.gl_pathv[0], O_RDWR | O_CLOEXEC);
	globfree(&found);
	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	assert_int_equal(fam_pool_usage(pool, &usage), 0);
	assert_int_equal(usage.used + usage.spare, 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	fam_pool_close(&pool);
	close(fd);

	run_in_child(f, begin_checkpoint);
	assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
	assert_int_equal(fam_pool_usage(pool, &usage), 0);
	assert_int_equal(usage.spare, 2 * MIB);
	fam_pool_close(&pool);
}

static void small_file_system(void **state)
{
	run_in_child(*state, in_small);
}

static int in_read_only(struct fixture *f)
{
	struct fam_pool *pool;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(f->pool, f->pool, NULL, MS_BIND, NULL) ||
	    mount(NULL, f->pool, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL))
		return 77;
	if (pool_open(f, FAM_WRITE, &pool) != -EROFS || !strstr(f->error.text, f->pool))
		return 1;
	return pool_open(f, FAM_READ, &pool) ? 2 : 0;
}

static void read_only(void **state)
{
	pool_with_one(*state);
	run_in_child(*state, in_read_only);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: cmocka handles SIGBUS from each test's beginning on, fam_guarded() from its first call on. */
		TEST(cut_beneath),	  TEST(open_to_others),	    TEST(links),
		TEST(damaged_superblock), TEST(damaged_checkpoint), TEST(damaged_images),
		TEST(not_empty),	  TEST(never_finished),	    TEST(orphans_stay),
		TEST(two_writers),	  TEST(lock_after_fork),    TEST(vanished),
		TEST(read_only),	  TEST(small_file_system),  TEST(still_written_to),
	};

	if (!is_root()) {
		print_message("skipped: pools are root's, and there are no user namespaces\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
