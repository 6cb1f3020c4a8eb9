/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A writer is killed before each of its system calls in turn (ptrace(2)), and the pool is looked at by the next one:
 * nothing that was committed is lost, nothing else is seen, no memory is lost track of.
 */
#include "fam/fixture.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

/* Runs JOB in a child that is killed before its system call number NR. true: it ended before that, and well. */
static bool run_killed(struct fixture *f, void (*job)(struct fixture *f), unsigned nr)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		job(f);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	/* An entry and an exit stop each. */
	for (unsigned stops = 0; stops < nr * 2 - 1; stops++) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return true;
		}
		assert_true(WIFSTOPPED(status));
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	return false;
}

#define must(cond)                                                                                                     \
	do {                                                                                                           \
		if (!(cond)) {                                                                                         \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #cond, f->error.text);                  \
			_exit(1);                                                                                      \
		}                                                                                                      \
	} while (0)

static uint64_t old_id;
static char old_images[96];

/* A dump: a new checkpoint beside the old one, which it then removes. */
static void dump(struct fixture *f)
{
	const struct fam_range used[] = { { 0, 8 * PAGE }, { MIB, PAGE } };
	const struct fam_commit args = { .images_dirfd = f->imagesfd, .images_dir = f->images };
	struct fam_checkpoint *cp;
	struct fam_pool *pool;

	must(!pool_open(f, FAM_WRITE, &pool));
	must(!fam_checkpoint_create(pool, 2 * MIB, used, 2, &cp));
	memset(cp->base, 'n', 8 * PAGE);
	memset(cp->base + MIB, 'n', PAGE);
	must(!fam_checkpoint_flush(cp));
	images_make(f, pool, cp->id);
	must(!fam_checkpoint_commit(cp, &args));
	must(!renameat(f->imagesfd, FAM_INVENTORY_NEW, f->imagesfd, "inventory.img"));
	fam_checkpoint_close(&cp);
	must(!fam_checkpoint_remove(pool, old_id));
	fam_pool_close(&pool);
}

static uint64_t blocks;

static int add_blocks(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type == FTW_F)
		blocks += (uint64_t)st->st_blocks * 512;
	return 0;
}

/* Everything in POOL/ is accounted for, but the superblock. */
static void check_usage(struct fixture *f, struct fam_pool *pool)
{
	struct fam_usage usage;
	char path[128];
	struct stat st;

	blocks = 0;
	assert_int_equal(nftw(f->pool, add_blocks, 16, FTW_PHYS), 0);
	snprintf(path, sizeof(path), "%s/pool", f->pool);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(fam_pool_usage(pool, &usage), 0);
	assert_int_equal(usage.used + usage.spare, blocks - (uint64_t)st.st_blocks * 512);
	snprintf(path, sizeof(path), "%s/new", f->pool);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_nlink, 2);
}

/* By pread(2): where a page of tmpfs isn't there a mapping would make it. */
static void check_bytes(const struct fam_checkpoint *cp, uint64_t offset, size_t len, char c)
{
	static char buf[4 * MIB];

	assert_true(len <= sizeof(buf));
	assert_int_equal(pread_full(cp->fd, buf, len, offset), 0);
	assert_true(is_all(buf, len, c));
}

static void check_content(struct fam_pool *pool, const struct fam_info *info)
{
	struct fam_checkpoint *cp;

	assert_int_equal(fam_checkpoint_open(pool, info->id, &cp), 0);
	if (info->id == old_id) {
		check_bytes(cp, 0, cp->size, 'o');
	} else {
		check_bytes(cp, 0, 8 * PAGE, 'n');
		check_bytes(cp, 8 * PAGE, MIB - 8 * PAGE, 0);
		check_bytes(cp, MIB, PAGE, 'n');
		check_bytes(cp, MIB + PAGE, MIB - PAGE, 0);
	}
	fam_checkpoint_close(&cp);
}

