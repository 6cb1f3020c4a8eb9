/* SPDX-License-Identifier: GPL-2.0 */
/* pagemap images: round trip, what older writers leave out, and every kind of damage. */
#include "pages/fixture.h"

#include "mem/pagemap.h"
#include "pagemap.pb-c.h"

static void make_pages(struct fixture *f, unsigned id, uint64_t nr)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "pages-%u.img", id);
	fd = openat(f->dirfd, name, O_RDWR | O_CREAT, 0600);
	assert_int_equal(ftruncate(fd, nr * PAGE), 0);
	close(fd);
}

static void test_round_trip(void **state)
{
	struct fixture *f = *state;
	struct page_run_list runs = {};
	struct pagemap *map;

	assert_int_equal(page_run_add(&runs, 0x10000, 3, PE_PRESENT | PE_LAZY, true), 0);
	assert_int_equal(page_run_add(&runs, 0x13000, 2, PE_PRESENT | PE_LAZY, true), 0);
	assert_int_equal(runs.nr, 1);
	assert_int_equal(page_run_add(&runs, 0x15000, 1, PE_PRESENT | RUN_FORCE, true), 0);
	assert_int_equal(page_run_add(&runs, 0x16000, 1, PE_PRESENT | RUN_FORCE, false), 0);
	assert_int_equal(page_run_add(&runs, 0x7fff00000000, 1ull << 20, PE_PRESENT, true), 0);
	assert_int_equal(page_run_add(&runs, 0x800000000000, 0, PE_PRESENT, true), 0);
	assert_int_equal(runs.nr, 4);
	assert_int_equal(runs.nr_present, 7 + (1ull << 20));
	make_pages(f, 2, runs.nr_present);
	assert_int_equal(pagemap_write(&f->ctx, f->dirfd, IMG_PAGEMAP, 7, 2, &runs), 0);
	assert_int_equal(pagemap_read(&f->ctx, f->dirfd, NULL, IMG_PAGEMAP, 7, &map), 0);
	assert_int_equal(map->pages_id, 2);
	assert_int_equal(map->nr, 4);
	assert_int_equal(map->nr_pages, runs.nr_present);
	assert_int_equal(map->v[0].flags, PE_PRESENT | PE_LAZY);
	assert_int_equal(map->v[1].flags, PE_PRESENT);
	assert_int_equal(map->v[1].offset, 5 * PAGE);
	assert_int_equal(map->v[3].offset, 7 * PAGE);
	assert_int_equal(map->v[3].vaddr, 0x7fff00000000);
	assert_int_equal(pagemap_first(map, 0), 0);
	assert_int_equal(pagemap_first(map, 0x14000), 0);
	assert_int_equal(pagemap_first(map, 0x15000), 1);
	assert_int_equal(pagemap_first(map, 0x7fffffffffff), 3);
	assert_int_equal(pagemap_first(map, 0x800000000000), 4);
	pagemap_free(&map);
	assert_null(map);
	page_run_list_free(&runs);
	assert_int_equal(pagemap_read(&f->ctx, f->dirfd, NULL, IMG_SHMEM_PAGEMAP, 9, &map), -ENOENT);
	assert_int_equal(f->error.taken, 0);
}

#define NO_FLAGS ~0u
#define NO_COUNT ~0ull

struct entry {
	uint64_t vaddr, nr;
	uint32_t compat, flags;
	int in_parent; /* -1: absent */
};

static int read_entries(struct fixture *f, const struct entry *entries, size_t nr, bool with_head, struct pagemap **map)
{
	struct image *img;
	PagemapHead head = PAGEMAP_HEAD__INIT;

	fixture_forget_error(f);
	head.pages_id = 1;
	assert_int_equal(image_create(f->dirfd, IMG_PAGEMAP, &img, 7ul), 0);
	if (with_head)
		assert_int_equal(image_write(img, &head.base), 0);
	for (size_t i = 0; i < nr; i++) {
		PagemapEntry e = PAGEMAP_ENTRY__INIT;

		e.vaddr = entries[i].vaddr;
		e.compat_nr_pages = entries[i].compat;
		e.has_nr_pages = entries[i].nr != NO_COUNT;
		e.nr_pages = e.has_nr_pages ? entries[i].nr : 0;
		e.has_flags = entries[i].flags != NO_FLAGS;
		e.flags = e.has_flags ? entries[i].flags : 0;
		e.has_in_parent = entries[i].in_parent >= 0;
		e.in_parent = entries[i].in_parent > 0;
		assert_int_equal(image_write(img, &e.base), 0);
	}
	assert_int_equal(image_close(&img), 0);
	return pagemap_read(&f->ctx, f->dirfd, NULL, IMG_PAGEMAP, 7ul, map);
}

