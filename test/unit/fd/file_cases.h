/* SPDX-License-Identifier: GPL-2.0 */
/* Files that a path leads to, also deleted ones. Included by test_fd_roundtrip.c. */

static int put(const char *name, const char *text, int flags)
{
	int fd = open(scratch(name), O_CREAT | O_TRUNC | O_RDWR, 0640);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	fd = open(scratch(name), flags);
	must(fd >= 0);
	return fd;
}

static bool reads(int fd, off_t offset, const char *text)
{
	char buf[256] = {};
	char name[32];
	int again;
	bool same;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	again = open(name, O_RDONLY);
	must(again >= 0);
	same = pread(again, buf, sizeof(buf) - 1, offset) == (ssize_t)strlen(text) && !strcmp(buf, text);
	close(again);
	return same;
}

/* Flags, offsets, close-on-exec, duplicates and second openings. */
static void make_regular_files(int who)
{
	must(put("a", "0123456789", O_RDWR) == 3);
	must(lseek(3, 4, SEEK_SET) == 4);
	must(dup2(3, 100) == 100);
	must(fcntl(100, F_SETFD, FD_CLOEXEC) == 0);
	must(open(scratch("a"), O_RDONLY | O_NONBLOCK | O_NOATIME) == 4);
	must(open(scratch("a"), O_WRONLY | O_APPEND | O_CLOEXEC) == 5);
	must(open(scratch("a"), O_PATH) == 6);
	must(open(scratch("."), O_RDONLY | O_DIRECTORY) == 7);
	must(symlink("nowhere", scratch("link")) == 0);
	must(open(scratch("link"), O_PATH | O_NOFOLLOW) == 8);
	must(open("/dev/urandom", O_RDONLY) == 9);
	must(open("/proc/meminfo", O_RDONLY) == 10);
	must(open("/proc", O_RDONLY | O_DIRECTORY) == 11);
	must(dup2(3, 50) == 50);
	close(3);
}

static void check_regular_files(int who)
{
	must(fcntl(3, F_GETFD) < 0);
	must(same_open_file(getpid(), 50, getpid(), 100));
	must(!same_open_file(getpid(), 50, getpid(), 4));
	must(fcntl(50, F_GETFD) == 0 && fcntl(100, F_GETFD) == FD_CLOEXEC);
	must(lseek(50, 0, SEEK_CUR) == 4 && lseek(4, 0, SEEK_CUR) == 0);
	must(fcntl(50, F_GETFL) == (O_RDWR | 0100000));
	must(fcntl(4, F_GETFL) == (O_RDONLY | O_NONBLOCK | O_NOATIME | 0100000));
	must(fcntl(5, F_GETFL) == (O_WRONLY | O_APPEND | 0100000) && fcntl(5, F_GETFD) == FD_CLOEXEC);
	must(fcntl(6, F_GETFL) == O_PATH);
	must(!strcmp(link_of(50), scratch("a")) && !strcmp(link_of(6), scratch("a")));
	must(!strcmp(link_of(8), scratch("link")));
	must(!strcmp(link_of(9), "/dev/urandom") && !strcmp(link_of(0), "/dev/null"));
	must(!strcmp(link_of(10), "/proc/meminfo") && !strcmp(link_of(11), "/proc"));
	must(reads(50, 0, "0123456789"));
	must(fcntl(12, F_GETFD) < 0 && fcntl(200, F_GETFD) < 0);
}

/* The owner of a file and its signal. */
static void make_owner(int who)
{
	struct f_owner_ex owner = { F_OWNER_PGRP, getpgrp() };
	int ends[2];

	must(pipe(ends) == 0 && ends[0] == 3);
	must(fcntl(3, F_SETSIG, SIGUSR2) == 0);
	must(setresuid(1234, 4321, 0) == 0);
	must(fcntl(3, F_SETOWN_EX, &owner) == 0);
	must(setresuid(0, 0, 0) == 0);
	must(fcntl(3, F_SETFL, O_ASYNC) == 0);
	must(fcntl(4, F_SETSIG, SIGUSR1) == 0);
}

