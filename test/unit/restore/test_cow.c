/* SPDX-License-Identifier: GPL-2.0 */
/* Which areas processes inherit from each other, and who puts a page there for whom. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "mem/vma.h"
#include "restore/cow_compare.h"
#include "restore/cow_page.h"
#include "restore/cow_segment.h"

#define PAGE 4096ul
#define MAX  8

/* ---- one page ------------------------------------------------------------------------------------------------ */

/* A parent with three children, the first of which has one too. */
static const struct cow_node family[] = { { -1, 5 }, { 0, 3 }, { 1, 3 }, { 0, 4 }, { 0, 5 } };
#define FAMILY (sizeof(family) / sizeof(family[0]))

static void decide(struct cow_page *page, const struct cow_node *nodes, size_t nr, const int32_t *class)
{
	assert_int_equal(cow_page_init(page, nr), 0);
	memcpy(page->class, class, nr * sizeof(*class));
	cow_page_decide(page, nodes);
}

static void check_put(const struct cow_page *page, size_t i, int32_t child, int32_t class, int32_t over)
{
	assert_true(i < page->nr_puts);
	assert_int_equal(page->puts[i].child, child);
	assert_int_equal(page->puts[i].class, class);
	assert_int_equal(page->puts[i].over, over);
}

/* Of how many processes the page is there when all is forked. */
static size_t nr_kept(const struct cow_page *page)
{
	size_t n = 0;

	for (size_t i = 0; i < page->nr_nodes; i++)
		n += page->left[i] != COW_NONE && page->left[i] == page->class[i];
	return n;
}

static void test_all_alike(void **state __unused_arg)
{
	const int32_t class[] = { 0, 0, 0, 0, 0 };
	struct cow_page page;

	decide(&page, family, FAMILY, class);
	assert_int_equal(page.nr_puts, 1);
	check_put(&page, 0, 1, 0, COW_NONE);
	assert_int_equal(nr_kept(&page), 5);
	cow_page_free(&page);
}

static void test_all_unlike(void **state __unused_arg)
{
	const int32_t class[] = { 0, 1, 2, 3, COW_NONE };
	struct cow_page page;

	decide(&page, family, FAMILY, class);
	assert_int_equal(page.nr_puts, 0);
	for (size_t i = 0; i < FAMILY; i++)
		assert_int_equal(page.left[i], COW_NONE);
	cow_page_free(&page);
}

/* The parent changed it after the first child was born, and after the second. */
static void test_changed_between(void **state __unused_arg)
{
	const int32_t class[] = { 2, 0, 0, 1, 2 };
	struct cow_page page;

	decide(&page, family, FAMILY, class);
	assert_int_equal(page.nr_puts, 2);
	/* Only the first child and its own one need the oldest: the child puts it there itself. */
	check_put(&page, 0, 4, 2, COW_NONE);
	check_put(&page, 1, 2, 0, COW_NONE);
	assert_int_equal(page.left[0], 2);
	assert_int_equal(page.left[1], 0);
	assert_int_equal(page.left[2], 0);
	assert_int_equal(page.left[3], COW_NONE);
	assert_int_equal(nr_kept(&page), 4);
	cow_page_free(&page);
}

/* The old page for two children and a grandchild, then the new one over it. */
static void test_old_and_new(void **state __unused_arg)
{
	const int32_t class[] = { 1, 2, 0, 0, 1 };
	struct cow_page page;

	decide(&page, family, FAMILY, class);
	assert_int_equal(page.nr_puts, 2);
	check_put(&page, 0, 1, 0, COW_NONE);
	check_put(&page, 1, 4, 1, 0);
	assert_int_equal(page.born[1], 0);
	assert_int_equal(page.left[1], 0); /* to be replaced */
	assert_int_equal(nr_kept(&page), 4);
	cow_page_free(&page);
}

