/* SPDX-License-Identifier: GPL-2.0 */
/* Areas and pages are lowered to what the restorer maps and reads, and to what comes from outside. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "pie/aio_ring.h"
#include "restore/mem_plan.h"

#define PAGE 4096ul
#define MAX  8

/* A small address space that is written down in a test. */
struct space {
	VmaEntry areas[MAX];
	VmaEntry *vmas[MAX];
	MmEntry mm;
	struct page_run_at runs[MAX];
	struct pagemap pages;
	struct cr_error error;
	struct mem_plan plan;
};

static void begin(struct space *s)
{
	*s = (struct space){ .mm = MM_ENTRY__INIT };
	s->mm.vmas = s->vmas;
	s->pages.v = s->runs;
}

static VmaEntry *area(struct space *s, uint64_t start, uint64_t end, uint32_t prot, uint32_t status)
{
	VmaEntry *v = &s->areas[s->mm.n_vmas];

	*v = (VmaEntry)VMA_ENTRY__INIT;
	v->start = start;
	v->end = end;
	v->prot = prot;
	v->status = VMA_AREA_REGULAR | status;
	v->flags = status & (VMA_FILE_SHARED | VMA_ANON_SHARED) ? MAP_SHARED : MAP_PRIVATE;
	s->vmas[s->mm.n_vmas++] = v;
	return v;
}

static void run(struct space *s, uint64_t vaddr, uint64_t nr)
{
	s->runs[s->pages.nr++] = (struct page_run_at){ vaddr, nr, s->pages.nr_pages * PAGE, PE_PRESENT };
	s->pages.nr_pages += nr;
}

static int plan(struct space *s, enum fill_way way)
{
	struct cr_ctx ctx = { NULL, &s->error };

	return mem_plan_areas(&ctx, 7, &s->mm, &s->pages, way, HUGE_ADVISED, &s->plan);
}

static void test_reads(void **state __unused_arg)
{
	struct space s;

	begin(&s);
	area(&s, 0x10000, 0x20000, PROT_READ | PROT_WRITE, VMA_ANON_PRIVATE);
	area(&s, 0x20000, 0x30000, PROT_READ, VMA_ANON_PRIVATE);
	run(&s, 0x11000, 2);
	run(&s, 0x1f000, 3); /* into the second area */
	assert_int_equal(plan(&s, FILL_PREAD), 0);
	assert_int_equal(s.plan.nr_areas, 2);
	assert_false(s.plan.areas[0].how & PLAN_AREA_WRITABLE);
	assert_true(s.plan.areas[1].how & PLAN_AREA_WRITABLE);
	assert_true(s.plan.areas[0].flags & MAP_ANONYMOUS);
	/* They stand one behind the other in the file: one call. */
	assert_int_equal(s.plan.nr_reads, 1);
	assert_int_equal(s.plan.reads[0].nr_iovs, 3);
	assert_int_equal(s.plan.iovs[1].addr, 0x1f000);
	assert_int_equal(s.plan.iovs[1].len, PAGE);
	assert_int_equal(s.plan.iovs[2].addr, 0x20000);
	assert_int_equal(s.plan.iovs[2].len, 2 * PAGE);
	assert_int_equal(s.plan.nr_pages, 5);
	assert_int_equal(s.plan.nr_fill_runs, 0);
	mem_plan_free(&s.plan);
}

static void test_outside(void **state __unused_arg)
{
	struct space s;

	begin(&s);
	area(&s, 0x10000, 0x20000, PROT_READ | PROT_WRITE, VMA_ANON_PRIVATE);
	area(&s, 0x20000, 0x30000, PROT_READ, VMA_FILE_PRIVATE)->shmid = 5;
	area(&s, 0x40000, 0x50000, PROT_NONE, VMA_ANON_PRIVATE);
	run(&s, 0x1e000, 4);
	run(&s, 0x41000, 1);
	assert_int_equal(plan(&s, FILL_OUTSIDE), 0);
	assert_int_equal(s.plan.nr_fill_runs, 2);
	assert_int_equal(s.plan.fill_runs[0].nr_pages, 2);
	assert_int_equal(s.plan.fill_runs[1].vaddr, 0x41000);
	assert_int_equal(s.plan.fill_runs[1].offset, 4 * PAGE);
	assert_true(s.plan.areas[0].how & PLAN_AREA_UFFD);
	assert_int_equal(s.plan.nr_reads, 1);
	assert_int_equal(s.plan.reads[0].offset, 2 * PAGE);
	assert_int_equal(s.plan.iovs[0].addr, 0x20000);
	assert_int_equal(s.plan.files[1].kind, AREA_FILE);
	assert_int_equal(s.plan.files[1].id, 5);
	assert_false(s.plan.areas[1].flags & MAP_ANONYMOUS);
	mem_plan_free(&s.plan);
}

