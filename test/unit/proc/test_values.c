/* SPDX-License-Identifier: GPL-2.0 */
/* Limits, auxv, cgroup, timers, lists and the files of one value. */
#include "tree.h"

#include <elf.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "proc/auxv.h"
#include "proc/cgroup.h"
#include "proc/limits.h"
#include "proc/list.h"
#include "proc/timers.h"
#include "proc/values.h"

static void test_limits(void **state __unused_arg)
{
	for (size_t i = 0; i < NR_TREES; i++) {
		int dir = tree_open(trees[i]);
		struct proc_limits limits;

		assert_int_equal(proc_read_limits(dir, &limits), 0);
		assert_int_equal(limits.v[RLIMIT_CPU].cur, UINT64_MAX);
		assert_int_equal(limits.v[RLIMIT_STACK].cur, 8 << 20);
		assert_int_equal(limits.v[RLIMIT_STACK].max, UINT64_MAX);
		assert_true(limits.v[RLIMIT_NOFILE].cur <= limits.v[RLIMIT_NOFILE].max);
		assert_int_equal(limits.v[RLIMIT_MSGQUEUE].max, 819200);
		close(dir);
	}
}

static int parse_limits(const char *text, size_t len)
{
	struct proc_limits limits;

	return proc_parse_limits(text, len, &limits);
}

static int parse_timers(const char *text, size_t len)
{
	struct proc_timer_list list;
	int err = proc_parse_timers(text, len, &list);

	if (!err)
		proc_timer_list_free(&list);
	return err;
}

static void test_mutated(void **state __unused_arg)
{
	int dir = tree_open("6.18");
	size_t len;
	char *text = tree_text(dir, "limits", &len);

	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(parse_limits(text, cut), -EBADMSG);
	mutate(text, len, parse_limits);
	free(text);
	text = tree_text(dir, "timers", &len);
	mutate(text, len, parse_timers);
	free(text);
	close(dir);
}

static void test_limits_self(void **state __unused_arg)
{
	int dir = proc_open_pid(getpid());
	struct proc_limits limits;

	assert_int_equal(proc_read_limits(dir, &limits), 0);
	for (int i = 0; i < PROC_NR_LIMITS; i++) {
		struct rlimit r;

		assert_int_equal(getrlimit(i, &r), 0);
		assert_int_equal(limits.v[i].cur, r.rlim_cur);
		assert_int_equal(limits.v[i].max, r.rlim_max);
	}
	close(dir);
}

static void test_auxv(void **state __unused_arg)
{
	for (size_t i = 0; i < NR_TREES; i++) {
		int dir = tree_open(trees[i]);
		struct proc_auxv auxv;
		uint64_t v;

		assert_int_equal(proc_read_auxv(dir, &auxv), 0);
		assert_int_equal(proc_auxv_get(&auxv, AT_PAGESZ, &v), 0);
		assert_int_equal(v, 4096);
		assert_int_equal(proc_auxv_get(&auxv, AT_ENTRY, &v), 0);
		assert_true(v > 0x401000 && v < 0x500000);
		assert_int_equal(proc_auxv_get(&auxv, 9999, &v), -ENOENT);
		close(dir);
	}
}

static void test_timers(void **state __unused_arg)
{
	for (size_t i = 0; i < NR_TREES; i++) {
		int dir = tree_open(trees[i]);
		struct proc_timer_list list;
		unsigned int seen = 0;

		assert_int_equal(proc_read_timers(dir, &list), 0);
		assert_int_equal(list.nr, 3);
		for (size_t k = 0; k < list.nr; k++) {
			const struct proc_timer *t = &list.v[k];

			assert_int_equal(t->target, 1);
			seen |= 1u << t->id;
			switch (t->id) {
			case 0:
				assert_int_equal(t->signo, 34);
				assert_int_equal(t->sigval, 0xdeadbeef);
				assert_int_equal(t->notify, SIGEV_SIGNAL);
				assert_int_equal(t->clockid, CLOCK_MONOTONIC);
				assert_false(t->to_thread);
				break;
			case 1:
				assert_int_equal(t->notify, SIGEV_NONE);
				assert_int_equal(t->clockid, CLOCK_REALTIME);
				break;
			case 2:
				assert_int_equal(t->signo, 12);
				assert_true(t->to_thread);
				assert_true(t->clockid < 0);
				break;
			default:
				fail();
			}
		}
		assert_int_equal(seen, 7);
		proc_timer_list_free(&list);
		close(dir);
	}
}

