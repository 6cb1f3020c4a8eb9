/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads that read, write, drop and move memory at once see what they should, though pages may still have to come
 * (--fam-restore=lazy); so do processes that are forked meanwhile.
 *
 * timeout: 90
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "zdtm.h"

#define THREADS 6
#define PAGES	1024
#define SIZE	(PAGES * TEST_PAGE)

/* One for each thread: page I has the value VALUE(i) in each word, or zero when it was dropped. */
static uint64_t *mem[THREADS];
static char *only_read;

static uint64_t value(int who, size_t page)
{
	return (who + 1) * 1000003ull + page * 7 + 1;
}

static uint64_t *page_of(int who, size_t page)
{
	return mem[who] + page * (TEST_PAGE / 8);
}

static void fill_page(int who, size_t page)
{
	for (size_t i = 0; i < TEST_PAGE / 8; i++)
		page_of(who, page)[i] = value(who, page);
}

static void check_page(int who, size_t page, uint64_t expected)
{
	for (size_t i = 0; i < TEST_PAGE / 8; i += 73)
		CHECK_EQ(page_of(who, page)[i], expected);
}

static void check_in_child(int who, const bool dropped[PAGES])
{
	pid_t pid = MUST(fork());
	int status;

	if (!pid) {
		for (size_t p = 0; p < PAGES; p += 5)
			check_page(who, p, dropped[p] ? 0 : value(who, p));
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

/* What is mapped anew may stay an area of its own, and mremap(2) moves one: each thread does the one or the other. */
static bool moves(int who)
{
	return who % 2;
}

static void move_away(int who)
{
	char *to = MUST(mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	mem[who] = MUST(mremap(mem[who], SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to));
}

static void *work(void *arg)
{
	size_t who = (uintptr_t)arg;
	unsigned seed = who + 1;
	bool dropped[PAGES] = { false };

	test_wait_polling();
	for (int round = 0; round < 300; round++) {
		size_t first = rand_r(&seed) % PAGES, nr = 1 + rand_r(&seed) % 8;

		if (first + nr > PAGES)
			nr = PAGES - first;
		switch (rand_r(&seed) % 8) {
		case 0:
		case 1:
			MUST(madvise(page_of(who, first), nr * TEST_PAGE, MADV_DONTNEED));
			memset(dropped + first, true, nr);
			break;
		case 2:
			fill_page(who, first);
			dropped[first] = false;
			break;
		case 3:
			if (moves(who))
				break;
			MUST(mmap(page_of(who, first), nr * TEST_PAGE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
			memset(dropped + first, true, nr);
			break;
		default:
			test_verify(only_read, 64 * TEST_PAGE, 5);
		}
		for (size_t p = first; p < first + nr; p++)
			check_page(who, p, dropped[p] ? 0 : value(who, p));
		if (round % 75 == 74)
			check_in_child(who, dropped);
		if (round % 75 == 35 && moves(who))
			move_away(who);
	}
	for (size_t p = 0; p < PAGES; p++)
		check_page(who, p, dropped[p] ? 0 : value(who, p));
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	test_init(argc, argv);
	only_read = MUST(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	test_fill(only_read, SIZE, 5);
	for (intptr_t i = 0; i < THREADS; i++) {
		mem[i] = MUST(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		for (size_t p = 0; p < PAGES; p++)
			fill_page(i, p);
		CHECK(!pthread_create(&threads[i], NULL, work, (void *)i));
	}

	test_ready();
	test_wait();

	if (test_sabotage())
		only_read[10]++;
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(threads[i], NULL));
	pass();
}
