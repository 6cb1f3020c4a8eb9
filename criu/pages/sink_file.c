/* SPDX-License-Identifier: GPL-2.0 */
/* pages-N.img by pwrite(2): any file system. */
#include "pages/sink.h"

#include <stdlib.h>

#include "base/io.h"
#include "pages/pages_file.h"

struct sink_file {
	struct page_sink sink;
	struct sink_args args;
};

static int file_write(struct page_sink *sink, uint64_t offset, const void *buf, size_t len)
{
	int r = pwrite_full(sink->fd, buf, len, offset);

	return r ? cr_fail_errno(sink->ctx, r, "Can't write %zu bytes of pages", len) : 0;
}

static int file_finish(struct page_sink *sink)
{
	struct sink_file *f = (struct sink_file *)sink;
	int r = close(sink->fd) ? -errno : 0;

	if (r) {
		cr_fail_errno(sink->ctx, r, "Can't close the pages image");
		pages_file_remove(&f->args);
	}
	free(f);
	return r;
}

static void file_abort(struct page_sink *sink)
{
	struct sink_file *f = (struct sink_file *)sink;

	close(sink->fd);
	pages_file_remove(&f->args);
	free(f);
}

static const struct page_sink_ops file_ops = {
	.name = "file",
	.caps = SINK_HAS_FILE,
	.write = file_write,
	.finish = file_finish,
	.abort = file_abort,
};

int sink_file_open(const struct sink_args *args, struct page_sink **ret)
{
	struct sink_file *f = calloc(1, sizeof(*f));
	struct stat old;
	int r;

	if (!f)
		return -ENOMEM;
	f->sink = (struct page_sink){ .ops = &file_ops, .ctx = args->ctx, .size = args->size, .fd = -1 };
	f->args = *args;
	r = pages_file_create(args, &old, &f->sink.fd);
	if (r) {
		free(f);
		return r;
	}
	*ret = &f->sink;
	return 0;
}
