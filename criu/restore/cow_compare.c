/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads take one piece of a segment after the other, read what several processes have of it, and decide page by
 * page while it is in the cache.
 */
#include "restore/cow_compare.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "pages/threads.h"

/*
 * Pages of a piece: not more than there are bits, and where they have to be read not more than fill the second level
 * cache.
 */
#define PIECE_MAX   64
#define PIECE_PAGES 512
/* Behind a piece in which no two pages are alike, so many of the next are read to see if it's worth more. */
#define PROBES 4
/* Unlike pages whose samples are alike are rare: not more than so many are compared for one page. */
#define TRIES 4

struct compare {
	struct cr_ctx *ctx;
	struct cow_group *groups;
	size_t nr_groups, max_nodes;
	bool seen; /* all sources can be looked at */
	pthread_mutex_t lock;
	/* With the lock. */
	size_t group;
	uint64_t next; /* address; 0: its start */
	int err;
	struct cow_result *ret;
	size_t room;
};

/* What one process has of the piece. */
struct view {
	uint64_t have;		    /* bit N: page N is stored */
	uint64_t kept, dropped;	    /* likewise */
	uint64_t offset[PIECE_MAX]; /* in its source */
	const char *page[PIECE_MAX];
	size_t put; /* behind its last COW_PUT of the piece; 0: none yet */
};

struct worker {
	struct compare *all;
	char *buf; /* a piece of each node, where some have to be read */
	size_t buf_size;
	struct view *views;
	struct cow_page page;
	/* Of each class of the page that is looked at: the first node that has it, and that one's sample. */
	int32_t *first_of;
	uint64_t *samples;
	struct cow_record *records;
	size_t nr, room;
	uint64_t nr_compared;
	bool found; /* some pages of the piece are alike */
};

struct piece {
	struct cow_group *g;
	uint64_t start;
	size_t nr_pages, room; /* ROOM: pages from one node's buffer to the next one's */
	bool doubtful;	       /* nothing was alike in the one before */
};

/* ---- which pages there are ----------------------------------------------------------------------------------- */

static void look_up(const struct cow_member *m, const struct cow_part *part, const struct piece *p, struct view *v)
{
	uint64_t end = p->start + p->nr_pages * RUN_PAGE_SIZE;
	uint64_t from = part->start > p->start ? part->start : p->start, to = part->end < end ? part->end : end;

	if (from >= to)
		return;
	for (size_t i = pagemap_first(m->pagemap, from); i < m->pagemap->nr; i++) {
		const struct page_run_at *r = &m->pagemap->v[i];
		uint64_t at = r->vaddr > from ? r->vaddr : from;
		uint64_t run_end = r->vaddr + r->nr_pages * RUN_PAGE_SIZE;

		if (r->vaddr >= to)
			break;
		for (; at < run_end && at < to; at += RUN_PAGE_SIZE) {
			size_t bit = (at - p->start) >> RUN_PAGE_SHIFT;

			v->have |= 1ull << bit;
			v->offset[bit] = r->offset + (at - r->vaddr);
		}
	}
}

/* The pages that more than one process has. */
static uint64_t find_common(struct worker *w, const struct piece *p)
{
	uint64_t once = 0, twice = 0;

	for (size_t i = 0; i < p->g->nr; i++) {
		const struct cow_member *m = &p->g->members[i];
		struct view *v = &w->views[i];

		v->have = v->kept = v->dropped = 0;
		v->put = 0;
		for (size_t k = 0; k < m->nr_parts; k++)
			look_up(m, &m->parts[k], p, v);
		twice |= once & v->have;
		once |= v->have;
	}
	return twice;
}

/* N pages of NODE from FIRST on, which stand in its source one behind the other. */
static int get_pages(struct worker *w, const struct piece *p, size_t node, unsigned first, unsigned n)
{
	const struct page_source *src = p->g->members[node].src;
	struct view *v = &w->views[node];
	uint64_t offset = v->offset[first], len = n * RUN_PAGE_SIZE;
	const char *at = src->seen + offset;
	int err;

	if (src->seen) {
		err = source_look(src, offset, len);
	} else {
		char *buf = w->buf + ((node * p->room + first) << RUN_PAGE_SHIFT);

		err = src->ops->read(src, offset, buf, len);
		at = buf;
	}
	for (unsigned i = 0; i < n; i++)
		v->page[first + i] = at + i * RUN_PAGE_SIZE;
	return err;
}

