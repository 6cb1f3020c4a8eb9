/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A seccomp filter that asks another process (user notification) is refused, listener or not.
 *
 * expect: refused seccomp filter with user notification
 */
#include "seccomp.h"

int main(int argc, char **argv)
{
	test_init(argc, argv);
	close(MUST(deny(SYS_getpriority, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER)));

	test_ready();
	test_wait();

	CHECK_EQ(syscall(SYS_getpriority, 0, 0), -1);
	CHECK_EQ(errno, ENOSYS);
	pass();
}
