/* SPDX-License-Identifier: GPL-2.0 */
/* A linear pool in a memfd, and a directory as dumps leave them. */
#ifndef TEST_UNIT_FAM_LINEAR_FIXTURE_H
#define TEST_UNIT_FAM_LINEAR_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "fam/image.h"
#include "fam/linear.h"

#define PAGE  4096ul
#define BLOCK LINEAR_BLOCK

struct fixture {
	struct log *log;
	struct cr_error error;
	struct cr_ctx ctx;
	char dir[64];
	int dirfd;
	int memfd;
};

static inline int fixture_begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || log_open("/dev/null", LOG_DEBUG, &f->log))
		return -1;
	f->ctx = (struct cr_ctx){ f->log, &f->error };
	strcpy(f->dir, "/tmp/linear-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	f->dirfd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->memfd = memfd_create("pool", MFD_CLOEXEC);
	*state = f;
	return f->dirfd < 0 || f->memfd < 0 ? -1 : 0;
}

static inline int fixture_end(void **state)
{
	static const char *const names[] = { "core-1.img", "fam.img", "inventory.img", FAM_INVENTORY_NEW };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(f->dirfd, names[i], 0);
	close(f->dirfd);
	close(f->memfd);
	log_close(&f->log);
	if (rmdir(f->dir))
		return -1;
	free(f);
	return 0;
}

/* An open file of its own: it is locked apart from others. */
static inline int medium(struct fixture *f, int flags)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->memfd);
	fd = open(path, flags | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static inline void make_pool(struct fixture *f, uint64_t size)
{
	struct fam_init_args args = { .ctx = &f->ctx, .path = "/pool", .size = 0 };
	int fd = medium(f, O_RDWR);

	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(linear_init_fd(&args, fd, NULL), 0);
	close(fd);
}

static inline int try_open(struct fixture *f, enum fam_access access, struct fam_pool **ret)
{
	struct fam_open_args args = { .ctx = &f->ctx, .path = "/pool", .access = access };

	memset(&f->error, 0, sizeof(f->error));
	return linear_open_fd(&args, medium(f, access == FAM_WRITE ? O_RDWR : O_RDONLY), NULL, ret);
}

static inline struct linear *open_pool(struct fixture *f, enum fam_access access)
{
	struct fam_pool *pool = NULL;

	assert_int_equal(try_open(f, access, &pool), 0);
	return (struct linear *)pool;
}

static inline void close_pool(struct linear *linear)
{
	linear->pool.ops->close(&linear->pool);
}

/* The images directory as it is when the pool's turn comes. FAM: with a fam.img that names this checkpoint. */
static inline void make_images(struct fixture *f, const struct fam_checkpoint *fam)
{
	assert_int_equal(write_file_at(f->dirfd, "core-1.img", "the core", 8), 0);
	assert_int_equal(write_file_at(f->dirfd, FAM_INVENTORY_NEW, "the inventory", 13), 0);
	if (fam) {
		struct fam_image image = { .checkpoint = fam->id, .pool_dir = "/pool" };

		memcpy(image.uuid, fam->pool->uuid, FAM_UUID_LEN);
		image.layout.size = fam->size;
		assert_int_equal(fam_image_write(&f->ctx, f->dirfd, &image), 0);
	}
}

/* For linear_images(): ARG is an unsigned; 3 when it had seen what make_images() made and nothing else. */
static inline int count_image(void *arg, const char *name, const void *data, size_t len)
{
	unsigned *seen = arg;

	if (!strcmp(name, "core-1.img") && len == 8 && !memcmp(data, "the core", 8))
		*seen |= 1;
	else if (!strcmp(name, "inventory.img") && len == 13 && !memcmp(data, "the inventory", 13))
		*seen |= 2;
	else if (!strcmp(name, "fam.img"))
		*seen |= 4;
	else
		*seen |= 8;
	return 0;
}

/* One of SIZE bytes, each page filled with the byte VALUE; committed. Its id. */
static inline uint64_t add(struct fixture *f, struct linear *linear, uint64_t size, int value)
{
	struct fam_range all = { 0, size };
	struct fam_commit commit = { f->dirfd, f->dir, 0 };
	struct fam_checkpoint *cp;
	uint64_t id;

	assert_int_equal(linear_create(&linear->pool, size, &all, 1, &cp), 0);
	memset(cp->base, value, size);
	assert_int_equal(linear_flush(cp), 0);
	make_images(f, NULL);
	assert_int_equal(linear_commit(cp, &commit), 0);
	id = cp->id;
	linear_close_checkpoint(cp);
	return id;
}

static inline bool is_filled(const char *p, uint64_t len, int value)
{
	return !len || (*p == (char)value && !memcmp(p, p + 1, len - 1));
}

#endif
