/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Power cuts in persistent memory, played through. Real memory can't show them: a killed machine, virtual or not, keeps
 * what was stored. So a recorder sees each flush and fence of a writer (struct fam_flush_observer) and knows for each
 * cache line what is durable. A line that was stored to, and neither flushed and fenced nor as before, may have got
 * there or not. At every flush and fence, and where a test says so, images are made of the file as they could be after
 * a cut just then, with none, all, each single one and random ones of these lines lost, and lines torn between words of
 * 8 bytes, which are all that arrives whole. A check says whether what it finds there is right.
 */
#ifndef TEST_UNIT_FAM_REPLAY_H
#define TEST_UNIT_FAM_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fam/flush.h"

#define LINE	    64ul
#define REPLAY_STEP 4096ul /* the file's size is a multiple of it */

struct replay {
	/* Set by the test. */
	bool (*check)(void *arg, int image_fd); /* true: all is as it has to be */
	void *arg;
	unsigned max_single, nr_random; /* of each kind of cut, at most */
	long leave_out;			/* the number of a flush or fence that doesn't happen; -1: all do */

	/* For it to read. */
	unsigned nr_events, nr_cuts, nr_bad;

	struct fam_flush_observer observer;
	int image_fd;
	size_t size;
	ino_t ino;
	unsigned seed;
	char *live, *durable, *flushing, *image;
	unsigned char *is_flushing; /* a byte per line */
	size_t *lost;		    /* lines that differ */
};

/* Where in the file ADDR is, and how many bytes of LEN are in one piece there; -1: elsewhere. proc_pid_maps(5). */
static inline int64_t replay_offset(const struct replay *r, const void *addr, size_t len, size_t *ret_len)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	int64_t found = -1;
	char line[512];

	while (maps && found < 0 && fgets(line, sizeof(line), maps)) {
		unsigned long begin, end, offset, ino;

		if (sscanf(line, "%lx-%lx %*s %lx %*s %lu", &begin, &end, &offset, &ino) != 4 || ino != r->ino ||
		    (uintptr_t)addr < begin || (uintptr_t)addr >= end)
			continue;
		found = offset + ((uintptr_t)addr - begin);
		*ret_len = end - (uintptr_t)addr < len ? end - (uintptr_t)addr : len;
	}
	if (maps)
		fclose(maps);
	return found;
}

static inline bool replay_differs(const struct replay *r, size_t line)
{
	return memcmp(r->live + line * LINE, r->durable + line * LINE, LINE);
}

static inline void replay_try(struct replay *r)
{
	r->nr_cuts++;
	if (!r->check(r->arg, r->image_fd))
		r->nr_bad++;
}

/* Lines that WRITTEN says have got there, all, or some of their words. */
static inline void replay_image(struct replay *r, size_t nr, bool (*written)(struct replay *r, size_t i, size_t one),
				size_t one, bool torn)
{
	for (size_t i = 0; i < nr; i++) {
		size_t at = r->lost[i] * LINE;

		if (!torn && written(r, i, one))
			memcpy(r->image + at, r->live + at, LINE);
		for (size_t word = 0; torn && word < LINE; word += 8)
			if (written(r, i, one))
				memcpy(r->image + at + word, r->live + at + word, 8);
	}
	replay_try(r);
	for (size_t i = 0; i < nr; i++)
		memcpy(r->image + r->lost[i] * LINE, r->durable + r->lost[i] * LINE, LINE);
}

static inline bool replay_all(struct replay *r, size_t i, size_t one)
{
	return true;
}

static inline bool replay_none(struct replay *r, size_t i, size_t one)
{
	return false;
}

static inline bool replay_only(struct replay *r, size_t i, size_t one)
{
	return i == one;
}

static inline bool replay_all_but(struct replay *r, size_t i, size_t one)
{
	return i != one;
}

/* ONE: how many of 8 get there. */
static inline bool replay_some(struct replay *r, size_t i, size_t one)
{
	return rand_r(&r->seed) % 8 < one;
}

