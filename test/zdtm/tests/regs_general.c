/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The general registers of a task that runs user code all the time.
 *
 * A loop without calls compares all of them (and the direction flag) with what was
 * loaded, until the signal handler raises the flag.
 */
#include "zdtm.h"

/* rax holds the go flag's address; rsp is the stack. Returns 0, or the number of the register that differed. */
int spin(volatile sig_atomic_t *go, const uint64_t *values);

__asm__(".text\n"
	".globl spin\n"
	"spin:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rdi, %rax\n"
	"	pushfq; orq $0x400, (%rsp); popfq\n" /* DF */
	"	mov 0(%rsi), %rbx; mov 8(%rsi), %rcx; mov 16(%rsi), %rdx; mov 24(%rsi), %rdi\n"
	"	mov 32(%rsi), %rbp; mov 40(%rsi), %r8; mov 48(%rsi), %r9; mov 56(%rsi), %r10\n"
	"	mov 64(%rsi), %r11; mov 72(%rsi), %r12; mov 80(%rsi), %r13; mov 88(%rsi), %r14\n"
	"	mov 96(%rsi), %r15\n"
	"1:\n"
	"	cmp 0(%rsi), %rbx; jne 2f; cmp 8(%rsi), %rcx; jne 2f; cmp 16(%rsi), %rdx; jne 2f\n"
	"	cmp 24(%rsi), %rdi; jne 2f; cmp 32(%rsi), %rbp; jne 2f; cmp 40(%rsi), %r8; jne 2f\n"
	"	cmp 48(%rsi), %r9; jne 2f; cmp 56(%rsi), %r10; jne 2f; cmp 64(%rsi), %r11; jne 2f\n"
	"	cmp 72(%rsi), %r12; jne 2f; cmp 80(%rsi), %r13; jne 2f; cmp 88(%rsi), %r14; jne 2f\n"
	"	cmp 96(%rsi), %r15; jne 2f\n"
	"	pushfq; andq $0x400, (%rsp); cmpq $0x400, (%rsp); lea 8(%rsp), %rsp; jne 3f\n"
	"	cmpl $0, (%rax)\n"
	"	je 1b\n"
	"	xor %eax, %eax\n"
	"	jmp 4f\n"
	"2:	mov $1, %eax\n"
	"	jmp 4f\n"
	"3:	mov $2, %eax\n"
	"4:	cld\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n");

int main(int argc, char **argv)
{
	uint64_t values[13];
	sigset_t set;
	int i;

	test_init(argc, argv);
	for (i = 0; i < 13; i++)
		values[i] = 0x8123456789abcdefull * (i + 1) ^ i << 3;
	sigemptyset(&set);
	MUST(sigprocmask(SIG_SETMASK, &set, NULL));

	test_ready();
	CHECK_EQ(spin(&test_go_flag, values), 0);
	pass();
}
