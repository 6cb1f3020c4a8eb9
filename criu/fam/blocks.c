/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/blocks.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"

#define WORD_BITS 64u

static bool is_taken(const struct fam_blocks *blocks, uint32_t n)
{
	return blocks->taken[n / WORD_BITS] >> n % WORD_BITS & 1;
}

static void toggle(struct fam_blocks *blocks, uint32_t n)
{
	blocks->taken[n / WORD_BITS] ^= 1ull << n % WORD_BITS;
}

int fam_blocks_init(struct fam_blocks *blocks, uint32_t nr)
{
	blocks->taken = calloc(nr / WORD_BITS + 1, sizeof(*blocks->taken));
	blocks->nr = blocks->nr_free = nr;
	return blocks->taken ? 0 : -ENOMEM;
}

void fam_blocks_free(struct fam_blocks *blocks)
{
	free(blocks->taken);
	*blocks = (struct fam_blocks){ 0 };
}

bool fam_blocks_take(struct fam_blocks *blocks, struct fam_fragment fragment)
{
	if (fragment.first > blocks->nr || fragment.nr > blocks->nr - fragment.first)
		return false;
	for (uint32_t n = 0; n < fragment.nr; n++)
		if (is_taken(blocks, fragment.first + n))
			return false;
	for (uint32_t n = 0; n < fragment.nr; n++)
		toggle(blocks, fragment.first + n);
	blocks->nr_free -= fragment.nr;
	return true;
}

void fam_blocks_give(struct fam_blocks *blocks, struct fam_fragment fragment)
{
	for (uint32_t n = 0; n < fragment.nr; n++) {
		cr_assert(is_taken(blocks, fragment.first + n));
		toggle(blocks, fragment.first + n);
	}
	blocks->nr_free += fragment.nr;
}

struct fam_fragment fam_blocks_run(const struct fam_blocks *blocks, uint32_t at)
{
	struct fam_fragment run;

	while (at < blocks->nr && is_taken(blocks, at))
		at++;
	for (run = (struct fam_fragment){ at, 0 }; at < blocks->nr && !is_taken(blocks, at); at++)
		run.nr++;
	return run;
}

static int by_length(const void *a, const void *b)
{
	const struct fam_fragment *x = a, *y = b;

	if (x->nr != y->nr)
		return x->nr > y->nr ? -1 : 1;
	return x->first < y->first ? -1 : 1;
}

static int by_place(const void *a, const void *b)
{
	const struct fam_fragment *x = a, *y = b;

	return x->first < y->first ? -1 : 1;
}

/* Every free run, the longest first. */
static int list_runs(const struct fam_blocks *blocks, struct fam_fragment **ret, size_t *ret_nr)
{
	struct fam_fragment *v = NULL, *grown;
	size_t nr = 0, room = 0;

	for (struct fam_fragment run = fam_blocks_run(blocks, 0); run.nr;
	     run = fam_blocks_run(blocks, run.first + run.nr)) {
		if (nr == room) {
			room = room ? room * 2 : 64;
			grown = reallocarray(v, room, sizeof(*v));
			if (!grown) {
				free(v);
				return -ENOMEM;
			}
			v = grown;
		}
		v[nr++] = run;
	}
	if (nr)
		qsort(v, nr, sizeof(*v), by_length);
	*ret = v;
	*ret_nr = nr;
	return 0;
}

int fam_blocks_find(struct fam_blocks *blocks, uint32_t want, struct fam_fragment *ret, size_t max, size_t *ret_nr)
{
	_cleanup_free_ struct fam_fragment *runs = NULL;
	size_t nr_runs, nr = 0, fit = 0;
	int r;

	if (want > blocks->nr_free)
		return -ENOSPC;
	r = list_runs(blocks, &runs, &nr_runs);
	if (r)
		return r;
	while (fit < nr_runs && runs[fit].nr >= want)
		fit++;
	if (fit) {
		/* The first of the shortest that suffice. */
		for (fit--; fit && runs[fit - 1].nr == runs[fit].nr;)
			fit--;
		ret[nr++] = (struct fam_fragment){ runs[fit].first, want };
		want = 0;
	}
	for (size_t i = 0; want && nr < max; i++) {
		ret[nr] = runs[i];
		if (ret[nr].nr > want)
			ret[nr].nr = want;
		want -= ret[nr++].nr;
	}
	if (want)
		return -ENOSPC;
	qsort(ret, nr, sizeof(*ret), by_place);
	for (size_t i = 0; i < nr; i++)
		cr_assert(fam_blocks_take(blocks, ret[i]));
	*ret_nr = nr;
	return 0;
}
