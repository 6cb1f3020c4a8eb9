/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How long a page takes that isn't there yet, after a lazy restore.
 *
 *   fault READY MIB AWAKE SLEEPING
 *       Fills MIB of 4 KiB pages and makes the file READY. At SIGUSR1 it touches pages at random places that
 *       mincore(2) doesn't find: AWAKE of them one right after the other, then SLEEPING of them, each after a pause of
 *       20 ms in which a pager falls asleep. It checks what it reads, writes READY.result, and goes on to wait. The
 *       file has two lines, "awake" and "sleeping", then the latencies in ns, ascending; "wrong" if any content was.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE  4096ul
#define WORDS (PAGE / sizeof(uint64_t))

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static uint64_t word(uint64_t n)
{
	return (n + 1) * 0x9e3779b97f4a7c15ull;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

struct memory {
	volatile uint64_t *words;
	size_t pages;
	uint64_t seed;
	int wrong;
};

/* The next random page that isn't there; the number of pages when there is none any more. */
static size_t next_missing(struct memory *m)
{
	unsigned char there;

	for (size_t tries = 0; tries < 4 * m->pages; tries++) {
		size_t page;

		m->seed = m->seed * 6364136223846793005ull + 1442695040888963407ull;
		page = (m->seed >> 20) % m->pages;
		if (mincore((char *)m->words + page * PAGE, PAGE, &there))
			die("mincore");
		if (!(there & 1))
			return page;
	}
	return m->pages;
}

/* Touches at most NR of them; how many there were. */
static size_t measure(struct memory *m, uint64_t *took, size_t nr, useconds_t pause)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		size_t page = next_missing(m);
		uint64_t start, value;

		if (page == m->pages)
			break;
		if (pause)
			usleep(pause);
		start = now_ns();
		value = m->words[page * WORDS];
		took[i] = now_ns() - start;
		m->wrong |= value != word(page * WORDS) || m->words[page * WORDS + 1] != word(page * WORDS + 1);
	}
	qsort(took, i, sizeof(*took), compare);
	return i;
}

static void report(const char *ready, const struct memory *m, const uint64_t *took, const size_t nr[2])
{
	static const char *const names[2] = { "awake", "sleeping" };
	char path[4096], new[4104];
	FILE *f;

	snprintf(path, sizeof(path), "%s.result", ready);
	snprintf(new, sizeof(new), "%s.new", path);
	f = fopen(new, "w");
	if (!f)
		die(new);
	for (int i = 0; i < 2; i++) {
		fprintf(f, "%s", m->wrong ? "wrong" : names[i]);
		for (size_t n = 0; n < nr[i]; n++)
			fprintf(f, " %llu", (unsigned long long)*took++);
		fprintf(f, "\n");
	}
	if (fclose(f) || rename(new, path))
		die(path);
}

int main(int argc, char **argv)
{
	struct memory m = { .seed = 1 };
	size_t nr[2];
	uint64_t *took;
	sigset_t set;
	int sig, fd;

	if (argc != 5) {
		fprintf(stderr, "usage: fault READY MIB AWAKE SLEEPING\n");
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	m.pages = (strtoul(argv[2], NULL, 10) << 20) / PAGE;
	m.words = mmap(NULL, m.pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	took = calloc(strtoul(argv[3], NULL, 10) + strtoul(argv[4], NULL, 10), sizeof(*took));
	if (m.words == MAP_FAILED || !took)
		die("memory");
	madvise((void *)m.words, m.pages * PAGE, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < m.pages * WORDS; i++)
		m.words[i] = word(i);
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		die(argv[1]);
	close(fd);
	while (!sigwait(&set, &sig)) {
		nr[0] = measure(&m, took, strtoul(argv[3], NULL, 10), 0);
		nr[1] = measure(&m, took + nr[0], strtoul(argv[4], NULL, 10), 20000);
		report(argv[1], &m, took, nr);
	}
	return 0;
}