static void test_cgroup(void **state __unused_arg)
{
	int dir = tree_open("6.18");
	struct proc_cgroup_list list;

	assert_int_equal(proc_read_cgroup(dir, &list), 0);
	assert_int_equal(list.nr, 4);
	assert_int_equal(list.v[0].hierarchy, 9);
	assert_string_equal(list.v[0].controllers, "name=systemd");
	assert_string_equal(list.v[0].path, "/");
	assert_string_equal(list.v[1].path, "/a:b/c");
	assert_string_equal(list.v[2].controllers, "cpu,cpuacct");
	assert_string_equal(list.v[2].path, "/../outside");
	assert_int_equal(list.v[3].hierarchy, 0);
	assert_string_equal(list.v[3].controllers, "");
	proc_cgroup_list_free(&list);
	close(dir);
	dir = proc_open_pid(getpid());
	assert_int_equal(proc_read_cgroup(dir, &list), 0);
	proc_cgroup_list_free(&list);
	close(dir);
}

static void test_values(void **state __unused_arg)
{
	static const char cmdline[] = "./subject";

	for (size_t i = 0; i < NR_TREES; i++) {
		int dir = tree_open(trees[i]), score;
		char comm[PROC_COMM_MAX], *text;
		uint32_t personality, loginuid;
		size_t len;

		assert_int_equal(proc_read_comm(dir, comm), 0);
		assert_string_equal(comm, "a) (b\nc \\d");
		assert_int_equal(proc_read_oom_score_adj(dir, &score), 0);
		assert_in_range(score + 1000, 0, 2000);
		assert_int_equal(proc_read_personality(dir, &personality), 0);
		assert_int_equal(personality, 0);
		/* Not every kernel is built with auditing. */
		assert_int_equal(proc_read_loginuid(dir, &loginuid), faccessat(dir, "loginuid", F_OK, 0) ? -ENOENT : 0);
		assert_int_equal(proc_read_cmdline(dir, &text, &len), 0);
		assert_true(len > sizeof(cmdline) && text[len - 1] == '\0');
		assert_string_equal(text, cmdline);
		free(text);
		close(dir);
	}
}

static void test_lists(void **state __unused_arg)
{
	for (size_t i = 0; i < NR_TREES; i++) {
		int dir = tree_open(trees[i]), task;
		struct proc_numbers list;

		assert_int_equal(proc_list_threads(dir, &list), 0);
		assert_int_equal(list.nr, 3);
		for (int k = 0; k < 3; k++)
			assert_int_equal(list.v[k], k + 1);
		proc_numbers_free(&list);
		task = proc_open_tid(dir, 1);
		assert_true(task >= 0);
		assert_int_equal(proc_list_children(task, &list), 0);
		assert_true(list.nr >= 2);
		assert_int_equal(list.v[0], 4);
		assert_int_equal(list.v[1], 5);
		proc_numbers_free(&list);
		close(task);
		task = proc_open_tid(dir, 3);
		assert_int_equal(proc_list_children(task, &list), 0);
		assert_int_equal(list.nr, 0);
		proc_numbers_free(&list);
		close(task);
		assert_int_equal(proc_open_tid(dir, 77), -ESRCH);
		close(dir);
	}
}

static void *forks(void *arg)
{
	int *pids = arg, pipefd[2];

	assert_int_equal(pipe(pipefd), 0);
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			char c;

			close(pipefd[1]);
			_exit(read(pipefd[0], &c, 1) != 0);
		}
	}
	close(pipefd[0]);
	pids[3] = pipefd[1];
	return NULL;
}

