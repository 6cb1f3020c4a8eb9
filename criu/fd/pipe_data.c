/* SPDX-License-Identifier: GPL-2.0 */
/* The content and capacity of pipes and FIFOs. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fd/pipe.h"

#include "pipe-data.pb-c.h"

#define MOST_UNTOLD (1u << 20) /* a bound for sets that tell no capacity: /proc/sys/fs/pipe-max-size */

static int set_size(int fd, int size)
{
	if (fcntl(fd, F_GETPIPE_SZ) == size)
		return 0;
	return fcntl(fd, F_SETPIPE_SZ, size) < 0 ? -errno : 0;
}

/* An end that reads: OBJ's own, or another of the same pipe. */
static int open_reader(const struct fd_object *obj)
{
	char name[32];
	int fd;

	if ((obj->flags & O_ACCMODE) != O_WRONLY)
		fd = fcntl(obj->fd, F_DUPFD_CLOEXEC, 0);
	else {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", obj->fd);
		fd = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

/* tee(2) into a pipe of our own: the task's keeps what it has. *RET_FD reads the copy. */
static int copy_pipe(const struct fd_object *obj, int size, int bytes, int *ret_fd)
{
	_cleanup_close_ int from = open_reader(obj), in = -1, out = -1;
	int ends[2], r;
	ssize_t n;

	if (from < 0)
		return from;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	out = ends[0];
	in = ends[1];
	r = set_size(in, size);
	if (r < 0)
		return r;
	n = tee(from, in, INT_MAX, SPLICE_F_NONBLOCK);
	if (n != bytes)
		return n < 0 ? -errno : -EAGAIN;
	*ret_fd = take_fd(out);
	return 0;
}

static int write_parts(struct fd_dump *dump, enum image_kind kind, PipeDataEntry *entry, int fd, int bytes)
{
	_cleanup_free_ char *buf = malloc(bytes);
	int left = bytes;

	if (!buf)
		return -ENOMEM;
	while (left) { /* a read ends early where a packet ends */
		ssize_t n = read(fd, buf, left);
		int r;

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		entry->bytes = n;
		r = fd_dump_append(dump, kind, &entry->base, buf, n);
		if (r < 0)
			return r;
		left -= n;
	}
	return 0;
}

int pipe_data_dump(struct fd_dump *dump, const struct fd_object *obj, enum image_kind kind, uint32_t pipe_id)
{
	PipeDataEntry entry = PIPE_DATA_ENTRY__INIT;
	_cleanup_close_ int copy = -1;
	int size = fcntl(obj->fd, F_GETPIPE_SZ), bytes, r;

	if (size < 0 || ioctl(obj->fd, FIONREAD, &bytes) < 0)
		return cr_fail_errno(dump->ctx, -errno, FD_WHO "Can't ask for its data", FD_WHO_ARGS(obj));
	entry.pipe_id = pipe_id;
	entry.has_size = true;
	entry.size = size;
	if (!bytes)
		return fd_dump_append(dump, kind, &entry.base, NULL, 0);
	r = copy_pipe(obj, size, bytes, &copy);
	if (!r)
		r = write_parts(dump, kind, &entry, copy, bytes);
	return r < 0 ? cr_fail_errno(dump->ctx, r, FD_WHO "Can't copy its data", FD_WHO_ARGS(obj)) : 0;
}

static int buffer_compare(const void *x, const void *y)
{
	const struct pipe_buffer *a = x, *b = y;

	return a->pipe_id < b->pipe_id ? -1 : a->pipe_id > b->pipe_id;
}

struct pipe_buffer *pipe_buffer_find(struct pipe_buffers *buffers, uint32_t pipe_id)
{
	struct pipe_buffer key = { .pipe_id = pipe_id };

	return buffers->nr ? bsearch(&key, buffers->v, buffers->nr, sizeof(key), buffer_compare) : NULL;
}

static int add_buffer(struct pipe_buffers *buffers, uint32_t pipe_id, struct pipe_buffer **ret)
{
	struct pipe_buffer *grown = buffers->v;

	if (!(buffers->nr & (buffers->nr - 1)))
		grown = reallocarray(buffers->v, buffers->nr ? 2 * buffers->nr : 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	buffers->v = grown;
	*ret = &grown[buffers->nr++];
	**ret = (struct pipe_buffer){ .pipe_id = pipe_id, .order = buffers->nr, .read_fd = -1, .write_fd = -1 };
	return 0;
}

int pipe_buffer_add(struct pipe_buffers *buffers, uint32_t pipe_id)
{
	struct pipe_buffer *buffer;
	int r = add_buffer(buffers, pipe_id, &buffer);

	if (!r)
		buffer->has_file = true;
	return r;
}

int pipe_data_add(struct fd_restore *restore, struct image *img, ProtobufCMessage *msg, struct pipe_buffers *buffers)
{
	const PipeDataEntry *entry = (PipeDataEntry *)msg;
	struct pipe_buffer *buffer;
	int r;

	if (entry->bytes > image_remaining(img) || entry->bytes > INT_MAX || entry->size > INT_MAX)
		return -EBADMSG;
	r = add_buffer(buffers, entry->pipe_id, &buffer);
	if (r < 0)
		return r;
	buffer->has_data = true;
	buffer->size = entry->size;
	if (!entry->bytes)
		return 0;
	buffer->parts = calloc(1, sizeof(*buffer->parts));
	if (!buffer->parts)
		return -ENOMEM;
	buffer->nr_parts = 1;
	buffer->parts->len = entry->bytes;
	buffer->parts->data = malloc(entry->bytes);
	if (!buffer->parts->data)
		return -ENOMEM;
	return image_read_payload(img, buffer->parts->data, entry->bytes);
}

static int read_order(const void *x, const void *y)
{
	const struct pipe_buffer *a = x, *b = y;

	return buffer_compare(a, b) ?: (a->order < b->order ? -1 : 1);
}

/* FROM's parts come behind TO's. */
static int merge(struct pipe_buffer *to, struct pipe_buffer *from)
{
	struct pipe_part *grown;

	to->has_file |= from->has_file;
	to->has_data |= from->has_data;
	if (!to->size)
		to->size = from->size;
	if (!from->nr_parts)
		return 0;
	grown = reallocarray(to->parts, to->nr_parts + from->nr_parts, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	to->parts = grown;
	memcpy(grown + to->nr_parts, from->parts, from->nr_parts * sizeof(*grown));
	to->nr_parts += from->nr_parts;
	free(from->parts);
	from->parts = NULL;
	from->nr_parts = 0;
	return 0;
}

/* Sets of the first generation may have no entry for an empty pipe. */
static int check_complete(struct fd_restore *restore, enum image_kind kind, const struct pipe_buffers *buffers)
{
	const char *name = image_kind_info(kind)->pattern;

	for (size_t i = 0; i < buffers->nr; i++) {
		const struct pipe_buffer *b = &buffers->v[i];
		uint64_t bytes = 0;

		if (!b->has_file)
			return cr_fail(restore->ctx, -EBADMSG, "%s: there is no pipe %u", name, b->pipe_id);
		if (!b->has_data && !restore->old_files)
			return cr_fail(restore->ctx, -EBADMSG, "%s: nothing is told of pipe %u", name, b->pipe_id);
		for (size_t k = 0; k < b->nr_parts; k++)
			bytes += b->parts[k].len;
		if (bytes > (b->size ?: MOST_UNTOLD))
			return cr_fail(restore->ctx, -EBADMSG, "%s: more than pipe %u has room for", name, b->pipe_id);
	}
	return 0;
}

int pipe_buffers_sort(struct fd_restore *restore, enum image_kind kind, struct pipe_buffers *buffers)
{
	size_t kept = 0;

	if (!buffers->nr)
		return 0;
	qsort(buffers->v, buffers->nr, sizeof(*buffers->v), read_order);
	for (size_t i = 1; i < buffers->nr; i++) {
		if (buffers->v[i].pipe_id == buffers->v[kept].pipe_id) {
			int r = merge(&buffers->v[kept], &buffers->v[i]);

			if (r < 0)
				return r;
		} else if (++kept != i) {
			buffers->v[kept] = buffers->v[i];
			buffers->v[i].parts = NULL;
			buffers->v[i].nr_parts = 0;
		}
	}
	buffers->nr = kept + 1;
	return check_complete(restore, kind, buffers);
}

int pipe_data_fill(struct fd_restore *restore, const struct pipe_buffer *buffer, int write_fd)
{
	bool packets = buffer->packets || buffer->nr_parts > 1;
	int r = buffer->size ? set_size(write_fd, buffer->size) : 0;

	if (r < 0)
		return cr_fail_errno(restore->ctx, r, "Can't give a pipe the capacity of %u bytes", buffer->size);
	for (size_t i = 0; i < buffer->nr_parts; i++) {
		const struct pipe_part *part = &buffer->parts[i];
		int direct = packets && part->len <= PIPE_BUF ? O_DIRECT : 0;
		ssize_t n;

		if (fcntl(write_fd, F_SETFL, O_NONBLOCK | direct) < 0)
			return -errno;
		n = write(write_fd, part->data, part->len);
		if (n != part->len)
			return cr_fail(restore->ctx, -EBADMSG, "The data of pipe %u doesn't fit into it",
				       buffer->pipe_id);
	}
	return 0;
}

void pipe_buffers_close(struct pipe_buffers *buffers)
{
	for (size_t i = 0; i < buffers->nr; i++) {
		close_fdp(&buffers->v[i].read_fd);
		close_fdp(&buffers->v[i].write_fd);
	}
}

void pipe_buffers_free(struct pipe_buffers *buffers)
{
	for (size_t i = 0; i < buffers->nr; i++) {
		for (size_t k = 0; k < buffers->v[i].nr_parts; k++)
			free(buffers->v[i].parts[k].data);
		free(buffers->v[i].parts);
	}
	free(buffers->v);
	buffers->v = NULL;
	buffers->nr = 0;
}
