/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files of /proc as other kernels write them, lines being there or not, and as none does: missing, empty, overlong,
 * garbage. Every reader of criu/proc stands in one of the tables.
 */
#include "tree.h"

#include <sys/stat.h>

#include "proc/auxv.h"
#include "proc/cgroup.h"
#include "proc/fdinfo.h"
#include "proc/limits.h"
#include "proc/list.h"
#include "proc/maps.h"
#include "proc/stat.h"
#include "proc/status.h"
#include "proc/timers.h"
#include "proc/values.h"

static int dir;

static int setup(void **state)
{
	char path[] = "/tmp/test_lines.XXXXXX";

	if (!mkdtemp(path))
		return -1;
	*state = strdup(path);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return mkdirat(dir, "fdinfo", 0700);
}

static int teardown(void **state)
{
	unlinkat(dir, "fdinfo", AT_REMOVEDIR);
	close(dir);
	rmdir(*state);
	free(*state);
	return 0;
}

/* ---- readers ------------------------------------------------------------------------------------------------- */

#define LIST_READER(name, type, read, free_it)                                                                         \
	static int name(int procfd)                                                                                    \
	{                                                                                                              \
		struct type value;                                                                                     \
		int err = read;                                                                                        \
                                                                                                                       \
		if (!err)                                                                                              \
			free_it(&value);                                                                               \
		return err;                                                                                            \
	}
LIST_READER(cgroup, proc_cgroup_list, proc_read_cgroup(procfd, &value), proc_cgroup_list_free)
LIST_READER(fdinfo, proc_fdinfo, proc_read_fdinfo(procfd, 3, &value), proc_fdinfo_free)
LIST_READER(maps, proc_map_list, proc_read_maps(procfd, &value), proc_map_list_free)
LIST_READER(smaps, proc_map_list, proc_read_smaps(procfd, &value), proc_map_list_free)
LIST_READER(status, proc_status, proc_read_status(procfd, &value), proc_status_free)
LIST_READER(timers, proc_timer_list, proc_read_timers(procfd, &value), proc_timer_list_free)
LIST_READER(children, proc_numbers, proc_list_children(procfd, &value), proc_numbers_free)

#define VALUE_READER(name, type, read)                                                                                 \
	static int name(int procfd)                                                                                    \
	{                                                                                                              \
		type value;                                                                                            \
                                                                                                                       \
		return read(procfd, &value);                                                                           \
	}
VALUE_READER(auxv, struct proc_auxv, proc_read_auxv)
VALUE_READER(limits, struct proc_limits, proc_read_limits)
VALUE_READER(stat_file, struct proc_stat, proc_read_stat)
VALUE_READER(loginuid, uint32_t, proc_read_loginuid)
VALUE_READER(oom_score_adj, int, proc_read_oom_score_adj)
VALUE_READER(personality, uint32_t, proc_read_personality)
VALUE_READER(timerslack, uint64_t, proc_read_timerslack)
VALUE_READER(coredump_filter, uint32_t, proc_read_coredump_filter)

static int comm(int procfd)
{
	char name[PROC_COMM_MAX];

	return proc_read_comm(procfd, name);
}

static int text_of(int (*read)(int procfd, char **ret, size_t *len), int procfd)
{
	char *text;
	size_t len;
	int err = read(procfd, &text, &len);

	if (!err)
		free(text);
	return err;
}

static int cmdline(int procfd)
{
	return text_of(proc_read_cmdline, procfd);
}

static int environment(int procfd)
{
	return text_of(proc_read_environ, procfd);
}

static const struct file {
	const char *name;
	int (*read)(int procfd);
	int empty, garbage; /* what it says of such a file */
	off_t max;	    /* bytes; a file that is longer is too big. 0: more than a test should write */
	int too_big;
} files[] = {
	{ "auxv", auxv, -EBADMSG, -EBADMSG, 4096, -EBADMSG },
	{ "cgroup", cgroup, 0, -EBADMSG, 1 << 20, -EFBIG },
	{ "children", children, 0, -EBADMSG, 0, 0 },
	{ "cmdline", cmdline, 0, 0, 0, 0 },
	{ "comm", comm, 0, -EBADMSG, 64, -EBADMSG },
	{ "coredump_filter", coredump_filter, -EBADMSG, -EBADMSG, 64, -EBADMSG },
	{ "environ", environment, 0, 0, 0, 0 },
	{ "fdinfo/3", fdinfo, -EBADMSG, -EBADMSG, 0, 0 },
	{ "limits", limits, -EBADMSG, -EBADMSG, 4096, -EBADMSG },
	{ "loginuid", loginuid, -EBADMSG, -EBADMSG, 64, -EBADMSG },
	{ "maps", maps, 0, -EBADMSG, 0, 0 },
	{ "oom_score_adj", oom_score_adj, -EBADMSG, -EBADMSG, 64, -EBADMSG },
	{ "personality", personality, -EBADMSG, -EBADMSG, 64, -EBADMSG },
	{ "smaps", smaps, 0, -EBADMSG, 0, 0 },
	{ "stat", stat_file, -EBADMSG, -EBADMSG, 4096, -EBADMSG },
	{ "status", status, -EBADMSG, -EBADMSG, 1 << 20, -EFBIG },
	{ "timers", timers, 0, -EBADMSG, 16 << 20, -EFBIG },
	{ "timerslack_ns", timerslack, -EBADMSG, -EBADMSG, 64, -EBADMSG },
};

