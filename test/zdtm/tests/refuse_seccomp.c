/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A seccomp filter is refused.
 *
 * expect: refused seccomp
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "zdtm.h"

static struct sock_filter allow[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
static struct sock_fprog filter = { 1, allow };

int main(int argc, char **argv)
{

	test_init(argc, argv);
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter));

	test_ready();
	test_wait();

	CHECK_EQ(prctl(PR_GET_SECCOMP), SECCOMP_MODE_FILTER);
	pass();
}
