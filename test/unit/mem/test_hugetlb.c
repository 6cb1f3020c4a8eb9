/* SPDX-License-Identifier: GPL-2.0 */
/* Huge pages: sizes in flags, which pages a file has, whether there are enough. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mem/hugetlb.h"

static struct cr_error error;
static struct cr_ctx ctx = { NULL, &error };

static void test_flags(void **state __unused_arg)
{
	assert_int_equal(hugetlb_size_bits(2ul << 20), 21u << 26);
	assert_int_equal(hugetlb_size_bits(1ul << 30), 30u << 26);
	assert_true(hugetlb_flags_valid(0, MFD_HUGETLB));
	assert_true(hugetlb_flags_valid(MFD_HUGETLB, MFD_HUGETLB));
	assert_true(hugetlb_flags_valid(MFD_HUGETLB | 21u << 26, MFD_HUGETLB));
	assert_true(hugetlb_flags_valid(SHM_HUGETLB | 30u << 26, SHM_HUGETLB));
	assert_false(hugetlb_flags_valid(21u << 26, MFD_HUGETLB));
	assert_false(hugetlb_flags_valid(MFD_HUGETLB, MAP_HUGETLB));
	assert_false(hugetlb_flags_valid(MFD_HUGETLB | MFD_CLOEXEC, MFD_HUGETLB));
	assert_false(hugetlb_flags_valid(MFD_HUGETLB | 12u << 26, MFD_HUGETLB));
	assert_false(hugetlb_flags_valid(MFD_HUGETLB | 63u << 26, MFD_HUGETLB));
	assert_int_equal(hugetlb_page_size(MFD_HUGETLB | 30u << 26), 1ul << 30);
}

static int make_file(uint64_t *page_size)
{
	int fd = memfd_create("unit", MFD_CLOEXEC | MFD_HUGETLB);

	if (fd < 0)
		skip();
	*page_size = hugetlb_file_page_size(fd);
	assert_int_equal(*page_size, hugetlb_page_size(MFD_HUGETLB));
	return fd;
}

static void test_holes(void **state __unused_arg)
{
	__cleanup(page_run_list_free) struct page_run_list runs = {};
	uint64_t size;
	struct stat st;
	int fd = make_file(&size);
	char *p;

	assert_int_equal(ftruncate(fd, 3 * size), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(hugetlb_scan(&ctx, fd, &st, size, &runs), 0);
	assert_int_equal(runs.nr, 0);
	/* One page in the middle, with a single byte at its end. */
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, size);
	if (p == MAP_FAILED) {
		close(fd);
		skip();
	}
	p[size - 1] = 'x';
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(hugetlb_scan(&ctx, fd, &st, size, &runs), 0);
	assert_int_equal(runs.nr, 1);
	assert_int_equal(runs.v[0].vaddr, size);
	assert_int_equal(runs.v[0].nr_pages, size >> RUN_PAGE_SHIFT);
	/* Looking hasn't allocated anything. */
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_blocks * 512, size);
	munmap(p, size);
	close(fd);
}

static void test_not_huge(void **state __unused_arg)
{
	int fd = memfd_create("unit", MFD_CLOEXEC);

	assert_int_equal(hugetlb_file_page_size(fd), 0);
	close(fd);
}

static void test_too_few(void **state __unused_arg)
{
	uint64_t size;
	int fd = make_file(&size);
	const struct hugetlb_need some[] = { { MAP_HUGETLB, 0 } }, many[] = {
		{ MAP_HUGETLB, size },
		{ MAP_HUGETLB | hugetlb_size_bits(size), 1ull << 55 },
	};

	close(fd);
	assert_int_equal(hugetlb_check_free(&ctx, some, 1), 0);
	assert_int_equal(hugetlb_check_free(&ctx, many, 2), -ENOMEM);
	assert_non_null(strstr(error.text, "huge pages of"));
	assert_non_null(strstr(error.text, "are free"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_not_huge),
		cmocka_unit_test(test_too_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
