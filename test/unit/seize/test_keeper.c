/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The memory of a killed task is held until this process ends. Whether it is there still shows in a file that
 * it maps: nobody gets a write lease of a file that is in use (fcntl(2), F_SETLEASE).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "proc/list.h"
#include "seize/keeper.h"
#include "seize/seize.h"

#define SIZE (64ul << 20)

static char path[] = "/tmp/test_keeper.XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	if (fd < 0 || ftruncate(fd, 4096))
		return -1;
	return close(fd);
}

static int remove_file(void **state)
{
	return unlink(path);
}

/* Maps the file and much memory, tells so, and waits. */
static pid_t start_victim(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		int fd = open(path, O_RDONLY);
		char *much = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (fd < 0 || mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED || much == MAP_FAILED)
			_exit(1);
		memset(much, 1, SIZE);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static bool file_in_use(void)
{
	_cleanup_close_ int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	if (fcntl(fd, F_SETLEASE, F_WRLCK) == 0) {
		fcntl(fd, F_SETLEASE, F_UNLCK);
		return false;
	}
	assert_int_equal(errno, EAGAIN);
	return true;
}

/* Runs in a child, since what it holds goes only with it. The status: 0 held, 1 not held. */
static int kill_and_look(pid_t victim, bool keep)
{
	struct task_tree tree;
	struct compel_thread thread = { .tid = victim };
	struct dump_task dump = { .threads = &thread, .procfd = proc_open_pid(victim) };
	struct task *task;

	thread.regs.rip = (unsigned long)kill_and_look;
	if (dump.procfd < 0 || proc_read_stat(dump.procfd, &dump.stat))
		return 3;
	task_tree_init(&tree);
	if (task_tree_add(&tree, NULL, victim, 1, &task))
		return 3;
	task->dump = &dump;
	if (keep)
		keep_memory(&tree);
	kill(victim, SIGKILL);
	while (!kill(victim, 0))
		usleep(1000);
	return file_in_use() ? 0 : 1;
}

static int result_of(bool keep)
{
	pid_t victim = start_victim(), looker = fork();
	int status;

	if (!looker)
		_exit(kill_and_look(victim, keep));
	assert_int_equal(waitpid(victim, NULL, 0), victim);
	assert_int_equal(waitpid(looker, &status, 0), looker);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void memory_outlives_its_task(void **state)
{
	if (geteuid())
		skip(); /* userfaultfd(2) is for privileged users where vm.unprivileged_userfaultfd is 0 */
	assert_int_equal(result_of(true), 0);
	assert_false(file_in_use());
}

static void memory_goes_with_its_task_otherwise(void **state)
{
	assert_int_equal(result_of(false), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_outlives_its_task),
		cmocka_unit_test(memory_goes_with_its_task_otherwise),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
