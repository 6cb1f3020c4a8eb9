/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/cow_window.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "restore/arch.h"

/* Page tables move in one piece where both addresses are alike modulo this. */
#define HUGE_PAGE (2ul << 20)
/* Far from what programs use. */
#define WINDOW_FROM (1ull << 44)
#define MAX_TRIES   64
/* Our stack may still grow. */
#define STACK_ROOM (16ull << 20)

/* For tests: every segment goes to the window. */
#define ASIDE_ENV "CRIU_COW_ASIDE"

static bool reserve(uint64_t addr, uint64_t len)
{
	void *p = mmap((void *)addr, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
		       -1, 0);

	if (p != MAP_FAILED && p != (void *)addr)
		munmap(p, len); /* kernels before 4.17 take it for a hint */
	return p == (void *)addr;
}

static bool near_our_stack(const struct cow_segment *s)
{
	uint64_t here = (uintptr_t)__builtin_frame_address(0);

	return s->start < here + STACK_ROOM && here < s->end + STACK_ROOM;
}

static uint64_t size_of(const struct cow_segment *s)
{
	return s->end - s->start;
}

/* The first address from AT on that is alike. */
static uint64_t align_like(uint64_t at, const struct cow_segment *s)
{
	return at + ((s->start - at) & (HUGE_PAGE - 1));
}

static uint64_t window_size(const struct cow *cow)
{
	uint64_t at = 0;

	for (size_t i = 0; i < cow->nr_segments; i++)
		if (!cow->segments[i].place)
			at = align_like(at, &cow->segments[i]) + size_of(&cow->segments[i]);
	return at;
}

/* The next LEN bytes at or above *ADDR that are free in the memory of all tasks. */
static int gap_in_all(struct restore *r, uint64_t len, uint64_t *addr)
{
	uint64_t before;
	struct task *t;

	do {
		before = *addr;
		for_each_task (&r->tree, t) {
			const struct restore_task *rt = restore_of(t);
			int err = rt->mm ? mem_plan_gap(rt->mm, &rt->plan, user_address_end(), len, addr) : 0;

			if (err)
				return err;
			*addr = (*addr + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
		}
	} while (*addr != before);
	return 0;
}

static void find_window(struct restore *r, uint64_t len)
{
	uint64_t addr = WINDOW_FROM;

	for (int tries = 0; tries < MAX_TRIES; tries++, addr += len) {
		if (gap_in_all(r, len, &addr))
			return;
		if (reserve(addr, len)) {
			r->cow->window = addr;
			r->cow->window_len = len;
			return;
		}
	}
}

int cow_window_reserve(struct restore *r)
{
	bool aside = getenv(ASIDE_ENV);
	struct cow *cow = r->cow;
	uint64_t at;

	for (size_t i = 0; i < cow->nr_segments; i++) {
		struct cow_segment *s = &cow->segments[i];

		if (!aside && !near_our_stack(s) && reserve(s->start, size_of(s)))
			s->place = s->start;
	}
	if (!window_size(cow))
		return 0;
	find_window(r, window_size(cow));
	at = cow->window;
	for (size_t i = 0; i < cow->nr_segments && at; i++) {
		struct cow_segment *s = &cow->segments[i];

		if (s->place)
			continue;
		s->place = align_like(at, s);
		at = s->place + size_of(s);
	}
	return 0;
}

/* The window goes as a whole, later. */
static void unmap_place(const struct cow *cow, const struct cow_segment *s)
{
	if (s->place < cow->window || s->place >= cow->window + cow->window_len)
		munmap((void *)s->place, size_of(s));
}

void cow_window_drop(const struct cow *cow, struct cow_segment *s)
{
	unmap_place(cow, s);
	s->place = 0;
}

void cow_window_release(struct cow *cow)
{
	for (size_t i = 0; i < cow->nr_segments && !cow->released; i++)
		if (cow->segments[i].place)
			unmap_place(cow, &cow->segments[i]);
	if (cow->window && !cow->released)
		munmap((void *)cow->window, cow->window_len);
	cow->released = true;
}
