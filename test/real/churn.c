/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads that allocate, grow, shrink and free blocks of all sizes, each block filled with its own pattern and verified
 * before it changes or goes. With LD_PRELOAD it puts another allocator through this. "PASS" once the file "go" is
 * there and nothing was ever wrong.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 8
#define BLOCKS	4000

struct block {
	unsigned char *p;
	size_t len;
	unsigned char first;
};

static atomic_long steps;
static atomic_int end, wrong;

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static size_t random_size(uint64_t *state)
{
	switch (next(state) % 16) {
	case 0:
		return next(state) % (1 << 20) + 1; /* of its own mapping in most allocators */
	case 1:
	case 2:
		return next(state) % 40000 + 1;
	default:
		return next(state) % 2000 + 1;
	}
}

static void fill(struct block *b, size_t from)
{
	for (size_t i = from; i < b->len; i++)
		b->p[i] = (unsigned char)(b->first + i * 7);
}

static void verify(const struct block *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->p[i] != (unsigned char)(b->first + i * 7))
			wrong = 1;
}

static void *churn(void *arg)
{
	uint64_t state = 88172645463325252ull + (uintptr_t)arg * 7919;
	struct block *blocks = calloc(BLOCKS, sizeof(*blocks));

	while (blocks && !end) {
		struct block *b = &blocks[next(&state) % BLOCKS];
		size_t len = random_size(&state), kept;

		if (!b->p || next(&state) % 2) {
			verify(b);
			free(b->p);
			b->p = malloc(len);
			b->first = (unsigned char)next(&state);
			kept = 0;
		} else {
			verify(b);
			kept = b->len < len ? b->len : len;
			b->p = realloc(b->p, len);
		}
		if (!b->p)
			abort();
		b->len = len;
		fill(b, kept);
		if (++steps % 50 == 0)
			usleep(500);
	}
	for (int i = 0; blocks && i < BLOCKS; i++)
		verify(&blocks[i]);
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, churn, (void *)i))
			return 1;
	while (access("go", F_OK)) {
		FILE *f = fopen("progress.new", "w");

		if (!f || fprintf(f, "%ld\n", steps) < 0 || fclose(f) || rename("progress.new", "progress"))
			return 1;
		usleep(10000);
	}
	end = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	puts(wrong ? "FAIL" : "PASS");
	return wrong;
}