/* The parent has dropped it. */
static void test_siblings_only(void **state __unused_arg)
{
	const int32_t class[] = { COW_NONE, COW_NONE, COW_NONE, 0, 0 };
	struct cow_page page;

	decide(&page, family, FAMILY, class);
	assert_int_equal(page.nr_puts, 1);
	check_put(&page, 0, 3, 0, COW_NONE);
	assert_int_equal(page.left[0], 0);
	assert_int_equal(page.left[1], COW_NONE); /* born before */
	assert_int_equal(nr_kept(&page), 2);
	cow_page_free(&page);
}

#define LIFE 16

/* A process that lived: forked others, and wrote, which makes a page like no other. */
static void live(struct cow_node *nodes, int32_t *class, int *nr, int up, int32_t has, int *writes)
{
	int me = (*nr)++;

	nodes[me].up = up;
	while (rand() % 4 && *nr < LIFE) {
		if (rand() % 3)
			live(nodes, class, nr, me, has, writes);
		else
			has = rand() % 4 ? (*writes)++ : COW_NONE;
	}
	nodes[me].end = *nr;
	class[me] = has;
}

/* Whoever shared a page in such a life shares it again, and nobody has put it there twice. */
static void check_life(const struct cow_node *nodes, size_t nr, const int32_t *class)
{
	struct cow_page page;

	decide(&page, nodes, nr, class);
	assert_int_equal(page.born[0], COW_NONE);
	for (int32_t c = 0; c < LIFE; c++) {
		size_t have = 0, kept = 0, puts = 0;

		for (size_t i = 0; i < nr; i++) {
			have += class[i] == c;
			kept += class[i] == c && page.left[i] == c;
		}
		for (size_t i = 0; i < page.nr_puts; i++)
			puts += page.puts[i].class == c;
		assert_int_equal(kept, have > 1 ? have : 0);
		assert_int_equal(puts, have > 1);
	}
	cow_page_free(&page);
}

static void test_lives(void **state __unused_arg)
{
	struct cow_node nodes[LIFE];
	int32_t class[LIFE];

	srand(1);
	for (int round = 0; round < 20000; round++) {
		int nr = 0, writes = 1;

		live(nodes, class, &nr, -1, 0, &writes);
		/* There have to be more processes than classes: some that have no page make up for it. */
		for (; nr < LIFE; nr++) {
			nodes[nr] = (struct cow_node){ 0, nr + 1 };
			nodes[0].end = nr + 1;
			class[nr] = COW_NONE;
		}
		if (writes <= LIFE)
			check_life(nodes, nr, class);
	}
}

/* ---- areas --------------------------------------------------------------------------------------------------- */

static struct cow_area anon(uint32_t owner, uint64_t start, uint64_t end)
{
	return (struct cow_area){ { true, MAP_PRIVATE | MAP_ANONYMOUS, 0, 0 }, start, end, owner, true };
}

