/* SPDX-License-Identifier: GPL-2.0 */
#include "tree.h"

#include "proc/list.h"
#include "proc/stat.h"
#include "proc/status.h"
#include "proc/values.h"

#define NAME "a) (b\nc \\d"

static void test_stat(void **state __unused_arg)
{
	for (size_t i = 0; i < NR_TREES; i++) {
		int dir = tree_open(trees[i]);
		struct proc_stat st;

		assert_int_equal(proc_read_stat(dir, &st), 0);
		assert_int_equal(st.pid, 1);
		assert_string_equal(st.comm, NAME);
		assert_int_equal(st.state, 'S');
		assert_int_equal(st.num_threads, 3);
		assert_int_equal(st.exit_code, 0);
		assert_true(st.start_code && st.start_code < st.end_code);
		assert_true(st.start_data && st.start_data < st.end_data);
		assert_true(st.start_brk >= st.end_data);
		assert_true(st.arg_start < st.arg_end && st.arg_end <= st.env_start && st.env_start <= st.env_end);
		assert_true(st.start_stack < st.arg_start);
		close(dir);
	}
}

static void test_stat_of_zombie(void **state __unused_arg)
{
	for (size_t i = 0; i < NR_TREES; i++) {
		char path[32];
		struct proc_stat st;
		int dir;

		snprintf(path, sizeof(path), "%s/zombie", trees[i]);
		dir = tree_open(path);
		assert_int_equal(proc_read_stat(dir, &st), 0);
		assert_string_equal(st.comm, "zombie");
		assert_int_equal(st.state, 'Z');
		assert_int_equal(st.ppid, 1);
		assert_int_equal(st.exit_code, 3 << 8);
		assert_int_equal(st.start_stack, 0);
		close(dir);
	}
}

static int parse_stat(const char *text, size_t len)
{
	struct proc_stat st;

	return proc_parse_stat(text, len, &st);
}

static void test_stat_malformed(void **state __unused_arg)
{
	static const char *const bad[] = {
		"",
		"\n",
		"1",
		"1 (x",
		"1 (x) S\n",
		"0 (x) S 1\n",
		"-1 (x) S 1\n",
		"x (x) S 1\n",
		/* a name of 64 characters */
		"1 (xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx) S 1 1\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_stat(bad[i], strlen(bad[i])), -EBADMSG);
	for (size_t i = 0; i < NR_TREES; i++) {
		int dir = tree_open(trees[i]);
		size_t len;
		char *text = tree_text(dir, "stat", &len);

		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(parse_stat(text, cut), -EBADMSG);
		mutate(text, len, parse_stat);
		free(text);
		close(dir);
	}
}

static void test_status(void **state __unused_arg)
{
	static const uint32_t groups[] = { 4, 20, 24, 1000, 70000 };

	for (size_t i = 0; i < NR_TREES; i++) {
		int dir = tree_open(trees[i]);
		struct proc_status st;

		assert_int_equal(proc_read_status(dir, &st), 0);
		assert_string_equal(st.name, NAME);
		assert_true(st.has & PROC_STATUS_HAS_UMASK);
		assert_int_equal(st.umask, 027);
		assert_int_equal(st.state, 'S');
		assert_int_equal(st.tgid, 1);
		assert_int_equal(st.pid, 1);
		assert_int_equal(st.tracer_pid, 0);
		for (int k = 0; k < 4; k++) {
			assert_int_equal(st.uid[k], 0);
			assert_int_equal(st.gid[k], 0);
		}
		assert_int_equal(st.nr_groups, 5);
		assert_memory_equal(st.groups, groups, sizeof(groups));
		assert_int_equal(st.nr_nspid, 1);
		assert_int_equal(st.nspid[0], 1);
		assert_int_equal(st.threads, 3);
		assert_true(st.has & PROC_STATUS_HAS_MM);
		assert_int_equal(st.shd_pnd, 1ull << 39);
		assert_true(st.sig_blk & 1ull << 39 && st.sig_blk & 1ull << 11);
		assert_true(st.sig_ign & 1ull << 9);
		assert_int_equal(st.no_new_privs, 1);
		assert_int_equal(st.seccomp, 0);
		assert_int_equal(st.cap_prm, st.cap_eff);
		assert_true(st.cap_eff & 1ull << 21);
		proc_status_free(&st);
		close(dir);
	}
}

static void test_status_of_zombie(void **state __unused_arg)
{
	int dir = tree_open("6.1/zombie");
	struct proc_status st;

	assert_int_equal(proc_read_status(dir, &st), 0);
	assert_int_equal(st.state, 'Z');
	assert_false(st.has & (PROC_STATUS_HAS_MM | PROC_STATUS_HAS_UMASK));
	proc_status_free(&st);
	close(dir);
}

/* The lines that have to be there, with a place for one more. */
static int parse_with(const char *line, struct proc_status *ret)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "Name:\tx\nState:\tT (stopped)\nTgid:\t9\nPid:\t9\nPPid:\t1\nTracerPid:\t0\nUid:\t1\t2\t3\t4\n"
		 "Gid:\t5\t6\t7\t4294967295\nThreads:\t1\nSigQ:\t0/1\nSigPnd:\t0\nShdPnd:\t0\nSigBlk:\t0\nSigIgn:\t0\n"
		 "SigCgt:\tffffffffffffffff\nCapInh:\t0\nCapPrm:\t0\nCapEff:\t0\nCapBnd:\t0\n%s",
		 line);
	return proc_parse_status(text, strlen(text), ret);
}

