/* SPDX-License-Identifier: GPL-2.0 */
/* The words behind `criu fam COMMAND`, and how sizes are told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "cli/fam.h"

static void the_pool_is_a_word_or_the_option(void **state)
{
	char *both[] = { "/pool", "0123", NULL }, *id[] = { "0123", "ab", NULL }, *dir[] = { "./0123", NULL };
	char *none[] = { NULL }, *too_long[] = { "00112233445566778", NULL };
	const struct {
		char **words, *option;
		bool takes_ids;
		const char *pool;
		int ids;
	} cases[] = {
		{ both, NULL, true, "/pool", 1 },
		{ both, "/other", true, "/pool", 1 },
		{ id, "/other", true, "/other", 2 },
		{ id, NULL, true, NULL, 2 },
		{ id, "/other", false, "0123", 1 },
		{ dir, "/other", true, "./0123", 0 },
		{ none, "/other", true, "/other", 0 },
		{ none, NULL, false, NULL, 0 },
		{ too_long, NULL, true, "00112233445566778", 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cr_opts opts = { .fam_dir = cases[i].option };
		struct fam_words given;
		int ids = 0;

		fam_words_take(&opts, cases[i].words, cases[i].takes_ids, &given);
		while (given.ids[ids])
			ids++;
		if (ids != cases[i].ids || !given.pool != !cases[i].pool ||
		    (given.pool && strcmp(given.pool, cases[i].pool)))
			fail_msg("case %zu: %s and %d ids", i, given.pool, ids);
	}
}

static void ids_may_be_shortened(void **state)
{
	const struct fam_info list[] = { { .id = 0x0123456789abcdef },
					 { .id = 0x01ff000000000000 },
					 { .id = 0xff },
					 { .id = 0xaa },
					 { .id = 0xaa } };
	static const struct {
		const char *text;
		int result;
		const char *says;
	} cases[] = {
		{ "0123456789abcdef", 0, NULL },
		{ "012", 0, NULL },
		{ "01fF", 1, NULL },
		{ "00000000000000f", 2, NULL },
		{ "00", -ENOTUNIQ, "several" },
		{ "00000000000000aa", 4, NULL },
		{ "01", -ENOTUNIQ, "several" },
		{ "1", -ENOENT, "no checkpoint 1" },
		{ "", -EINVAL, "no checkpoint's id" },
		{ "01g", -EINVAL, "no checkpoint's id" },
		{ "0123456789abcdef0", -EINVAL, "no checkpoint's id" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cr_error error = { 0 };
		struct cr_ctx ctx = { .error = &error };
		int result = fam_words_find(&ctx, list, 5, cases[i].text);

		if (result != cases[i].result || (cases[i].says && !strstr(error.text, cases[i].says)))
			fail_msg("%s: %d, %s", cases[i].text, result, error.text);
	}
}

static void sizes_are_short(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 1023, "1023" },
		{ 1024, "1K" },
		{ 1536, "1.5K" },
		{ 1024 + 51, "1K" },
		{ 1024 + 1023, "1.9K" },
		{ 10 * 1024 + 1023, "10K" },
		{ 2ul << 20, "2M" },
		{ 5ul << 29, "2.5G" },
		{ 1ul << 40, "1T" },
		{ UINT64_MAX, "15E" },
	};
	char text[FAM_SIZE_TEXT];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(fam_size_text(cases[i].bytes, text), cases[i].text);
}

static void a_pool_has_to_be_given(void **state)
{
	struct cr_error error = { 0 };
	struct cr_ctx ctx = { .error = &error };
	struct cr_opts opts = { 0 };
	struct fam_words given = { 0 };
	struct fam_pool *pool = NULL;

	assert_int_equal(fam_words_open(&ctx, &opts, &given, FAM_READ, false, &pool), -EINVAL);
	assert_non_null(strstr(error.text, "No pool was given"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pool_is_a_word_or_the_option),
		cmocka_unit_test(ids_may_be_shortened),
		cmocka_unit_test(sizes_are_short),
		cmocka_unit_test(a_pool_has_to_be_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
