/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory policies of areas (mbind(2)): of private and shared memory, of a few out of more than a thousand areas.
 */
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "zdtm.h"

#define AREAS 1500

static const unsigned long node0[16] = { 1 };

static void bind_to_node0(char *at, size_t size, int mode)
{
	MUST(syscall(SYS_mbind, at, size, mode, node0, sizeof(node0) * 8, 0));
}

static void check_policy(const char *at, int mode)
{
	unsigned long now[16] = { 0 };
	int got = -1;

	MUST(syscall(SYS_get_mempolicy, &got, now, sizeof(now) * 8, at, MPOL_F_ADDR));
	CHECK_EQ(got, mode);
	CHECK_EQ(now[0], mode != MPOL_DEFAULT);
}

int main(int argc, char **argv)
{
	char *private, *shared, *many;
	int got;

	test_init(argc, argv);
	if (syscall(SYS_get_mempolicy, &got, NULL, 0, 0, 0) < 0)
		skip("no memory policies: %s", strerror(errno));
	private = MUST(mmap(NULL, 8 * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	shared = MUST(mmap(NULL, 4 * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	many = MUST(mmap(NULL, AREAS * TEST_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	/* Neighbours that aren't alike are areas of their own. */
	for (int i = 0; i < AREAS; i += 2)
		MUST(mprotect(many + i * TEST_PAGE, TEST_PAGE, PROT_READ | PROT_WRITE));
	bind_to_node0(private + 2 * TEST_PAGE, 3 * TEST_PAGE, MPOL_BIND | MPOL_F_STATIC_NODES);
	bind_to_node0(shared, 4 * TEST_PAGE, MPOL_PREFERRED);
	bind_to_node0(many + 40 * TEST_PAGE, TEST_PAGE, MPOL_INTERLEAVE);
	bind_to_node0(many + 1300 * TEST_PAGE, TEST_PAGE, MPOL_BIND);
	test_fill(private, 8 * TEST_PAGE, 1);
	test_fill(shared, 4 * TEST_PAGE, 2);

	test_ready();
	test_wait();

	if (test_sabotage())
		bind_to_node0(private, TEST_PAGE, MPOL_BIND);
	for (int i = 0; i < 8; i++)
		check_policy(private + i * TEST_PAGE, i >= 2 && i < 5 ? MPOL_BIND | MPOL_F_STATIC_NODES : MPOL_DEFAULT);
	check_policy(shared, MPOL_PREFERRED);
	check_policy(shared + 3 * TEST_PAGE, MPOL_PREFERRED);
	for (int i = 0; i < AREAS; i++)
		check_policy(many + i * TEST_PAGE, i == 40 ? MPOL_INTERLEAVE : i == 1300 ? MPOL_BIND : MPOL_DEFAULT);
	test_verify(private, 8 * TEST_PAGE, 1);
	test_verify(shared, 4 * TEST_PAGE, 2);
	pass();
}
