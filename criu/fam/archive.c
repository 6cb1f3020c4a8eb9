/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/archive.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "fam/crc32c.h"

#define COPY_CHUNK (256u << 10)
#define INVENTORY  "inventory.img"

/* What a file of a set is called in the archive; NULL: it isn't put there. */
static const char *archived_name(const char *name)
{
	if (!strcmp(name, FAM_INVENTORY_NEW))
		return INVENTORY;
	if (!str_ends(name, ".img") || str_starts(name, "pages-") || !strcmp(name, INVENTORY))
		return NULL;
	return name;
}

static uint64_t padded(uint64_t size)
{
	return (size + 7) & ~7ull;
}

static uint32_t file_crc(const struct fam_archive_file *file)
{
	return fam_crc32c(fam_crc32c(0, file->name, sizeof(file->name)), &file->size, sizeof(file->size));
}

static int open_image(struct cr_ctx *ctx, int dirfd, const char *name, uint64_t *ret_size)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return cr_fail_errno(ctx, -errno, "Can't open the image %s to copy it into the pool", name);
	if (!S_ISREG(st.st_mode))
		return cr_fail(ctx, -EINVAL, "The image %s isn't a regular file", name);
	*ret_size = st.st_size;
	return take_fd(fd);
}

static int plan_file(struct cr_ctx *ctx, int dirfd, const char *name, struct fam_archive_plan *plan)
{
	const char *as = archived_name(name);
	_cleanup_close_ int fd = -1;
	struct fam_archive_file *p;
	uint64_t size;

	if (!as)
		return 0;
	if (strlen(as) >= FAM_ARCHIVE_NAME)
		return cr_fail(ctx, -ENAMETOOLONG, "The image %s has too long a name", as);
	fd = open_image(ctx, dirfd, name, &size);
	if (fd < 0)
		return fd;
	if (plan->nr == plan->room) {
		p = reallocarray(plan->files, plan->room * 2 + 32, sizeof(*p));
		if (!p)
			return -ENOMEM;
		plan->files = p;
		plan->room = plan->room * 2 + 32;
	}
	p = &plan->files[plan->nr++];
	*p = (struct fam_archive_file){ .size = size };
	strcpy(p->name, as);
	p->crc = file_crc(p);
	plan->size += sizeof(*p) + padded(size) + 8;
	return 0;
}

int fam_archive_plan(struct cr_ctx *ctx, int dirfd, struct fam_archive_plan *ret)
{
	/* A description of its own: DIRFD's offset isn't ours to move. */
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct fam_archive_plan plan = { .size = sizeof(struct fam_archive) };
	struct dirent *entry;

	if (!dir) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return cr_fail_errno(ctx, r, "Can't read the images directory");
	}
	while (!r && (errno = 0, entry = readdir(dir)))
		r = plan_file(ctx, dirfd, entry->d_name, &plan);
	if (!r && errno)
		r = cr_fail_errno(ctx, -errno, "Can't read the images directory");
	if (r)
		fam_archive_plan_free(&plan);
	else
		*ret = plan;
	return r;
}

void fam_archive_plan_free(struct fam_archive_plan *plan)
{
	free(plan->files);
	*plan = (struct fam_archive_plan){ 0 };
}

struct writer {
	struct cr_ctx *ctx;
	int dirfd;
	int (*put)(void *arg, const void *data, size_t len);
	void *arg;
	char *buf; /* COPY_CHUNK bytes */
};

static int write_data(struct writer *w, int fd, const struct fam_archive_file *file, uint32_t *ret_crc)
{
	uint32_t crc = 0;

	for (uint64_t at = 0; at < file->size;) {
		size_t len = file->size - at < COPY_CHUNK ? file->size - at : COPY_CHUNK;
		int r = pread_full(fd, w->buf, len, at);

		if (r)
			return cr_fail_errno(w->ctx, r, "Can't read the image %s to copy it into the pool", file->name);
		crc = fam_crc32c(crc, w->buf, len);
		r = w->put(w->arg, w->buf, len);
		if (r)
			return r;
		at += len;
	}
	*ret_crc = crc;
	return 0;
}

