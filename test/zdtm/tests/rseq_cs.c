/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A restartable sequence that is interrupted by dump and restore is aborted, as by any preemption.
 *
 * The task spins inside a critical section. After a restore it must be found at the abort handler
 * (which goes back in) and never run on in a half-done sequence.
 */
#include <linux/rseq.h>
#include <sys/rseq.h>
#include <sys/syscall.h>

#include "zdtm.h"

static volatile struct rseq *mine(void)
{
	return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

int spin_in_sequence(volatile sig_atomic_t *go, volatile void *rseq_cs_field, volatile uint64_t *aborts);

__asm__(".section __rseq_cs_test, \"aw\"\n"
	".balign 32\n"
	"sequence:\n"
	"	.long 0, 0\n"
	"	.quad 2f, 3f - 2f, 4f\n"
	".text\n"
	"	.long 0x53053053\n" /* the signature in front of the abort handler */
	"4:	incq (%rdx)\n"
	"spin_in_sequence:\n"
	"	cmpl $0, (%rdi)\n"
	"	jne 5f\n"
	"	lea sequence(%rip), %rax\n"
	"	mov %rax, (%rsi)\n"
	"2:	pause\n"
	"	jmp 2b\n"
	"3:	nop\n"
	"5:	movq $0, (%rsi)\n"
	"	xor %eax, %eax\n"
	"	ret\n");

int main(int argc, char **argv)
{
	static volatile uint64_t aborts;
	sigset_t set;

	test_init(argc, argv);
	if (!__rseq_size)
		skip("the C library has no rseq registered");
	sigemptyset(&set);
	MUST(sigprocmask(SIG_SETMASK, &set, NULL));

	test_ready();
	/* The signal aborts the sequence; only the abort handler looks at the flag. */
	spin_in_sequence(&test_go_flag, &mine()->rseq_cs, &aborts);
	CHECK(aborts >= 1);
	pass();
}
