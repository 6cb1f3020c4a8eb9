/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Descriptors that aren't for data: O_PATH of a file, of a directory and of a symbolic link; a directory with a read
 * position.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	int path_file, path_dir, path_link, i;
	char name[32], text[64];
	struct dirent *entry;
	struct stat st;
	DIR *dir;
	int seen[20] = { 0 };

	test_init(argc, argv);
	MUST(mkdir("dir", 0755));
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "dir/%d", i);
		close(MUST(open(name, O_CREAT | O_WRONLY, 0644)));
	}
	MUST(symlink("nowhere", "link"));
	path_file = MUST(open("dir/3", O_PATH));
	path_dir = MUST(open("dir", O_PATH | O_DIRECTORY | O_CLOEXEC));
	path_link = MUST(open("link", O_PATH | O_NOFOLLOW));
	dir = opendir("dir");
	CHECK(dir);

	test_ready();
	test_wait();

	if (test_sabotage())
		close(path_dir);
	CHECK(read(path_file, name, 1) == -1 && errno == EBADF);
	CHECK_EQ(fcntl(path_file, F_GETFL) & O_PATH, O_PATH);
	CHECK_EQ(fcntl(path_dir, F_GETFL) & (O_PATH | O_DIRECTORY), O_PATH | O_DIRECTORY);
	close(MUST(openat(path_dir, "7", O_RDONLY)));
	MUST(fstatat(path_link, "", &st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
	CHECK(S_ISLNK(st.st_mode));
	CHECK_EQ(readlinkat(path_link, "", text, sizeof(text)), 7);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		i = atoi(entry->d_name);
		CHECK(i >= 0 && i < 20 && !seen[i]);
		seen[i] = 1;
	}
	for (i = 0; i < 20; i++)
		CHECK(seen[i]);
	pass();
}
