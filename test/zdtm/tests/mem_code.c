/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Code made at run time, and the program's own code patched (a breakpoint's way): both run after the restore.
 */
#include <sys/mman.h>

#include "zdtm.h"

static int __attribute__((noinline, aligned(4096))) patched(void)
{
	__asm__ volatile("nop; nop; nop; nop; nop; nop; nop; nop");
	return 1;
}

int main(int argc, char **argv)
{
	static const unsigned char code[] = { 0xb8, 0x2a, 0x00, 0x00, 0x00, 0xc3 }; /* mov $42, %eax; ret */
	int (*volatile call)(void) = patched;
	char *mem;

	test_init(argc, argv);
	mem = MUST((char *)mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	memcpy(mem, code, sizeof(code));
	MUST(mprotect(mem, TEST_PAGE, PROT_READ | PROT_EXEC));
	MUST(mprotect((void *)patched, TEST_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	memcpy((void *)patched, code, sizeof(code));
	MUST(mprotect((void *)patched, TEST_PAGE, PROT_READ | PROT_EXEC));

	test_ready();
	test_wait();

	CHECK_EQ(((int (*)(void))mem)(), 42 + test_sabotage());
	CHECK_EQ(call(), 42);
	pass();
}
