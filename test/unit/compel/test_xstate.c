/* SPDX-License-Identifier: GPL-2.0 */
/* Vector registers of a task that we ran code in. */
#include "harness.h"

#ifdef __x86_64__

#define NR_ZMM	  32
#define ZMM_BYTES 64

static unsigned char before[NR_ZMM * ZMM_BYTES], after[NR_ZMM * ZMM_BYTES];

#define EACH "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"

/* Each 16 bytes differ from all others. */
static unsigned char pattern(int i)
{
	return (unsigned char)(i % 16 ? i % 16 * 13 + i / 16 * 7 : i / 16);
}

/* Fills all of them, waits in assembly code, which leaves them alone, and looks. */
static int hold_zmm(struct shared *sh)
{
	for (int i = 0; i < NR_ZMM * ZMM_BYTES; i++)
		before[i] = pattern(i);
	__asm__ volatile(".irp n," EACH "vmovdqu64 \\n*64(%0), %%zmm\\n\n.endr\n"
			 "movl $1, %2\n"
			 "1: pause\n"
			 "cmpl $0, %3\n"
			 "je 1b\n"
			 ".irp n," EACH "vmovdqu64 %%zmm\\n, \\n*64(%1)\n.endr\n"

			 :
			 : "r"(before), "r"(after), "m"(sh->ready), "m"(sh->go)
			 : "memory", "cc");
	for (int i = 0; i < NR_ZMM * ZMM_BYTES; i++)
		if (after[i] != (unsigned char)(before[i] ^ sh->value))
			return 1 + i / ZMM_BYTES;
	return 0;
}

#define XMM_AT	  160 /* in the legacy part */
#define MAX_XSAVE (64 * 1024)

static void test_kept(void **state)
{
	unsigned char *xs[2] = { malloc(MAX_XSAVE), malloc(MAX_XSAVE) };
	size_t size[2];
	struct child c;

	if (!__builtin_cpu_supports("avx512f"))
		skip();
	child_start(&c, hold_zmm);
	for (int i = 0; i < 20; i++) {
		child_stop(&c);
		assert_int_equal(compel_get_xstate(c.pid, xs[0], MAX_XSAVE, &size[0]), 0);
		child_visit(&c);
		assert_int_equal(compel_get_xstate(c.pid, xs[1], MAX_XSAVE, &size[1]), 0);
		assert_int_equal(size[0], size[1]);
		assert_memory_equal(xs[0], xs[1], size[0]);
		assert_ok(compel_detach(&c.th), &c.th);
	}
	c.sh->go = 1;
	child_finish(&c);
	free(xs[0]);
	free(xs[1]);
}

/* What's written is what the task then has: every byte of every register turned over. */
static void test_set(void **state)
{
	unsigned char *xs = malloc(MAX_XSAVE);
	struct child c;
	size_t size, ask;
	unsigned char *at;

	if (!__builtin_cpu_supports("avx512f"))
		skip();
	child_start(&c, hold_zmm);
	child_stop(&c);
	assert_int_equal(compel_get_xstate(c.pid, xs, 100, &ask), -ENOSPC);
	for (size = ask; compel_get_xstate(c.pid, xs, size, &ask) == -ENOSPC; size = ask)
		assert_true(ask > size && ask <= MAX_XSAVE);
	assert_int_equal(compel_get_xstate(c.pid, xs, MAX_XSAVE, &size), 0);
	/* Without the layout of each part at hand: the pattern is nowhere but in the registers. */
	for (int i = 0; i < NR_ZMM * ZMM_BYTES; i += 16) {
		unsigned char want[16];

		for (int j = 0; j < 16; j++)
			want[j] = pattern(i + j);
		at = memmem(xs + XMM_AT, size - XMM_AT, want, sizeof(want));
		assert_non_null(at);
		for (int j = 0; j < 16; j++)
			at[j] ^= 0x80;
	}
	assert_int_equal(compel_set_xstate(c.pid, xs, size), 0);
	c.sh->value = 0x80;
	child_visit(&c);
	assert_ok(compel_detach(&c.th), &c.th);
	c.sh->go = 1;
	child_finish(&c);
	free(xs);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef __x86_64__
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_set),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
