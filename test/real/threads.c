/* SPDX-License-Identifier: GPL-2.0 */
/*
 * 200 threads that work: each counts under one of ten mutexes and checks what the others left.
 *
 * Prints the sum into the file "progress" now and then; ends with "PASS" once the file "go" is there.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NR_THREADS 200
#define NR_CELLS   10

static struct {
	pthread_mutex_t lock;
	long a, b;
} cells[NR_CELLS];
static atomic_long sum;
static atomic_bool end;
static __thread long own;

static void *body(void *arg)
{
	long nr = (long)arg, n;
	struct timespec nap = { 0, 20000000 };

	for (n = 0; !atomic_load(&end); n++) {
		int c = (nr + n) % NR_CELLS;

		pthread_mutex_lock(&cells[c].lock);
		if (cells[c].a != cells[c].b || own != n) {
			printf("FAIL: cell %d: %ld %ld; thread %ld: %ld %ld\n", c, cells[c].a, cells[c].b, nr, own, n);
			_exit(1);
		}
		cells[c].a++;
		own++;
		cells[c].b++;
		pthread_mutex_unlock(&cells[c].lock);
		atomic_fetch_add(&sum, 1);
		nanosleep(&nap, NULL);
	}
	return NULL;
}

int main(void)
{
	struct timespec nap = { 0, 20000000 };
	pthread_t threads[NR_THREADS];
	long i, total = 0;
	FILE *f;

	for (i = 0; i < NR_CELLS; i++)
		pthread_mutex_init(&cells[i].lock, NULL);
	for (i = 0; i < NR_THREADS; i++)
		if (pthread_create(&threads[i], NULL, body, (void *)i))
			return 1;
	while (access("go", F_OK)) {
		f = fopen("progress.new", "w");
		if (!f)
			return 1;
		fprintf(f, "%ld\n", atomic_load(&sum));
		fclose(f);
		rename("progress.new", "progress");
		nanosleep(&nap, NULL);
	}
	atomic_store(&end, true);
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < NR_CELLS; i++)
		total += cells[i].a;
	puts(total == atomic_load(&sum) ? "PASS" : "FAIL");
	return 0;
}