static void check_owner(int who)
{
	struct f_owner_ex owner;
	uid_t uids[2];

	must(fcntl(3, F_GETSIG) == SIGUSR2 && fcntl(3, F_GETOWN_EX, &owner) == 0);
	must(owner.type == F_OWNER_PGRP && owner.pid == getpgrp());
	must(fcntl(3, 17 /* F_GETOWNER_UIDS */, uids) == 0 && uids[0] == 1234 && uids[1] == 4321);
	must(fcntl(3, F_GETFL) == O_ASYNC && fcntl(4, F_GETFL) == O_WRONLY);
	must(fcntl(4, F_GETSIG) == SIGUSR1 && fcntl(4, F_GETOWN_EX, &owner) == 0 && !owner.pid);
	must(getuid() == 0 && geteuid() == 0);
}

/* Sharing between tasks. */
static void make_sharing(int who)
{
	if (!who)
		must(put("shared", "abc", O_RDONLY) == 3);
	if (who == 1)
		must(open(scratch("shared"), O_RDONLY) == 4 && dup2(3, 9) == 9);
	if (who == 2)
		must(close(3) == 0 && open(scratch("shared"), O_RDONLY) == 3);
}

static void check_sharing(int who)
{
	must((fcntl(4, F_GETFD) == 0) == (who > 0));
	if (who < 2)
		return;
	must(same_open_file(getpid(), 9, notes->pids[0], 3));
	must(same_open_file(getpid(), 9, notes->pids[1], 3));
	must(same_open_file(getpid(), 9, notes->pids[1], 9));
	must(same_open_file(getpid(), 4, notes->pids[1], 4));
	must(!same_open_file(getpid(), 3, getpid(), 9) && !same_open_file(getpid(), 4, getpid(), 9));
	must(!same_open_file(getpid(), 4, getpid(), 3));
}

/* One deleted file with two openings and a link name, holes, times; another one of the same name. */
static void make_deleted(int who)
{
	struct timespec times[2] = { { 1000, 5000 }, { 2000, 7000 } };

	must(put("gone", "first", O_RDWR) == 3);
	must(ftruncate(3, 1 << 20) == 0 && pwrite(3, "end", 3, 900000) == 3);
	must(link(scratch("gone"), scratch("other-name")) == 0);
	must(open(scratch("other-name"), O_RDONLY) == 4);
	must(lseek(4, 7, SEEK_SET) == 7);
	must(unlink(scratch("gone")) == 0 && unlink(scratch("other-name")) == 0);
	must(fchown(3, 12, 34) == 0 && fchmod(3, 04711) == 0 && futimens(3, times) == 0);
	must(put("gone", "second", O_RDONLY) == 5);
	must(unlink(scratch("gone")) == 0);
	must(mkdir(scratch("dir"), 0700) == 0 && mkdir(scratch("dir/in"), 0705) == 0);
	must(put("dir/in/file", "third", O_WRONLY) == 6);
	must(open(scratch("dir/in"), O_RDONLY) == 7);
	must(unlink(scratch("dir/in/file")) == 0 && rmdir(scratch("dir/in")) == 0 && rmdir(scratch("dir")) == 0);
	must(mkfifo(scratch("pipe"), 0600) == 0 && open(scratch("pipe"), O_RDWR) == 8);
	must(write(8, "data", 4) == 4 && unlink(scratch("pipe")) == 0);
	must(symlink("target", scratch("sym")) == 0 && open(scratch("sym"), O_PATH | O_NOFOLLOW) == 9);
	must(unlink(scratch("sym")) == 0);
	must(open(scratch("."), O_TMPFILE | O_RDWR, 0600) == 10 && write(10, "tmp", 3) == 3);
}

static bool is_deleted(int fd, const char *name)
{
	char want[300];

	snprintf(want, sizeof(want), "%s (deleted)", scratch(name));
	return !strcmp(link_of(fd), want);
}