/* The vDSO's pages are no pages of the task's. */
static void test_special(void **state __unused_arg)
{
	struct space s;

	begin(&s);
	area(&s, 0x10000, 0x11000, PROT_READ, VMA_ANON_PRIVATE | VMA_AREA_VVAR);
	area(&s, 0x11000, 0x13000, PROT_READ | PROT_EXEC, VMA_ANON_PRIVATE | VMA_AREA_VDSO);
	area(&s, 0x20000, 0x30000, PROT_READ, VMA_ANON_PRIVATE);
	area(&s, 0x21000, 0x22000, PROT_READ, VMA_ANON_PRIVATE | VMA_AREA_GUARD);
	run(&s, 0x11000, 2);
	run(&s, 0x2f000, 1);
	assert_int_equal(plan(&s, FILL_PREAD), 0);
	assert_int_equal(s.plan.nr_areas, 2);
	assert_int_equal(s.plan.areas[0].how, PLAN_AREA_WRITABLE | PLAN_AREA_GUARDED);
	assert_int_equal(s.plan.areas[1].how, PLAN_AREA_GUARD);
	assert_int_equal(s.plan.nr_iovs, 1);
	mem_plan_free(&s.plan);
}

/* Whole huge pages of advised memory are populated first; what is left of a run at both ends is small. */
static void test_huge(void **state __unused_arg)
{
	const uint64_t huge = 2ull << 20;
	struct space s;

	for (unsigned way = 0; way < 2; way++) {
		begin(&s);
		area(&s, huge - 2 * PAGE, 4 * huge, PROT_READ, VMA_ANON_PRIVATE)->madv = 1ull << MADV_HUGEPAGE;
		area(&s, 4 * huge, 5 * huge, PROT_READ | PROT_WRITE, VMA_ANON_PRIVATE)->madv = 1ull << MADV_NOHUGEPAGE;
		area(&s, 5 * huge, 6 * huge, PROT_READ | PROT_WRITE, VMA_ANON_PRIVATE);
		run(&s, huge - PAGE, 1 + 2 * 512 + 3);
		run(&s, 4 * huge, 2 * 512);
		assert_int_equal(plan(&s, way ? FILL_OUTSIDE : FILL_PREAD), 0);
		assert_int_equal(s.plan.nr_huge, 1);
		assert_int_equal(s.plan.huge[0].addr, huge);
		assert_int_equal(s.plan.huge[0].len, 2 * huge);
		assert_true(s.plan.areas[0].how & PLAN_AREA_WRITABLE);
		assert_int_equal(!!(s.plan.areas[0].how & PLAN_AREA_SMALL), !way);
		assert_int_equal(s.plan.areas[1].how & PLAN_AREA_SMALL, 0);
		if (way) {
			assert_int_equal(s.plan.nr_fill_runs, 5);
			assert_int_equal(s.plan.fill_runs[0].flags, PE_PRESENT);
			assert_int_equal(s.plan.fill_runs[1].flags, PE_PRESENT | RUN_POPULATED);
			assert_int_equal(s.plan.fill_runs[1].offset, PAGE);
			assert_int_equal(s.plan.fill_runs[2].vaddr, 3 * huge);
			assert_int_equal(s.plan.fill_runs[2].nr_pages, 3);
			assert_int_equal(s.plan.fill_runs[3].flags, PE_PRESENT);
		}
		mem_plan_free(&s.plan);
	}
}

static int plan_and_free(struct space *s)
{
	int err = plan(s, FILL_PREAD);

	mem_plan_free(&s->plan);
	return err;
}

static void test_refused(void **state __unused_arg)
{
	struct space s;

	begin(&s); /* behind all areas */
	area(&s, 0x10000, 0x20000, PROT_READ, VMA_ANON_PRIVATE);
	run(&s, 0x20000, 1);
	assert_int_equal(plan_and_free(&s), -EINVAL);
	begin(&s); /* between areas */
	area(&s, 0x10000, 0x20000, PROT_READ, VMA_ANON_PRIVATE);
	area(&s, 0x30000, 0x40000, PROT_READ, VMA_ANON_PRIVATE);
	run(&s, 0x1f000, 18);
	assert_int_equal(plan_and_free(&s), -EINVAL);
	begin(&s); /* in a shared one */
	area(&s, 0x10000, 0x20000, PROT_READ, VMA_FILE_SHARED);
	run(&s, 0x10000, 1);
	assert_int_equal(plan_and_free(&s), -EINVAL);
	begin(&s); /* a guard region where no area is, in part */
	area(&s, 0x10000, 0x20000, PROT_READ, VMA_ANON_PRIVATE);
	area(&s, 0x1f000, 0x21000, 0, VMA_AREA_GUARD);
	assert_int_equal(plan_and_free(&s), -EBADMSG);
	begin(&s); /* advice that would throw the content away */
	area(&s, 0x10000, 0x20000, PROT_READ, VMA_FILE_SHARED)->madv = 1ull << MADV_REMOVE;
	assert_int_equal(plan_and_free(&s), -EOPNOTSUPP);
}