static void expect(const struct file *file, const char *what, const char *text, size_t len, off_t grown, int want)
{
	int fd, got;

	assert_int_equal(write_file_at(dir, file->name, text, len), 0);
	if (grown) {
		fd = openat(dir, file->name, O_WRONLY | O_CLOEXEC);
		assert_int_equal(ftruncate(fd, grown), 0);
		close(fd);
	}
	got = file->read(dir);
	if (got != want)
		fail_msg("%s, %s: %d, not %d", file->name, what, got, want);
}

static void test_files(void **state __unused_arg)
{
	static const char garbage[] = "\xff\x00 (\n:\t-99999999999999999999 \x01%s%n\n\n";

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const struct file *f = &files[i];

		assert_int_equal(f->read(dir), -ENOENT);
		expect(f, "empty", "", 0, 0, f->empty);
		expect(f, "garbage", garbage, sizeof(garbage) - 1, 0, f->garbage);
		if (f->max)
			expect(f, "too big", "1", 1, f->max + 1, f->too_big);
		unlinkat(dir, f->name, 0);
	}
}

/* ---- values --------------------------------------------------------------------------------------------------- */

static void put(const char *name, const char *text)
{
	assert_int_equal(write_file_at(dir, name, text, strlen(text)), 0);
}

static void test_values(void **state __unused_arg)
{
	static const char variables[] = "A=1\0B=\0";
	uint64_t slack;
	uint32_t v;
	size_t len;
	char *text;

	put("timerslack_ns", "18446744073709551615\n");
	assert_int_equal(proc_read_timerslack(dir, &slack), 0);
	assert_int_equal(slack, UINT64_MAX);
	put("timerslack_ns", "18446744073709551616\n");
	assert_int_equal(proc_read_timerslack(dir, &slack), -EBADMSG);
	put("coredump_filter", "000001ff\n");
	assert_int_equal(proc_read_coredump_filter(dir, &v), 0);
	assert_int_equal(v, 0x1ff);
	put("coredump_filter", "0x33\n");
	assert_int_equal(proc_read_coredump_filter(dir, &v), -EBADMSG);
	put("personality", "ffffffff\n");
	assert_int_equal(proc_read_personality(dir, &v), 0);
	assert_int_equal(v, UINT32_MAX);
	put("personality", "100000000\n");
	assert_int_equal(proc_read_personality(dir, &v), -EBADMSG);
	put("loginuid", "4294967295"); /* without a newline, as kernels do */
	assert_int_equal(proc_read_loginuid(dir, &v), 0);
	assert_int_equal(v, UINT32_MAX);
	put("loginuid", "4294967296");
	assert_int_equal(proc_read_loginuid(dir, &v), -EBADMSG);
	assert_int_equal(write_file_at(dir, "environ", variables, sizeof(variables) - 1), 0);
	assert_int_equal(proc_read_environ(dir, &text, &len), 0);
	assert_int_equal(len, sizeof(variables) - 1);
	assert_memory_equal(text, variables, sizeof(variables));
	free(text);
	unlinkat(dir, "timerslack_ns", 0);
	unlinkat(dir, "coredump_filter", 0);
	unlinkat(dir, "personality", 0);
	unlinkat(dir, "loginuid", 0);
	unlinkat(dir, "environ", 0);
}

static void test_comm(void **state __unused_arg)
{
	char name[PROC_COMM_MAX], longest[PROC_COMM_MAX + 2];

	memset(longest, 'x', sizeof(longest));
	strcpy(longest + PROC_COMM_MAX - 1, "\n");
	put("comm", longest);
	assert_int_equal(proc_read_comm(dir, name), 0);
	assert_int_equal(strlen(name), PROC_COMM_MAX - 1);
	strcpy(longest + PROC_COMM_MAX - 1, "x\n");
	put("comm", longest);
	assert_int_equal(proc_read_comm(dir, name), -EBADMSG);
	/* The kernel's newline is the last one. */
	put("comm", "a\n\n");
	assert_int_equal(proc_read_comm(dir, name), 0);
	assert_string_equal(name, "a\n");
	unlinkat(dir, "comm", 0);
}

