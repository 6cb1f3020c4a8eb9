/* SPDX-License-Identifier: GPL-2.0 */
/* What all kinds of pools have in common: which kind it is, and whether the caller asks for something that can be. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "fam/layout.h"
#include "fam/pool_ops.h"

static const struct fam_pool_ops *const kinds[] = {
	&fam_linear_ops, /* before directories: those on hugetlbfs are its */
	&fam_dir_ops,
};

void fam_id_print(uint64_t id, char text[FAM_ID_TEXT])
{
	snprintf(text, FAM_ID_TEXT, "%016llx", (unsigned long long)id);
}

int fam_id_parse(const char *text, uint64_t *ret)
{
	uint64_t id;

	if (strlen(text) != FAM_ID_TEXT - 1 || strspn(text, "0123456789abcdef") != FAM_ID_TEXT - 1 ||
	    parse_u64(text, 16, &id) || !id)
		return -EINVAL;
	*ret = id;
	return 0;
}

/* PATH from the root on, without following its last component. */
static int absolute_path(struct cr_ctx *ctx, const char *path, char **ret)
{
	_cleanup_free_ char *cwd = NULL;
	size_t len = strlen(path);

	if (!len || len >= PATH_MAX)
		return cr_fail(ctx, -EINVAL, "A pool's path must not be empty nor longer than %d bytes", PATH_MAX - 1);
	while (len > 1 && path[len - 1] == '/')
		len--;
	if (path[0] == '/') {
		*ret = strndup(path, len);
		return *ret ? 0 : -ENOMEM;
	}
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return cr_fail_errno(ctx, -errno, "Can't find out the current directory");
	*ret = str_printf("%s/%.*s", strcmp(cwd, "/") ? cwd : "", (int)len, path);
	return *ret ? 0 : -ENOMEM;
}

static int find_kind(struct cr_ctx *ctx, const char *path, const struct fam_pool_ops **ret)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return cr_fail_errno(ctx, -errno, "Can't open the pool %s", path);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i]->fits(fd, &st)) {
			*ret = kinds[i];
			return 0;
		}
	return cr_fail(ctx, -EPROTO, "%s is neither a directory nor a device-DAX device: no pool", path);
}

int fam_pool_open(const struct fam_open_args *args, struct fam_pool **ret)
{
	struct fam_open_args with_path = *args;
	const struct fam_pool_ops *ops = NULL;
	_cleanup_free_ char *path = NULL;
	struct fam_pool *pool = NULL;
	int r;

	if (args->access == FAM_READ && (args->create || args->force))
		return cr_fail(args->ctx, -EINVAL, "A pool that is opened for reading can't be made or taken over");
	r = absolute_path(args->ctx, args->path, &path);
	if (r)
		return r;
	with_path.path = path;
	r = find_kind(args->ctx, path, &ops);
	if (r)
		return r;
	r = ops->open(&with_path, &pool);
	if (r)
		return r;
	pool->ops = ops;
	pool->path = take_ptr(path);
	*ret = pool;
	return 0;
}

void fam_pool_close(struct fam_pool **pool)
{
	char *path;

	if (!*pool)
		return;
	path = (*pool)->path;
	(*pool)->ops->close(*pool);
	free(path);
	*pool = NULL;
}

int fam_pool_init(const struct fam_init_args *args)
{
	struct fam_init_args with_path = *args;
	const struct fam_pool_ops *ops = NULL;
	_cleanup_free_ char *path = NULL;
	bool made;
	int r;

	if (args->size > (uint64_t)INT64_MAX - FAM_ALIGN)
		return cr_fail(args->ctx, -EINVAL, "A pool of %llu bytes is too large", (unsigned long long)args->size);
	with_path.size = (args->size + FAM_ALIGN - 1) & ~(FAM_ALIGN - 1);
	r = absolute_path(args->ctx, args->path, &path);
	if (r)
		return r;
	with_path.path = path;
	made = !mkdir(path, 0700);
	if (!made && errno != EEXIST)
		return cr_fail_errno(args->ctx, -errno, "Can't make the directory %s for a pool", path);
	r = find_kind(args->ctx, path, &ops);
	if (!r)
		r = ops->init(&with_path);
	if (r && made)
		rmdir(path);
	return r;
}

