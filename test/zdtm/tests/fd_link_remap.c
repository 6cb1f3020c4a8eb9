/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Opened files whose names are removed, but that have other hard links, with --link-remap: the same files afterwards.
 *
 * options: --link-remap
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "zdtm.h"

static void check_link(int fd, const char *name)
{
	char path[64], link[4096], want[4096];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = MUST(readlink(path, link, sizeof(link) - 1));
	link[n] = '\0';
	snprintf(want, sizeof(want), "%s/%s (deleted)", test_dir, name);
	if (strcmp(link, want))
		fail("descriptor %d is %s, not %s", fd, link, want);
}

static void check_same(int fd, const char *kept, int nr_links)
{
	struct stat a, b;

	MUST(fstat(fd, &a));
	MUST(stat(kept, &b));
	CHECK(a.st_dev == b.st_dev && a.st_ino == b.st_ino);
	CHECK_EQ(a.st_nlink, nr_links);
}

/* The names that the dump needed are gone. */
static void check_no_helpers(void)
{
	DIR *dir = opendir(test_dir);
	struct dirent *e;

	CHECK(dir);
	while ((e = readdir(dir)))
		if (!strncmp(e->d_name, "link_remap.", 11))
			fail("%s is left", e->d_name);
	closedir(dir);
}

int main(int argc, char **argv)
{
	char text[16] = "";
	int rw, ro, in_dir, fifo, other;
	struct test_sync sync;
	char *map, *only_map;
	pid_t pid;

	test_init(argc, argv);
	MUST(mkdir("gone", 0700));
	rw = MUST(open("first", O_CREAT | O_RDWR | O_APPEND, 0640));
	CHECK(write(rw, "12345", 5) == 5);
	MUST(link("first", "kept"));
	MUST(link("first", "second"));
	ro = MUST(open("second", O_RDONLY));
	CHECK_EQ(lseek(ro, 3, SEEK_SET), 3);
	map = MUST(mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, rw, 0));
	MUST(unlink("first"));
	MUST(unlink("second"));
	/* Another file under the old name stays what it is. */
	other = MUST(open("first", O_CREAT | O_EXCL | O_RDWR, 0600));
	CHECK(write(other, "other", 5) == 5);
	/* The directory is removed, too. */
	in_dir = MUST(open("gone/file", O_CREAT | O_RDWR, 0600));
	MUST(link("gone/file", "kept-too"));
	MUST(unlink("gone/file"));
	MUST(rmdir("gone"));
	MUST(mkfifo("fifo", 0600));
	fifo = MUST(open("fifo", O_RDWR));
	MUST(link("fifo", "kept-fifo"));
	MUST(unlink("fifo"));
	CHECK(write(fifo, "in", 2) == 2);

	/* Mapped, but not open any more. */
	other = MUST(open("mapped", O_CREAT | O_RDWR, 0600));
	CHECK_EQ(pwrite(other, "mapped", 6, TEST_PAGE - 6), 6);
	only_map = MUST(mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0));
	MUST(close(other));
	MUST(link("mapped", "kept-map"));
	MUST(unlink("mapped"));
	other = MUST(open("first", O_RDWR));

	test_sync_init(&sync);
	pid = MUST(fork());
	if (!pid) {
		/* An open file of its own, of the same file. */
		int own = MUST(open("/proc/self/fd/4", O_WRONLY));

		(void)own;
		test_sync_done(&sync);
		test_wait_polling();
		check_same(rw, "kept", 1);
		check_same(own, "kept", 1);
		pass();
	}
	test_sync_wait(&sync, 1);

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(link("kept", "link_remap.99"));
	test_reap(pid);
	check_no_helpers();
	check_link(ro, "second");
	check_link(in_dir, "gone/file");
	check_link(fifo, "fifo");
	check_same(rw, "kept", 1);
	check_same(ro, "kept", 1);
	check_same(in_dir, "kept-too", 1);
	check_same(fifo, "kept-fifo", 1);
	CHECK_EQ(read(ro, text, sizeof(text)), 2);
	CHECK_MEM(text, "45", 2);
	CHECK_MEM(only_map + TEST_PAGE - 6, "mapped", 6);
	only_map[0] = 'm';
	CHECK_EQ(pread(MUST(open("kept-map", O_RDONLY)), text, 1, 0), 1);
	CHECK_EQ(text[0], 'm');
	map[0] = 'x';
	CHECK_EQ(write(rw, "6", 1), 1);
	CHECK_EQ(pread(ro, text, sizeof(text), 0), 6);
	CHECK_MEM(text, "x23456", 6);
	CHECK_EQ(read(fifo, text, sizeof(text)), 2);
	CHECK_EQ(pread(other, text, sizeof(text), 0), 5);
	CHECK_MEM(text, "other", 5);
	MUST(stat("first", &(struct stat){ 0 }));
	pass();
}
