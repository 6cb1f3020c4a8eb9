/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every thread has registers of its own: four of them spin on different SSE and general ones.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "zdtm.h"

#define NR 4

static atomic_int nr_started;
static volatile int end;

static void *body(void *arg)
{
	intptr_t nr = (intptr_t)arg;
	static unsigned char values[NR][16 * 4] __attribute__((aligned(16)));
	long bad;

	test_fill(values[nr], sizeof(values[nr]), nr);
	atomic_fetch_add(&nr_started, 1);
	__asm__ volatile("	movdqa 0(%2), %%xmm0\n"
			 "	movdqa 16(%2), %%xmm1\n"
			 "	movdqa 32(%2), %%xmm7\n"
			 "	movdqa 48(%2), %%xmm14\n"
			 "	mov %2, %%r12\n"
			 "	add $7, %%r12\n"
			 "	xor %0, %0\n"
			 "1:	movdqa %%xmm0, %%xmm2\n	pcmpeqb 0(%2), %%xmm2\n	movdqa %%xmm1, %%xmm3\n"
			 "	pcmpeqb 16(%2), %%xmm3\n	pand %%xmm3, %%xmm2\n	movdqa %%xmm7, %%xmm3\n"
			 "	pcmpeqb 32(%2), %%xmm3\n	pand %%xmm3, %%xmm2\n	movdqa %%xmm14, %%xmm3\n"
			 "	pcmpeqb 48(%2), %%xmm3\n	pand %%xmm3, %%xmm2\n"
			 "	pmovmskb %%xmm2, %%eax\n"
			 "	cmp $0xffff, %%eax\n	jne 2f\n"
			 "	lea 7(%2), %%rax\n	cmp %%r12, %%rax\n	jne 2f\n"
			 "	cmpl $0, (%1)\n	je 1b\n"
			 "	jmp 3f\n"
			 "2:	inc %0\n"
			 "3:\n"
			 : "=&r"(bad)
			 : "r"(&end), "r"(values[nr])
			 : "rax", "r12", "xmm0", "xmm1", "xmm2", "xmm3", "xmm7", "xmm14", "memory", "cc");
	if (bad)
		fail("thread %d: a register changed", (int)nr);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[NR];
	intptr_t i;

	test_init(argc, argv);
	for (i = 0; i < NR; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, body, (void *)i), 0);
	while (atomic_load(&nr_started) < NR)
		test_msleep(2);

	test_ready();
	test_wait();

	end = 1;
	for (i = 0; i < NR; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	pass();
}
