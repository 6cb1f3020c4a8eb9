/* SPDX-License-Identifier: GPL-2.0 */
#include "pager/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define WORD 64

/* Locked where that is allowed, so that the kernel can always store a message there. */
static void *get(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	mlock(p, len);
	return p;
}

static struct pager_map *map_new(size_t nr)
{
	size_t len = sizeof(struct pager_map) + nr * sizeof(struct pager_range);
	struct pager_map *map = get(len);

	if (map)
		map->len = len;
	return map;
}

static size_t words_of(uint64_t nr_pages)
{
	return (nr_pages + WORD - 1) / WORD;
}

static struct pager_memory *memory_new(uint64_t nr_pages)
{
	size_t len = sizeof(struct pager_memory) + words_of(nr_pages) * sizeof(uint64_t);
	struct pager_memory *m = get(len);

	if (!m)
		return NULL;
	m->len = len;
	m->uffd = -1;
	m->nr_pages = nr_pages;
	return m;
}

static uint64_t end_of(const struct pager_range *r)
{
	return r->vaddr + r->nr_pages * PAGER_PAGE;
}

static int check_ranges(const struct pager_range *ranges, size_t nr, uint64_t *ret_pages)
{
	uint64_t end = 0, pages = 0;

	for (size_t i = 0; i < nr; i++) {
		const struct pager_range *r = &ranges[i];

		if (!r->nr_pages || r->vaddr % PAGER_PAGE || r->vaddr < end ||
		    r->nr_pages > (UINT64_MAX - r->vaddr) / PAGER_PAGE)
			return -EINVAL;
		end = end_of(r);
		pages += r->nr_pages;
	}
	*ret_pages = pages;
	return 0;
}

int pager_memory_new(const struct pager_range *ranges, size_t nr, struct pager_memory **ret)
{
	struct pager_memory *m;
	uint64_t pages, bit = 0;
	int err = check_ranges(ranges, nr, &pages);

	if (err)
		return err;
	m = memory_new(pages);
	if (m)
		m->map = map_new(nr);
	if (!m || !m->map) {
		pager_memory_free(m);
		return -ENOMEM;
	}
	for (size_t i = 0; i < nr; i++) {
		m->map->v[i] = ranges[i];
		m->map->v[i].bit = bit;
		bit += ranges[i].nr_pages;
	}
	m->map->nr = nr;
	memset(m->missing, 0xff, pages / WORD * sizeof(uint64_t));
	if (pages % WORD)
		m->missing[pages / WORD] = (1ull << pages % WORD) - 1;
	m->nr_missing = pages;
	*ret = m;
	return 0;
}

int pager_memory_clone(const struct pager_memory *m, struct pager_memory **ret)
{
	struct pager_memory *c = memory_new(m->nr_pages);

	if (c)
		c->map = map_new(m->map->nr);
	if (!c || !c->map) {
		pager_memory_free(c);
		return -ENOMEM;
	}
	memcpy(c->map->v, m->map->v, m->map->nr * sizeof(*m->map->v));
	c->map->nr = m->map->nr;
	memcpy(c->missing, m->missing, words_of(m->nr_pages) * sizeof(uint64_t));
	c->nr_missing = m->nr_missing;
	c->cursor = m->cursor;
	*ret = c;
	return 0;
}

void pager_memory_free(struct pager_memory *m)
{
	if (!m)
		return;
	if (m->map)
		munmap(m->map, m->map->len);
	munmap(m, m->len);
}

/* ---- bits ---------------------------------------------------------------------------------------------------- */

/* Bits FIRST to END - 1 of the word that FIRST is in. */
static uint64_t mask_of(uint64_t first, uint64_t end)
{
	uint64_t mask = ~0ull << first % WORD;

	return end / WORD > first / WORD ? mask : mask & ~(~0ull << end % WORD);
}

static uint64_t clear_bits(uint64_t *words, uint64_t first, uint64_t end)
{
	uint64_t nr = 0;

	for (; first < end; first = (first / WORD + 1) * WORD) {
		uint64_t *word = &words[first / WORD], mask = mask_of(first, end);

		nr += __builtin_popcountll(*word & mask);
		*word &= ~mask;
	}
	return nr;
}

/* The first bit from FIRST on that is SET (or isn't); END when there is none below. */
static uint64_t seek_bit(const uint64_t *words, uint64_t first, uint64_t end, bool set)
{
	for (; first < end; first = (first / WORD + 1) * WORD) {
		uint64_t word = (set ? words[first / WORD] : ~words[first / WORD]) & mask_of(first, end);

		if (word)
			return first / WORD * WORD + __builtin_ctzll(word);
	}
	return end;
}

/* Behind the last bit below FROM that isn't set; END when there is none above. */
static uint64_t seek_back(const uint64_t *words, uint64_t end, uint64_t from)
{
	while (from > end && words[(from - 1) / WORD] >> (from - 1) % WORD & 1)
		from--;
	return from;
}

/* ---- ranges -------------------------------------------------------------------------------------------------- */

