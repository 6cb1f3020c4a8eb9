/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Restored memory behaves as if it had never been dumped: random operations on it and on its twin give the same.
 *
 * The program maps an arena of private anonymous memory, the subject, and is dumped. After the restore it maps the same
 * at another place, the twin, whose memory is nothing but the kernel's. Each operation is then done to both: contents,
 * protections, what is mapped, results and errors must be equal. What it is to do stands in the file "plan" of the work
 * directory, words NAME=NUMBER:
 *   shape=   seed of the areas; read before the dump, too
 *   seed=    of the operations
 *   ops=     how many
 *   spoil=   1: a byte of the subject is changed at the end; 2: a page is dropped from the twin only
 *   verbose= 1: print each operation before it is done
 * and, last, direct=PATH: a file to read with O_DIRECT. fuzz.py writes it and does the rest.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "fuzz.h"

#define NOTES 24
#define NOTE  160

struct fuzz fuzz;
static char notes[NOTES][NOTE];
static unsigned int nr_notes;

struct plan {
	unsigned long long shape, seed, ops, spoil, verbose;
	char direct[256];
};

static void read_plan(struct plan *plan)
{
	char text[1024];

	test_read_file("plan", text, sizeof(text));
	CHECK_EQ(sscanf(text, "shape=%llu seed=%llu ops=%llu spoil=%llu verbose=%llu direct=%255s", &plan->shape,
			&plan->seed, &plan->ops, &plan->spoil, &plan->verbose, plan->direct),
		 6);
}

void fuzz_note(const char *fmt, ...)
{
	char *note = notes[nr_notes++ % NOTES];
	int used = snprintf(note, NOTE, "%*s%u ", 2 * fuzz.depth, "", fuzz.number);
	va_list args;

	va_start(args, fmt);
	vsnprintf(note + used, NOTE - used, fmt, args);
	va_end(args);
	if (fuzz.verbose)
		dprintf(STDOUT_FILENO, "%s\n", note);
}

void fuzz_print_notes(void)
{
	unsigned int nr = nr_notes < NOTES ? nr_notes : NOTES;

	if (!fuzz.verbose)
		for (unsigned int i = nr_notes - nr; i < nr_notes; i++)
			dprintf(STDOUT_FILENO, "%s\n", notes[i % NOTES]);
}

long fuzz_agree(long subject, long twin)
{
	if (subject != twin)
		arena_differs("the result is %ld, for its twin %ld", subject, twin);
	return subject;
}

static const struct op *const all[] = { ops, ops_map, ops_task };

static const struct op *pick_op(void)
{
	unsigned int sum = 0, at;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		for (const struct op *op = all[i]; op->name; op++)
			sum += op->weight;
	at = random_below(&fuzz.rng, sum);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		for (const struct op *op = all[i]; op->name; op++) {
			if (at < op->weight)
				return op;
			at -= op->weight;
		}
	}
	fail("no operation");
}

void fuzz_run(unsigned int nr)
{
	while (nr--) {
		const struct op *op = pick_op();

		fuzz.number++;
		fuzz_settle();
		fuzz_note("%s", op->name);
		op->run();
	}
}

/* The check must see it: a byte of the subject changes, or a page is dropped from the twin only. */
static void spoil(unsigned int how)
{
	char *at;
	char byte;

	do {
		at = arena[SUBJECT] + random_below(&fuzz.rng, ARENA_SIZE);
	} while (!arena_load(&byte, at, 1) || !byte || arena_store(at, &byte, 1) != 1);
	byte ^= 0x10;
	if (how == 1)
		arena_store(at, &byte, 1);
	else
		MUST(madvise(arena[TWIN] + (at - arena[SUBJECT]) / TEST_PAGE * TEST_PAGE, TEST_PAGE, MADV_DONTNEED));
}

int main(int argc, char **argv)
{
	struct plan plan, then;
	char block[16 * TEST_PAGE];

	test_init(argc, argv);
	read_plan(&plan);
	arena_build(arena[SUBJECT], plan.shape);
	arena_catch_faults();

	test_ready();
	test_wait();

	read_plan(&then);
	CHECK_EQ(then.shape, plan.shape);
	arena_build(arena[TWIN], then.shape);
	fuzz = (struct fuzz){ .rng = { then.seed }, .seed = then.seed, .verbose = then.verbose };
	fuzz.buffered = MUST(memfd_create("fuzz", MFD_CLOEXEC));
	test_fill(block, sizeof(block), then.seed);
	CHECK_EQ(pwrite(fuzz.buffered, block, sizeof(block), 0), sizeof(block));
	fuzz.direct = open(then.direct, O_RDONLY | O_DIRECT | O_CLOEXEC);

	fuzz_run(then.ops);
	fuzz.number++;
	fuzz_settle();
	if (then.spoil)
		spoil(then.spoil);
	fuzz_note("compare everything");
	arena_compare(&fuzz.rng, false);
	arena_compare(&fuzz.rng, true);
	pass();
}