/* Children of a thread other than the leader, and where the kernel's list is missing. */
static void test_children_of_self(void **state __unused_arg)
{
	int dir = proc_open_pid(getpid()), root = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), pids[4], bare;
	struct proc_numbers list;
	char scratch[] = "/tmp/test_values.XXXXXX", path[64];
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, forks, pids), 0);
	pthread_join(thread, NULL);
	assert_int_equal(proc_list_process_children(root, dir, getpid(), &list), 0);
	assert_int_equal(list.nr, 3);
	assert_memory_equal(list.v, pids, sizeof(int[3]));
	proc_numbers_free(&list);

	/* A task directory as a kernel without CONFIG_PROC_CHILDREN has it. */
	assert_non_null(mkdtemp(scratch));
	bare = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(path, sizeof(path), "task/%d", getpid());
	assert_int_equal(mkdirat(bare, "task", 0700), 0);
	assert_int_equal(mkdirat(bare, path, 0700), 0);
	assert_int_equal(write_file_at(bare, "stat", "", 0), 0);
	assert_int_equal(proc_list_process_children(root, bare, getpid(), &list), 0);
	assert_int_equal(list.nr, 3);
	assert_memory_equal(list.v, pids, sizeof(int[3]));
	proc_numbers_free(&list);
	unlinkat(bare, "stat", 0);
	unlinkat(bare, path, AT_REMOVEDIR);
	unlinkat(bare, "task", AT_REMOVEDIR);
	close(bare);
	rmdir(scratch);

	close(pids[3]);
	for (int i = 0; i < 3; i++)
		waitpid(pids[i], NULL, 0);
	close(root);
	close(dir);
}

static void test_malformed_values(void **state __unused_arg)
{
	static const char *const bad[] = { "", "\n", "x\n", "1 2\n", "-1001\n", "1001\n", "99999999999\n", "1\n\n" };
	char scratch[] = "/tmp/test_values.XXXXXX";
	struct proc_cgroup_list cgroups;
	struct proc_numbers list;
	struct proc_auxv auxv;
	int dir, v;

	assert_non_null(mkdtemp(scratch));
	dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(write_file_at(dir, "oom_score_adj", bad[i], strlen(bad[i])), 0);
		assert_int_equal(proc_read_oom_score_adj(dir, &v), -EBADMSG);
	}
	unlinkat(dir, "oom_score_adj", 0);
	assert_int_equal(write_file_at(dir, "children", "12 13x ", 7), 0);
	assert_int_equal(proc_list_children(dir, &list), -EBADMSG);
	assert_int_equal(write_file_at(dir, "children", "12 13", 5), 0);
	assert_int_equal(proc_list_children(dir, &list), -EBADMSG);
	unlinkat(dir, "children", 0);
	assert_int_equal(proc_list_children(dir, &list), -ENOENT);
	assert_int_equal(write_file_at(dir, "auxv", "12345678", 8), 0);
	assert_int_equal(proc_read_auxv(dir, &auxv), -EBADMSG);
	assert_int_equal(write_file_at(dir, "auxv", "1234567812345678", 16), 0);
	assert_int_equal(proc_read_auxv(dir, &auxv), -EBADMSG);
	unlinkat(dir, "auxv", 0);
	assert_int_equal(write_file_at(dir, "cgroup", "0::x\n", 5), 0);
	assert_int_equal(proc_read_cgroup(dir, &cgroups), -EBADMSG);
	assert_int_equal(write_file_at(dir, "cgroup", "0:/\n", 4), 0);
	assert_int_equal(proc_read_cgroup(dir, &cgroups), -EBADMSG);
	unlinkat(dir, "cgroup", 0);
	close(dir);
	rmdir(scratch);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),		 cmocka_unit_test(test_limits_self),
		cmocka_unit_test(test_mutated),		 cmocka_unit_test(test_auxv),
		cmocka_unit_test(test_timers),		 cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_values),		 cmocka_unit_test(test_lists),
		cmocka_unit_test(test_children_of_self), cmocka_unit_test(test_malformed_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
