/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Working directory and umask, different in parent and child.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "zdtm.h"

static void check(const char *want, mode_t mask)
{
	char cwd[4096];
	struct stat st;

	CHECK(getcwd(cwd, sizeof(cwd)));
	if (strcmp(cwd, want))
		fail("the directory is %s, not %s", cwd, want);
	close(MUST(open("made", O_CREAT | O_EXCL | O_WRONLY, 0777)));
	MUST(stat("made", &st));
	CHECK_EQ(st.st_mode & 0777, 0777 & ~mask);
	CHECK_EQ(umask(0), mask);
}

int main(int argc, char **argv)
{
	struct test_sync sync;
	char path[8192];
	pid_t kid;

	test_init(argc, argv);
	MUST(mkdir("parent", 0755));
	MUST(mkdir("child dir", 0755));
	test_sync_init(&sync);
	kid = MUST(fork());
	if (kid == 0) {
		MUST(chdir("child dir"));
		umask(0123);
		test_sync_done(&sync);
		test_wait_polling();
		snprintf(path, sizeof(path), "%s/child dir", test_dir);
		check(path, 0123);
		_exit(0);
	}
	test_sync_wait(&sync, 1);
	MUST(chdir("parent"));
	umask(0027);

	test_ready();
	test_wait();

	if (test_sabotage())
		umask(0);
	snprintf(path, sizeof(path), "%s/parent", test_dir);
	check(path, 0027);
	test_reap(kid);
	pass();
}
