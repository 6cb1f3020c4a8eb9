/* SPDX-License-Identifier: GPL-2.0 */
/* The stored pages of a checkpoint, in order; and what is found wrong with them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fam/crc32c.h"
#include "fam_tools/content.h"

#define PAGE  RUN_PAGE_SIZE
#define PAGES 512
#define ADDR  0x7f0000000000ull

/* Page N of the content is full of N + 1. Two extents: [ADDR, 4 pages) at 8, and [ADDR + 4 pages, 4 pages) at 0. */
struct fixture {
	struct fam_checkpoint cp;
	struct fam_extent extents[2];
	struct fam_layout layout;
	struct page_run_at runs[2];
	struct pagemap map;
	char seen[64]; /* the first byte of each page that came */
	size_t nr_seen;
	char told[512];
	uint64_t room; /* if it isn't what the checkpoint has */
	int stop_at_data, stop_at_problem;
};

static int see(void *arg, const void *data, size_t len)
{
	struct fixture *f = arg;

	for (size_t i = 0; i < len; i += PAGE)
		f->seen[f->nr_seen++] = ((const char *)data)[i];
	return f->stop_at_data;
}

static int hear(void *arg, int code, const char *text)
{
	struct fixture *f = arg;

	strcat(strcat(f->told, text), "\n");
	return f->stop_at_problem;
}

static uint32_t crc_of(const char *base, size_t first, size_t nr)
{
	return fam_crc32c(0, base + first * PAGE, nr * PAGE);
}

static struct fixture *make(bool file)
{
	static struct fixture f;
	int fd = memfd_create("content", MFD_CLOEXEC);
	char *base;

	memset(&f, 0, sizeof(f));
	assert_int_equal(ftruncate(fd, PAGES * PAGE), 0);
	base = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(base != MAP_FAILED);
	for (size_t i = 0; i < 16; i++)
		memset(base + i * PAGE, i + 1, PAGE);
	f.cp = (struct fam_checkpoint){ .base = base, .size = PAGES * PAGE, .fd = fd };
	if (!file) {
		close(fd);
		f.cp.fd = -1;
	}
	f.extents[0] = (struct fam_extent){ 3, ADDR, 4 * PAGE, 8 * PAGE, crc_of(base, 9, 3), true };
	f.extents[1] = (struct fam_extent){ 3, ADDR + 4 * PAGE, 4 * PAGE, 0, crc_of(base, 0, 2), true };
	f.layout = (struct fam_layout){ .v = f.extents, .nr = 2, .size = f.cp.size };
	/* Five pages across both extents; the first page of the first one isn't stored. */
	f.runs[0] = (struct page_run_at){ ADDR + PAGE, 5, 0, PE_PRESENT };
	f.map = (struct pagemap){ .pages_id = 3, .v = f.runs, .nr = 1, .nr_pages = 5 };
	return &f;
}

static void end(struct fixture *f)
{
	munmap(f->cp.base, PAGES * PAGE);
	close_fdp(&f->cp.fd);
}

static int walk(struct fixture *f)
{
	struct content_walk args = { &f->cp, &f->layout, f->room ?: content_room(&f->cp), see, hear, f };

	return content_walk(&args, &f->map);
}

static void pages_come_in_order(void **state)
{
	for (int file = 0; file <= 1; file++) {
		struct fixture *f = make(file);

		assert_int_equal(walk(f), 0);
		assert_string_equal(f->told, "");
		assert_int_equal(f->nr_seen, 5);
		assert_memory_equal(f->seen, "\x0a\x0b\x0c\x01\x02", 5);
		end(f);
	}
}

static void a_flipped_bit_is_found(void **state)
{
	struct fixture *f = make(true);

	f->cp.base[9 * PAGE + 17] ^= 1;
	assert_int_equal(walk(f), 0);
	assert_string_equal(f->told, "pages 3: the checksum doesn't match what is stored in the extent at "
				     "0x7f0000000000\n");
	f->told[0] = '\0';
	f->extents[0].has_crc = false;
	assert_int_equal(walk(f), 0);
	assert_string_equal(f->told, "");
	end(f);
}

static void what_is_missing_is_named(void **state)
{
	struct fixture *f = make(true);

	f->runs[0].nr_pages = 8;
	assert_int_equal(walk(f), 0);
	assert_non_null(strstr(f->told, "pages 3: no extent has the pages at 0x7f0000008000"));
	f->told[0] = '\0';
	f->map.pages_id = 4;
	assert_int_equal(walk(f), 0);
	assert_non_null(strstr(f->told, "pages 4: no extent has the pages at 0x7f0000001000"));
	end(f);
	f = make(true);
	f->extents[0].offset = (PAGES - 2) * PAGE;
	assert_int_equal(walk(f), 0);
	assert_non_null(strstr(f->told, "behind the checkpoint's content"));
	end(f);
}

static void holes_are_no_pages(void **state)
{
	struct fixture *f = make(true);

	assert_true(content_room(&f->cp) == PAGES * PAGE);
	f->cp.is_tmpfs = true;
	assert_true(content_room(&f->cp) == 16 * PAGE);
	f->room = 4 * PAGE;
	assert_int_equal(walk(f), 0);
	assert_non_null(strstr(f->told, "more pages than the checkpoint has at 0x7f0000004000"));
	assert_int_equal(f->nr_seen, 3);
	end(f);
}

static void what_cannot_be_read_is_an_error(void **state)
{
	for (int file = 0; file <= 1; file++) {
		struct fixture *f = make(file);
		int fd = memfd_create("short", MFD_CLOEXEC);

		/* The medium ends within the first extent, after its head was believed. */
		if (file) {
			dup2(fd, f->cp.fd);
		} else {
			munmap(f->cp.base, PAGES * PAGE);
			f->cp.base = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_SHARED, fd, 0);
		}
		f->stop_at_problem = -EIO;
		assert_int_equal(walk(f), -EIO);
		assert_int_equal(f->nr_seen, 0);
		assert_non_null(strstr(f->told, "can't read what is stored at 0x7f0000001000"));
		close(fd);
		end(f);
	}
}

static void who_listens_may_end_it(void **state)
{
	struct fixture *f = make(true);

	f->stop_at_data = -ENOSPC;
	assert_int_equal(walk(f), -ENOSPC);
	assert_int_equal(f->nr_seen, 3);
	end(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_come_in_order),	    cmocka_unit_test(a_flipped_bit_is_found),
		cmocka_unit_test(what_is_missing_is_named), cmocka_unit_test(what_cannot_be_read_is_an_error),
		cmocka_unit_test(holes_are_no_pages),	    cmocka_unit_test(who_listens_may_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
