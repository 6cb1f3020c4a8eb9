/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The SSE registers xmm0 to xmm14 of a task that runs user code all the time.
 *
 * A loop without calls compares them with what was loaded; xmm15 is the scratch register.
 */
#include "zdtm.h"

int spin(volatile sig_atomic_t *go, const void *values);

__asm__(".text\n"
	".globl spin\n"
	"spin:\n"
	".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14\n"
	"	movdqu 16*\\n(%rsi), %xmm\\n\n"
	".endr\n"
	"1:\n"
	".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14\n"
	"	movdqa %xmm\\n, %xmm15\n"
	"	pcmpeqb 16*\\n(%rsi), %xmm15\n"
	"	pmovmskb %xmm15, %eax\n"
	"	cmp $0xffff, %eax\n"
	"	jne 2f\n"
	".endr\n"
	"	cmpl $0, (%rdi)\n"
	"	je 1b\n"
	"	xor %eax, %eax\n"
	"	ret\n"
	"2:	mov $1, %eax\n"
	"	ret\n");

int main(int argc, char **argv)
{
	static unsigned char values[16 * 15] __attribute__((aligned(64)));
	sigset_t set;

	test_init(argc, argv);
	test_fill(values, sizeof(values), 11);
	sigemptyset(&set);
	MUST(sigprocmask(SIG_SETMASK, &set, NULL));

	test_ready();
	CHECK_EQ(spin(&test_go_flag, values), 0);
	test_verify(values, sizeof(values), 11);
	pass();
}
