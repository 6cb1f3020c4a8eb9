/* SPDX-License-Identifier: GPL-2.0 */
/* Opens every file of the images, in the root task, before it forks. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fd/restore.h"

/* What fcntl(2) F_SETFL can change; O_ASYNC waits until there are owners. */
#define SETTABLE (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

static int set_flags(int fd, uint32_t wanted)
{
	int now = fcntl(fd, F_GETFL);

	if (now < 0)
		return -errno;
	if ((now & O_PATH) || !((now ^ wanted) & SETTABLE))
		return 0;
	return fcntl(fd, F_SETFL, (now & ~SETTABLE) | (wanted & SETTABLE)) < 0 ? -errno : 0;
}

int fd_adopt_file(struct fd_restore *restore, struct fd_file *file, int fd)
{
	int r = set_flags(fd, fd_file_flags(file));

	if (!r)
		r = fd_move_high(fd, restore->first_fd);
	if (r < 0) {
		close(fd);
		return cr_fail_errno(restore->ctx, r, "Can't prepare file %u, %s", file->id, file->ops->name);
	}
	file->fd = r;
	return 0;
}

int fd_open_file(struct fd_restore *restore, struct fd_file *file)
{
	int fd = -1, nr, r;
	bool inherited;

	if (file->fd >= 0)
		return 0;
	inherited = inherit_has(restore, file, &nr);
	r = inherited ? inherit_open(restore, file, nr, &fd) : file->ops->open(restore, file, &fd);
	if (r < 0)
		return cr_fail_errno(restore->ctx, r, "Can't open file %u, %s", file->id, file->ops->name);
	if (!inherited)
		return fd_adopt_file(restore, file, fd);
	r = fd_move_high(fd, restore->first_fd); /* its flags are another's business */
	if (r < 0) {
		close(fd);
		return cr_fail_errno(restore->ctx, r, "Can't prepare file %u, %s", file->id, file->ops->name);
	}
	file->fd = r;
	return 0;
}

/* Room for all files above first_fd. The limits of tasks are restored later, so a high one is no harm. */
static int raise_limit(struct fd_restore *restore)
{
	rlim_t wanted = restore->first_fd + 2 * restore->nr_files + 64;
	struct rlimit now, set;

	if (getrlimit(RLIMIT_NOFILE, &now) < 0)
		return -errno;
	if (now.rlim_cur >= wanted)
		return 0;
	set = (struct rlimit){ wanted, now.rlim_max > wanted ? now.rlim_max : wanted };
	if (!setrlimit(RLIMIT_NOFILE, &set))
		return 0;
	set.rlim_cur = set.rlim_max = now.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &set) < 0)
		return -errno;
	if (now.rlim_max < restore->first_fd + restore->nr_files)
		return cr_fail(restore->ctx, -EMFILE, "%zu files from number %d on are more than RLIMIT_NOFILE allows",
			       restore->nr_files, restore->first_fd);
	return 0;
}

int fd_restore_open_all(struct fd_restore *restore, int first_fd)
{
	int r = fd_restore_min_service_fd(restore);

	if (r < 0)
		return r;
	cr_assert(first_fd >= r);
	restore->first_fd = first_fd;
	r = raise_limit(restore);
	if (r < 0)
		return cr_fail_errno(restore->ctx, r, "Can't raise the limit of descriptors");
	r = ghosts_open(restore);
	for (size_t i = 0; i < restore->nr_files && !r; i++)
		if (!restore->files[i].path_only && !restore->files[i].late)
			r = fd_open_file(restore, &restore->files[i]);
	if (!r)
		inherit_end(restore);
	for (size_t i = 0; i < fd_registry_nr; i++)
		if (fd_registry[i]->open_end)
			fd_registry[i]->open_end(restore);
	return r;
}

int fd_restore_get(struct fd_restore *restore, uint32_t file_id, int *ret_fd)
{
	struct fd_file *file = fd_file_find(restore, file_id);
	int r;

	/* Each task opens it for itself, whatever another has that shares our memory. */
	if (file && file->late) {
		file->fd = -1;
		r = fd_open_file(restore, file);
		if (r < 0)
			return r;
	}
	if (!file || file->fd < 0)
		return cr_fail(restore->ctx, -EBADMSG, "The images refer to a file %u that isn't there", file_id);
	*ret_fd = file->fd;
	return 0;
}