static void test_directories(void **state __unused_arg)
{
	static const char *const bad[] = { "fd/x", "fd/-1", "fd/1x", "fd/2147483648" };
	struct proc_numbers list;

	assert_int_equal(proc_list_fds(dir, &list), -ENOENT);
	assert_int_equal(proc_list_threads(dir, &list), -ENOENT);
	assert_int_equal(mkdirat(dir, "fd", 0700), 0);
	assert_int_equal(proc_list_fds(dir, &list), 0);
	assert_int_equal(list.nr, 0);
	put("fd/2147483647", "");
	put("fd/10", "");
	assert_int_equal(proc_list_fds(dir, &list), 0);
	assert_int_equal(list.nr, 2);
	assert_int_equal(list.v[0], 10);
	assert_int_equal(list.v[1], 2147483647);
	proc_numbers_free(&list);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(bad[i], "");
		assert_int_equal(proc_list_fds(dir, &list), -EBADMSG);
		unlinkat(dir, bad[i], 0);
	}
	unlinkat(dir, "fd/10", 0);
	unlinkat(dir, "fd/2147483647", 0);
	unlinkat(dir, "fd", AT_REMOVEDIR);
}

static void test_fdinfo_numbers(void **state __unused_arg)
{
	static const char text[] = "pos:\t0\nflags:\t02\nmnt_id:\t1\nhex: 0xff\noct: 0777\nbig: 18446744073709551616\n"
				   "tail: 12 \t\nbad: 12x\nnone:\n";
	struct proc_fdinfo info;
	uint64_t v;

	assert_int_equal(proc_parse_fdinfo(strdup(text), sizeof(text) - 1, &info), 0);
	assert_int_equal(proc_fdinfo_u64(&info, "hex", 16, &v), 0);
	assert_int_equal(v, 255);
	assert_int_equal(proc_fdinfo_u64(&info, "hex", 10, &v), -EBADMSG);
	assert_int_equal(proc_fdinfo_u64(&info, "oct", 8, &v), 0);
	assert_int_equal(v, 0777);
	assert_int_equal(proc_fdinfo_u64(&info, "big", 10, &v), -EBADMSG);
	assert_int_equal(proc_fdinfo_u64(&info, "big", 16, &v), -EBADMSG);
	assert_int_equal(proc_fdinfo_u64(&info, "tail", 10, &v), 0);
	assert_int_equal(v, 12);
	assert_int_equal(proc_fdinfo_u64(&info, "bad", 10, &v), -EBADMSG);
	assert_int_equal(proc_fdinfo_u64(&info, "none", 10, &v), -EBADMSG);
	assert_int_equal(proc_fdinfo_u64(&info, "there", 10, &v), -ENOENT);
	assert_int_equal(proc_fdinfo_u64(&info, "oct", 2, &v), -EINVAL);
	proc_fdinfo_free(&info);
}

/* ---- lines ---------------------------------------------------------------------------------------------------- */

/* Where line N begins; the end of the text behind the last. */
static const char *line_at(const char *text, size_t n)
{
	while (n-- && *text)
		text = strchr(text, '\n') + 1;
	return text;
}

static bool starts_with_one_of(const char *line, const char *const *keys)
{
	for (size_t i = 0; keys[i]; i++)
		if (!strncmp(line, keys[i], strlen(keys[i])))
			return true;
	return false;
}

/* Kernels add lines and leave some out. */
static const struct lines {
	const char *name;
	int (*read)(int procfd);
	const char *unknown;				/* a line as it may come one day ... */
	size_t unknown_from;				/* ... behind this many, at any place */
	const char *const required[PROC_NR_LIMITS + 8]; /* the beginnings of those that have to be there */
} line_files[] = {
	{ "status", status, "Of_tomorrow:\t1 2 3\n", 0, { "Name:",	"State:",  "Tgid:",   "Pid:",	 "PPid:",
							  "TracerPid:", "Uid:",	   "Gid:",    "Groups:", "Threads:",
							  "SigQ:",	"SigPnd:", "ShdPnd:", "SigBlk:", "SigIgn:",
							  "SigCgt:",	"CapInh:", "CapPrm:", "CapEff:", "CapBnd:" } },
	{ "limits",
	  limits,
	  "Max of tomorrow            1                    2                    bytes     \n",
	  1,
	  { "Limit ", "Max " } },
	{ "smaps", smaps, "Of_tomorrow:           4 kB\n", 1, { "VmFlags:" } },
	{ "fdinfo/3", fdinfo, "of-tomorrow: 1\n", 3, { "pos:", "flags:", "mnt_id:" } },
	{ "cgroup", cgroup, "12345:of,tomorrow:/a\n", 0, { NULL } },
};

