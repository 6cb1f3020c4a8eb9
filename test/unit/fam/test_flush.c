/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "fam/arch.h"
#include "fam/flush.h"

#define SIZE (1ul << 20)

struct fixture {
	struct cr_ctx ctx;
	struct cr_error error;
	char *map;
};

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->ctx.error = &f->error;
	f->map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsetenv(FAM_FLUSH_ENV);
	unsetenv("PMEM_IS_PMEM_FORCE");
	*state = f;
	return f->map == MAP_FAILED ? -1 : 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	munmap(f->map, SIZE);
	free(f);
	return unsetenv(FAM_FLUSH_ENV);
}

static void page_cache_is_synced(void **state)
{
	struct fixture *f = *state;
	struct fam_flush flush;

	assert_int_equal(fam_flush_choose(&f->ctx, f->map, SIZE, 0, &flush), 0);
	assert_string_equal(flush.name, "msync");
	assert_int_equal(fam_persist(&flush, f->map + 100, 5000), 0);
	/* What isn't mapped can't be synced: it is really tried. */
	assert_int_equal(munmap(f->map + SIZE / 2, SIZE / 2), 0);
	assert_true(fam_flush(&flush, f->map + SIZE / 2, 1) < 0);
}

static void direct_memory_is_flushed_by_lines(void **state)
{
	struct fixture *f = *state;
	struct fam_flush flush;

	assert_int_equal(fam_flush_choose(&f->ctx, f->map, SIZE, FAM_FLUSH_DIRECT | FAM_FLUSH_SHARED, &flush), 0);
	assert_int_equal(flush.by, FLUSH_BY_LINES);
	assert_true(flush.way->there());
	assert_string_equal(flush.name, flush.way->name);
}

static void every_way_can_be_forced(void **state)
{
	static const char *const names[] = { "eadr", "clwb", "clflushopt", "clflush", "msync", "none" };
	struct fixture *f = *state;
	struct fam_flush flush;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int r;

		setenv(FAM_FLUSH_ENV, names[i], 1);
		r = fam_flush_choose(&f->ctx, f->map, SIZE, FAM_FLUSH_DIRECT, &flush);
		if (r == -EOPNOTSUPP) {
			assert_non_null(strstr(f->error.text, names[i]));
			memset(&f->error, 0, sizeof(f->error));
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(flush.name, names[i]);
		memset(f->map, i + 1, SIZE);
		assert_int_equal(fam_persist(&flush, f->map + 1, SIZE - 2), 0);
		assert_int_equal(fam_flush_zero(&flush, f->map + 63, 600000), 0);
		fam_fence(&flush);
		assert_int_equal(f->map[62], i + 1);
		assert_int_equal(f->map[63], 0);
		assert_int_equal(f->map[600062], 0);
		assert_int_equal(f->map[600063], i + 1);
		/* Our own stores survive it. */
		fam_invalidate(f->map + 1, SIZE - 2);
		assert_int_equal(f->map[SIZE - 1], i + 1);
	}
}

static void unknown_way(void **state)
{
	struct fixture *f = *state;
	struct fam_flush flush;

	setenv(FAM_FLUSH_ENV, "clwbx", 1);
	assert_int_equal(fam_flush_choose(&f->ctx, f->map, SIZE, 0, &flush), -EINVAL);
	assert_non_null(strstr(f->error.text, "clwbx"));
	setenv(FAM_FLUSH_ENV, "auto", 1);
	assert_int_equal(fam_flush_choose(&f->ctx, f->map, SIZE, 0, &flush), 0);
	assert_string_equal(flush.name, "msync");
}

struct seen {
	const void *addr[8];
	size_t len[8];
	unsigned nr_flushes, nr_fences;
};

static void see_flush(void *arg, const void *addr, size_t len)
{
	struct seen *seen = arg;

	seen->addr[seen->nr_flushes % 8] = addr;
	seen->len[seen->nr_flushes++ % 8] = len;
}

static void see_fence(void *arg)
{
	((struct seen *)arg)->nr_fences++;
}

static void observer_sees_all(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };
	struct fam_flush_observer observer = { see_flush, see_fence, &seen };
	struct fam_flush flush;

	assert_int_equal(fam_flush_choose(&f->ctx, f->map, SIZE, FAM_FLUSH_DIRECT, &flush), 0);
	flush.observer = &observer;
	assert_int_equal(fam_flush(&flush, f->map + 5, 100), 0);
	assert_int_equal(fam_flush(&flush, f->map, 0), 0);
	assert_int_equal(fam_flush_zero(&flush, f->map + 4096, 4096), 0);
	fam_fence(&flush);
	assert_int_equal(seen.nr_flushes, 2);
	assert_ptr_equal(seen.addr[0], f->map + 5);
	assert_int_equal(seen.len[0], 100);
	assert_ptr_equal(seen.addr[1], f->map + 4096);
	assert_int_equal(seen.len[1], 4096);
	assert_int_equal(seen.nr_fences, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(page_cache_is_synced, begin, end),
		cmocka_unit_test_setup_teardown(direct_memory_is_flushed_by_lines, begin, end),
		cmocka_unit_test_setup_teardown(every_way_can_be_forced, begin, end),
		cmocka_unit_test_setup_teardown(unknown_way, begin, end),
		cmocka_unit_test_setup_teardown(observer_sees_all, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
