/* SPDX-License-Identifier: GPL-2.0 */
/* The vDSO: this kernel's own is read, damaged ones are refused, and a proxy's functions answer as the live ones do. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/cleanup.h"
#include "mem/vdso.h"

static struct vdso_live live;

static const struct vdso_symbol *find(const struct vdso_symbols *in, const char *name)
{
	for (size_t i = 0; i < in->nr; i++)
		if (!strcmp(in->v[i].name, name))
			return &in->v[i];
	return NULL;
}

static void test_live(void **state __unused_arg)
{
	assert_true(live.nr_ranges >= 1);
	assert_non_null(find(&live.symbols, "__vdso_clock_gettime"));
	assert_true(vdso_same(&live.symbols, &live.symbols));
}

static void test_same(void **state __unused_arg)
{
	struct vdso_symbols other = live.symbols;

	other.v[0].offset += 16;
	assert_false(vdso_same(&live.symbols, &other));
	other = live.symbols;
	other.nr--;
	assert_false(vdso_same(&live.symbols, &other));
}

/* In memory that ends where the object does, so that a read behind it would be noticed. */
static void test_truncated(void **state __unused_arg)
{
	struct vdso_symbols symbols;

	for (size_t len = 0; len < live.vdso.len; len += len < 4096 ? 1 : 64) {
		void *copy = malloc(len ?: 1);

		memcpy(copy, (const void *)live.vdso.start, len);
		vdso_parse(copy, len, &symbols);
		free(copy);
	}
	assert_int_equal(vdso_parse("", 0, &symbols), -EBADMSG);
	assert_int_equal(vdso_parse((const void *)live.vdso.start, 64, &symbols), -EBADMSG);
}

static void test_damaged(void **state __unused_arg)
{
	_cleanup_free_ unsigned char *copy = malloc(live.vdso.len);
	struct vdso_symbols symbols;

	srand(1);
	for (int i = 0; i < 20000; i++) {
		memcpy(copy, (const void *)live.vdso.start, live.vdso.len);
		for (int k = 0; k < 4; k++)
			copy[rand() % (i % 2 ? 4096 : 1024)] = rand();
		vdso_parse(copy, live.vdso.len, &symbols);
	}
}

static void *copy_executable(void)
{
	void *code = mmap(NULL, live.vdso.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(code, MAP_FAILED);
	memcpy(code, (const void *)live.vdso.start, live.vdso.len);
	return code;
}

static void check_clock(const char *code)
{
	int (*get)(clockid_t, struct timespec *) = (void *)(code + find(&live.symbols, "__vdso_clock_gettime")->offset);
	struct timespec before, now, after;

	assert_int_equal(mprotect((void *)code, live.vdso.len, PROT_READ | PROT_EXEC), 0);
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(get(CLOCK_MONOTONIC, &now), 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(now.tv_sec > before.tv_sec || (now.tv_sec == before.tv_sec && now.tv_nsec >= before.tv_nsec));
	assert_true(now.tv_sec < after.tv_sec || (now.tv_sec == after.tv_sec && now.tv_nsec <= after.tv_nsec));
	assert_int_equal(get(-1, &now), -EINVAL);
}

/* The copy stands where no data pages are beside it: only its jumps can make it work. */
static void test_proxy(void **state __unused_arg)
{
	const char *name = NULL;
	void *code = copy_executable();

	assert_int_equal(vdso_make_proxy(code, live.vdso.len, &live.symbols, live.vdso.start, &live.symbols, &name), 0);
	check_clock(code);
	munmap(code, live.vdso.len);
}

static void test_plain_calls(void **state __unused_arg)
{
	const struct vdso_symbols none = { .nr = 0 };
	struct vdso_symbols known = { .nr = 0 };
	const char *name = NULL;
	void *code = copy_executable();

	known.v[known.nr++] = *find(&live.symbols, "__vdso_clock_gettime");
	assert_int_equal(vdso_make_proxy(code, live.vdso.len, &known, 0, &none, &name), 0);
	check_clock(code);
	assert_int_equal(mprotect(code, live.vdso.len, PROT_READ | PROT_WRITE), 0);
	strcpy(known.v[0].name, "__vdso_of_tomorrow");
	assert_int_equal(vdso_make_proxy(code, live.vdso.len, &known, 0, &none, &name), -ENOTSUP);
	assert_string_equal(name, "__vdso_of_tomorrow");
	munmap(code, live.vdso.len);
}

static int setup(void **state __unused_arg)
{
	struct cr_error error = { 0 };
	struct cr_ctx ctx = { NULL, &error };

	return vdso_find_live(&ctx, &live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live),	cmocka_unit_test(test_same),  cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_damaged), cmocka_unit_test(test_proxy), cmocka_unit_test(test_plain_calls),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
