/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "fuzz.h"

/* Far from where the kernel puts anything by itself. */
char *const arena[2] = { (char *)0x100000000000, (char *)0x180000000000 };

static __thread sigjmp_buf on_fault;
static __thread volatile bool expecting_fault;

static uint64_t next_random(struct random *rng)
{
	uint64_t x = rng->state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

uint64_t random_below(struct random *rng, uint64_t limit)
{
	return next_random(rng) % limit;
}

bool random_chance(struct random *rng, unsigned int percent)
{
	return random_below(rng, 100) < percent;
}

void random_order(struct random *rng, uint16_t *ret, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		unsigned int other = random_below(rng, i + 1);

		ret[i] = ret[other];
		ret[other] = i;
	}
}

/* Most areas are small; one of 8 MiB is possible. Some pages of an area may have been touched never, or only read. */
void arena_build(char *base, uint64_t shape)
{
	static const int prots[] = { PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ,
				     PROT_NONE };
	struct random rng = { shape };
	unsigned int page = random_below(&rng, 4), left = 3584, nr, filled;

	while (page < ARENA_PAGES / 4 * 3 && left) {
		nr = 1u << random_below(&rng, 12);
		nr += random_below(&rng, nr);
		if (nr > 2048)
			nr = 2048;
		if (nr > left || random_chance(&rng, 30))
			nr = 1 + random_below(&rng, left < 8 ? left : 8);
		MUST(mmap(base + page * TEST_PAGE, nr * TEST_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
		filled = random_chance(&rng, 70) ? 100 : random_below(&rng, 100);
		for (unsigned int i = page; i < page + nr; i++)
			if (random_chance(&rng, filled))
				test_fill(base + i * TEST_PAGE, TEST_PAGE, (uint32_t)shape * ARENA_PAGES + i);
			else if (random_chance(&rng, 30))
				CHECK(!*(volatile char *)(base + i * TEST_PAGE));
		MUST(mprotect(base + page * TEST_PAGE, nr * TEST_PAGE, prots[random_below(&rng, 5)]));
		page += nr;
		left -= nr;
		if (random_chance(&rng, 50))
			page += 1 + random_below(&rng, 20);
	}
}

void arena_layout(char *base, uint8_t *ret)
{
	unsigned long begin, end, first = (unsigned long)base;
	char line[512], prot[5];
	FILE *maps = fopen("/proc/self/maps", "re");

	CHECK(maps);
	memset(ret, 0, ARENA_PAGES);
	while (fgets(line, sizeof(line), maps)) {
		CHECK_EQ(sscanf(line, "%lx-%lx %4s", &begin, &end, prot), 3);
		if (end <= first || begin >= first + ARENA_SIZE)
			continue;
		if (begin < first || end > first + ARENA_SIZE)
			arena_differs("an area crosses the arena's border: %s", line);
		memset(ret + (begin - first) / TEST_PAGE,
		       MAPPED | (prot[0] == 'r' ? PROT_READ : 0) | (prot[1] == 'w' ? PROT_WRITE : 0) |
			       (prot[2] == 'x' ? PROT_EXEC : 0),
		       (end - begin) / TEST_PAGE);
		ret[(begin - first) / TEST_PAGE] |= AREA;
	}
	fclose(maps);
}

static void fault(int sig, siginfo_t *info, void *context)
{
	if (expecting_fault)
		siglongjmp(on_fault, 1);
	/* Once more, and it ends the process. */
	signal(sig, SIG_DFL);
}

void arena_catch_faults(void)
{
	struct sigaction act = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	MUST(sigaction(SIGSEGV, &act, NULL));
	MUST(sigaction(SIGBUS, &act, NULL));
}

/* Bytes until the first word boundary are done as bytes: so no word crosses a page. */
static size_t copy(volatile char *to, const volatile char *from, size_t size, const volatile char *aligned)
{
	volatile size_t done = 0;

	if (sigsetjmp(on_fault, 0)) {
		expecting_fault = false;
		return done;
	}
	expecting_fault = true;
	while (done < size) {
		if (!((uintptr_t)(aligned + done) % 8) && done + 8 <= size) {
			*(volatile uint64_t *)(to + done) = *(const volatile uint64_t *)(from + done);
			done += 8;
		} else {
			to[done] = from[done];
			done++;
		}
	}
	expecting_fault = false;
	return done;
}

size_t arena_load(void *buf, const char *at, size_t size)
{
	return copy(buf, at, size, at);
}

size_t arena_store(char *at, const void *buf, size_t size)
{
	return copy(at, buf, size, at);
}

void arena_differs(const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fuzz_print_notes();
	fail("seed %llu, operation %u, %s: %s", (unsigned long long)fuzz.seed, fuzz.number,
	     fuzz.depth ? "in a child" : "in the restored process", text);
}

static void compare_contents(unsigned int page, const char *subject, const char *twin)
{
	uint64_t found, expected;

	for (size_t i = 0; i < TEST_PAGE; i += 8) {
		memcpy(&found, subject + i, 8);
		memcpy(&expected, twin + i, 8);
		if (found != expected)
			arena_differs("page %u: at %p is %#llx, not %#llx", page, arena[SUBJECT] + page * TEST_PAGE + i,
				      (unsigned long long)found, (unsigned long long)expected);
	}
}

static void check_size(unsigned int page, long subject, long twin)
{
	if (subject != twin)
		arena_differs("page %u, at %p: %ld bytes can be read, of its twin %ld", page,
			      arena[SUBJECT] + page * TEST_PAGE, subject, twin);
}

void arena_compare_page(unsigned int page)
{
	char bufs[2][TEST_PAGE] __attribute__((aligned(8)));
	size_t got[2];

	for (int i = SUBJECT; i <= TWIN; i++)
		got[i] = arena_load(bufs[i], arena[i] + page * TEST_PAGE, TEST_PAGE);
	check_size(page, got[SUBJECT], got[TWIN]);
	if (got[SUBJECT])
		compare_contents(page, bufs[SUBJECT], bufs[TWIN]);
}

/* By the kernel, which looks the page up itself. */
static void compare_page_by_kernel(unsigned int page)
{
	char bufs[2][TEST_PAGE];
	ssize_t got[2];

	for (int i = SUBJECT; i <= TWIN; i++) {
		struct iovec to = { bufs[i], TEST_PAGE }, from = { arena[i] + page * TEST_PAGE, TEST_PAGE };

		got[i] = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
	}
	check_size(page, got[SUBJECT], got[TWIN]);
	if (got[SUBJECT] > 0)
		compare_contents(page, bufs[SUBJECT], bufs[TWIN]);
}

static void reveal(const uint8_t *layout)
{
	for (unsigned int page = 0, end; page < ARENA_PAGES; page = end) {
		end = page + 1;
		while (end < ARENA_PAGES && layout[end] == (layout[page] & ~AREA))
			end++;
		if (!layout[page] || layout[page] & PROT_READ)
			continue;
		BOTH(page * TEST_PAGE, mprotect(AT, (end - page) * TEST_PAGE, PROT_READ));
	}
}

void arena_compare(struct random *rng, bool hidden)
{
	uint8_t layouts[2][ARENA_PAGES];
	uint16_t order[ARENA_PAGES];
	unsigned int by_kernel = random_below(rng, 3) * 50;

	for (int i = SUBJECT; i <= TWIN; i++)
		arena_layout(arena[i], layouts[i]);
	for (unsigned int page = 0; page < ARENA_PAGES; page++)
		if ((layouts[SUBJECT][page] ^ layouts[TWIN][page]) & ~AREA)
			arena_differs("page %u, at %p, is mapped as %#x, its twin as %#x (8: at all; PROT_)", page,
				      arena[SUBJECT] + page * TEST_PAGE, layouts[SUBJECT][page] & ~AREA,
				      layouts[TWIN][page] & ~AREA);
	if (hidden)
		reveal(layouts[SUBJECT]);
	random_order(rng, order, ARENA_PAGES);
	for (unsigned int i = 0; i < ARENA_PAGES; i++) {
		if (!layouts[SUBJECT][order[i]])
			continue;
		if (random_chance(rng, by_kernel))
			compare_page_by_kernel(order[i]);
		else
			arena_compare_page(order[i]);
	}
}
