/* SPDX-License-Identifier: GPL-2.0 */
/* Which checkpoints `criu fam gc` frees. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fam_tools/gc.h"

#define NOW   1000000
#define GRACE 3600

static void orphans_go_when_they_are_old(void **state)
{
	static const struct {
		struct fam_info info;
		bool orphans;
		enum gc_verdict verdict;
	} cases[] = {
		{ { .state = FAM_COMMITTED }, true, GC_STAYS },
		{ { .state = FAM_INCOMPLETE, .created = NOW }, false, GC_INCOMPLETE },
		{ { .state = FAM_ORPHAN }, false, GC_STAYS },
		{ { .state = FAM_ORPHAN }, true, GC_NEW_ORPHAN },
		{ { .state = FAM_ORPHAN, .flags = FAM_KEEP, .orphan_since = 1 }, true, GC_KEPT },
		{ { .state = FAM_ORPHAN, .orphan_since = NOW - GRACE }, true, GC_ORPHAN },
		{ { .state = FAM_ORPHAN, .orphan_since = NOW - GRACE + 1 }, true, GC_WAITS },
		{ { .state = FAM_ORPHAN, .orphan_since = NOW + 1 }, true, GC_NEW_ORPHAN },
		{ { .state = FAM_ORPHAN, .orphan_since = UINT64_MAX }, true, GC_NEW_ORPHAN },
		{ { .state = FAM_COMMITTED, .orphan_since = 1 }, true, GC_STAYS },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (gc_judge(&cases[i].info, cases[i].orphans, GRACE, NOW) != cases[i].verdict)
			fail_msg("case %zu", i);
	assert_int_equal(gc_judge(&(struct fam_info){ .state = FAM_ORPHAN }, true, 0, NOW), GC_ORPHAN);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(orphans_go_when_they_are_old) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
