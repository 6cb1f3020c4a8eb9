/* SPDX-License-Identifier: GPL-2.0 */
/* mm-extra.img: written, read again, and what of it is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mem/extra.h"

#define NR 3

static struct cr_error error;
static struct cr_ctx ctx = { NULL, &error };

static int take(void *arg, MmExtraEntry *e)
{
	MmExtraEntry **ret = arg;

	assert_null(*ret);
	*ret = e;
	return 0;
}

static void test_roundtrip(void **state)
{
	struct vma v[NR] = {
		{ .start = 0x1000, .end = 0x2000, .extra = MM_EXTRA_SEALED },
		{ .start = 0x2000, .end = 0x3000 },
		{ .start = 0x4000, .end = 0x6000, .extra = MM_EXTRA_ONFAULT | MM_EXTRA_DROPPABLE },
	};
	struct vma_list list = { .v = v, .nr = NR };
	char path[] = "/tmp/test_extra.XXXXXX";
	struct mm_extra_dump dump = { 0 };
	MmExtraEntry *e = NULL;
	int dir;

	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mm_extra_add(&ctx, &dump, dir, 7, &list, MCL_FUTURE), 0);
	assert_int_equal(mm_extra_end(&ctx, &dump, dir), 0);
	assert_int_equal(mm_extra_read(&ctx, dir, take, &e), 0);
	assert_non_null(e);
	assert_int_equal(e->pid, 7);
	assert_int_equal(e->locks, MCL_FUTURE);
	assert_int_equal(e->n_areas, 2);
	assert_int_equal(e->areas[1]->start, 0x4000);
	assert_int_equal(e->areas[1]->flags, MM_EXTRA_ONFAULT | MM_EXTRA_DROPPABLE);
	mm_extra_entry__free_unpacked(e, NULL);
	/* A dump that has nothing to say leaves no file of another. */
	list.nr = 0;
	assert_int_equal(mm_extra_add(&ctx, &dump, dir, 7, &list, 0), 0);
	assert_int_equal(mm_extra_end(&ctx, &dump, dir), 0);
	assert_int_equal(faccessat(dir, "mm-extra.img", F_OK, 0), -1);
	e = NULL;
	assert_int_equal(mm_extra_read(&ctx, dir, take, &e), 0);
	assert_null(e);
	close(dir);
	assert_int_equal(rmdir(path), 0);
}

static void test_validate(void **state)
{
	VmaEntry areas[2] = { VMA_ENTRY__INIT, VMA_ENTRY__INIT }, *vmas[2] = { &areas[0], &areas[1] };
	AreaExtra extra = AREA_EXTRA__INIT, *extras[2] = { &extra, &extra };
	MmExtraEntry e = MM_EXTRA_ENTRY__INIT;
	MmEntry mm = MM_ENTRY__INIT;

	for (unsigned i = 0; i < 2; i++) {
		areas[i].start = 0x1000 + 0x1000 * i;
		areas[i].end = areas[i].start + 0x1000;
		areas[i].status = VMA_AREA_REGULAR | VMA_ANON_PRIVATE;
	}
	mm.vmas = vmas;
	mm.n_vmas = 2;
	e.areas = extras;
	e.n_areas = 1;
	extra.start = 0x2000;
	extra.end = 0x3000;
	extra.flags = MM_EXTRA_SEALED;
	assert_int_equal(mm_extra_validate(&ctx, &e, &mm), 0);
	e.n_areas = 2; /* one twice */
	assert_int_equal(mm_extra_validate(&ctx, &e, &mm), -EBADMSG);
	e.n_areas = 1;
	extra.start = 0x1000; /* two in one */
	assert_int_equal(mm_extra_validate(&ctx, &e, &mm), -EBADMSG);
	extra.start = 0x2000;
	extra.flags = MM_EXTRA_ONFAULT; /* not locked */
	assert_int_equal(mm_extra_validate(&ctx, &e, &mm), -EBADMSG);
	areas[1].flags = MAP_LOCKED;
	assert_int_equal(mm_extra_validate(&ctx, &e, &mm), 0);
	extra.flags = MM_EXTRA_KNOWN + 1;
	assert_int_equal(mm_extra_validate(&ctx, &e, &mm), -EBADMSG);
	extra.flags = MM_EXTRA_DROPPABLE;
	areas[1].status = VMA_AREA_REGULAR | VMA_FILE_SHARED;
	assert_int_equal(mm_extra_validate(&ctx, &e, &mm), -EBADMSG);
	extra.flags = MM_EXTRA_SEALED;
	areas[1].status = VMA_AREA_REGULAR | VMA_ANON_PRIVATE | VMA_AREA_VDSO;
	assert_int_equal(mm_extra_validate(&ctx, &e, &mm), -EBADMSG);
	e.n_areas = 0;
	e.has_locks = true;
	e.locks = MCL_CURRENT;
	assert_int_equal(mm_extra_validate(&ctx, &e, &mm), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roundtrip),
		cmocka_unit_test(test_validate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