static int need_write(struct fam_pool *pool, const char *what)
{
	if (pool->access == FAM_WRITE)
		return 0;
	return cr_fail(pool->ctx, -EROFS, "The pool %s was opened for reading: it can't %s", pool->path, what);
}

static bool ranges_fit(uint64_t size, const struct fam_range *used, size_t nr)
{
	uint64_t page = sysconf(_SC_PAGESIZE), end = 0;

	for (size_t i = 0; i < nr; i++) {
		if ((used[i].offset | used[i].len) % page || !used[i].len || (i && used[i].offset <= end) ||
		    used[i].offset > size || used[i].len > size - used[i].offset)
			return false;
		end = used[i].offset + used[i].len;
	}
	return true;
}

int fam_checkpoint_create(struct fam_pool *pool, uint64_t size, const struct fam_range *used, size_t nr,
			  struct fam_checkpoint **ret)
{
	int r = need_write(pool, "take a checkpoint");

	if (r)
		return r;
	if (size > INT64_MAX || size % FAM_ALIGN || !ranges_fit(size, used, nr))
		return cr_fail(pool->ctx, -EINVAL, "A checkpoint of %llu bytes isn't laid out as one",
			       (unsigned long long)size);
	return pool->ops->create(pool, size, used, nr, ret);
}

int fam_checkpoint_flush(struct fam_checkpoint *cp)
{
	cr_assert(!cp->committed);
	return cp->pool->ops->flush(cp);
}

int fam_checkpoint_commit(struct fam_checkpoint *cp, const struct fam_commit *args)
{
	cr_assert(!cp->committed);
	if (args->images_dir[0] != '/' || args->flags & ~FAM_KEEP)
		return cr_fail(cp->pool->ctx, -EINVAL, "A checkpoint's images directory must be absolute: %s",
			       args->images_dir);
	return cp->pool->ops->commit(cp, args);
}

void fam_checkpoint_close(struct fam_checkpoint **cp)
{
	if (*cp)
		(*cp)->pool->ops->close_checkpoint(*cp);
	*cp = NULL;
}

int fam_checkpoint_open(struct fam_pool *pool, uint64_t id, struct fam_checkpoint **ret)
{
	return pool->ops->open_checkpoint(pool, id, ret);
}

int fam_checkpoint_remove(struct fam_pool *pool, uint64_t id)
{
	int r = need_write(pool, "remove a checkpoint");

	return r ? r : pool->ops->remove(pool, id);
}

int fam_checkpoint_note_orphan(struct fam_pool *pool, uint64_t id, uint64_t since)
{
	int r = need_write(pool, "note an orphan");

	return r ? r : pool->ops->note_orphan(pool, id, since);
}

static int by_age(const void *a, const void *b)
{
	const struct fam_info *x = a, *y = b;

	if (x->created != y->created)
		return x->created < y->created ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

int fam_pool_list(struct fam_pool *pool, struct fam_info **ret, size_t *ret_nr)
{
	int r;

	*ret = NULL;
	*ret_nr = 0;
	r = pool->ops->list(pool, ret, ret_nr);
	if (!r && *ret_nr)
		qsort(*ret, *ret_nr, sizeof(**ret), by_age);
	return r;
}

void fam_list_free(struct fam_info *list, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		free(list[i].images_dir);
	free(list);
}

int fam_pool_usage(struct fam_pool *pool, struct fam_usage *ret)
{
	return pool->ops->usage(pool, ret);
}

int fam_pool_trim(struct fam_pool *pool, uint64_t keep)
{
	int r = need_write(pool, "give memory back");

	return r ? r : pool->ops->trim(pool, keep);
}

int fam_checkpoint_images(struct fam_checkpoint *cp,
			  int (*each)(void *arg, const char *name, const void *data, size_t len), void *arg)
{
	return cp->pool->ops->images(cp, each, arg);
}