static const char *const captured[] = { "status", "limits", "smaps", "fdinfo/4", "cgroup" };

static void check_lines(const struct lines *f, const char *text)
{
	size_t len = strlen(text), size = len + strlen(f->unknown) + 1;
	char *copy = malloc(size);

	assert_non_null(copy);
	for (size_t n = 0; line_at(text, n) < text + len; n++) {
		const char *line = line_at(text, n), *next = line_at(text, n + 1);
		bool area = f->read == smaps && strchr("0123456789abcdef", *line); /* has lines of its own */
		int got;

		snprintf(copy, size, "%.*s%s", (int)(line - text), text, next);
		put(f->name, copy);
		got = f->read(dir);
		if (!area && got != (starts_with_one_of(line, f->required) ? -EBADMSG : 0))
			fail_msg("%s without line %zu: %d", f->name, n, got);
		snprintf(copy, size, "%.*s%s%s", (int)(line - text), text, f->unknown, line);
		put(f->name, copy);
		got = f->read(dir);
		if (got != (n >= f->unknown_from ? 0 : -EBADMSG))
			fail_msg("%s with an unknown line %zu: %d", f->name, n, got);
	}
	free(copy);
	unlinkat(dir, f->name, 0);
}

static void test_lines(void **state __unused_arg)
{
	for (size_t i = 0; i < NR_TREES; i++) {
		int tree = tree_open(trees[i]);

		for (size_t k = 0; k < sizeof(line_files) / sizeof(line_files[0]); k++) {
			size_t len;
			char *text = tree_text(tree, captured[k], &len);

			assert_int_equal(strlen(text), len);
			check_lines(&line_files[k], text);
			free(text);
		}
		close(tree);
	}
}

/* Fields are added at the end, and were. */
static void test_stat_fields(void **state __unused_arg)
{
	int tree = tree_open("6.18");
	struct proc_stat st;
	size_t len;
	char *text = tree_text(tree, "stat", &len), *longer = malloc(len + 32);

	assert_int_equal(text[len - 1], '\n');
	sprintf(longer, "%.*s 7 8 9\n", (int)len - 1, text);
	assert_int_equal(proc_parse_stat(longer, strlen(longer), &st), 0);
	assert_int_equal(st.exit_code, 0);
	free(longer);
	free(text);
	close(tree);
}

/* The lines of a timer are four, in this order. */
static void test_timer_lines(void **state __unused_arg)
{
	int tree = tree_open("6.18");
	size_t len;
	char *text = tree_text(tree, "timers", &len), *copy = malloc(len + 32);

	for (size_t n = 0; line_at(text, n) < text + len; n++) {
		const char *line = line_at(text, n);

		sprintf(copy, "%.*s%s", (int)(line - text), text, line_at(text, n + 1));
		put("timers", copy);
		assert_int_equal(timers(dir), -EBADMSG);
		sprintf(copy, "%.*sOf tomorrow: 1\n%s", (int)(line - text), text, line);
		put("timers", copy);
		assert_int_equal(timers(dir), -EBADMSG);
	}
	unlinkat(dir, "timers", 0);
	free(copy);
	free(text);
	close(tree);
}

/* ---- what isn't parsed from a text ------------------------------------------------------------------------------ */

static int parse_cgroup(const char *text, size_t len)
{
	assert_int_equal(write_file_at(dir, "cgroup", text, len), 0);
	return cgroup(dir);
}

static int parse_auxv(const char *text, size_t len)
{
	assert_int_equal(write_file_at(dir, "auxv", text, len), 0);
	return auxv(dir);
}

static void test_mutated(void **state __unused_arg)
{
	int tree = tree_open("6.18");
	size_t len;
	char *text = tree_text(tree, "cgroup", &len);

	assert_true(mutate(text, len, parse_cgroup) > 0);
	free(text);
	text = tree_text(tree, "auxv", &len);
	assert_true(mutate(text, len, parse_auxv) > 0);
	free(text);
	unlinkat(dir, "cgroup", 0);
	unlinkat(dir, "auxv", 0);
	close(tree);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),	       cmocka_unit_test(test_values),
		cmocka_unit_test(test_comm),	       cmocka_unit_test(test_directories),
		cmocka_unit_test(test_fdinfo_numbers), cmocka_unit_test(test_lines),
		cmocka_unit_test(test_stat_fields),    cmocka_unit_test(test_timer_lines),
		cmocka_unit_test(test_mutated),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
