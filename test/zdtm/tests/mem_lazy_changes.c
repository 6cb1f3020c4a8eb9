/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that is dropped, moved, unmapped or inherited is as if all of it had always been there, though its pages may
 * still have to come (--fam-restore=lazy).
 */
#include <spawn.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "zdtm.h"

#define PAGES 96
#define SIZE  (PAGES * TEST_PAGE)
#define HALF  (SIZE / 2)

enum {
	DROP,
	FREE,
	REMAP_FRESH,
	MOVE,
	GROW,
	GROW_LOCKED,
	SHRINK,
	LEAVE,
	OVER_FROM,
	OVER_TO,
	PROTECT,
	FORK,
	FORK_DEEP,
	WRITE,
	CALLS,
	EXEC,
	NR
};

static char *mem[NR];
extern char **environ;

static void verify_from(const char *at, size_t skip, size_t size, int which)
{
	static char expected[SIZE];

	test_fill(expected, SIZE, which);
	CHECK_MEM(at, expected + skip, size);
}

static void drop(void)
{
	MUST(madvise(mem[DROP] + HALF, HALF, MADV_DONTNEED));
	test_verify_bytes(mem[DROP] + HALF, HALF, 0);
	verify_from(mem[DROP], 0, HALF, DROP);
}

/* What MADV_FREE leaves is a page's own content or zero; what was written since stays. */
static void free_pages(void)
{
	MUST(madvise(mem[FREE], SIZE, MADV_FREE));
	for (size_t i = 0; i < PAGES; i++) {
		char *page = mem[FREE] + i * TEST_PAGE;

		if (page[100])
			verify_from(page, i * TEST_PAGE, TEST_PAGE, FREE);
		else
			test_verify_bytes(page, TEST_PAGE, 0);
		page[7] = 1;
		CHECK_EQ(page[7], 1);
	}
}

static void map_again(void)
{
	MUST(munmap(mem[REMAP_FRESH], HALF));
	MUST(mmap(mem[REMAP_FRESH], SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	test_verify_bytes(mem[REMAP_FRESH], SIZE, 0);
}

static char *room(size_t size)
{
	char *at = MUST(mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	MUST(munmap(at, size));
	return at;
}

static void move(void)
{
	char *to = MUST(mremap(mem[MOVE], SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, room(SIZE)));

	verify_from(to, 0, SIZE, MOVE);
	MUST(mmap(mem[MOVE], SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	test_verify_bytes(mem[MOVE], SIZE, 0);
}

static void grow(int which, bool lock)
{
	char *to;

	if (lock)
		MUST(mlock(mem[which], HALF));
	to = MUST(mremap(mem[which], HALF, 2 * SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, room(2 * SIZE)));
	verify_from(to, 0, HALF, which);
	test_verify_bytes(to + HALF, 2 * SIZE - HALF, 0);
	verify_from(mem[which] + HALF, HALF, HALF, which);
}

static void shrink(void)
{
	MUST(mremap(mem[SHRINK], SIZE, HALF, 0));
	MUST(mmap(mem[SHRINK] + HALF, HALF, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	test_verify_bytes(mem[SHRINK] + HALF, HALF, 0);
	verify_from(mem[SHRINK], 0, HALF, SHRINK);
}

static void leave(void)
{
	char *to = MUST(mremap(mem[LEAVE], SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL));

	test_verify_bytes(mem[LEAVE], SIZE, 0);
	verify_from(to, 0, SIZE, LEAVE);
}

static void move_over(void)
{
	MUST(mremap(mem[OVER_FROM] + HALF, HALF, HALF, MREMAP_MAYMOVE | MREMAP_FIXED, mem[OVER_TO]));
	verify_from(mem[OVER_TO], HALF, HALF, OVER_FROM);
	verify_from(mem[OVER_TO] + HALF, HALF, HALF, OVER_TO);
	verify_from(mem[OVER_FROM], 0, HALF, OVER_FROM);
}

static void protect(void)
{
	MUST(mprotect(mem[PROTECT] + TEST_PAGE, HALF, PROT_NONE));
	MUST(mprotect(mem[PROTECT] + TEST_PAGE, HALF, PROT_READ));
	verify_from(mem[PROTECT], 0, SIZE, PROTECT);
}

/* Each keeps what the other drops. */
static void fork_and_drop(int which, int depth)
{
	pid_t pid = MUST(fork());

	if (!pid) {
		if (depth)
			fork_and_drop(which, depth - 1);
		MUST(madvise(mem[which], HALF, MADV_DONTNEED));
		verify_from(mem[which] + HALF, HALF, HALF, which);
		test_verify_bytes(mem[which], HALF, 0);
		_exit(0);
	}
	if (which == FORK) {
		MUST(madvise(mem[which] + HALF, HALF, MADV_DONTNEED));
		test_verify_bytes(mem[which] + HALF, HALF, 0);
	}
	verify_from(mem[which], 0, HALF, which);
	test_reap(pid);
}

static void write_first(void)
{
	static char expected[SIZE];

	test_fill(expected, SIZE, WRITE);
	for (size_t i = 0; i < SIZE; i += 3 * TEST_PAGE)
		expected[i + 17] = mem[WRITE][i + 17] = 'x';
	CHECK_MEM(mem[WRITE], expected, SIZE);
}

/* The kernel itself touches the pages. */
static void system_calls(void)
{
	static char buf[SIZE];
	struct iovec to = { buf, HALF }, from = { mem[CALLS], HALF };
	int fds[2];

	CHECK_EQ(process_vm_readv(getpid(), &to, 1, &from, 1, 0), HALF);
	verify_from(buf, 0, HALF, CALLS);
	MUST(pipe(fds));
	CHECK_EQ(write(fds[1], mem[CALLS] + HALF + 100, TEST_PAGE), TEST_PAGE);
	CHECK_EQ(read(fds[0], mem[CALLS] + HALF + 4 * TEST_PAGE + 50, TEST_PAGE), TEST_PAGE);
	verify_from(mem[CALLS] + HALF + 4 * TEST_PAGE + 50, HALF + 100, TEST_PAGE, CALLS);
	verify_from(mem[CALLS] + HALF + 5 * TEST_PAGE + 50, HALF + 5 * TEST_PAGE + 50, TEST_PAGE, CALLS);
}

static void execute(void)
{
	char *argv[] = { "true", NULL };
	pid_t pid;

	CHECK(!posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ));
	test_reap(pid);
	pid = MUST(fork());
	if (!pid) {
		execv("/bin/true", argv);
		_exit(1);
	}
	test_reap(pid);
	verify_from(mem[EXEC], 0, SIZE, EXEC);
}

int main(int argc, char **argv)
{
	test_init(argc, argv);
	for (int i = 0; i < NR; i++) {
		/* A page between two keeps them apart. */
		mem[i] = MUST(mmap(NULL, SIZE + TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		MUST(mprotect(mem[i] + SIZE, TEST_PAGE, PROT_NONE));
		test_fill(mem[i], SIZE, i);
	}

	test_ready();
	test_wait();

	if (test_sabotage())
		mem[FORK_DEEP][SIZE - 1]++;
	drop();
	free_pages();
	map_again();
	move();
	grow(GROW, false);
	grow(GROW_LOCKED, true);
	shrink();
	leave();
	move_over();
	protect();
	fork_and_drop(FORK, 0);
	fork_and_drop(FORK_DEEP, 3);
	write_first();
	system_calls();
	execute();
	pass();
}