static void test_status_lines(void **state __unused_arg)
{
	static const char *const bad[] = {
		"", /* no Groups */
		"Groups:\t1 x\n",
		"Groups:\t1 2",
		"Groups:\t4294967296\n",
		"Groups:\t1,2\n",
		"Groups:\nGroups:\n",
		"Groups:\nno colon\n",
		"Groups:\nSeccomp:\t-1\n",
		"Groups:\nUmask:\t01000\n",
		"Groups:\nUmask:\t8\n",
		"Groups:\nNSpid:\n",
		/* In parentheses: clang takes two strings in a list for a forgotten comma. */
		("Groups:\nNSpid:\t1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 "
		 "24 25 26 27 28 29 30 31 32 33 34\n"),
		"Groups:\nCapAmb:\t00000000000000000000000000000001ffff\n1",
	};
	struct proc_status st;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_with(bad[i], &st), -EBADMSG);
	assert_int_equal(parse_with("Groups:\t \nNSpid:\t700\t1\nUnheard_of:\t?\n", &st), 0);
	assert_int_equal(st.nr_groups, 0);
	assert_int_equal(st.nr_nspid, 2);
	assert_int_equal(st.nspid[1], 1);
	assert_int_equal(st.gid[3], UINT32_MAX);
	assert_int_equal(st.uid[2], 3);
	assert_int_equal(st.sig_cgt, UINT64_MAX);
	assert_int_equal(st.state, 'T');
	assert_false(st.has & (PROC_STATUS_HAS_SECCOMP | PROC_STATUS_HAS_NNP | PROC_STATUS_HAS_UMASK));
	proc_status_free(&st);
}

static int parse_status(const char *text, size_t len)
{
	struct proc_status st;
	int err = proc_parse_status(text, len, &st);

	if (!err)
		proc_status_free(&st);
	return err;
}

static void test_status_mutated(void **state __unused_arg)
{
	for (size_t i = 0; i < NR_TREES; i++) {
		int dir = tree_open(trees[i]);
		size_t len;
		char *text = tree_text(dir, "status", &len);

		mutate(text, len, parse_status);
		free(text);
		close(dir);
	}
}

/* 65,536 groups is the most that a kernel allows. */
static void test_status_groups(void **state __unused_arg)
{
	char *line = malloc(1 << 20), *p;
	char *text = malloc(2 << 20);
	struct proc_status st;

	assert_true(line && text);
	p = line + sprintf(line, "Groups:\t");
	for (unsigned int i = 0; i < 65536; i++)
		p += sprintf(p, "%u ", 4000000000u + i);
	sprintf(text,
		"Name:\tx\nState:\tT (stopped)\nTgid:\t9\nPid:\t9\nPPid:\t1\nTracerPid:\t0\nUid:\t1\t2\t3\t4\n"
		"Gid:\t5\t6\t7\t8\n%s\nThreads:\t1\nSigQ:\t0/1\nSigPnd:\t0\nShdPnd:\t0\nSigBlk:\t0\nSigIgn:\t0\n"
		"SigCgt:\t0\nCapInh:\t0\nCapPrm:\t0\nCapEff:\t0\nCapBnd:\t0\n",
		line);
	assert_int_equal(proc_parse_status(text, strlen(text), &st), 0);
	assert_int_equal(st.nr_groups, 65536);
	assert_int_equal(st.groups[65535], 4000065535u);
	proc_status_free(&st);
	free(text);
	free(line);
}

/* What the running kernel writes. */
static void test_self(void **state __unused_arg)
{
	int dir = proc_open_pid(getpid());
	struct proc_status st;
	struct proc_stat s;

	assert_true(dir >= 0);
	assert_int_equal(proc_read_stat(dir, &s), 0);
	assert_int_equal(s.pid, getpid());
	assert_int_equal(s.ppid, getppid());
	assert_int_equal(proc_read_status(dir, &st), 0);
	assert_int_equal(st.tgid, getpid());
	assert_int_equal(st.uid[1], geteuid());
	proc_status_free(&st);
	close(dir);
	assert_int_equal(proc_open_pid(0x7ffffffe), -ESRCH);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_stat_of_zombie),
		cmocka_unit_test(test_stat_malformed),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_status_of_zombie),
		cmocka_unit_test(test_status_lines),
		cmocka_unit_test(test_status_mutated),
		cmocka_unit_test(test_status_groups),
		cmocka_unit_test(test_self),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