static void check_deleted(int who)
{
	struct stat a, b;
	char buf[16] = {};

	must(fstat(3, &a) == 0 && fstat(4, &b) == 0 && a.st_ino == b.st_ino && a.st_nlink == 0);
	must(is_deleted(3, "gone") && is_deleted(4, "other-name") && is_deleted(5, "gone"));
	must(a.st_size == 1 << 20 && a.st_blocks < 100 && a.st_uid == 12 && a.st_gid == 34);
	must((a.st_mode & 07777) == 04711 && a.st_mtim.tv_sec == 2000 && a.st_mtim.tv_nsec == 7000);
	must(lseek(4, 0, SEEK_CUR) == 7);
	must(pread(3, buf, 5, 0) == 5 && !strcmp(buf, "first") && pread(3, buf, 4, 900000) == 4 && !strcmp(buf, "end"));
	must(reads(5, 0, "second") && reads(6, 0, "third"));
	must(is_deleted(6, "dir/in/file") && is_deleted(7, "dir/in"));
	must(fstat(7, &a) == 0 && S_ISDIR(a.st_mode) && (a.st_mode & 07777) == 0705 && a.st_nlink == 0);
	must(is_deleted(8, "pipe") && read(8, buf, 16) == 4 && !strncmp(buf, "data", 4));
	must(is_deleted(9, "sym") && fstat(9, &a) == 0 && S_ISLNK(a.st_mode));
	must(reads(10, 0, "tmp"));
	must(access(scratch("dir"), F_OK) < 0 && access(scratch("gone"), F_OK) < 0 && access(scratch("sym"), F_OK) < 0);
}

static void occupy(struct cr_opts *opts)
{
	close(open(scratch("gone"), O_CREAT | O_RDWR, 0600));
}

static void make_one_deleted(int who)
{
	must(put("gone", "first", O_RDWR) == 3 && unlink(scratch("gone")) == 0);
}

static void check_occupied(int who)
{
	struct stat st;

	must(reads(3, 0, "first"));
	must(stat(scratch("gone"), &st) == 0 && !st.st_size);
}

static void make_large_deleted(int who)
{
	char block[4096] = { 1 };

	must(put("gone", "x", O_RDWR) == 3 && unlink(scratch("gone")) == 0);
	for (int i = 0; i < 300; i++)
		must(write(3, block, sizeof(block)) == sizeof(block));
}

static void make_hard_link(int who)
{
	make_one_deleted(who);
	must(put("kept", "first", O_RDWR) == 4 && link(scratch("kept"), scratch("kept2")) == 0);
	must(unlink(scratch("kept")) == 0);
}

static void allow_links(struct cr_opts *opts)
{
	opts->link_remap = true;
}

static void check_hard_link(int who)
{
	struct stat a, b;

	must(is_deleted(4, "kept"));
	must(fstat(4, &a) == 0 && stat(scratch("kept2"), &b) == 0 && a.st_ino == b.st_ino);
}

static void remove_link(struct cr_opts *opts)
{
	char name[32];
	int i = 0;

	do
		snprintf(name, sizeof(name), "link_remap.%d", i);
	while (unlink(scratch(name)) && i++ < 100);
}

static void make_grown(int who)
{
	must(put("log", "abc", O_WRONLY | O_APPEND) == 3);
	must(put("data", "abc", O_RDONLY) == 4);
}

static void grow_log(struct cr_opts *opts)
{
	int fd = open(scratch("log"), O_WRONLY | O_APPEND);

	must(write(fd, "more", 4) == 4);
	close(fd);
}

static void check_grown(int who)
{
	must(reads(3, 0, "abcmore"));
}

static void grow_data(struct cr_opts *opts)
{
	truncate(scratch("data"), 7);
}

static void change_mode(struct cr_opts *opts)
{
	chmod(scratch("data"), 0777);
}

