/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Terabytes that are reserved and hardly touched, as Go, Java and address sanitizers have them: the few pages come
 * back, nothing else is there, and it takes no time that depends on the size.
 *
 * timeout: 60
 */
#include <sys/mman.h>

#include "zdtm.h"

#define TIB  (1ul << 40)
#define STEP (97ul << 30)
#define NR   40

int main(int argc, char **argv)
{
	char *mem, *none, *inside;

	test_init(argc, argv);
	mem = mmap(NULL, 4 * TIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED && errno == ENOMEM)
		skip("so much memory may not be promised here (vm.overcommit_memory)");
	CHECK(mem != MAP_FAILED);
	none = MUST((char *)mmap(NULL, 20 * TIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	for (int i = 0; i < NR; i++)
		test_fill(mem + i * STEP, TEST_PAGE, i);
	inside = none + 7 * TIB;
	MUST(mprotect(inside, 16 * TEST_PAGE, PROT_READ | PROT_WRITE));
	test_fill(inside, TEST_PAGE, 99);

	test_ready();
	test_wait();

	if (test_sabotage())
		mem[3 * STEP + 5]++;
	for (int i = 0; i < NR; i++) {
		test_verify(mem + i * STEP, TEST_PAGE, i);
		test_verify_bytes(mem + i * STEP + TEST_PAGE, TEST_PAGE, 0);
	}
	test_verify(inside, TEST_PAGE, 99);
	/* Still without reservation: more than any machine's memory may be made writable. */
	MUST(mprotect(none, 5 * TIB, PROT_READ | PROT_WRITE));
	pass();
}
