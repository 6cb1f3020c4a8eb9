/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A child whose root is another directory, with its working directory below it.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct test_sync sync;
	char cwd[64];
	int fd, go[2];
	pid_t kid;

	test_init(argc, argv);
	MUST(mkdir("jail", 0755));
	MUST(mkdir("jail/inner", 0755));
	close(MUST(open("jail/inner/file", O_CREAT | O_WRONLY, 0644)));
	test_sync_init(&sync);
	MUST(pipe(go));
	kid = MUST(fork());
	if (kid == 0) {
		char c;

		close(go[1]);
		MUST(chroot("jail"));
		MUST(chdir("/inner"));
		test_sync_done(&sync);
		CHECK_EQ(read(go[0], &c, 1), 1);
		if (c == 's')
			MUST(chdir("/"));
		CHECK(getcwd(cwd, sizeof(cwd)));
		if (strcmp(cwd, "/inner"))
			fail("the directory is %s", cwd);
		fd = MUST(open("/inner/file", O_RDONLY));
		close(fd);
		CHECK(access("/etc", F_OK) == -1);
		CHECK(access("../..//inner", F_OK) == 0);
		_exit(0);
	}
	close(go[0]);
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	CHECK(write(go[1], test_sabotage() ? "s" : "g", 1) == 1);
	test_reap(kid);
	CHECK(access("/etc", F_OK) == 0);
	pass();
}
