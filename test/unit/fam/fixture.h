/* SPDX-License-Identifier: GPL-2.0 */
/* A place for a pool, a set of images, and a context. Pools are root's: without root, in a user namespace of our own.
 */
#ifndef TEST_UNIT_FAM_FIXTURE_H
#define TEST_UNIT_FAM_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/io.h"
#include "fam/layout.h"
#include "fam/pool.h"
#include "image/image.h"

#include "fam.pb-c.h"

#define PAGE 4096ul
#define MIB  (1ul << 20)

struct fixture {
	struct log *log;
	struct cr_error error;
	struct cr_ctx ctx;
	char top[64];	 /* holds all below; removed at the end */
	char pool[80];	 /* an empty directory */
	char images[80]; /* a directory */
	int imagesfd;
	bool on_tmpfs;
};

/* This process is root, or has become the root of a user namespace. */
static inline bool is_root(void)
{
	char map[64];
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (!geteuid())
		return true;
	if (unshare(CLONE_NEWUSER))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (write_file_at(AT_FDCWD, "/proc/self/setgroups", "deny", 4) ||
	    write_file_at(AT_FDCWD, "/proc/self/uid_map", map, strlen(map)))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return !write_file_at(AT_FDCWD, "/proc/self/gid_map", map, strlen(map)) && !geteuid();
}

static inline int fixture_begin_in(void **state, const char *where)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || log_open("/dev/null", LOG_DEBUG, &f->log))
		return -1;
	f->ctx = (struct cr_ctx){ f->log, &f->error };
	f->on_tmpfs = !strcmp(where, "/dev/shm");
	snprintf(f->top, sizeof(f->top), "%s/fam-XXXXXX", where);
	if (!mkdtemp(f->top))
		return -1;
	snprintf(f->pool, sizeof(f->pool), "%s/pool", f->top);
	snprintf(f->images, sizeof(f->images), "%s/images", f->top);
	if (mkdir(f->pool, 0700) || mkdir(f->images, 0700))
		return -1;
	f->imagesfd = open(f->images, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return f->imagesfd < 0 ? -1 : 0;
}

static inline int fixture_begin(void **state)
{
	return fixture_begin_in(state, access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
}

/* FAM_TEST_DIR in the environment is a directory on another medium, DAX for one. */
static inline int fixture_begin_disk(void **state)
{
	return fixture_begin_in(state, getenv("FAM_TEST_DIR") ?: "/tmp");
}

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline int fixture_end(void **state)
{
	struct fixture *f = *state;

	close(f->imagesfd);
	log_close(&f->log);
	if (nftw(f->top, remove_entry, 16, FTW_DEPTH | FTW_PHYS))
		return -1;
	free(f);
	return 0;
}

static inline void forget_error(struct fixture *f)
{
	memset(&f->error, 0, sizeof(f->error));
}

static inline int pool_open(struct fixture *f, enum fam_access access, struct fam_pool **ret)
{
	return fam_pool_open(
		&(struct fam_open_args){
			.ctx = &f->ctx, .path = f->pool, .access = access, .create = access == FAM_WRITE },
		ret);
}

static inline void image_put(struct fixture *f, const char *name, const char *text)
{
	assert_int_equal(write_file_at(f->imagesfd, name, text, strlen(text)), 0);
}

/* A set that has its pages in checkpoint ID; the inventory isn't there yet. */
static inline void images_make(struct fixture *f, const struct fam_pool *pool, uint64_t id)
{
	FamEntry entry = FAM_ENTRY__INIT;

	entry.pool_uuid = (ProtobufCBinaryData){ FAM_UUID_LEN, (uint8_t *)pool->uuid };
	entry.checkpoint = id;
	entry.pool_dir = f->pool;
	entry.size = 0;
	assert_int_equal(image_write_single(f->imagesfd, IMG_FAM, &entry.base), 0);
	image_put(f, "core-7.img", "registers");
	image_put(f, FAM_INVENTORY_NEW, "inventory");
	unlinkat(f->imagesfd, "inventory.img", 0);
}

static inline void inventory_commit(struct fixture *f)
{
	assert_int_equal(renameat(f->imagesfd, FAM_INVENTORY_NEW, f->imagesfd, "inventory.img"), 0);
}

static inline int commit(struct fixture *f, struct fam_checkpoint *cp)
{
	const struct fam_commit args = { .images_dirfd = f->imagesfd, .images_dir = f->images };

	return fam_checkpoint_commit(cp, &args);
}

/* A checkpoint of SIZE bytes, all of them C, committed with its set. */
static inline uint64_t checkpoint_make(struct fixture *f, struct fam_pool *pool, uint64_t size, char c)
{
	struct fam_range all = { 0, size };
	struct fam_checkpoint *cp;
	uint64_t id;

	assert_int_equal(fam_checkpoint_create(pool, size, &all, 1, &cp), 0);
	memset(cp->base, c, size);
	assert_int_equal(fam_checkpoint_flush(cp), 0);
	id = cp->id;
	images_make(f, pool, id);
	assert_int_equal(commit(f, cp), 0);
	inventory_commit(f);
	fam_checkpoint_close(&cp);
	return id;
}

static inline bool is_all(const char *p, size_t len, char c)
{
	return !len || (p[0] == c && !memcmp(p, p + 1, len - 1));
}

#endif
