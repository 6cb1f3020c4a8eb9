/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The simplest task: its data, bss, heap and stack come back byte for byte.
 *
 * One thread, no descriptors but the standard ones.
 */
#include "zdtm.h"

static char data[3 * TEST_PAGE] = { 1 };
static char bss[5 * TEST_PAGE];

int main(int argc, char **argv)
{
	char stack[2 * TEST_PAGE], *heap;
	pid_t pid = getpid(), ppid = getppid();

	test_init(argc, argv);
	heap = malloc(100000);
	CHECK(heap);
	test_fill(data, sizeof(data), 1);
	test_fill(bss, sizeof(bss), 2);
	test_fill(stack, sizeof(stack), 3);
	test_fill(heap, 100000, 4);

	test_ready();
	test_wait();

	if (test_sabotage())
		heap[99999]++;
	test_verify(data, sizeof(data), 1);
	test_verify(bss, sizeof(bss), 2);
	test_verify(stack, sizeof(stack), 3);
	test_verify(heap, 100000, 4);
	CHECK_EQ(getpid(), pid);
	CHECK_EQ(getppid(), ppid);
	free(heap);
	pass();
}
