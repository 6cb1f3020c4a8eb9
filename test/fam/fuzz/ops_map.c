/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operations that change what is mapped, or how.
 */
#include <sys/mman.h>

#include "fuzz.h"

/* Newer than some headers. */
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define AREA_LIMIT 2048

/* The result may differ: whether pages can be joined is up to the kernel's mood and memory. */
static void advise_anyhow(struct range range, int advice)
{
	for (int i = SUBJECT; i <= TWIN; i++)
		madvise(arena[i] + range.at, range.size, advice);
}

static void advise(void)
{
	static const struct {
		int advice, weight;
		const char *name;
	} kinds[] = {
		{ MADV_DONTNEED, 10, "DONTNEED" },
		{ MADV_DONTNEED_LOCKED, 3, "DONTNEED_LOCKED" },
		{ MADV_COLD, 2, "COLD" },
		{ MADV_PAGEOUT, 2, "PAGEOUT" },
		{ MADV_WILLNEED, 2, "WILLNEED" },
		{ MADV_POPULATE_READ, 3, "POPULATE_READ" },
		{ MADV_POPULATE_WRITE, 3, "POPULATE_WRITE" },
		{ MADV_HUGEPAGE, 2, "HUGEPAGE" },
		{ MADV_NOHUGEPAGE, 1, "NOHUGEPAGE" },
		{ MADV_COLLAPSE, 2, "COLLAPSE" },
		{ MADV_DONTFORK, 1, "DONTFORK" },
		{ MADV_DOFORK, 2, "DOFORK" },
	};
	struct range range = pick_pages(AREA_LIMIT);
	int at = random_below(&fuzz.rng, 33), i;

	for (i = 0; at >= kinds[i].weight; i++)
		at -= kinds[i].weight;
	fuzz_note("  madvise(%s) pages %zu + %zu", kinds[i].name, range.at / TEST_PAGE, range.size / TEST_PAGE);
	if (kinds[i].advice == MADV_COLLAPSE)
		advise_anyhow(range, MADV_COLLAPSE);
	else
		BOTH(range.at, madvise(AT, range.size, kinds[i].advice));
}

/* Only of what can be written to: so what is there can be decided before the next operation. */
static void advise_free(void)
{
	struct range range = pick_pages(64);
	uint8_t layout[ARENA_PAGES];
	char *before;

	arena_layout(arena[SUBJECT], layout);
	for (size_t i = 0; i < range.size / TEST_PAGE; i++)
		if (!(layout[range.at / TEST_PAGE + i] & PROT_WRITE))
			return;
	fuzz_note("  madvise(FREE) pages %zu + %zu", range.at / TEST_PAGE, range.size / TEST_PAGE);
	before = calloc(1, range.size);
	CHECK(before);
	for (size_t i = 0; i < range.size; i += TEST_PAGE)
		arena_load(before + i, arena[TWIN] + range.at + i, TEST_PAGE);
	BOTH(range.at, madvise(AT, range.size, MADV_FREE));
	fuzz.freed_at = range.at;
	fuzz.freed_size = range.size;
	fuzz.freed_before = before;
}

/*
 * Over pages that are there: of an installation over missing pages that is taken back at once nobody tells the pager
 * (Documentation/design/pager.md).
 */
static void guard(void)
{
	struct range range = pick_pages(32);
	bool install = random_chance(&fuzz.rng, 60);
	char byte;

	fuzz_note("  madvise(GUARD_%s) pages %zu + %zu", install ? "INSTALL" : "REMOVE", range.at / TEST_PAGE,
		  range.size / TEST_PAGE);
	for (size_t i = 0; install && i < range.size; i += TEST_PAGE)
		if (!arena_load(&byte, arena[SUBJECT] + range.at + i, 1))
			return;
	BOTH(range.at, madvise(AT, range.size, install ? MADV_GUARD_INSTALL : MADV_GUARD_REMOVE));
}

static int pick_prot(void)
{
	static const int prots[] = { PROT_READ | PROT_WRITE,
				     PROT_READ | PROT_WRITE,
				     PROT_READ | PROT_WRITE,
				     PROT_READ | PROT_WRITE,
				     PROT_READ,
				     PROT_NONE };

	return prots[random_below(&fuzz.rng, 6)];
}

static void protect(void)
{
	struct range range = pick_pages(512);
	int prot = pick_prot();

	fuzz_note("  mprotect(%#x) pages %zu + %zu", prot, range.at / TEST_PAGE, range.size / TEST_PAGE);
	BOTH(range.at, mprotect(AT, range.size, prot));
}

static void unmap(void)
{
	struct range range = pick_pages(256);

	fuzz_note("  munmap pages %zu + %zu", range.at / TEST_PAGE, range.size / TEST_PAGE);
	BOTH(range.at, munmap(AT, range.size));
}

