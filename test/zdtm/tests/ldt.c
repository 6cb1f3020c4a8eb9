/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A local descriptor table (modify_ldt(2)): its entries, and a segment register that uses one.
 */
#include <asm/ldt.h>
#include <sys/syscall.h>

#include "zdtm.h"

#define SELECTOR(n) ((n) << 3 | 7) /* of the local table, privilege 3 */

static unsigned char before[65536], after[65536];

static void set_entry(struct user_desc desc)
{
	MUST(syscall(SYS_modify_ldt, 0x11, &desc, sizeof(desc)));
}

static void read_table(unsigned char *table)
{
	CHECK_EQ((int)syscall(SYS_modify_ldt, 0, table, sizeof(before)), sizeof(before));
}

int main(int argc, char **argv)
{
	unsigned short es = 0;

	test_init(argc, argv);
	if (syscall(SYS_modify_ldt, 0, before, sizeof(before)) < 0)
		skip("no modify_ldt: %s", strerror(errno));
	set_entry(
		(struct user_desc){ .entry_number = 3, .base_addr = 4096, .limit = 10, .seg_32bit = 1, .useable = 1 });
	set_entry((struct user_desc){ .entry_number = 8000,
				      .base_addr = 0xfedcba98,
				      .limit = 0xfffff,
				      .seg_32bit = 1,
				      .contents = 2,
				      .read_exec_only = 1,
				      .limit_in_pages = 1 });
	set_entry((struct user_desc){
		.entry_number = 40, .base_addr = 1, .limit = 1, .seg_32bit = 1, .contents = 1, .seg_not_present = 1 });
	__asm__ volatile("mov %0, %%es" : : "r"(SELECTOR(3)));
	read_table(before);

	test_ready();
	test_wait();

	if (test_sabotage())
		set_entry((struct user_desc){ .entry_number = 8000 });
	read_table(after);
	CHECK_MEM(after, before, sizeof(before));
	__asm__ volatile("mov %%es, %0" : "=r"(es));
	CHECK_EQ(es, SELECTOR(3));
	pass();
}
