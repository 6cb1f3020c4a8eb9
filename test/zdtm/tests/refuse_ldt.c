/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A local descriptor table (modify_ldt(2)) is refused.
 *
 * expect: refused modify_ldt
 */
#include <asm/ldt.h>
#include <sys/syscall.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct user_desc desc = { .entry_number = 3, .base_addr = 4096, .limit = 10, .seg_32bit = 1, .useable = 1 };
	char table[64];

	test_init(argc, argv);
	if (syscall(SYS_modify_ldt, 1, &desc, sizeof(desc)) < 0)
		skip("no modify_ldt: %s", strerror(errno));

	test_ready();
	test_wait();

	CHECK((int)syscall(SYS_modify_ldt, 0, table, sizeof(table)) > 0);
	pass();
}