/* What the next writer finds: *RET_NEW: the new checkpoint, if any. */
static void check_pool(struct fixture *f, struct fam_pool *pool, bool *ret_old, uint64_t *ret_new)
{
	bool has_inventory = !faccessat(f->imagesfd, "inventory.img", F_OK, 0);
	struct fam_info *list;
	size_t nr;

	*ret_old = false;
	*ret_new = 0;
	assert_int_equal(fam_pool_list(pool, &list, &nr), 0);
	for (size_t i = 0; i < nr; i++) {
		assert_int_equal(list[i].state, FAM_COMMITTED);
		check_content(pool, &list[i]);
		if (list[i].id == old_id)
			*ret_old = true;
		else
			*ret_new = list[i].id;
	}
	assert_true(nr <= 2);
	assert_int_equal(!!*ret_new, has_inventory);
	assert_true(*ret_old || *ret_new);
	fam_list_free(list, nr);
	check_usage(f, pool);
}

/* The old set has a directory of its own. */
static void make_old(struct fixture *f, struct fam_pool *pool)
{
	int images = f->imagesfd;
	char saved[sizeof(f->images)];

	memcpy(saved, f->images, sizeof(saved));
	strcpy(f->images, old_images);
	f->imagesfd = open(old_images, O_RDONLY | O_DIRECTORY);
	old_id = checkpoint_make(f, pool, 4 * MIB, 'o');
	close(f->imagesfd);
	f->imagesfd = images;
	memcpy(f->images, saved, sizeof(saved));
}

static void dump_is_killed(void **state)
{
	struct fixture *f = *state;
	unsigned nr, without = 0, both = 0, only_new = 0;
	struct fam_pool *pool;
	bool done = false, has_old = false;
	uint64_t new_id;

	snprintf(old_images, sizeof(old_images), "%s/old", f->top);
	assert_int_equal(mkdir(old_images, 0700), 0);
	for (nr = 1; !done; nr++) {
		assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
		if (!has_old)
			make_old(f, pool);
		fam_pool_close(&pool);
		unlinkat(f->imagesfd, "inventory.img", 0);
		done = run_killed(f, dump, nr);
		assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
		check_pool(f, pool, &has_old, &new_id);
		without += !new_id;
		both += new_id && has_old;
		only_new += !has_old;
		if (new_id)
			assert_int_equal(fam_checkpoint_remove(pool, new_id), 0);
		fam_pool_close(&pool);
	}
	print_message("%u system calls: %u without the new one, %u with both, %u with the new one alone\n", nr, without,
		      both, only_new);
	assert_true(without && both && only_new);
}

static void init(struct fixture *f)
{
	const struct fam_init_args args = { .ctx = &f->ctx, .path = f->pool, .size = 4 * MIB };

	must(!fam_pool_init(&args));
}

static void init_is_killed(void **state)
{
	struct fixture *f = *state;
	struct fam_usage usage;
	struct fam_pool *pool;
	bool done = false;
	unsigned again = 0;

	for (unsigned nr = 1; !done; nr++) {
		const struct fam_init_args args = { .ctx = &f->ctx, .path = f->pool, .size = 4 * MIB };
		int r;

		done = run_killed(f, init, nr);
		forget_error(f);
		r = fam_pool_init(&args);
		assert_true(r == 0 || r == -EEXIST);
		again += !r;
		forget_error(f);
		assert_int_equal(pool_open(f, FAM_WRITE, &pool), 0);
		assert_int_equal(fam_pool_usage(pool, &usage), 0);
		assert_int_equal(usage.spare, 4 * MIB);
		fam_pool_close(&pool);
		assert_int_equal(nftw(f->pool, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
		assert_int_equal(mkdir(f->pool, 0700), 0);
	}
	assert_true(again > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(dump_is_killed, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(dump_is_killed, fixture_begin_disk, fixture_end),
		cmocka_unit_test_setup_teardown(init_is_killed, fixture_begin, fixture_end),
	};

	if (!is_root()) {
		print_message("skipped: pools are root's, and there are no user namespaces\n");
		return 0;
	}
	setenv("CRIU_PAGES_HUGE", "0", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