static void test_older_writers(void **state)
{
	static const struct entry v[] = { { 0x1000, NO_COUNT, 3, NO_FLAGS, -1 }, { 0x9000, NO_COUNT, 1, NO_FLAGS, 0 } };
	struct fixture *f = *state;
	struct pagemap *map;

	make_pages(f, 1, 4);
	assert_int_equal(read_entries(f, v, 2, true, &map), 0);
	assert_int_equal(map->nr_pages, 4);
	assert_int_equal(map->v[0].flags, PE_PRESENT);
	pagemap_free(&map);
	assert_int_equal(read_entries(f, v, 0, true, &map), -EINVAL);
	make_pages(f, 1, 0);
	assert_int_equal(read_entries(f, v, 0, true, &map), 0);
	assert_int_equal(map->nr, 0);
	pagemap_free(&map);
}

static void test_damage(void **state)
{
	static const struct {
		struct entry v[2];
		int result;
		const char *says;
	} cases[] = {
		{ { { 0x1001, 1, 1, 4, -1 } }, -EINVAL, "no page's address" },
		{ { { 0x1000, 0, 0, 4, -1 } }, -EINVAL, "impossible count" },
		{ { { 0x1000, NO_COUNT, 0, 4, -1 } }, -EINVAL, "impossible count" },
		{ { { 0x1000, 1ull << 52, 1, 4, -1 } }, -EINVAL, "impossible count" },
		{ { { 0x1000, UINT64_MAX - 1, 1, 4, -1 } }, -EINVAL, "impossible count" },
		{ { { 0xfffffffffffff000, 1, 1, 4, -1 } }, -EINVAL, "impossible count" },
		{ { { 0x1ffffffffffe000, 3, 1, 4, -1 } }, -EINVAL, "impossible count" },
		{ { { 0x1000, 2, 2, 4, -1 }, { 0x2000, 1, 1, 4, -1 } }, -EINVAL, "out of order" },
		{ { { 0x5000, 1, 1, 4, -1 }, { 0x2000, 1, 1, 4, -1 } }, -EINVAL, "out of order" },
		{ { { 0x1000, 1, 1, 8 | 4, -1 } }, -EINVAL, "unknown flags" },
		{ { { 0x1000, 1, 1, RUN_FORCE | 4, -1 } }, -EINVAL, "unknown flags" },
		{ { { 0x1000, 1, 1, 1, -1 } }, -EOPNOTSUPP, "incremental" },
		{ { { 0x1000, 1, 1, NO_FLAGS, 1 } }, -EOPNOTSUPP, "incremental" },
		{ { { 0x1000, 1, 1, 2, -1 } }, -EOPNOTSUPP, "in no image" },
		{ { { 0x1000, 5, 5, 4, -1 } }, -EINVAL, "pages-1.img has 16384 bytes" },
		{ { { 0x1000, 3, 3, 4, -1 } }, -EINVAL, "pages-1.img has 16384 bytes" },
	};
	struct fixture *f = *state;
	struct pagemap *map;

	make_pages(f, 1, 4);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_entries(f, cases[i].v, cases[i].v[1].vaddr ? 2 : 1, true, &map), cases[i].result);
		if (!strstr(f->error.text, cases[i].says))
			fail_msg("case %zu: \"%s\" doesn't say \"%s\"", i, f->error.text, cases[i].says);
	}
	assert_true(read_entries(f, NULL, 0, false, &map) < 0);
	unlinkat(f->dirfd, "pages-1.img", 0);
	assert_int_equal(read_entries(f, cases[14].v, 1, true, &map), -ENOENT);
	assert_non_null(strstr(f->error.text, "pages image 1"));
}

/* Cut off at every length, and each byte changed: an error or a pagemap that keeps its promises. */
static void test_mutations(void **state)
{
	static const struct entry v[] = { { 0x1000, 2, 2, 4, -1 }, { 0x9000, 1, 1, 6, -1 } };
	struct fixture *f = *state;
	struct pagemap *map;
	char whole[256];
	ssize_t len;
	int fd;

	make_pages(f, 1, 3);
	assert_int_equal(read_entries(f, v, 2, true, &map), 0);
	pagemap_free(&map);
	fd = openat(f->dirfd, "pagemap-7.img", O_RDWR);
	len = pread(fd, whole, sizeof(whole), 0);
	assert_in_range(len, 20, 200);
	for (ssize_t i = 0; i < len * 8; i++) {
		char flipped = whole[i / 8] ^ (1 << i % 8);

		assert_int_equal(pwrite(fd, whole, len, 0), len);
		assert_int_equal(pwrite(fd, &flipped, 1, i / 8), 1);
		if (i % 8 == 0)
			assert_int_equal(ftruncate(fd, i / 8), 0);
		fixture_forget_error(f);
		if (!pagemap_read(&f->ctx, f->dirfd, NULL, IMG_PAGEMAP, 7, &map)) {
			for (size_t j = 1; j < map->nr; j++)
				assert_true(map->v[j].vaddr >= map->v[j - 1].vaddr + map->v[j - 1].nr_pages * PAGE);
			assert_true(map->nr_pages <= 3);
			pagemap_free(&map);
		}
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_older_writers, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_damage, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(test_mutations, fixture_begin, fixture_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
