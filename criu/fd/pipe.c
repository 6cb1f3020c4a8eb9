/* SPDX-License-Identifier: GPL-2.0 */
/* Pipes: pipe(7). An end is an open file; the inode number tells which ends belong together. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "fd/pipe.h"
#include "fd/registry.h"

#include "pipe.pb-c.h"

static bool pipe_match(const struct fd_object *obj)
{
	return S_ISFIFO(obj->st.st_mode) && str_starts(obj->link, "pipe:[") && !(obj->flags & O_PATH);
}

static int pipe_dump(struct fd_dump *dump, const struct fd_object *obj)
{
	struct pair_map *seen = fd_dump_state(dump, &pipe_ops, sizeof(*seen));
	PipeEntry entry = PIPE_ENTRY__INIT;
	FownEntry fown;
	uint64_t *value;
	bool is_new;
	int r;

	if (!seen)
		return -ENOMEM;
	r = pair_map_get(seen, obj->st.st_dev, obj->st.st_ino, &value, &is_new);
	if (!r && is_new)
		r = pipe_data_dump(dump, obj, IMG_PIPES_DATA, obj->st.st_ino);
	if (!r)
		r = fown_dump(dump, obj, &fown);
	if (r < 0)
		return r;
	entry.id = obj->id;
	entry.pipe_id = obj->st.st_ino;
	entry.flags = obj->flags;
	entry.fown = &fown;
	return fd_dump_write(dump, FD_TYPES__PIPE, obj->id, &entry.base);
}

static int pipe_dump_end(struct fd_dump *dump, bool ok)
{
	struct pair_map *seen = dump->state[fd_ops_index(&pipe_ops)];

	if (seen)
		pair_map_free(seen);
	return 0;
}

static struct pipe_buffers *buffers_of(struct fd_restore *restore)
{
	return fd_restore_state(restore, &pipe_ops, sizeof(struct pipe_buffers));
}

static int pipe_check(struct fd_restore *restore, struct fd_file *file)
{
	const PipeEntry *entry = file->entry->pipe;
	struct pipe_buffers *buffers = buffers_of(restore);

	if ((entry->flags & O_ACCMODE) == O_ACCMODE)
		return fd_bad(restore, file, "an impossible access mode");
	return buffers ? pipe_buffer_add(buffers, entry->pipe_id) : -ENOMEM;
}

static int add_data(struct fd_restore *restore, struct image *img, ProtobufCMessage *msg)
{
	return pipe_data_add(restore, img, msg, buffers_of(restore));
}

static int pipe_read(struct fd_restore *restore)
{
	struct pipe_buffers *buffers = buffers_of(restore);
	int r = buffers ? fd_read_image(restore, IMG_PIPES_DATA, add_data) : -ENOMEM;

	if (!r)
		r = pipe_buffers_sort(restore, IMG_PIPES_DATA, buffers);
	for (size_t i = 0; i < restore->nr_files && !r; i++) {
		const struct fd_file *file = &restore->files[i];

		if (file->ops == &pipe_ops && (file->entry->pipe->flags & O_DIRECT))
			pipe_buffer_find(buffers, file->entry->pipe->pipe_id)->packets = true;
	}
	return r;
}

static void pipe_key(const struct fd_restore *restore, const struct fd_file *file, char *key)
{
	snprintf(key, FD_KEY_MAX, "pipe:[%u]", file->entry->pipe->pipe_id);
}

static int make_pipe(struct fd_restore *restore, struct pipe_buffer *buffer)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	buffer->read_fd = ends[0];
	buffer->write_fd = ends[1];
	return pipe_data_fill(restore, buffer, buffer->write_fd);
}

static int pipe_open(struct fd_restore *restore, struct fd_file *file, int *ret)
{
	const PipeEntry *entry = file->entry->pipe;
	struct pipe_buffer *buffer = pipe_buffer_find(buffers_of(restore), entry->pipe_id);
	int mode = entry->flags & O_ACCMODE;
	char name[32];
	int r;

	if (buffer->read_fd < 0) {
		r = make_pipe(restore, buffer);
		if (r < 0)
			return r;
	}
	if (mode == O_RDONLY && !buffer->read_used) {
		buffer->read_used = true;
		*ret = fcntl(buffer->read_fd, F_DUPFD_CLOEXEC, 0);
	} else if (mode == O_WRONLY && !buffer->write_used) {
		buffer->write_used = true;
		*ret = fcntl(buffer->write_fd, F_DUPFD_CLOEXEC, 0);
	} else { /* one more open file of the same pipe */
		snprintf(name, sizeof(name), "/proc/self/fd/%d", buffer->read_fd);
		*ret = open(name, mode | O_NONBLOCK | O_CLOEXEC);
	}
	return *ret < 0 ? -errno : 0;
}

static void pipe_open_end(struct fd_restore *restore)
{
	pipe_buffers_close(buffers_of(restore));
}

static void pipe_free(struct fd_restore *restore)
{
	pipe_buffers_free(buffers_of(restore));
}

const struct fd_ops pipe_ops = {
	.name = "a pipe",
	.type = FD_TYPES__PIPE,
	.member = offsetof(FileEntry, pipe),
	.old_kind = IMG_PIPES,
	.match = pipe_match,
	.dump = pipe_dump,
	.dump_end = pipe_dump_end,
	.read = pipe_read,
	.check = pipe_check,
	.key = pipe_key,
	.open = pipe_open,
	.open_end = pipe_open_end,
	.free = pipe_free,
};