static void change_mode_skip(struct cr_opts *opts)
{
	change_mode(opts);
	opts->skip_file_rwx_check = true;
}

static void remove_data(struct cr_opts *opts)
{
	unlink(scratch("data"));
}

static void fifo_for_data(struct cr_opts *opts)
{
	unlink(scratch("data"));
	mkfifo(scratch("data"), 0640);
}

static void make_program(int who)
{
	must(open("/proc/self/exe", O_RDONLY) == 3);
}

static void check_program(int who)
{
	must(!strcmp(link_of(3), link_of(3)));
}

static void make_own_proc(int who)
{
	char name[40];

	snprintf(name, sizeof(name), "/proc/%d/maps", getpid());
	must(open(name, O_RDONLY) == 3);
}

static void make_many(int who)
{
	struct rlimit limit = { 12000, 20000 };

	must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (int i = 3; i < 10000; i++)
		must((i % 3 ? open("/dev/null", O_RDONLY) : dup(i - 1)) == i);
}

static void check_many(int who)
{
	for (int i = 3; i < 10000; i++)
		must(fcntl(i, F_GETFD) == 0);
	must(same_open_file(getpid(), 8, getpid(), 9) && !same_open_file(getpid(), 7, getpid(), 8));
	must(fcntl(10000, F_GETFD) < 0);
}

/* A device node of the test's own, that is gone. */
static void make_device(int who)
{
	must(mknod(scratch("zero"), S_IFCHR | 0600, makedev(1, 5)) == 0 && open(scratch("zero"), O_RDWR) == 3);
	must(unlink(scratch("zero")) == 0);
}

static void evade(struct cr_opts *opts)
{
	opts->evasive_devices = true;
}

static void check_device(int who)
{
	must(is_deleted(3, "zero"));
}

static void check_evaded(int who)
{
	must(!strcmp(link_of(3), "/dev/zero"));
}

const struct fd_case file_cases[] = {
	{ .name = "regular files", .make = make_regular_files, .check = check_regular_files },
	{ .name = "owners", .make = make_owner, .check = check_owner },
	{ .name = "sharing", .nr_tasks = 3, .make = make_sharing, .check = check_sharing },
	{ .name = "deleted files", .make = make_deleted, .check = check_deleted },
	{ .name = "a deleted file's name in use",
	  .make = make_one_deleted,
	  .between = occupy,
	  .check = check_occupied },
	{ .name = "a deleted file over the limit", .make = make_large_deleted, .refusal = "--ghost-limit" },
	{ .name = "a deleted file with another link", .make = make_hard_link, .refusal = "needs --link-remap" },
	{ .name = "a deleted file, linked back",
	  .make = make_hard_link,
	  .setup = allow_links,
	  .check = check_hard_link },
	{ .name = "a link of ours that went",
	  .make = make_hard_link,
	  .setup = allow_links,
	  .between = remove_link,
	  .failure = "/link_remap." },
	{ .name = "a log that grew", .make = make_grown, .between = grow_log, .check = check_grown },
	{ .name = "a file that grew", .make = make_grown, .between = grow_data, .failure = "7 bytes, but had 3" },
	{ .name = "a mode that changed", .make = make_grown, .between = change_mode, .failure = "mode 0777" },
	{ .name = "rwx not compared", .make = make_grown, .between = change_mode_skip, .check = check_program },
	{ .name = "a file that went", .make = make_grown, .between = remove_data, .failure = "/data: No such file" },
	{ .name = "a FIFO in its place", .make = make_grown, .between = fifo_for_data, .failure = "another kind" },
	{ .name = "a deleted device", .make = make_device, .check = check_device },
	{ .name = "another device node", .make = make_device, .setup = evade, .check = check_evaded },
	{ .name = "a program", .make = make_program, .check = check_program },
	{ .name = "a process's own /proc file", .make = make_own_proc, .refusal = "/maps) isn't supported" },
	{ .name = "10,000 descriptors", .make = make_many, .check = check_many },
	{}
};
