/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What make bench dumps and restores, and the measures it compares with.
 *
 *   work hold READY MIB PROCESSES THREADS AREAS COMMON
 *       A tree of PROCESSES, each with MIB of 4 KiB pages of its own, COMMON MiB that all have from the first one,
 *       THREADS and AREAS more mappings, that stands still. When all are ready the file READY exists. At SIGUSR1 the
 *       first process checks its memory and makes READY.ok or READY.bad.
 *   work memcpy MIB    the seconds one warm copy takes, the median of 5
 *   work warm MIB      touches and frees memory: a virtual machine's first touch costs many times what later ones do
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul
#define RUNS 5

static void die(const char *what)
{
	fprintf(stderr, "work: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	madvise(p, bytes, MADV_NOHUGEPAGE);
	return p;
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static uint64_t word(uint64_t n)
{
	return (n + 1) * 0x9e3779b97f4a7c15ull;
}

/* Unlike for each SALT. */
static void fill(uint64_t *words, size_t bytes, uint64_t salt)
{
	for (size_t i = 0; i < bytes / 8; i++)
		words[i] = word(i) ^ salt;
}

static int check(const uint64_t *words, size_t bytes)
{
	for (size_t i = 0; i < bytes / 8; i++)
		if (words[i] != word(i))
			return 0;
	return 1;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void measure_memcpy(size_t bytes)
{
	uint64_t *from = map(bytes), *to = map(bytes);
	double took[RUNS];

	fill(from, bytes, 0);
	fill(to, bytes, 0);
	for (int i = 0; i < RUNS; i++) {
		double start = seconds();

		memcpy(to, from, bytes);
		took[i] = seconds() - start;
		from[i] = to[bytes / 8 - 1]; /* the copy is used */
	}
	qsort(took, RUNS, sizeof(double), compare);
	printf("%.6f\n", took[RUNS / 2]);
}

static void *stand(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* Neighbours of unlike protection, so that the kernel can't merge them. */
static void map_areas(unsigned nr)
{
	char *base = map((nr + 1) * 2 * PAGE);

	for (unsigned i = 0; i < nr; i += 2) {
		base[i * PAGE] = 1;
		if (mprotect(base + i * PAGE, PAGE, PROT_READ))
			die("mprotect");
	}
}

static void touch_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		die(path);
	close(fd);
}

static void hold(const char *ready, size_t bytes, unsigned processes, unsigned threads, unsigned areas, size_t common)
{
	atomic_uint *nr_ready = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned expected = processes;
	char path[4096];
	uint64_t *words, *inherited = map(common + PAGE);
	sigset_t set;
	int first = 1, sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fill(inherited, common, 0);
	while (first && --processes) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		first = pid != 0;
	}
	words = map(bytes + PAGE);
	fill(words, bytes, first ? 0 : processes);
	map_areas(areas);
	while (threads-- > 1) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, stand, NULL))
			die("pthread_create");
	}
	atomic_fetch_add(nr_ready, 1);
	if (!first) {
		munmap(nr_ready, PAGE);
		stand(NULL);
	}
	while (atomic_load(nr_ready) < expected)
		usleep(1000);
	munmap(nr_ready, PAGE); /* shared memory is no part of what is measured */
	touch_file(ready);
	while (!sigwait(&set, &sig)) {
		snprintf(path, sizeof(path), "%s.%s", ready,
			 check(words, bytes) && check(inherited, common) ? "ok" : "bad");
		touch_file(path);
	}
}

int main(int argc, char **argv)
{
	size_t mib = argc > 2 ? strtoul(argv[argc > 3 ? 3 : 2], NULL, 10) << 20 : 0;

	if (argc == 8 && !strcmp(argv[1], "hold")) {
		hold(argv[2], mib, strtoul(argv[4], NULL, 10), strtoul(argv[5], NULL, 10), strtoul(argv[6], NULL, 10),
		     strtoul(argv[7], NULL, 10) << 20);
	} else if (argc == 3 && !strcmp(argv[1], "memcpy")) {
		measure_memcpy(mib);
	} else if (argc == 3 && !strcmp(argv[1], "warm")) {
		fill(map(mib), mib, 0);
	} else {
		fprintf(stderr, "usage: work hold|memcpy|warm ... (see the source)\n");
		return 2;
	}
	return 0;
}