/* LEN bytes at OFFSET were VALUE all the time, durably. */
static inline void replay_store(struct replay *r, size_t offset, int value, size_t len)
{
	memset(r->live + offset, value, len);
	memset(r->durable + offset, value, len);
	memset(r->image + offset, value, len);
}

/* The power goes now: all ways in which it may. */
static inline void replay_cut(struct replay *r)
{
	size_t nr = 0;

	/* Before something is left out all is right, and one cut is enough to miss it. */
	if (r->leave_out >= 0 && ((long)r->nr_events <= r->leave_out || r->nr_bad))
		return;
	for (size_t at = 0; at < r->size; at += REPLAY_STEP)
		if (memcmp(r->live + at, r->durable + at, REPLAY_STEP))
			for (size_t line = at / LINE; line < (at + REPLAY_STEP) / LINE; line++)
				if (replay_differs(r, line))
					r->lost[nr++] = line;
	replay_image(r, nr, replay_none, 0, false);
	if (!nr)
		return;
	replay_image(r, nr, replay_all, 0, false);
	for (size_t i = 0; i < nr && i < r->max_single; i++) {
		size_t one = nr <= r->max_single ? i : (size_t)rand_r(&r->seed) % nr;

		replay_image(r, nr, replay_all_but, one, false);
		replay_image(r, nr, replay_only, one, false);
	}
	for (unsigned i = 0; i < r->nr_random; i++)
		replay_image(r, nr, replay_some, i % 7 + 1, i % 2);
}

static inline void replay_flush(void *arg, const void *addr, size_t len)
{
	struct replay *r = arg;
	const char *p = addr;

	/* What was left out is missed at the next fence as well. */
	if (r->leave_out < 0)
		replay_cut(r);
	if ((long)r->nr_events++ == r->leave_out)
		return;
	for (size_t step; len; p += step, len -= step) {
		int64_t offset = replay_offset(r, p, len, &step);

		if (offset < 0)
			return; /* of another file */
		for (size_t line = offset / LINE; line * LINE < offset + step; line++) {
			memcpy(r->flushing + line * LINE, r->live + line * LINE, LINE);
			r->is_flushing[line] = 1;
		}
	}
}

static inline void replay_fence(void *arg)
{
	struct replay *r = arg;

	replay_cut(r);
	if ((long)r->nr_events++ == r->leave_out)
		return;
	for (size_t line = 0; line < r->size / LINE; line++)
		if (r->is_flushing[line]) {
			memcpy(r->durable + line * LINE, r->flushing + line * LINE, LINE);
			memcpy(r->image + line * LINE, r->flushing + line * LINE, LINE);
			r->is_flushing[line] = 0;
		}
}

/* From now on FD's file, as it is, is durable. 0 or -1. */
static inline int replay_begin(struct replay *r, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -1;
	r->size = st.st_size;
	r->ino = st.st_ino;
	r->seed = 1;
	r->nr_events = r->nr_cuts = r->nr_bad = 0;
	r->observer = (struct fam_flush_observer){ replay_flush, replay_fence, r };
	r->image_fd = memfd_create("image", MFD_CLOEXEC);
	r->durable = malloc(r->size);
	r->flushing = malloc(r->size);
	r->is_flushing = calloc(r->size / LINE, 1);
	r->lost = calloc(r->size / LINE, sizeof(*r->lost));
	if (r->image_fd < 0 || ftruncate(r->image_fd, r->size) || !r->durable || !r->flushing || !r->is_flushing ||
	    !r->lost)
		return -1;
	r->live = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	r->image = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, r->image_fd, 0);
	if (r->live == MAP_FAILED || r->image == MAP_FAILED)
		return -1;
	memcpy(r->durable, r->live, r->size);
	memcpy(r->image, r->live, r->size);
	return 0;
}

static inline void replay_end(struct replay *r)
{
	munmap(r->live, r->size);
	munmap(r->image, r->size);
	close(r->image_fd);
	free(r->durable);
	free(r->flushing);
	free(r->is_flushing);
	free(r->lost);
}

#endif
