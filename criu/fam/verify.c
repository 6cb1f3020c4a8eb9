/* SPDX-License-Identifier: GPL-2.0 */
/* --fam-verify of a restore: the checksums of all extents, by several threads, each a piece after the other. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fam/crc32c.h"
#include "fam/guard.h"
#include "fam/set.h"
#include "pages/threads.h"

#define PIECE  (4ul << 20)
#define BUFFER (256ul << 10) /* stays in the second level cache between reading and summing */

/* Bytes of one extent, in their order. */
struct piece {
	size_t extent;
	uint64_t offset, len;
	uint32_t crc;
};

struct verify {
	struct fam_set *set;
	struct piece *v; /* owned */
	size_t nr, room;
	atomic_size_t next;
	atomic_int result; /* the first -errno */
};

/* ---- what there is to sum ------------------------------------------------------------------------------------ */

static int by_offset(const void *pa, const void *pb)
{
	const struct page_run_at *a = pa, *b = pb;

	return (a->offset > b->offset) - (a->offset < b->offset);
}

static int extent_by_offset(const void *pa, const void *pb)
{
	const struct fam_extent *a = *(const struct fam_extent *const *)pa, *b = *(const struct fam_extent *const *)pb;

	return (a->offset > b->offset) - (a->offset < b->offset);
}

static int add_piece(struct verify *v, const struct piece *piece)
{
	if (v->nr == v->room) {
		size_t room = v->room ? 2 * v->room : 256;
		struct piece *grown = reallocarray(v->v, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		v->v = grown;
		v->room = room;
	}
	v->v[v->nr++] = *piece;
	return 0;
}

/* Extents share no content, so the order of offsets is that of addresses within each. */
static int find_pieces(struct verify *v)
{
	const struct fam_layout *layout = &v->set->image.layout;
	_cleanup_free_ const struct fam_extent **order = calloc(layout->nr + 1, sizeof(*order));
	struct page_run_at *runs = v->set->stored;
	size_t e = 0;
	int r = 0;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < layout->nr; i++)
		order[i] = &layout->v[i];
	qsort(order, layout->nr, sizeof(*order), extent_by_offset);
	if (v->set->nr_stored)
		qsort(runs, v->set->nr_stored, sizeof(*runs), by_offset);
	for (size_t i = 0; i < v->set->nr_stored && !r; i++) {
		uint64_t at = runs[i].offset, end = at + (runs[i].nr_pages << RUN_PAGE_SHIFT);

		while (order[e]->offset + order[e]->len <= at)
			e++;
		for (; at < end && !r; at += PIECE)
			r = add_piece(v, &(struct piece){ .extent = order[e] - layout->v,
							  .offset = at,
							  .len = end - at < PIECE ? end - at : PIECE });
	}
	return r;
}

/* ---- summing ------------------------------------------------------------------------------------------------- */

struct guarded_sum {
	struct piece *piece;
	const char *base;
};

static int sum_mapped(void *arg)
{
	struct guarded_sum *s = arg;

	s->piece->crc = fam_crc32c(0, s->base + s->piece->offset, s->piece->len);
	return 0;
}

static int sum(const struct verify *v, struct piece *p, char *buf)
{
	struct guarded_sum guarded = { p, v->set->cp->base };
	int r = 0;

	if (v->set->lends) {
		r = fam_guarded(sum_mapped, &guarded);
	} else {
		for (uint64_t at = 0; at < p->len && !r; at += BUFFER) {
			uint64_t len = p->len - at < BUFFER ? p->len - at : BUFFER;

			r = pread_full(v->set->cp->fd, buf, len, p->offset + at);
			if (!r)
				p->crc = fam_crc32c(p->crc, buf, len);
		}
	}
	return r ? cr_fail_errno(v->set->ctx, r, "Can't read the pool's memory at %#llx of the checkpoint: is it bad?",
				 (unsigned long long)p->offset)
		 : 0;
}

static void *verify_run(void *arg)
{
	struct verify *v = arg;
	_cleanup_free_ char *buf = malloc(BUFFER);
	int r = buf ? 0 : -ENOMEM, expected = 0;
	size_t i;

	while (!r && !atomic_load(&v->result) && (i = atomic_fetch_add(&v->next, 1)) < v->nr)
		r = sum(v, &v->v[i], buf);
	if (r)
		atomic_compare_exchange_strong(&v->result, &expected, r);
	return NULL;
}

static void sum_all(struct verify *v, unsigned nr_threads)
{
	pthread_t threads[PAGES_THREADS_MAX];
	unsigned started = 0;

	if (!nr_threads)
		nr_threads = pages_threads_for(v->set->claimed);
	if (nr_threads > PAGES_THREADS_MAX)
		nr_threads = PAGES_THREADS_MAX;
	while (started + 1 < nr_threads && !pages_thread_start(&threads[started], verify_run, v))
		started++;
	verify_run(v);
	while (started)
		pthread_join(threads[--started], NULL);
}

static int compare(const struct verify *v)
{
	const struct fam_layout *layout = &v->set->image.layout;
	_cleanup_free_ uint32_t *sums = calloc(layout->nr + 1, sizeof(*sums));

	if (!sums)
		return -ENOMEM;
	for (size_t i = 0; i < v->nr; i++)
		sums[v->v[i].extent] = fam_crc32c_join(sums[v->v[i].extent], v->v[i].crc, v->v[i].len);
	for (size_t i = 0; i < layout->nr; i++)
		if (sums[i] != layout->v[i].crc32c)
			return cr_fail(v->set->ctx, -EBADMSG,
				       "The checkpoint's pages for %#llx-%#llx of pagemap %u have another checksum",
				       (unsigned long long)layout->v[i].vaddr,
				       (unsigned long long)(layout->v[i].vaddr + layout->v[i].len),
				       layout->v[i].pages_id);
	return 0;
}

int fam_set_verify(struct fam_set *set, unsigned nr_threads)
{
	struct verify v = { .set = set };
	uint64_t start = now_us();
	int r;

	for (size_t i = 0; i < set->image.layout.nr; i++)
		if (!set->image.layout.v[i].has_crc)
			return cr_fail(set->ctx, -ENODATA,
				       "The set has no checksums to verify: it was dumped without --fam-verify");
	r = find_pieces(&v);
	if (!r) {
		sum_all(&v, nr_threads);
		r = atomic_load(&v.result);
	}
	if (!r)
		r = compare(&v);
	free(v.v);
	if (!r)
		log_info(set->ctx->log, "%llu pages verified in %llu us",
			 (unsigned long long)(set->claimed >> RUN_PAGE_SHIFT), (unsigned long long)(now_us() - start));
	return r;
}