static int read_common(struct worker *w, const struct piece *p, uint64_t common)
{
	for (size_t i = 0; i < p->g->nr; i++) {
		const struct view *v = &w->views[i];
		uint64_t left = v->have & common;

		while (left) {
			unsigned first = __builtin_ctzll(left), n = 1;
			int err;

			while (first + n < PIECE_MAX && (left >> (first + n) & 1) &&
			       v->offset[first + n] == v->offset[first] + n * RUN_PAGE_SIZE)
				n++;
			err = get_pages(w, p, i, first, n);
			if (err)
				return cr_fail_errno(w->all->ctx, err, "Can't read %u pages for 0x%llx", n,
						     (unsigned long long)(p->start + first * RUN_PAGE_SIZE));
			left &= first + n < 64 ? ~0ull << (first + n) : 0;
			w->nr_compared += n;
		}
	}
	return 0;
}

/* ---- classes of equal pages ---------------------------------------------------------------------------------- */

static uint64_t sample_page(const char *page)
{
	uint64_t words[8], sum = 0;

	for (int i = 0; i < 8; i++) {
		memcpy(&words[i], page + i * (RUN_PAGE_SIZE / 8) + i * 64, 8);
		sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15ull;
		sum ^= sum >> 29;
	}
	return sum;
}

static int32_t class_of(struct worker *w, unsigned bit, size_t node, int32_t *nr_classes)
{
	const char *page = w->views[node].page[bit];
	uint64_t sample = sample_page(page);
	int tries = TRIES;

	for (int32_t c = 0; c < *nr_classes && tries; c++) {
		if (w->samples[c] != sample)
			continue;
		if (!memcmp(page, w->views[w->first_of[c]].page[bit], RUN_PAGE_SIZE))
			return c;
		tries--;
	}
	w->first_of[*nr_classes] = node;
	w->samples[*nr_classes] = sample;
	return (*nr_classes)++;
}

/* ---- what comes of it ---------------------------------------------------------------------------------------- */

