/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operations that read and write the memory, by instructions and by the kernel.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "fuzz.h"

#define LARGEST (16 * TEST_PAGE) /* what one call reads or writes; an empty pipe has room for it */

static char bufs[2][LARGEST] __attribute__((aligned(4096)));

struct range pick_pages(unsigned int limit)
{
	uint8_t layout[ARENA_PAGES];
	unsigned int page = random_below(&fuzz.rng, ARENA_PAGES), nr, end;

	if (random_chance(&fuzz.rng, 90)) {
		arena_layout(arena[SUBJECT], layout);
		for (unsigned int i = 0; i < ARENA_PAGES && !layout[page]; i++)
			page = (page + 1) % ARENA_PAGES;
		if (random_chance(&fuzz.rng, 10)) {
			/* A whole area. */
			while (page && !(layout[page] & AREA))
				page--;
			for (end = page + 1; end < ARENA_PAGES && layout[end] && !(layout[end] & AREA); end++)
				;
			nr = end - page < limit ? end - page : limit;
			return (struct range){ page * TEST_PAGE, nr * TEST_PAGE };
		}
	}
	nr = 1 + random_below(&fuzz.rng, random_chance(&fuzz.rng, 80) && limit > 12 ? 12 : limit);
	if (nr > ARENA_PAGES - page)
		nr = ARENA_PAGES - page;
	return (struct range){ page * TEST_PAGE, nr * TEST_PAGE };
}

struct range pick_bytes(size_t limit)
{
	struct range range = pick_pages(limit / TEST_PAGE);
	size_t skip = random_below(&fuzz.rng, range.size);

	range.at += skip;
	range.size = 1 + random_below(&fuzz.rng, range.size - skip);
	return range;
}

static void note_range(struct range range, const char *what)
{
	fuzz_note("  %s pages %zu.%03zx + %zu.%03zx", what, range.at / TEST_PAGE, range.at % TEST_PAGE,
		  range.size / TEST_PAGE, range.size % TEST_PAGE);
}

static void agree_contents(size_t size, size_t offset)
{
	for (size_t i = 0; i < size; i++)
		if (bufs[SUBJECT][i] != bufs[TWIN][i])
			arena_differs("at %p + %zu the kernel read %#x, not %#x", arena[SUBJECT] + offset, i,
				      (unsigned char)bufs[SUBJECT][i], (unsigned char)bufs[TWIN][i]);
}

void fuzz_settle(void)
{
	size_t end = fuzz.freed_at + fuzz.freed_size;
	char zero[TEST_PAGE] = {}, *before = fuzz.freed_before;

	for (size_t at = fuzz.freed_at; at < end; at += TEST_PAGE, before += TEST_PAGE) {
		char *subject = arena[SUBJECT] + at, *twin = arena[TWIN] + at;

		/* What is written to stays as it is then. */
		if (!arena_load(bufs[SUBJECT], subject, 1))
			continue;
		__sync_fetch_and_or(subject, 0);
		__sync_fetch_and_or(twin, 0);
		if (memcmp(subject, before, TEST_PAGE) && memcmp(subject, zero, TEST_PAGE))
			arena_differs("after MADV_FREE page %zu is neither old nor zero", at / TEST_PAGE);
		memcpy(twin, subject, TEST_PAGE);
	}
	free(fuzz.freed_before);
	fuzz.freed_before = NULL;
	fuzz.freed_size = 0;
}

static void load(void)
{
	struct range range = pick_pages(256);
	unsigned int nr = range.size / TEST_PAGE;
	uint16_t order[256];

	note_range(range, "load");
	random_order(&fuzz.rng, order, nr);
	for (unsigned int i = 0; i < nr; i++)
		arena_compare_page(range.at / TEST_PAGE + order[i]);
}

static void store(void)
{
	struct range range = pick_bytes(LARGEST);

	note_range(range, "store");
	test_fill(bufs[0], range.size, random_below(&fuzz.rng, UINT32_MAX));
	BOTH(range.at, arena_store(AT, bufs[0], range.size));
}

