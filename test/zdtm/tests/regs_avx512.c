/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The AVX-512 registers zmm0 to zmm31 and the mask registers k2 to k7.
 *
 * A loop without calls compares all with what was loaded; k1 is scratch.
 *
 * needs: cpu:avx512f cpu:avx512bw
 */
#include "zdtm.h"

int spin(volatile sig_atomic_t *go, const void *values, const uint64_t *masks);

__asm__(".text\n"
	".globl spin\n"
	"spin:\n"
	".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
	"	vmovdqu64 64*\\n(%rsi), %zmm\\n\n"
	".endr\n"
	".irp n,2,3,4,5,6,7\n"
	"	kmovq 8*\\n(%rdx), %k\\n\n"
	".endr\n"
	"1:\n"
	".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
	"	vpcmpneqq 64*\\n(%rsi), %zmm\\n, %k1\n"
	"	kortestw %k1, %k1\n"
	"	jnz 2f\n"
	".endr\n"
	".irp n,2,3,4,5,6,7\n"
	"	kmovq %k\\n, %rax\n"
	"	cmp 8*\\n(%rdx), %rax\n"
	"	jne 3f\n"
	".endr\n"
	"	cmpl $0, (%rdi)\n"
	"	je 1b\n"
	"	xor %eax, %eax\n"
	"	vzeroupper\n"
	"	ret\n"
	"2:	mov $1, %eax\n"
	"	vzeroupper\n"
	"	ret\n"
	"3:	mov $2, %eax\n"
	"	vzeroupper\n"
	"	ret\n");

int main(int argc, char **argv)
{
	static unsigned char values[64 * 32] __attribute__((aligned(64)));
	static uint64_t masks[8];
	sigset_t set;

	test_init(argc, argv);
	test_fill(values, sizeof(values), 13);
	test_fill(masks, sizeof(masks), 14);
	sigemptyset(&set);
	MUST(sigprocmask(SIG_SETMASK, &set, NULL));

	test_ready();
	CHECK_EQ(spin(&test_go_flag, values, masks), 0);
	pass();
}
