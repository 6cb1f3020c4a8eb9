/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All five capability sets, different from each other; securebits; a user other than root with ambient ones.
 */
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "zdtm.h"

static void read_caps(unsigned long long caps[5])
{
	static const char *const keys[5] = { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" };
	char text[64];
	int i;

	for (i = 0; i < 5; i++) {
		test_status(0, keys[i], text, sizeof(text));
		caps[i] = strtoull(text, NULL, 16);
	}
}

int main(int argc, char **argv)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2] = { { 0 } };
	unsigned long long before[5], after[5];
	int bits;

	test_init(argc, argv);
	MUST(prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT));
	MUST(prctl(PR_CAPBSET_DROP, CAP_BPF));
	MUST(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED));
	MUST(setresgid(55, 55, 55));
	MUST(setresuid(44, 44, 44));
	caps[0].permitted = 1 << CAP_KILL | 1 << CAP_NET_RAW | 1 << CAP_CHOWN | 1 << CAP_SYS_PTRACE;
	caps[0].inheritable = 1 << CAP_NET_RAW | 1 << CAP_CHOWN;
	caps[0].effective = 1 << CAP_KILL;
	MUST(syscall(SYS_capset, &head, caps));
	MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0));
	read_caps(before);
	bits = MUST(prctl(PR_GET_SECUREBITS));

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
	read_caps(after);
	CHECK_MEM(after, before, sizeof(before));
	CHECK_EQ(after[4], 1 << CAP_NET_RAW);
	CHECK_EQ(prctl(PR_GET_SECUREBITS), bits);
	CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_SYS_BOOT), 0);
	pass();
}
