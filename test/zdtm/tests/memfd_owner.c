/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A memfd's owner, group and mode; MFD_NOEXEC_SEAL, and F_SEAL_EXEC of an executable one.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "zdtm.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#define MFD_EXEC	0x0010U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif
#define WRITE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | 0x0010)

static void check(int fd, mode_t mode, uid_t uid, gid_t gid, int seals)
{
	struct stat st;

	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFREG | mode);
	CHECK_EQ(st.st_uid, uid);
	CHECK_EQ(st.st_gid, gid);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), seals);
}

int main(int argc, char **argv)
{
	int plain, noexec, exec;

	test_init(argc, argv);
	plain = MUST(memfd_create("plain", 0));
	MUST(fchown(plain, 1234, 5678));
	MUST(fchmod(plain, 04751));
	noexec = memfd_create("noexec", MFD_NOEXEC_SEAL);
	if (noexec < 0 && errno == EINVAL)
		skip("the kernel has no MFD_NOEXEC_SEAL");
	MUST(noexec);
	MUST(fchmod(noexec, 0640));
	exec = MUST(memfd_create("exec", MFD_EXEC | MFD_ALLOW_SEALING));
	CHECK_EQ(write(exec, "#!", 2), 2);
	MUST(fchmod(exec, 0111));
	MUST(fcntl(exec, F_ADD_SEALS, F_SEAL_EXEC));

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(fchmod(noexec, 0600));
	check(plain, 04751, 1234, 5678, F_SEAL_SEAL);
	check(noexec, 0640, 0, 0, F_SEAL_EXEC);
	check(exec, 0111, 0, 0, F_SEAL_EXEC | WRITE_SEALS);
	CHECK(fchmod(noexec, 0755) == -1 && errno == EPERM);
	MUST(fchmod(noexec, 0600));
	CHECK(fchmod(exec, 0600) == -1 && errno == EPERM);
	MUST(fchmod(plain, 0600));
	pass();
}