static long map(char *at, size_t size, int prot, int flags)
{
	char *got = mmap(at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	return got == MAP_FAILED ? -errno : got != at;
}

static void map_over(void)
{
	static const int flags[] = { 0, 0, 0, MAP_POPULATE, MAP_LOCKED, MAP_NORESERVE };
	struct range range = pick_pages(256);
	int prot = pick_prot(), flag = flags[random_below(&fuzz.rng, 6)];

	fuzz_note("  mmap(%#x, %#x) pages %zu + %zu", prot, flag, range.at / TEST_PAGE, range.size / TEST_PAGE);
	BOTH(range.at, map(AT, range.size, prot, flag | MAP_FIXED));
}

static void unmap_and_map(void)
{
	struct range range = pick_pages(256);
	int prot = pick_prot();

	fuzz_note("  munmap and mmap(%#x) pages %zu + %zu", prot, range.at / TEST_PAGE, range.size / TEST_PAGE);
	BOTH(range.at, munmap(AT, range.size));
	BOTH(range.at, map(AT, range.size, prot, MAP_FIXED_NOREPLACE));
}

/*
 * Pages of one area in both arenas, since mremap(2) of several fails: which neighbours are one area depends on their
 * history, and a lazily restored one doesn't become one with what is mapped beside it.
 */
static struct range pick_in_area(void)
{
	struct range range = pick_pages(AREA_LIMIT);
	uint8_t layout[ARENA_PAGES];
	size_t first = range.at / TEST_PAGE;

	for (int which = SUBJECT; which <= TWIN; which++) {
		arena_layout(arena[which], layout);
		for (size_t i = 1; i < range.size / TEST_PAGE; i++)
			if (!layout[first + i] || layout[first + i] & AREA)
				range.size = i * TEST_PAGE;
	}
	return range;
}

static size_t pick_room(size_t size)
{
	return random_below(&fuzz.rng, (ARENA_SIZE - size) / TEST_PAGE + 1) * TEST_PAGE;
}

static long move(char *from, size_t size, size_t new_size, int flags, char *to)
{
	char *got = mremap(from, size, new_size, flags | MREMAP_MAYMOVE | MREMAP_FIXED, to);

	return got == MAP_FAILED ? -errno : got != to;
}

static void move_to(void)
{
	struct range range = pick_in_area();
	size_t size = random_chance(&fuzz.rng, 70) ? range.size : (1 + random_below(&fuzz.rng, 64)) * TEST_PAGE;
	size_t to = pick_room(size);

	fuzz_note("  mremap(FIXED) pages %zu + %zu to %zu + %zu", range.at / TEST_PAGE, range.size / TEST_PAGE,
		  to / TEST_PAGE, size / TEST_PAGE);
	BOTH(range.at, move(AT, range.size, size, 0, arena[WHICH] + to));
}

static void move_from(void)
{
	struct range range = pick_in_area();
	size_t to = pick_room(range.size);

	fuzz_note("  mremap(DONTUNMAP) pages %zu + %zu to %zu", range.at / TEST_PAGE, range.size / TEST_PAGE,
		  to / TEST_PAGE);
	BOTH(range.at, move(AT, range.size, range.size, MREMAP_DONTUNMAP, arena[WHICH] + to));
}

/*
 * Where it is, or to where the kernel likes; from there it comes back into the arena. In two parts: of locked memory
 * the new room may be an area of its own (Documentation/design/pager.md).
 */
static void resize(void)
{
	struct range range = pick_in_area();
	size_t size = (1 + random_below(&fuzz.rng, 2 * range.size / TEST_PAGE)) * TEST_PAGE, to = pick_room(size);
	int flags = random_chance(&fuzz.rng, 70) ? MREMAP_MAYMOVE : 0;

	if (range.at + size > ARENA_SIZE)
		return;
	fuzz_note("  mremap(%#x) pages %zu + %zu to %zu, then to %zu", flags, range.at / TEST_PAGE,
		  range.size / TEST_PAGE, size / TEST_PAGE, to / TEST_PAGE);
	BOTH(range.at, ({
		     char *got = mremap(AT, range.size, size, flags), *back = arena[WHICH] + to;
		     long result = got == MAP_FAILED ? -errno : got != AT;

		     if (result > 0) {
			     CHECK_EQ(move(got, range.size, range.size, 0, back), 0);
			     CHECK_EQ(
				     move(got + range.size, size - range.size, size - range.size, 0, back + range.size),
				     0);
		     }
		     result;
	     }));
}

static void lock(void)
{
	struct range range = pick_pages(64);
	int how = random_below(&fuzz.rng, 4);

	fuzz_note("  %s pages %zu + %zu",
		  how > 1 ? "munlock"
		  : how	  ? "mlock2(ONFAULT)"
			  : "mlock",
		  range.at / TEST_PAGE, range.size / TEST_PAGE);
	BOTH(range.at, how > 1 ? munlock(AT, range.size) : mlock2(AT, range.size, how ? MLOCK_ONFAULT : 0));
}

const struct op ops_map[] = {
	{ "madvise", 20, advise },
	{ "madvise(FREE)", 4, advise_free },
	{ "madvise(GUARD)", 4, guard },
	{ "mprotect", 8, protect },
	{ "munmap", 3, unmap },
	{ "mmap", 4, map_over },
	{ "munmap, mmap", 4, unmap_and_map },
	{ "mremap(FIXED)", 5, move_to },
	{ "mremap(DONTUNMAP)", 4, move_from },
	{ "mremap", 5, resize },
	{ "mlock", 5, lock },
	{},
};