static int write_file(struct writer *w, const struct fam_archive_file *file)
{
	const char *name = strcmp(file->name, INVENTORY) ? file->name : FAM_INVENTORY_NEW;
	static const char zeroes[8];
	_cleanup_close_ int fd = -1;
	uint64_t size, trailer;
	uint32_t crc = 0;
	int r;

	fd = open_image(w->ctx, w->dirfd, name, &size);
	if (fd < 0)
		return fd;
	if (size != file->size)
		return cr_fail(w->ctx, -ESTALE, "The image %s changes while it is copied", file->name);
	r = w->put(w->arg, file, sizeof(*file));
	if (!r)
		r = write_data(w, fd, file, &crc);
	if (!r && padded(size) != size)
		r = w->put(w->arg, zeroes, padded(size) - size);
	if (r)
		return r;
	trailer = crc;
	return w->put(w->arg, &trailer, sizeof(trailer));
}

int fam_archive_write(struct cr_ctx *ctx, int dirfd, const struct fam_archive_plan *plan,
		      int (*put)(void *arg, const void *data, size_t len), void *arg)
{
	_cleanup_free_ char *buf = malloc(COPY_CHUNK);
	struct writer w = { ctx, dirfd, put, arg, buf };
	struct fam_archive head = {
		.magic = FAM_ARCHIVE_MAGIC,
		.version = FAM_VERSION,
		.nr_files = plan->nr,
		.size = plan->size,
	};
	int r;

	if (!buf)
		return -ENOMEM;
	head.crc = fam_crc32c(0, &head, offsetof(struct fam_archive, crc));
	r = put(arg, &head, sizeof(head));
	for (size_t i = 0; !r && i < plan->nr; i++)
		r = write_file(&w, &plan->files[i]);
	return r;
}

static bool is_name(const char name[FAM_ARCHIVE_NAME])
{
	size_t len = strnlen(name, FAM_ARCHIVE_NAME);

	if (!len || len == FAM_ARCHIVE_NAME || name[0] == '.' || memchr(name, '/', len))
		return false;
	while (len < FAM_ARCHIVE_NAME)
		if (name[len++])
			return false;
	return true;
}

/* The file at *AT: 0 and its parts, *AT moved behind it; -EPROTO. */
static int next_file(const char *buf, uint64_t len, uint64_t *at, const struct fam_archive_file **ret)
{
	const struct fam_archive_file *file = (const void *)(buf + *at);
	const uint64_t ends = sizeof(*file) + 8;
	static const char zeroes[8];
	uint64_t crc;

	if (len - *at < ends || file->crc != file_crc(file) || !is_name(file->name))
		return -EPROTO;
	if (file->size > len - *at - ends || padded(file->size) > len - *at - ends)
		return -EPROTO;
	*at += ends + padded(file->size);
	memcpy(&crc, buf + *at - 8, 8);
	if (crc != fam_crc32c(0, file + 1, file->size) ||
	    memcmp((const char *)(file + 1) + file->size, zeroes, padded(file->size) - file->size))
		return -EPROTO;
	*ret = file;
	return 0;
}

int fam_archive_read(const void *buf, size_t len,
		     int (*each)(void *arg, const char *name, const void *data, size_t len), void *arg)
{
	const struct fam_archive *head = buf;
	const struct fam_archive_file *file;
	uint64_t at = sizeof(*head);
	int r = 0;

	if (len < sizeof(*head) || memcmp(head->magic, FAM_ARCHIVE_MAGIC, sizeof(head->magic)))
		return -EPROTO;
	if (head->version != FAM_VERSION)
		return -EPROTONOSUPPORT;
	if (head->crc != fam_crc32c(0, head, offsetof(struct fam_archive, crc)) || head->size != len)
		return -EPROTO;
	for (uint32_t i = 0; !r && i < head->nr_files; i++)
		r = next_file(buf, len, &at, &file);
	if (r || at != len)
		return -EPROTO;
	at = sizeof(*head);
	for (uint32_t i = 0; each && !r && i < head->nr_files; i++) {
		r = next_file(buf, len, &at, &file);
		if (!r)
			r = each(arg, file->name, file + 1, file->size);
	}
	return r;
}
