/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that can be told to change all over: at each SIGUSR1 everything becomes that of the next generation; the file
 * generations.first has the number of the first. The task's name says which it is, when a change is complete. "Go"
 * checks that all of it is of one and prints that.
 */
#include <sys/mman.h>
#include <sys/prctl.h>

#include "zdtm.h"

#define PRIVATE 200 /* pages */
#define SHARED	60
#define SPARSE	600 /* one of SPREAD is there */
#define SPREAD	5

static volatile sig_atomic_t wanted;
static char *private, *shared, *sparse;
static int generation;

static void next(int sig)
{
	wanted = 1;
}

static void fill(void)
{
	char name[16];

	test_fill(private, PRIVATE * TEST_PAGE, generation * 4);
	test_fill(shared, SHARED * TEST_PAGE, generation * 4 + 1);
	for (int p = 0; p < SPARSE; p += SPREAD)
		test_fill(sparse + p * TEST_PAGE, TEST_PAGE, generation * 4 + 2);
	snprintf(name, sizeof(name), "gen %d", generation);
	MUST(prctl(PR_SET_NAME, name));
}

static char *map(int pages, int flags)
{
	return MUST((char *)mmap(NULL, pages * TEST_PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0));
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = next };
	sigset_t none, usr1;
	FILE *first;

	test_init(argc, argv);
	first = fopen("generations.first", "re");
	CHECK(first && fscanf(first, "%d", &generation) == 1);
	fclose(first);
	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	MUST(sigprocmask(SIG_BLOCK, &usr1, NULL));
	MUST(sigaction(SIGUSR1, &sa, NULL));
	private = map(PRIVATE, MAP_PRIVATE);
	shared = map(SHARED, MAP_SHARED);
	sparse = map(SPARSE, MAP_PRIVATE);
	fill();

	test_ready();
	while (!test_go_flag) {
		sigsuspend(&none);
		if (!wanted)
			continue;
		wanted = 0;
		generation++;
		fill();
	}

	test_verify(private, PRIVATE * TEST_PAGE, generation * 4);
	test_verify(shared, SHARED * TEST_PAGE, generation * 4 + 1);
	for (int p = 0; p < SPARSE; p++) {
		if (p % SPREAD)
			test_verify_bytes(sparse + p * TEST_PAGE, TEST_PAGE, 0);
		else
			test_verify(sparse + p * TEST_PAGE, TEST_PAGE, generation * 4 + 2);
	}
	printf("generation %d\n", generation);
	pass();
}
