/* SPDX-License-Identifier: GPL-2.0 */
/* FIFOs: fifo(7). A pipe that a path leads to; its path, flags and owner stand in a regular file entry. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fd/pipe.h"
#include "fd/reg.h"
#include "fd/registry.h"

#include "fifo.pb-c.h"

struct fifo_dump {
	struct pair_map ids;  /* (st_dev, st_ino) to pipe id */
	struct pair_map used; /* pipe ids; inodes of two file systems may have one number */
};

static bool fifo_match(const struct fd_object *obj)
{
	return S_ISFIFO(obj->st.st_mode) && obj->link[0] == '/' && !(obj->flags & O_PATH);
}

static int new_pipe_id(struct fifo_dump *state, uint32_t wanted, uint32_t *ret)
{
	uint64_t *value;
	bool is_new;
	int r;

	do {
		*ret = wanted++;
		r = pair_map_get(&state->used, *ret, 0, &value, &is_new);
	} while (!r && !is_new);
	return r;
}

static int fifo_dump(struct fd_dump *dump, const struct fd_object *obj)
{
	struct fifo_dump *state = fd_dump_state(dump, &fifo_ops, sizeof(*state));
	FifoEntry entry = FIFO_ENTRY__INIT;
	FownEntry fown;
	uint32_t pipe_id;
	uint64_t *value;
	bool is_new;
	int r;

	if (!state)
		return -ENOMEM;
	r = pair_map_get(&state->ids, obj->st.st_dev, obj->st.st_ino, &value, &is_new);
	if (r < 0)
		return r;
	if (is_new) {
		r = new_pipe_id(state, obj->st.st_ino, &pipe_id);
		if (!r)
			r = pipe_data_dump(dump, obj, IMG_FIFO_DATA, pipe_id);
		if (r < 0)
			return r;
		*value = pipe_id;
	}
	r = fown_dump(dump, obj, &fown);
	if (r < 0)
		return r;
	entry.id = obj->id;
	entry.pipe_id = *value;
	entry.has_regf_id = true;
	entry.regf_id = fd_dump_new_id(dump);
	r = reg_dump_as(dump, obj, entry.regf_id, obj->flags, &fown);
	return r < 0 ? r : fd_dump_write(dump, FD_TYPES__FIFO, obj->id, &entry.base);
}

static int fifo_dump_end(struct fd_dump *dump, bool ok)
{
	struct fifo_dump *state = dump->state[fd_ops_index(&fifo_ops)];

	if (state) {
		pair_map_free(&state->ids);
		pair_map_free(&state->used);
	}
	return 0;
}

static struct pipe_buffers *buffers_of(struct fd_restore *restore)
{
	return fd_restore_state(restore, &fifo_ops, sizeof(struct pipe_buffers));
}

static int fifo_check(struct fd_restore *restore, struct fd_file *file)
{
	const FifoEntry *entry = file->entry->fifo;
	struct fd_file *path = fd_file_find(restore, entry->has_regf_id ? entry->regf_id : entry->id);
	struct pipe_buffers *buffers = buffers_of(restore);

	if (!path || path->ops != &reg_ops)
		return fd_bad(restore, file, "no path");
	if (path->entry->reg->has_mode && !S_ISFIFO(path->entry->reg->mode))
		return fd_bad(restore, file, "a path to no FIFO");
	file->path_file = path;
	path->path_only = true;
	return buffers ? pipe_buffer_add(buffers, entry->pipe_id) : -ENOMEM;
}

static int add_data(struct fd_restore *restore, struct image *img, ProtobufCMessage *msg)
{
	return pipe_data_add(restore, img, msg, buffers_of(restore));
}

static int fifo_read(struct fd_restore *restore)
{
	struct pipe_buffers *buffers = buffers_of(restore);
	int r = buffers ? fd_read_image(restore, IMG_FIFO_DATA, add_data) : -ENOMEM;

	return r < 0 ? r : pipe_buffers_sort(restore, IMG_FIFO_DATA, buffers);
}

/* Opens it for both directions, which never blocks, and puts the data in. */
static int prepare(struct fd_restore *restore, struct fd_file *file, struct pipe_buffer *buffer)
{
	struct stat st;
	int bytes, r;

	r = reg_open_as(restore, file->path_file, O_RDWR | O_NONBLOCK, &buffer->read_fd);
	if (r < 0)
		return r;
	if (fstat(buffer->read_fd, &st) < 0 || ioctl(buffer->read_fd, FIONREAD, &bytes) < 0)
		return -errno;
	if (!S_ISFIFO(st.st_mode))
		return cr_fail(restore->ctx, -EINVAL, "%s is no FIFO any more", file->path_file->entry->reg->name);
	if (bytes) {
		log_warn(restore->ctx->log, "The FIFO %s isn't empty; the dumped data isn't put in",
			 file->path_file->entry->reg->name);
		return 0;
	}
	return pipe_data_fill(restore, buffer, buffer->read_fd);
}

static int fifo_open(struct fd_restore *restore, struct fd_file *file, int *ret)
{
	struct pipe_buffer *buffer = pipe_buffer_find(buffers_of(restore), file->entry->fifo->pipe_id);

	if (buffer->read_fd < 0) {
		int r = prepare(restore, file, buffer);

		if (r < 0)
			return r;
	}
	return reg_open_as(restore, file->path_file, file->path_file->entry->reg->flags | O_NONBLOCK, ret);
}

static void fifo_open_end(struct fd_restore *restore)
{
	pipe_buffers_close(buffers_of(restore));
}

static void fifo_free(struct fd_restore *restore)
{
	pipe_buffers_free(buffers_of(restore));
}

const struct fd_ops fifo_ops = {
	.name = "a FIFO",
	.type = FD_TYPES__FIFO,
	.member = offsetof(FileEntry, fifo),
	.old_kind = IMG_FIFO,
	.match = fifo_match,
	.dump = fifo_dump,
	.dump_end = fifo_dump_end,
	.read = fifo_read,
	.check = fifo_check,
	.open = fifo_open,
	.open_end = fifo_open_end,
	.free = fifo_free,
};
