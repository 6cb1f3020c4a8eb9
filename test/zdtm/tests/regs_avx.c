/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The AVX registers ymm0 to ymm14 of a task that runs user code all the time.
 *
 * needs: cpu:avx2
 */
#include "zdtm.h"

int spin(volatile sig_atomic_t *go, const void *values);

__asm__(".text\n"
	".globl spin\n"
	"spin:\n"
	".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14\n"
	"	vmovdqu 32*\\n(%rsi), %ymm\\n\n"
	".endr\n"
	"1:\n"
	".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14\n"
	"	vpcmpeqb 32*\\n(%rsi), %ymm\\n, %ymm15\n"
	"	vpmovmskb %ymm15, %eax\n"
	"	cmp $-1, %eax\n"
	"	jne 2f\n"
	".endr\n"
	"	cmpl $0, (%rdi)\n"
	"	je 1b\n"
	"	xor %eax, %eax\n"
	"	vzeroupper\n"
	"	ret\n"
	"2:	mov $1, %eax\n"
	"	vzeroupper\n"
	"	ret\n");

int main(int argc, char **argv)
{
	static unsigned char values[32 * 15] __attribute__((aligned(64)));
	sigset_t set;

	test_init(argc, argv);
	test_fill(values, sizeof(values), 12);
	sigemptyset(&set);
	MUST(sigprocmask(SIG_SETMASK, &set, NULL));

	test_ready();
	CHECK_EQ(spin(&test_go_flag, values), 0);
	pass();
}
