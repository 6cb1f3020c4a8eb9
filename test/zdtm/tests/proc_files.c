/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Open files of /proc about the tasks themselves, shared and not, a current directory there, and global ones, of /sys
 * too.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "zdtm.h"

static volatile long number = 0x1234567;

static int open_of(pid_t pid, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return MUST(open(path, flags));
}

/* The file is about task PID. */
static void check_status(int fd, pid_t pid)
{
	char text[4096] = "", *at;

	MUST(pread(fd, text, sizeof(text) - 1, 0));
	at = strstr(text, "\nPid:");
	CHECK(at);
	CHECK_EQ(atoi(at + 5), pid);
}

/* Goes on reading where it was. */
static void check_maps(int fd, pid_t pid, size_t done)
{
	static char all[65536], rest[65536];
	size_t len = 0, got = 0;
	int fresh = open_of(pid, "maps", O_RDONLY);
	ssize_t n;

	CHECK_EQ(lseek(fd, 0, SEEK_CUR), done);
	while ((n = MUST(read(fresh, all + len, sizeof(all) - len))))
		len += n;
	while ((n = MUST(read(fd, rest + got, sizeof(rest) - got))))
		got += n;
	close(fresh);
	CHECK(len > done);
	CHECK_EQ(got, len - done);
	CHECK_MEM(rest, all + done, got);
}

static void check_memory(int fd)
{
	long value;

	CHECK_EQ(pread(fd, &value, sizeof(value), (off_t)(uintptr_t)&number), sizeof(value));
	CHECK_EQ(value, number);
	value = 77;
	CHECK_EQ(pwrite(fd, &value, sizeof(value), (off_t)(uintptr_t)&number), sizeof(value));
	CHECK_EQ(number, 77);
}

static int count(int fd)
{
	DIR *dir = fdopendir(MUST(dup(fd)));
	int nr = 0;

	CHECK(dir);
	rewinddir(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

static void check_same_file(pid_t a, int fd_a, pid_t b, int fd_b)
{
	CHECK_EQ(syscall(SYS_kcmp, a, b, KCMP_FILE, (long)fd_a, (long)fd_b), 0);
}

static void child(struct test_sync *sync, int status, int maps)
{
	int own = open_of(getpid(), "stat", O_RDONLY);
	char text[16] = "", path[64], done[4200];

	snprintf(done, sizeof(done), "%s/done", test_dir);
	/* In the directory of its parent. */
	snprintf(path, sizeof(path), "/proc/%d", getppid());
	MUST(chdir(path));
	test_sync_done(sync);
	MUST(chdir(path));
	while (!test_go())
		test_msleep(5);
	check_status(status, getppid());
	check_same_file(getpid(), status, getppid(), status);
	check_same_file(getpid(), maps, getppid(), maps);
	CHECK(pread(own, text, 8, 0) == 8);
	CHECK_EQ(atoi(text), getpid());
	CHECK_EQ(access("oom_score", F_OK), 0);
	MUST(pread(open("status", O_RDONLY), text, 6, 0));
	CHECK_MEM(text, "Name:\t", 6);
	/* Its memory is looked at, too. */
	while (access(done, F_OK))
		test_msleep(5);
	pass();
}

int main(int argc, char **argv)
{
	int status, maps, mem, dir, fds, comm, of_child, of_child_maps, global, sysctl, sysfs, self, exe;
	struct test_sync sync;
	char text[256] = "";
	pid_t pid;

	test_init(argc, argv);
	status = open_of(getpid(), "status", O_RDONLY);
	maps = open_of(getpid(), "maps", O_RDONLY);
	CHECK_EQ(read(maps, text, 100), 100);
	MUST(fcntl(dup2(status, 50), F_SETFD, FD_CLOEXEC));
	test_sync_init(&sync);
	pid = MUST(fork());
	if (!pid)
		child(&sync, status, maps);
	test_sync_wait(&sync, 1);
	mem = open_of(getpid(), "mem", O_RDWR);
	dir = open_of(getpid(), "", O_RDONLY | O_DIRECTORY);
	fds = open_of(getpid(), "fd", O_RDONLY | O_DIRECTORY);
	comm = open_of(getpid(), "comm", O_RDWR);
	of_child = open_of(pid, "status", O_RDONLY);
	of_child_maps = open_of(pid, "task/../maps", O_RDONLY);
	global = MUST(open("/proc/meminfo", O_RDONLY));
	sysctl = MUST(open("/proc/sys/kernel/pid_max", O_RDONLY));
	sysfs = MUST(open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY));
	CHECK_EQ(read(sysfs, text, 3), 3);
	self = MUST(open("/proc/self", O_PATH | O_NOFOLLOW));
	exe = open_of(getpid(), "exe", O_PATH | O_NOFOLLOW);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(dup2(of_child, status));
	check_status(status, getpid());
	check_same_file(getpid(), status, getpid(), 50);
	check_memory(mem);
	CHECK_EQ(faccessat(dir, "cmdline", R_OK, 0), 0);
	CHECK(count(fds) > 10);
	CHECK_EQ(write(comm, "renamed", 7), 7);
	CHECK_EQ(pread(comm, text, 16, 0), 8);
	CHECK_MEM(text, "renamed\n", 8);
	check_status(of_child, pid);
	check_maps(of_child_maps, pid, 0);
	check_maps(maps, getpid(), 100);
	MUST(close(MUST(creat("done", 0600))));
	test_reap(pid);
	CHECK(pread(of_child, text, 16, 0) < 0 && errno == ESRCH);
	CHECK_EQ(pread(global, text, 9, 0), 9);
	CHECK_MEM(text, "MemTotal:", 9);
	CHECK(pread(sysctl, text, 16, 0) > 0 && atoi(text) > 300);
	CHECK_EQ(lseek(sysfs, 0, SEEK_CUR), 3);
	CHECK(read(sysfs, text, sizeof(text)) > 5);
	text[MUST(readlinkat(self, "", text, sizeof(text) - 1))] = '\0';
	CHECK_EQ(atoi(text), getpid());
	CHECK(readlinkat(exe, "", text, sizeof(text)) > 0);
	pass();
}