static void read_pipe(void)
{
	struct range range = pick_bytes(LARGEST);
	int fds[2];

	note_range(range, "read(pipe)");
	test_fill(bufs[0], range.size, random_below(&fuzz.rng, UINT32_MAX));
	for (int i = SUBJECT; i <= TWIN; i++)
		memcpy(bufs[i], bufs[0], range.size);
	BOTH(range.at, ({
		     long got;

		     MUST(pipe2(fds, O_CLOEXEC));
		     CHECK_EQ(write(fds[1], bufs[0], range.size), range.size);
		     got = read(fds[0], AT, range.size);
		     got = got < 0 ? -errno : got;
		     close(fds[0]);
		     close(fds[1]);
		     got;
	     }));
}

static void write_pipe(bool by_page)
{
	struct range range = pick_bytes(LARGEST - TEST_PAGE);
	long got;
	int fds[2];

	note_range(range, by_page ? "vmsplice" : "write(pipe)");
	got = BOTH(range.at, ({
			   struct iovec from = { AT, range.size };
			   long done;

			   MUST(pipe2(fds, O_CLOEXEC));
			   done = by_page ? vmsplice(fds[1], &from, 1, 0) : write(fds[1], AT, range.size);
			   done = done < 0 ? -errno : done;
			   if (done > 0)
				   CHECK_EQ(read(fds[0], bufs[WHICH], done), done);
			   close(fds[0]);
			   close(fds[1]);
			   done;
		   }));
	if (got > 0)
		agree_contents(got, range.at);
}

static void write_bytes(void)
{
	write_pipe(false);
}

static void write_pages(void)
{
	write_pipe(true);
}

static void read_file(void)
{
	struct range range = pick_bytes(LARGEST);
	off_t from = random_below(&fuzz.rng, LARGEST - range.size + 1);

	note_range(range, "pread");
	BOTH(range.at, pread(fuzz.buffered, AT, range.size, from));
}

static void read_direct(void)
{
	struct range range = pick_pages(16);

	if (fuzz.direct < 0)
		return;
	note_range(range, "pread(O_DIRECT)");
	BOTH(range.at, pread(fuzz.direct, AT, range.size, LARGEST - range.size));
}

static void write_file(void)
{
	struct range range = pick_bytes(LARGEST);
	int file = MUST(memfd_create("copy", MFD_CLOEXEC));
	long got;

	note_range(range, "pwrite");
	got = BOTH(range.at, ({
			   long done = pwrite(file, AT, range.size, 0);

			   done = done < 0 ? -errno : done;
			   if (done > 0)
				   CHECK_EQ(pread(file, bufs[WHICH], done, 0), done);
			   done;
		   }));
	if (got > 0)
		agree_contents(got, range.at);
	close(file);
}

static void vm_read(void)
{
	struct range range = pick_bytes(LARGEST);
	long got;

	note_range(range, "process_vm_readv");
	got = BOTH(range.at, ({
			   struct iovec to = { bufs[WHICH], range.size }, from = { AT, range.size };

			   process_vm_readv(getpid(), &to, 1, &from, 1, 0);
		   }));
	if (got > 0)
		agree_contents(got, range.at);
}

static void vm_write(void)
{
	struct range range = pick_bytes(LARGEST);

	note_range(range, "process_vm_writev");
	test_fill(bufs[0], range.size, random_below(&fuzz.rng, UINT32_MAX));
	BOTH(range.at, ({
		     struct iovec from = { bufs[0], range.size }, to = { AT, range.size };

		     process_vm_writev(getpid(), &from, 1, &to, 1, 0);
	     }));
}

const struct op ops[] = {
	{ "load", 30, load },
	{ "store", 20, store },
	{ "read(pipe)", 8, read_pipe },
	{ "write(pipe)", 8, write_bytes },
	{ "vmsplice", 4, write_pages },
	{ "pread", 6, read_file },
	{ "pread(O_DIRECT)", 3, read_direct },
	{ "pwrite", 6, write_file },
	{ "process_vm_readv", 6, vm_read },
	{ "process_vm_writev", 6, vm_write },
	{},
};
