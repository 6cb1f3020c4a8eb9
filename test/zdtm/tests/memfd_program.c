/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program that runs out of a sealed memfd, as container runtimes do, and has its name and content still.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "zdtm.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static bool runs_from_memfd(void)
{
	char link[256] = "";

	MUST(readlink("/proc/self/exe", link, sizeof(link) - 1));
	return !strcmp(link, "/memfd:program (deleted)");
}

static void run_from_memfd(char **argv)
{
	int fd = MUST(memfd_create("program", MFD_ALLOW_SEALING | MFD_CLOEXEC));
	int self = MUST(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
	char path[32];
	struct stat st;

	MUST(fstat(self, &st));
	CHECK_EQ(sendfile(fd, self, NULL, st.st_size), st.st_size);
	MUST(fchmod(fd, 0700));
	MUST(fcntl(fd, F_ADD_SEALS, SEALS));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	self = MUST(open(path, O_RDONLY | O_CLOEXEC));
	MUST(close(fd));
	MUST(fexecve(self, argv, environ));
}

int main(int argc, char **argv)
{
	int exe;

	if (!runs_from_memfd())
		run_from_memfd(argv);
	test_init(argc, argv);

	test_ready();
	test_wait();

	CHECK_EQ(runs_from_memfd(), !test_sabotage());
	exe = MUST(open("/proc/self/exe", O_RDONLY));
	CHECK_EQ(fcntl(exe, F_GET_SEALS), SEALS);
	CHECK(open("/proc/self/exe", O_WRONLY) == -1 && errno == ETXTBSY);
	pass();
}