/* The number of the first range that ends above VADDR. */
static size_t first_range(const struct pager_map *map, uint64_t vaddr)
{
	size_t low = 0, high = map->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (end_of(&map->v[mid]) > vaddr)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static uint64_t max_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t min_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t bit_at(const struct pager_range *r, uint64_t vaddr)
{
	return r->bit + (vaddr - r->vaddr) / PAGER_PAGE;
}

uint64_t pager_memory_forget(struct pager_memory *m, uint64_t start, uint64_t end)
{
	const struct pager_map *map = m->map;
	uint64_t nr = 0;

	for (size_t i = first_range(map, start); i < map->nr && map->v[i].vaddr < end; i++) {
		const struct pager_range *r = &map->v[i];
		uint64_t to = min_of(end_of(r), end);

		nr += clear_bits(m->missing, bit_at(r, max_of(r->vaddr, start)),
				 bit_at(r, to + PAGER_PAGE - 1)); /* a part of a page is all of it */
	}
	m->nr_missing -= min_of(nr, m->nr_missing);
	return nr;
}

/* Adds what of R is between START and END, moved by SHIFT. */
static void add_part(struct pager_map *map, const struct pager_range *r, uint64_t start, uint64_t end, uint64_t shift)
{
	uint64_t from = max_of(r->vaddr, start), to = min_of(end_of(r), end);

	if (from < to)
		map->v[map->nr++] = (struct pager_range){
			.vaddr = from + shift,
			.nr_pages = (to - from) / PAGER_PAGE,
			.from = r->from + (from - r->vaddr),
			.bit = bit_at(r, from),
		};
}

/* What of OLD between START and END stays where it is: nothing of what FROM and TO have, each LEN bytes. */
static void add_rest(struct pager_map *map, const struct pager_map *old, uint64_t start, uint64_t end, uint64_t from,
		     uint64_t len)
{
	for (size_t i = first_range(old, start); i < old->nr && old->v[i].vaddr < end; i++) {
		add_part(map, &old->v[i], start, min_of(end, from), 0);
		add_part(map, &old->v[i], max_of(start, from + len), end, 0);
	}
}

int pager_memory_move(struct pager_memory *m, uint64_t from, uint64_t to, uint64_t len, uint64_t by)
{
	struct pager_map *old = m->map, *map;

	if (old->made_by == by)
		return 0;
	pager_memory_forget(m, to, to + len);
	map = map_new(old->nr + 4);
	if (!map)
		return -ENOMEM;
	map->made_by = by;
	add_rest(map, old, 0, to, from, len);
	for (size_t i = first_range(old, from); i < old->nr && old->v[i].vaddr < from + len; i++)
		add_part(map, &old->v[i], from, from + len, to - from);
	add_rest(map, old, to + len, UINT64_MAX, from, len);
	__atomic_store_n(&m->map, map, __ATOMIC_RELEASE);
	munmap(old, old->len);
	return 0;
}

uint64_t pager_memory_count(const struct pager_memory *m)
{
	uint64_t nr = 0;

	for (size_t i = 0; i < words_of(m->nr_pages); i++)
		nr += __builtin_popcountll(m->missing[i]);
	return nr;
}

/* ---- looking for pages --------------------------------------------------------------------------------------- */

static void set_piece(const struct pager_range *r, uint64_t first, uint64_t end, struct pager_piece *ret)
{
	uint64_t skip = (first - r->bit) * PAGER_PAGE;

	*ret = (struct pager_piece){ r->vaddr + skip, (end - first) * PAGER_PAGE, r->from + skip };
}

bool pager_memory_find(const struct pager_memory *m, uint64_t vaddr, uint64_t start, uint64_t end,
		       struct pager_piece *ret)
{
	size_t i = first_range(m->map, vaddr);
	const struct pager_range *r = &m->map->v[i];
	uint64_t at;

	if (i == m->map->nr || r->vaddr > vaddr)
		return false;
	at = bit_at(r, vaddr);
	if (seek_bit(m->missing, at, at + 1, true) != at)
		return false;
	set_piece(r, seek_back(m->missing, bit_at(r, max_of(start, r->vaddr)), at),
		  seek_bit(m->missing, at, bit_at(r, min_of(end, end_of(r))), false), ret);
	return true;
}

bool pager_memory_next_in(const struct pager_memory *m, uint64_t start, uint64_t end, uint64_t max,
			  struct pager_piece *ret)
{
	for (size_t i = first_range(m->map, start); i < m->map->nr && m->map->v[i].vaddr < end; i++) {
		const struct pager_range *r = &m->map->v[i];
		uint64_t last = bit_at(r, min_of(end_of(r), end));
		uint64_t first = seek_bit(m->missing, bit_at(r, max_of(r->vaddr, start)), last, true);

		if (first == last)
			continue;
		set_piece(r, first, seek_bit(m->missing, first, min_of(last, first + max / PAGER_PAGE), false), ret);
		return true;
	}
	return false;
}

bool pager_memory_next(struct pager_memory *m, uint64_t max, struct pager_piece *ret)
{
	if (!m->nr_missing || (!pager_memory_next_in(m, m->cursor, UINT64_MAX, max, ret) &&
			       !pager_memory_next_in(m, 0, UINT64_MAX, max, ret)))
		return false;
	m->cursor = ret->vaddr;
	return true;
}
