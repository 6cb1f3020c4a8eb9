/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of the fuzzer of restored memory: two equal arenas, what is compared, what is done to them.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zdtm.h"

#define ARENA_PAGES 6144
#define ARENA_SIZE  (ARENA_PAGES * TEST_PAGE)

enum { SUBJECT, TWIN };

/* Where the subject, which was dumped, and its twin, which was not, begin. What is at one offset of both is equal. */
extern char *const arena[2];

struct random {
	uint64_t state;
};

uint64_t random_below(struct random *rng, uint64_t limit);
/* True in PERCENT of 100 cases. */
bool random_chance(struct random *rng, unsigned int percent);
/* 0, 1, 2, ... NR - 1 in random order. */
void random_order(struct random *rng, uint16_t *ret, unsigned int nr);

/* arena.c: the arenas. */

/* Maps and fills all areas of an arena; SHAPE, the seed, says all about them. */
void arena_build(char *base, uint64_t shape);
/* Of each page what /proc/self/maps says: PROT_ bits + MAPPED, or 0; AREA: it is the first page of an area. */
#define MAPPED 8
#define AREA   16
void arena_layout(char *base, uint8_t *ret);
/* Must be called first; SIGSEGV of the functions below is caught. */
void arena_catch_faults(void);
/* Reads or writes by instructions; the number of bytes before the one at which the memory ended. */
size_t arena_load(void *buf, const char *at, size_t size);
size_t arena_store(char *at, const void *buf, size_t size);
/* The page is read from both and must be the same, or readable in none. */
void arena_compare_page(unsigned int page);
/* Everything that can be read, and the layout. HIDDEN: what can't be read, too, which changes the protections. */
void arena_compare(struct random *rng, bool hidden);
/* Ends the process with what is known about where it went wrong. */
void arena_differs(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* ops.c, ops_map.c, ops_task.c: the operations. */

struct fuzz {
	struct random rng;
	uint64_t seed;
	unsigned int number; /* of the operation */
	int depth;	     /* 0: the restored process; else a child of it */
	int buffered;	     /* a file on tmpfs */
	int direct;	     /* the same, with O_DIRECT on a disk; -1: none */
	bool verbose;
	size_t freed_at;    /* MADV_FREE of this range in bytes: what is there may be old or zero */
	size_t freed_size;  /* 0: nowhere */
	char *freed_before; /* what was there */
};

extern struct fuzz fuzz;

struct op {
	const char *name;
	unsigned int weight;
	void (*run)(void);
};

extern const struct op ops[], ops_map[], ops_task[];

/* Performs NR operations. */
void fuzz_run(unsigned int nr);
/* Says what the current operation does, for whoever reads of a failure. */
void fuzz_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What was noted last, oldest first. */
void fuzz_print_notes(void);
/* After MADV_FREE: decides what is there. */
void fuzz_settle(void);

struct range {
	size_t at, size; /* bytes from the arena's beginning */
};

/* Some pages, most of them mapped, at most LIMIT. */
struct range pick_pages(unsigned int limit);
/* The same, at any byte. */
struct range pick_bytes(size_t limit);

/*
 * EXPR, with AT standing for the subject's address of OFFSET and then for the twin's, and WHICH for their index, must
 * give the same value, or fail with the same errno. The subject's value, or -errno, is returned.
 */
#define BOTH(offset, expr)                                                                                             \
	({                                                                                                             \
		long both[2];                                                                                          \
		for (int WHICH = SUBJECT; WHICH <= TWIN; WHICH++) {                                                    \
			char *AT __attribute__((unused)) = arena[WHICH] + (offset);                                    \
			both[WHICH] = (long)(expr);                                                                    \
			if (both[WHICH] == -1)                                                                         \
				both[WHICH] = -errno;                                                                  \
		}                                                                                                      \
		fuzz_agree(both[SUBJECT], both[TWIN]);                                                                 \
	})
long fuzz_agree(long subject, long twin);

#endif
