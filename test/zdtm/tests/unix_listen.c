/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unix sockets that listen: absolute, relative and abstract names, a file that is gone and one that is another's now.
 * Mode and owner of the files are kept, clients are served and see who called listen(2).
 */
#include <sys/wait.h>

#include "unix_test.h"

#define NR 6

static const struct {
	int type;
	const char *name; /* %s: the work directory, which is another in each run */
} kinds[NR] = {
	{ SOCK_STREAM, "%s/absolute" }, { SOCK_SEQPACKET, "relative" }, { SOCK_STREAM, "@%s-listen" },
	{ SOCK_STREAM, "%s/gone" },	{ SOCK_STREAM, "%s/replaced" }, { SOCK_STREAM, "%s/of-a-child" },
};

static void check_file(const char *name, unsigned int mode, unsigned int uid, unsigned int gid)
{
	struct stat st;

	MUST(lstat(name, &st));
	CHECK_EQ(st.st_mode, S_IFSOCK | mode);
	CHECK_EQ(st.st_uid, uid);
	CHECK_EQ(st.st_gid, gid);
}

/* Its file is of another user, and so is who listens. */
static void child(const char *name, struct test_sync *sync)
{
	struct ucred cred = { getpid(), 33, 44 };
	int fd = unix_socket(SOCK_STREAM, name);

	MUST(chown(name, 33, 44));
	MUST(setregid(44, 44));
	MUST(setreuid(33, 33));
	MUST(listen(fd, 3));
	test_sync_done(sync);
	test_wait_polling();
	check_serves(fd, SOCK_STREAM, name, &cred);
	_exit(0);
}

int main(int argc, char **argv)
{
	struct ucred cred = { .pid = getpid() };
	struct test_sync sync;
	char names[NR][200];
	struct stat st;
	int fd[NR], other;
	pid_t pid;

	test_init(argc, argv);
	for (int i = 0; i < NR; i++) {
		snprintf(names[i], sizeof(names[i]), kinds[i].name, test_dir);
		if (i == NR - 1)
			break;
		fd[i] = unix_socket(kinds[i].type, names[i]);
		MUST(listen(fd[i], 3 + i));
	}
	MUST(chmod(names[0], 0620));
	MUST(chown(names[0], 1234, 567));
	MUST(chmod(names[1], 02771));
	MUST(unlink(names[3]));
	MUST(unlink(names[4]));
	other = unix_socket(SOCK_STREAM, names[4]);
	MUST(listen(other, 1));
	test_sync_init(&sync);
	pid = MUST(fork());
	if (!pid)
		child(names[NR - 1], &sync);
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(chmod(names[1], 0600));
	for (int i = 0; i < NR - 1; i++)
		check_name(fd[i], false, names[i]);
	for (int i = 0; i < 3; i++)
		check_serves(fd[i], kinds[i].type, names[i], &cred);
	check_serves(other, SOCK_STREAM, names[4], &cred);
	check_file(names[0], 0620, 1234, 567);
	check_file(names[1], 02771, 0, 0);
	check_file(names[NR - 1], 0755, 33, 44);
	CHECK(lstat(names[3], &st) < 0 && errno == ENOENT);
	MUST(chmod(names[NR - 1], 0777));
	test_reap(pid);
	pass();
}
