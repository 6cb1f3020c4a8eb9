/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Protections of private pages: content is there whatever the protection is now, and the protection holds.
 *
 * One area of pages with none, r, rw, rx, rwx and w, set by mprotect after the pages were filled.
 */
#include <setjmp.h>
#include <sys/mman.h>

#include "zdtm.h"

static const int prots[] = {
	PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC, PROT_READ | PROT_WRITE | PROT_EXEC,
	PROT_WRITE
};
#define NR (int)(sizeof(prots) / sizeof(prots[0]))

static sigjmp_buf back;

static void on_segv(int sig)
{
	siglongjmp(back, 1);
}

static bool can_read(volatile char *p)
{
	if (sigsetjmp(back, 1))
		return false;
	(void)*p;
	return true;
}

static bool can_write(volatile char *p)
{
	if (sigsetjmp(back, 1))
		return false;
	*p = *p;
	return true;
}

static bool can_call(char *p)
{
	if (sigsetjmp(back, 1))
		return false;
	((void (*)(void))p)();
	return true;
}

int main(int argc, char **argv)
{
	char *mem;
	int i;

	test_init(argc, argv);
	signal(SIGSEGV, on_segv);
	mem = MUST((char *)mmap(NULL, NR * 2 * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	test_fill(mem, NR * 2 * TEST_PAGE, 3);
	for (i = 0; i < NR; i++) {
		mem[i * 2 * TEST_PAGE + TEST_PAGE] = 0xc3; /* ret */
		MUST(mprotect(mem + i * 2 * TEST_PAGE, 2 * TEST_PAGE, prots[i]));
	}

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(mprotect(mem, TEST_PAGE, PROT_READ));
	for (i = 0; i < NR; i++) {
		char *p = mem + i * 2 * TEST_PAGE;

		CHECK_EQ(can_read(p + 1), prots[i] != PROT_NONE); /* x86: writable is readable */
		CHECK_EQ(can_write(p + 1), (prots[i] & PROT_WRITE) != 0);
		CHECK_EQ(can_call(p + TEST_PAGE), (prots[i] & PROT_EXEC) != 0);
	}
	MUST(mprotect(mem, NR * 2 * TEST_PAGE, PROT_READ | PROT_WRITE));
	for (i = 0; i < NR; i++)
		mem[i * 2 * TEST_PAGE + TEST_PAGE] = 0;
	{
		static char want[NR * 2 * TEST_PAGE];

		test_fill(want, sizeof(want), 3);
		for (i = 0; i < NR; i++)
			want[i * 2 * TEST_PAGE + TEST_PAGE] = 0;
		CHECK_MEM(mem, want, sizeof(want));
	}
	pass();
}