/* A ring's first bytes, wherever they are read. */
static int read_ring(const struct page_source *src, uint64_t offset, void *buf, size_t len)
{
	assert_int_equal(len, sizeof(struct aio_ring_head));
	memcpy(buf, src->base + offset, len);
	return 0;
}

/* Where the events start and end decides what the restorer does; nothing of it is trusted. */
static void test_rings(void **state __unused_arg)
{
	struct aio_ring_head ring = { 3, 127, 120, 4, AIO_RING_MAGIC, 1, 0, sizeof(ring) };
	const struct page_source_ops ops = { .read = read_ring };
	const struct page_source src = { .ops = &ops, .base = (const char *)&ring };
	AioRingEntry aio = AIO_RING_ENTRY__INIT, *aios[1] = { &aio };
	struct cr_error error;
	struct cr_ctx ctx = { NULL, &error };
	struct space s;

	for (unsigned i = 0; i < 5; i++) {
		struct aio_ring_head whole = ring;

		begin(&s);
		*area(&s, 0x10000, 0x11000, PROT_READ | PROT_WRITE, VMA_ANON_SHARED) =
			(VmaEntry){ .base = PROTOBUF_C_MESSAGE_INIT(&vma_entry__descriptor),
				    .start = 0x10000,
				    .end = 0x11000,
				    .status = VMA_AREA_AIORING,
				    .flags = MAP_SHARED,
				    .prot = PROT_READ | PROT_WRITE };
		area(&s, 0x20000, 0x21000, PROT_READ, VMA_ANON_PRIVATE);
		if (i != 4)
			run(&s, 0x10000, 1);
		s.mm.n_aios = 1;
		s.mm.aios = aios;
		aio.nr_req = 62;
		ring.nr += i == 1;
		ring.head += i == 2 ? 7 : 0;
		ring.tail += i == 3 ? 1000 : 0;
		assert_int_equal(plan(&s, FILL_OUTSIDE), 0);
		assert_int_equal(mem_plan_rings(&ctx, 7, &s.mm, &s.pages, &src, &s.plan), i ? -EBADMSG : 0);
		if (!i) {
			assert_int_equal(s.plan.nr_rings, 1);
			assert_int_equal(s.plan.rings[0].head, 120);
			assert_int_equal(s.plan.rings[0].nr_unread, 11);
			assert_int_equal(s.plan.areas[0].prot, PROT_NONE);
			assert_int_equal(s.plan.nr_iovs, 1);
		}
		mem_plan_free(&s.plan);
		ring = whole;
	}
}

static void test_many_parts(void **state __unused_arg)
{
	_cleanup_free_ struct page_run_at *runs = calloc(2500, sizeof(*runs));
	struct space s;

	begin(&s);
	area(&s, 0x1000000, 0x4000000, PROT_READ | PROT_WRITE, VMA_ANON_PRIVATE);
	for (size_t i = 0; i < 2500; i++)
		runs[i] = (struct page_run_at){ 0x1000000 + 2 * i * PAGE, 1, i * PAGE, PE_PRESENT };
	s.pages.v = runs;
	s.pages.nr = 2500;
	assert_int_equal(plan(&s, FILL_PREAD), 0);
	assert_int_equal(s.plan.nr_reads, 3);
	assert_int_equal(s.plan.reads[0].nr_iovs, PLAN_IOV_MAX);
	assert_int_equal(s.plan.reads[2].first_iov, 2 * PLAN_IOV_MAX);
	assert_int_equal(s.plan.reads[2].offset, 2 * PLAN_IOV_MAX * PAGE);
	mem_plan_free(&s.plan);
}

static void test_gap(void **state __unused_arg)
{
	struct space s;
	uint64_t at = 0x10000;

	begin(&s);
	area(&s, 0x10000, 0x20000, PROT_READ, VMA_ANON_PRIVATE);
	area(&s, 0x21000, 0x30000, PROT_READ, VMA_ANON_PRIVATE);
	s.plan.moves[s.plan.nr_moves++] = (struct plan_move){ .to = 0x31000, .len = 0x1000 };
	assert_int_equal(mem_plan_gap(&s.mm, &s.plan, 0x100000, 0x1000, &at), 0);
	assert_int_equal(at, 0x20000);
	at = 0x10000;
	assert_int_equal(mem_plan_gap(&s.mm, &s.plan, 0x100000, 0x2000, &at), 0);
	assert_int_equal(at, 0x32000);
	assert_int_equal(mem_plan_gap(&s.mm, &s.plan, 0x33000, 0x2000, &at), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),	   cmocka_unit_test(test_outside), cmocka_unit_test(test_special),
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_rings),   cmocka_unit_test(test_huge),
		cmocka_unit_test(test_many_parts), cmocka_unit_test(test_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
