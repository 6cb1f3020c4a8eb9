/* SPDX-License-Identifier: GPL-2.0 */
#include "proc/list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "proc/parse.h"
#include "proc/stat.h"

/* Room for the 4,194,304 processes that a kernel can have. */
#define CHILDREN_MAX (64 << 20)

static int append(struct proc_numbers *list, size_t *room, int number)
{
	if (list->nr == *room) {
		size_t more = *room ? *room * 2 : 16;
		int *v = reallocarray(list->v, more, sizeof(*v));

		if (!v)
			return -ENOMEM;
		list->v = v;
		*room = more;
	}
	list->v[list->nr++] = number;
	return 0;
}

static int compare(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* Directories and children files are mostly in order already. */
static void sort(struct proc_numbers *list)
{
	for (size_t i = 1; i < list->nr; i++) {
		if (list->v[i - 1] > list->v[i]) {
			qsort(list->v, list->nr, sizeof(*list->v), compare);
			return;
		}
	}
}

static int number_of(const char *text, size_t len, int *ret)
{
	struct cursor c = { text, text + len };

	return cur_int(&c, ret) && cur_end(&c) && *ret >= 0 ? 0 : -EBADMSG;
}

/* The entries of a directory that are numbers; any other is an error with STRICT. */
static int list_dir(int dirfd, const char *path, bool strict, struct proc_numbers *ret)
{
	__cleanup(proc_numbers_free) struct proc_numbers list = {};
	_cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *de;
	size_t room = 0;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	fd = -1;
	while (errno = 0, (de = readdir(dir))) {
		int number, err;

		if (de->d_name[0] == '.')
			continue;
		err = number_of(de->d_name, strlen(de->d_name), &number);
		if (err && !strict)
			continue;
		if (!err)
			err = append(&list, &room, number);
		if (err)
			return err;
	}
	if (errno)
		return -errno;
	sort(&list);
	*ret = list;
	list = (struct proc_numbers){};
	return 0;
}

int proc_list_fds(int procfd, struct proc_numbers *ret)
{
	return list_dir(procfd, "fd", true, ret);
}

int proc_list_threads(int procfd, struct proc_numbers *ret)
{
	return list_dir(procfd, "task", true, ret);
}

/* Appends the numbers of a children file, each followed by a blank. */
static int add_children(int dirfd, const char *path, struct proc_numbers *list, size_t *room)
{
	_cleanup_free_ char *text = NULL;
	struct cursor c;
	size_t len;
	int err = proc_read_text(dirfd, path, CHILDREN_MAX, &text, &len);

	if (err)
		return err;
	c = (struct cursor){ text, text + len };
	while (!cur_end(&c)) {
		int pid;

		if (!cur_int(&c, &pid) || pid <= 0 || !cur_char(&c, ' '))
			return -EBADMSG;
		err = append(list, room, pid);
		if (err)
			return err;
	}
	return 0;
}

int proc_list_children(int taskfd, struct proc_numbers *ret)
{
	__cleanup(proc_numbers_free) struct proc_numbers list = {};
	size_t room = 0;
	int err = add_children(taskfd, "children", &list, &room);

	if (err)
		return err;
	sort(&list);
	*ret = list;
	list = (struct proc_numbers){};
	return 0;
}

/* Every process whose parent is PID. One that ends meanwhile is none of a frozen parent's. */
static int scan_processes(int rootfd, int pid, struct proc_numbers *ret)
{
	__cleanup(proc_numbers_free) struct proc_numbers all = {}, list = {};
	size_t room = 0;
	int err = list_dir(rootfd, ".", false, &all);

	if (err)
		return err;
	for (size_t i = 0; i < all.nr; i++) {
		_cleanup_close_ int procfd = -1;
		struct proc_stat st;
		char name[16];

		snprintf(name, sizeof(name), "%d", all.v[i]);
		procfd = openat(rootfd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		err = procfd < 0 ? -errno : proc_read_stat(procfd, &st);
		if (err == -ENOENT || err == -ESRCH)
			continue;
		if (!err && st.ppid == pid)
			err = append(&list, &room, all.v[i]);
		if (err)
			return err;
	}
	*ret = list;
	list = (struct proc_numbers){};
	return 0;
}

int proc_list_process_children(int rootfd, int procfd, int pid, struct proc_numbers *ret)
{
	__cleanup(proc_numbers_free) struct proc_numbers threads = {}, list = {};
	size_t room = 0;
	int err = proc_list_threads(procfd, &threads);

	if (err)
		return err;
	for (size_t i = 0; i < threads.nr; i++) {
		char path[40];

		snprintf(path, sizeof(path), "task/%d/children", threads.v[i]);
		err = add_children(procfd, path, &list, &room);
		if (err == -ENOENT && faccessat(procfd, "stat", F_OK, 0) == 0)
			return scan_processes(rootfd, pid, ret);
		if (err)
			return err;
	}
	sort(&list);
	*ret = list;
	list = (struct proc_numbers){};
	return 0;
}

void proc_numbers_free(struct proc_numbers *list)
{
	free(list->v);
	*list = (struct proc_numbers){};
}

static int open_dir(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return errno == ENOENT ? -ESRCH : -errno;
}

int proc_open_pid(int pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return open_dir(AT_FDCWD, path);
}

int proc_open_tid(int procfd, int tid)
{
	char path[32];

	snprintf(path, sizeof(path), "task/%d", tid);
	return open_dir(procfd, path);
}
