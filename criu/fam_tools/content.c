/* SPDX-License-Identifier: GPL-2.0 */
#include "fam_tools/content.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fam/crc32c.h"

#define PIECE (1ul << 20)

/* What a walk over one pagemap is at. */
struct state {
	struct content_walk *walk;
	uint32_t pages_id;
	const struct fam_extent *extent; /* whose pages are being read; NULL: none */
	uint32_t crc;			 /* of those so far */
	bool bad;			 /* something was missing */
	bool unread;			 /* of this extent */
	char *buf;			 /* PIECE bytes */
};

uint64_t content_room(const struct fam_checkpoint *cp)
{
	struct stat st;

	/* Holes of tmpfs get memory when they are read through a mapping, and there are no other blocks than pages. */
	if (cp->is_tmpfs && cp->fd >= 0 && !fstat(cp->fd, &st) && (uint64_t)st.st_blocks * 512 < cp->size)
		return (uint64_t)st.st_blocks * 512;
	return cp->size;
}

/* A system call reads, so that a bad block is an error, not a SIGBUS. */
static int read_content(const struct fam_checkpoint *cp, uint64_t offset, void *buf, size_t len)
{
	struct iovec to = { buf, len };

	if (cp->fd >= 0)
		return pread_full(cp->fd, buf, len, offset);
	while (to.iov_len) {
		struct iovec from = { cp->base + offset, to.iov_len };
		ssize_t n = process_vm_readv(getpid(), &to, 1, &from, 1, 0);

		if (n <= 0)
			return n ? -errno : -EIO;
		to = (struct iovec){ (char *)to.iov_base + n, to.iov_len - n };
		offset += n;
	}
	return 0;
}

static int problem(struct state *s, int code, const char *what, uint64_t vaddr)
{
	char text[160];

	s->bad = true;
	snprintf(text, sizeof(text), "pages %" PRIu32 ": %s at 0x%" PRIx64 "%s%s", s->pages_id, what, vaddr,
		 code == -EPROTO ? "" : ": ", code == -EPROTO ? "" : strerrordesc_np(-code) ?: "unknown error");
	return s->walk->problem(s->walk->arg, code, text);
}

/* The extent is behind us. */
static int end_extent(struct state *s)
{
	const struct fam_extent *e = s->extent;

	s->extent = NULL;
	if (!e || !e->has_crc || s->unread || e->crc32c == s->crc)
		return 0;
	return problem(s, -EPROTO, "the checksum doesn't match what is stored in the extent", e->vaddr);
}

static int begin_extent(struct state *s, const struct fam_extent *e)
{
	int err = end_extent(s);

	s->extent = e;
	s->crc = 0;
	s->unread = false;
	return err;
}

/* LEN bytes at VADDR, all of one extent, at OFFSET. */
static int read_pages(struct state *s, uint64_t vaddr, uint64_t offset, uint64_t len)
{
	while (len) {
		size_t n = len < PIECE ? len : PIECE;
		int err = read_content(s->walk->cp, offset, s->buf, n);

		if (err) {
			s->unread = true;
			return problem(s, err, "can't read what is stored", vaddr);
		}
		s->crc = s->extent->has_crc ? fam_crc32c(s->crc, s->buf, n) : 0;
		if (s->walk->data && !s->bad)
			err = s->walk->data(s->walk->arg, s->buf, n);
		if (err)
			return err;
		vaddr += n;
		offset += n;
		len -= n;
	}
	return 0;
}

static int walk_run(struct state *s, uint64_t vaddr, uint64_t len)
{
	const struct fam_layout *layout = s->walk->layout;

	while (len) {
		const struct fam_extent *e = fam_layout_first(layout, s->pages_id, vaddr);
		uint64_t offset, n;
		int err = 0;

		if (fam_layout_find(layout, s->pages_id, vaddr, len, &offset, &n))
			return problem(s, -EPROTO, "no extent has the pages", vaddr);
		if (offset > s->walk->cp->size || n > s->walk->cp->size - offset)
			return problem(s, -EPROTO, "an extent ends behind the checkpoint's content", vaddr);
		if (n > s->walk->room)
			return problem(s, -EPROTO, "the page maps tell of more pages than the checkpoint has", vaddr);
		s->walk->room -= n;
		if (e != s->extent)
			err = begin_extent(s, e);
		err = err ?: read_pages(s, vaddr, offset, n);
		if (err)
			return err;
		vaddr += n;
		len -= n;
	}
	return 0;
}

int content_walk(struct content_walk *walk, const struct pagemap *map)
{
	_cleanup_free_ char *buf = malloc(PIECE);
	struct state s = { .walk = walk, .pages_id = map->pages_id, .buf = buf };
	int err = buf ? 0 : -ENOMEM;

	for (size_t i = 0; i < map->nr && !err; i++)
		err = walk_run(&s, map->v[i].vaddr, map->v[i].nr_pages << RUN_PAGE_SHIFT);
	return err ?: end_extent(&s);
}
