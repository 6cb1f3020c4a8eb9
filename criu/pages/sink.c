/* SPDX-License-Identifier: GPL-2.0 */
/* What the sinks that are a pages image share. */
#include "pages/sink.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "image/image.h"
#include "pages/pages_file.h"

int pages_file_name(uint32_t pages_id, char name[PAGES_FILE_NAME])
{
	return image_name(IMG_PAGES, name, PAGES_FILE_NAME, (unsigned long)pages_id);
}

static int open_to_write(const struct sink_args *args, const char *name)
{
	return openat(args->images_dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
}

int pages_file_create(const struct sink_args *args, struct stat *ret_old, int *ret_fd)
{
	char name[PAGES_FILE_NAME];
	_cleanup_close_ int fd = -1;
	int r = pages_file_name(args->pages_id, name);

	if (r)
		return cr_fail_errno(args->ctx, r, "Can't name the pages image %u", args->pages_id);
	fd = open_to_write(args, name);
	/* Who was restored lazily misses pages of it: the file stays, without a name. */
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
		close_fdp(&fd);
		fd = unlinkat(args->images_dirfd, name, 0) ? -1 : open_to_write(args, name);
	}
	if (fd < 0 || fstat(fd, ret_old))
		return cr_fail_errno(args->ctx, -errno, "Can't create %s", name);
	/* What unmaps the file beside us outlives the dump, and who restores lazily then needs the lock. */
	flock(fd, LOCK_UN);
	if (!S_ISREG(ret_old->st_mode))
		return cr_fail(args->ctx, -EINVAL, "%s isn't a regular file", name);
	if (ftruncate(fd, args->size))
		return cr_fail_errno(args->ctx, -errno, "Can't make %s %llu bytes long", name,
				     (unsigned long long)args->size);
	*ret_fd = take_fd(fd);
	return 0;
}

void pages_file_remove(const struct sink_args *args)
{
	char name[PAGES_FILE_NAME];

	if (!pages_file_name(args->pages_id, name))
		unlinkat(args->images_dirfd, name, 0);
}

int sink_open(enum page_mode mode, const struct sink_args *args, struct page_sink **ret)
{
	if (args->size > (uint64_t)INT64_MAX)
		return cr_fail(args->ctx, -EFBIG, "The pages take %llu bytes: too many for a file",
			       (unsigned long long)args->size);
	return mode == PAGES_PMEM ? sink_mapped_open(args, ret) : sink_file_open(args, ret);
}