static int add_record(struct worker *w, const struct cow_record *record)
{
	if (w->nr == w->room) {
		size_t room = w->room ? 2 * w->room : 1024;
		struct cow_record *v = reallocarray(w->records, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		w->records = v;
		w->room = room;
	}
	w->records[w->nr++] = *record;
	return 0;
}

static int add_put(struct worker *w, const struct piece *p, unsigned bit, const struct cow_put *put)
{
	const struct cow_node *nodes = p->g->nodes;
	int32_t from = nodes[put->child].up;
	uint64_t vaddr = p->start + bit * RUN_PAGE_SIZE;
	size_t *at = &w->views[put->child].put;
	struct cow_record *last = *at ? &w->records[*at - 1] : NULL;

	/* Its own pages, if it can. */
	if (w->page.class[from] != put->class)
		from = w->first_of[put->class];
	if (last && last->from == p->g->members[from].id && last->over == (put->over != COW_NONE) &&
	    last->vaddr + last->nr_pages * RUN_PAGE_SIZE == vaddr &&
	    last->offset + last->nr_pages * RUN_PAGE_SIZE == w->views[from].offset[bit]) {
		last->nr_pages++;
		return 0;
	}
	*at = w->nr + 1;
	return add_record(w, &(struct cow_record){
				     .id = p->g->members[put->child].id,
				     .what = COW_PUT,
				     .over = put->over != COW_NONE,
				     .from = p->g->members[from].id,
				     .offset = w->views[from].offset[bit],
				     .vaddr = vaddr,
				     .nr_pages = 1,
			     });
}

static int decide_page(struct worker *w, const struct piece *p, unsigned bit)
{
	struct cow_page *page = &w->page;
	int32_t nr_classes = 0;
	int err = 0;

	page->nr_nodes = p->g->nr;
	for (size_t i = 0; i < p->g->nr; i++)
		page->class[i] = w->views[i].have >> bit & 1 ? class_of(w, bit, i, &nr_classes) : COW_NONE;
	cow_page_decide(page, p->g->nodes);
	for (size_t i = 0; i < page->nr_puts && !err; i++)
		err = add_put(w, p, bit, &page->puts[i]);
	for (size_t i = 0; i < p->g->nr; i++) {
		if (page->left[i] == COW_NONE)
			continue;
		if (page->left[i] == page->class[i])
			w->views[i].kept |= 1ull << bit;
		else
			w->views[i].dropped |= 1ull << bit;
	}
	return err;
}

static int add_runs(struct worker *w, const struct piece *p, uint32_t id, enum cow_what what, uint64_t left)
{
	int err = 0;

	while (left && !err) {
		unsigned first = __builtin_ctzll(left), n;
		uint64_t rest = ~(left >> first);

		n = rest ? __builtin_ctzll(rest) : 64;
		err = add_record(w, &(struct cow_record){
					    .id = id,
					    .what = what,
					    .vaddr = p->start + first * RUN_PAGE_SIZE,
					    .nr_pages = n,
				    });
		left &= first + n < 64 ? ~0ull << (first + n) : 0;
	}
	return err;
}

/* Page BIT of all who have it: does any of two have the same? */
static int probe(struct worker *w, const struct piece *p, unsigned bit)
{
	int32_t nr = 0, nr_classes = 0;

	for (size_t i = 0; i < p->g->nr; i++) {
		const struct page_source *src = p->g->members[i].src;
		struct view *v = &w->views[i];
		char *buf = w->buf + (i << RUN_PAGE_SHIFT);
		int err;

		if (!(v->have >> bit & 1))
			continue;
		err = src->ops->read(src, v->offset[bit], buf, RUN_PAGE_SIZE);
		if (err)
			return cr_fail_errno(w->all->ctx, err, "Can't read the page for 0x%llx",
					     (unsigned long long)(p->start + bit * RUN_PAGE_SIZE));
		v->page[bit] = buf;
		class_of(w, bit, i, &nr_classes);
		nr++;
	}
	w->nr_compared += nr;
	return nr_classes < nr;
}

/* Nothing is wrong if what is alike is missed: it isn't shared then. 1 if it shall be compared, 0 or -errno. */
static int is_worth_it(struct worker *w, const struct piece *p, uint64_t common)
{
	unsigned nr = __builtin_popcountll(common), i = 0;
	int ret = 0;

	if (!p->doubtful || nr <= PROBES)
		return nr > 0;
	for (uint64_t left = common; left && !ret; left &= left - 1, i++)
		if (i * PROBES / nr != (i + 1) * PROBES / nr)
			ret = probe(w, p, __builtin_ctzll(left));
	return ret;
}

static int do_piece(struct worker *w, const struct piece *p)
{
	uint64_t common = find_common(w, p);
	int err, worth_it = is_worth_it(w, p, common);

	/* Where there is nothing to compare nothing is learnt. */
	w->found = !common && !p->doubtful;
	if (worth_it <= 0)
		return worth_it;
	err = read_common(w, p, common);
	for (uint64_t left = common; left && !err; left &= left - 1)
		err = decide_page(w, p, __builtin_ctzll(left));
	for (size_t i = 0; i < p->g->nr && !err; i++) {
		w->found |= w->views[i].kept != 0;
		err = add_runs(w, p, p->g->members[i].id, COW_KEEP, w->views[i].kept);
		/* Who has no part there gets rid of all of it anyway. */
		if (!err && p->g->members[i].nr_parts)
			err = add_runs(w, p, p->g->members[i].id, COW_DROP, w->views[i].dropped);
	}
	return err;
}

/* ---- threads ------------------------------------------------------------------------------------------------- */

/* The first page from AT on that anybody has; the group's end when there is none. */
static uint64_t first_stored(const struct cow_group *g, uint64_t at)
{
	uint64_t first = g->end;

	for (size_t i = 0; i < g->nr; i++) {
		const struct pagemap *pm = g->members[i].pagemap;
		size_t k = pm ? pagemap_first(pm, at) : 0;

		if (pm && k < pm->nr && pm->v[k].vaddr < first)
			first = pm->v[k].vaddr;
	}
	return first > at ? first : at;
}

/* With the lock: the next piece; false when there is none. */
static bool next_piece(struct compare *c, struct piece *p)
{
	for (; c->group < c->nr_groups; c->group++, c->next = 0) {
		struct cow_group *g = &c->groups[c->group];
		size_t room = c->seen ? PIECE_MAX : PIECE_PAGES / g->nr;
		uint64_t start = first_stored(g, c->next > g->start ? c->next : g->start), left;

		if (start >= g->end)
			continue;
		room = room > PIECE_MAX ? PIECE_MAX : room ?: 1;
		left = (g->end - start) >> RUN_PAGE_SHIFT;
		*p = (struct piece){ g, start, left < room ? left : room, room, g->unlike };
		c->next = start + p->nr_pages * RUN_PAGE_SIZE;
		return true;
	}
	return false;
}

/* With the lock. */
static int hand_in(struct compare *c, struct worker *w)
{
	struct cow_record *v = reallocarray(c->ret->v, c->ret->nr + w->nr + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	c->ret->v = v;
	if (w->nr)
		memcpy(v + c->ret->nr, w->records, w->nr * sizeof(*v));
	c->ret->nr += w->nr;
	c->ret->nr_compared += w->nr_compared;
	return 0;
}

static int worker_init(struct worker *w, struct compare *c)
{
	size_t n = c->max_nodes, pages = n > PIECE_PAGES ? n : PIECE_PAGES;
	int err;

	*w = (struct worker){ .all = c, .buf_size = (c->seen ? n : pages) * RUN_PAGE_SIZE };
	err = cow_page_init(&w->page, n);
	w->views = calloc(n, sizeof(*w->views));
	w->first_of = calloc(n, sizeof(*w->first_of));
	w->samples = calloc(n, sizeof(*w->samples));
	w->buf = mmap(NULL, w->buf_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return err || !w->views || !w->first_of || !w->samples || w->buf == MAP_FAILED ? -ENOMEM : 0;
}

static void worker_free(struct worker *w)
{
	cow_page_free(&w->page);
	free(w->views);
	free(w->first_of);
	free(w->samples);
	free(w->records);
	if (w->buf != MAP_FAILED)
		munmap(w->buf, w->buf_size);
}

static void *compare_run(void *arg)
{
	struct compare *c = arg;
	struct worker w;
	struct piece p;
	int err = worker_init(&w, c);

	pthread_mutex_lock(&c->lock);
	while (!err && !c->err && next_piece(c, &p)) {
		pthread_mutex_unlock(&c->lock);
		err = do_piece(&w, &p);
		pthread_mutex_lock(&c->lock);
		p.g->unlike = !w.found;
	}
	if (!err)
		err = hand_in(c, &w);
	if (err && !c->err)
		c->err = err;
	pthread_mutex_unlock(&c->lock);
	worker_free(&w);
	return NULL;
}

static int compare_records(const void *pa, const void *pb)
{
	const struct cow_record *a = pa, *b = pb;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	if (a->what != b->what)
		return a->what < b->what ? -1 : 1;
	if (a->over != b->over)
		return a->over - b->over;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return (a->vaddr > b->vaddr) - (a->vaddr < b->vaddr);
}

static void look_begin(struct compare *c)
{
	c->seen = true;
	for (size_t i = 0; i < c->nr_groups; i++)
		for (size_t k = 0; k < c->groups[i].nr; k++) {
			struct page_source *src = c->groups[i].members[k].src;

			if (!src)
				continue;
			source_look_begin(src);
			c->seen &= src->seen != NULL;
		}
}

static void look_end(struct compare *c)
{
	for (size_t i = 0; i < c->nr_groups; i++)
		for (size_t k = 0; k < c->groups[i].nr; k++)
			if (c->groups[i].members[k].src)
				source_look_end(c->groups[i].members[k].src);
}

int cow_compare(struct cr_ctx *ctx, struct cow_group *groups, size_t nr, struct cow_result *ret)
{
	struct compare c = { .ctx = ctx, .groups = groups, .nr_groups = nr, .ret = ret };
	pthread_t threads[PAGES_THREADS_MAX];
	unsigned wanted, n = 0;
	uint64_t bytes = 0;

	*ret = (struct cow_result){ 0 };
	for (size_t i = 0; i < nr; i++) {
		c.max_nodes = groups[i].nr > c.max_nodes ? groups[i].nr : c.max_nodes;
		for (size_t k = 0; k < groups[i].nr; k++)
			if (groups[i].members[k].nr_parts)
				bytes += groups[i].end - groups[i].start;
	}
	look_begin(&c);
	pthread_mutex_init(&c.lock, NULL);
	wanted = pages_threads_for(bytes);
	/* This thread is one of them. */
	while (n + 1 < wanted && !pages_thread_start(&threads[n], compare_run, &c))
		n++;
	compare_run(&c);
	while (n)
		pthread_join(threads[--n], NULL);
	pthread_mutex_destroy(&c.lock);
	look_end(&c);
	if (c.err) {
		free(ret->v);
		*ret = (struct cow_result){ 0 };
		return cr_fail_errno(ctx, c.err, "Can't compare the pages of processes");
	}
	qsort(ret->v, ret->nr, sizeof(*ret->v), compare_records);
	return 0;
}