static void test_segments(void **state __unused_arg)
{
	struct cow_area areas[MAX] = {
		anon(1, 0x50000, 0x60000), anon(0, 0x10000, 0x20000), anon(1, 0x10000, 0x14000),
		anon(1, 0x15000, 0x18000), anon(2, 0x1c000, 0x30000), anon(0, 0x30000, 0x40000),
	};
	struct cow_segment *segs;
	size_t nr;

	assert_int_equal(cow_segments_make(areas, 6, &segs, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(segs[0].start, 0x10000);
	assert_int_equal(segs[0].end, 0x30000);
	assert_int_equal(segs[0].nr, 4);
	free(segs);
}

static void test_kinds_apart(void **state __unused_arg)
{
	struct cow_area areas[MAX] = {
		anon(0, 0x10000, 0x20000), anon(1, 0x10000, 0x20000), anon(2, 0x10000, 0x20000),
		anon(3, 0x18000, 0x28000), anon(4, 0x18000, 0x28000), anon(5, 0x20000, 0x28000)
	};
	struct cow_segment *segs;
	size_t nr;

	areas[3].kind = areas[4].kind = (struct cow_kind){ false, MAP_PRIVATE, 5, 0x18000 };
	areas[5].kind = (struct cow_kind){ false, MAP_PRIVATE, 5, 0x17000 };
	assert_int_equal(cow_segments_make(areas, 6, &segs, &nr), 0);
	assert_int_equal(nr, 1);
	assert_true(segs[0].kind.anon);
	assert_int_equal(segs[0].end, 0x20000);
	free(segs);
}

static void test_read_only(void **state __unused_arg)
{
	struct cow_area areas[MAX] = { anon(0, 0x10000, 0x20000), anon(1, 0x10000, 0x20000),
				       anon(0, 1ul << 32, 1ul << 40), anon(1, 1ul << 32, 1ul << 40) };
	struct cow_segment *segs;
	size_t nr;

	for (int i = 0; i < 4; i++)
		areas[i].writable = false;
	assert_int_equal(cow_segments_make(areas, 4, &segs, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(segs[0].start, 0x10000);
	free(segs);
}

static void test_kind_of(void **state __unused_arg)
{
	VmaEntry v = VMA_ENTRY__INIT;
	struct cow_kind kind;

	v.start = 0x20000;
	v.end = 0x30000;
	v.pgoff = 0x4000;
	v.shmid = 7;
	v.flags = MAP_PRIVATE;
	v.status = VMA_AREA_REGULAR | VMA_FILE_PRIVATE;
	assert_true(cow_kind_of(&v, &kind));
	assert_false(kind.anon);
	assert_int_equal(kind.file, 7);
	assert_int_equal(kind.origin, 0x1c000);
	v.madv = 1ull << MADV_WIPEONFORK;
	assert_false(cow_kind_of(&v, &kind));
	v.madv = 1ull << MADV_HUGEPAGE; /* by the file system: DAX */
	assert_true(cow_kind_of(&v, &kind));
	v.status = VMA_AREA_REGULAR | VMA_ANON_PRIVATE;
	assert_false(cow_kind_of(&v, &kind));
	v.status = VMA_AREA_REGULAR | VMA_FILE_PRIVATE;
	v.madv = 0;
	v.flags |= MAP_LOCKED;
	assert_false(cow_kind_of(&v, &kind));
	v.flags = MAP_SHARED;
	v.status = VMA_AREA_REGULAR | VMA_FILE_SHARED;
	assert_false(cow_kind_of(&v, &kind));
	v.flags = MAP_PRIVATE;
	v.status = VMA_AREA_REGULAR | VMA_ANON_PRIVATE | VMA_AREA_VVAR;
	assert_false(cow_kind_of(&v, &kind));
}

/* ---- comparing ----------------------------------------------------------------------------------------------- */

/* Pages of a pages image, each filled with one number: of the content that the source's descriptor is the place of. */
static const char *contents[2];

static int read_numbers(const struct page_source *src, uint64_t offset, void *buf, size_t len)
{
	for (size_t at = 0; at < len; at += PAGE)
		memset((char *)buf + at, contents[src->fd][(offset + at) / PAGE], PAGE);
	return 0;
}

static const struct page_source_ops numbers = { .name = "numbers", .read = read_numbers };

static void test_compare(void **state __unused_arg)
{
	/* Parent and child: pages 0 to 3 of a segment, and page 1000; the child lacks page 1. */
	struct page_run_at parent_runs[] = { { 0x10000, 4, 0, PE_PRESENT }, { 0x10000 + 1000 * PAGE, 1, 4 * PAGE, 0 } };
	struct page_run_at child_runs[] = { { 0x10000, 1, 0, PE_PRESENT },
					    { 0x12000, 2, PAGE, PE_PRESENT },
					    { 0x10000 + 1000 * PAGE, 1, 3 * PAGE, PE_PRESENT } };
	struct pagemap pagemaps[] = { { 1, parent_runs, 2, 5 }, { 2, child_runs, 3, 4 } };
	struct page_source sources[] = { { &numbers, 5 * PAGE, 0, NULL, NULL }, { &numbers, 4 * PAGE, 1, NULL, NULL } };
	struct cow_part parts[] = { { 0x10000, 0x10000 + 2000 * PAGE, 0, false },
				    { 0x10000, 0x10000 + 2000 * PAGE, 0, false } };
	struct cow_member members[] = { { 10, &parts[0], 1, &pagemaps[0], &sources[0] },
					{ 11, &parts[1], 1, &pagemaps[1], &sources[1] } };
	struct cow_node nodes[] = { { -1, 2 }, { 0, 2 } };
	struct cow_group group = { 0x10000, 0x10000 + 2000 * PAGE, members, nodes, 2, false };
	struct cr_error error = { 0 };
	struct cr_ctx ctx = { NULL, &error };
	struct cow_result result;
	size_t n[3] = { 0 };

	contents[0] = "\1\2\3\4\5";
	contents[1] = "\1\3\7\5";
	assert_int_equal(cow_compare(&ctx, &group, 1, &result), 0);
	assert_int_equal(result.nr_compared, 8);
	for (size_t i = 0; i < result.nr; i++) {
		assert_int_not_equal(result.v[i].what, COW_DROP);
		n[result.v[i].what] += result.v[i].nr_pages;
		if (result.v[i].what == COW_PUT) {
			assert_int_equal(result.v[i].id, 11);
			assert_int_equal(result.v[i].from, 10);
			assert_int_equal(result.v[i].offset,
					 result.v[i].vaddr > 0x20000 ? 4 * PAGE : result.v[i].vaddr - 0x10000);
		}
	}
	assert_int_equal(n[COW_PUT], 3);
	assert_int_equal(n[COW_KEEP], 6);
	free(result.v);
}

/* What is unlike is given up early, and what comes behind it is found. */
static void test_probes(void **state __unused_arg)
{
	enum { NR = 256, ALIKE = 192, PIECE = 64, PROBES = 4 };
	struct page_run_at run = { 0x100000, NR, 0, PE_PRESENT };
	struct pagemap pagemaps[] = { { 1, &run, 1, NR }, { 2, &run, 1, NR } };
	char content[2][NR];
	struct page_source sources[] = { { &numbers, NR * PAGE, 0, NULL, NULL },
					 { &numbers, NR * PAGE, 1, NULL, NULL } };
	struct cow_part parts[] = { { 0x100000, 0x100000 + NR * PAGE, 0, false },
				    { 0x100000, 0x100000 + NR * PAGE, 0, false } };
	struct cow_member members[] = { { 10, &parts[0], 1, &pagemaps[0], &sources[0] },
					{ 11, &parts[1], 1, &pagemaps[1], &sources[1] } };
	struct cow_node nodes[] = { { -1, 2 }, { 0, 2 } };
	struct cow_group group = { 0x100000, 0x100000 + NR * PAGE, members, nodes, 2, false };
	struct cr_error error = { 0 };
	struct cr_ctx ctx = { NULL, &error };
	struct cow_result result;
	size_t kept = 0;

	contents[0] = content[0];
	contents[1] = content[1];
	for (int i = 0; i < NR; i++) {
		content[0][i] = i % 100;
		content[1][i] = i % 100 - (i < ALIKE ? 120 : 0);
	}
	assert_int_equal(cow_compare(&ctx, &group, 1, &result), 0);
	/* All of the first piece, a few of the next two, one of the last before all of it. */
	assert_int_equal(result.nr_compared, 2 * (PIECE + 2 * PROBES + 1 + PIECE));
	for (size_t i = 0; i < result.nr; i++)
		kept += result.v[i].what == COW_KEEP ? result.v[i].nr_pages : 0;
	assert_int_equal(kept, 2 * (NR - ALIKE));
	free(result.v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_alike),	cmocka_unit_test(test_all_unlike),
		cmocka_unit_test(test_changed_between), cmocka_unit_test(test_old_and_new),
		cmocka_unit_test(test_siblings_only),	cmocka_unit_test(test_lives),
		cmocka_unit_test(test_segments),	cmocka_unit_test(test_kinds_apart),
		cmocka_unit_test(test_read_only),	cmocka_unit_test(test_kind_of),
		cmocka_unit_test(test_compare),		cmocka_unit_test(test_probes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
