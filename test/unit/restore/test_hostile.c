/* SPDX-License-Identifier: GPL-2.0 */
/* Damaged metadata is refused by name, before any process is made; and what only looks odd is not. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "hostile.h"
#include "image/image.h"
#include "restore/read.h"
#include "restore/tree_plan.h"

char hostile_siginfo[128] = { SIGUSR1 };
uint64_t hostile_auxv[4] = { 6, 4096, 0, 0 };
uint32_t hostile_fpu[64];

static char place[] = "/tmp/test_hostile.XXXXXX";
static int dirfd_images;
static struct cr_opts opts;
static struct cr_error error;
static struct log *test_log;

static void write_one(enum image_kind kind, const void *msg, unsigned long id)
{
	assert_int_equal(image_write_single(dirfd_images, kind, msg, id), 0);
}

#define WRITE_LIST(kind, list, nr, ...)                                                                                \
	do {                                                                                                           \
		struct image *img;                                                                                     \
		assert_int_equal(image_create(dirfd_images, kind, &img, ##__VA_ARGS__), 0);                            \
		for (size_t i = 0; i < (nr); i++)                                                                      \
			assert_int_equal(image_write(img, &(list)[i].base), 0);                                        \
		assert_int_equal(image_close(&img), 0);                                                                \
	} while (0)

static void write_set(struct set *s)
{
	static const pid_t alive[] = { ROOT, CHILD };

	assert_int_equal(image_write_single(dirfd_images, IMG_INVENTORY, &s->inventory.base), 0);
	WRITE_LIST(IMG_PSTREE, s->tree, s->nr_tree);
	WRITE_LIST(IMG_FILES, s->files, s->nr_files);
	WRITE_LIST(IMG_FDINFO, s->rows, s->nr_rows, 7ul);
	for (int i = 0; i < NR_CORES; i++)
		write_one(IMG_CORE, &s->cores[i].core, ROOT + i);
	for (int i = 0; i < 2; i++) {
		write_one(IMG_IDS, &s->ids[i], alive[i]);
		write_one(IMG_MM, &s->mm, alive[i]);
		write_one(IMG_FS, &s->fs, alive[i]);
	}
}

static int read_set(void)
{
	struct restore r = { .ctx = { test_log, &error }, .opts = &opts, .images_dirfd = dirfd_images };
	int err;

	memset(&error, 0, sizeof(error));
	task_tree_init(&r.tree);
	err = restore_read(&r);
	if (!err)
		err = tree_plan(&r);
	restore_free_tree(&r);
	return err;
}

static struct set set;

static void expect(const char *case_name, const char *says)
{
	int err;

	write_set(&set);
	err = read_set();
	if (!says) {
		if (err)
			fail_msg("%s: refused with \"%s\"", case_name, error.text);
	} else if (!err) {
		fail_msg("%s: accepted", case_name);
	} else if (!strstr(error.text, says)) {
		fail_msg("%s: \"%s\" doesn't say \"%s\"", case_name, error.text, says);
	}
}

/* Changes a valid set and tells what the error has to say; NULL: there is none. */
#define CASE(says, change)                                                                                             \
	do {                                                                                                           \
		set_init(&set);                                                                                        \
		change;                                                                                                \
		expect(#change, says);                                                                                 \
	} while (0)

static void test_tree(void **state)
{
	CASE(NULL, (void)0);
	CASE("no task", set.nr_tree = 0);
	CASE("a task 0", set.tree[1].pid = 0);
	CASE("a task 4294967295", set.tree[1].pid = UINT32_MAX);
	CASE("a task 2147483648", set.tree[1].pgid = 1u << 31);
	CASE("a task 4194305", set.tree[1].sid = 4194305);
	CASE("a task 0", set.threads[0][1] = 0);
	CASE("two tasks 100", set.threads[0][1] = ROOT);
	CASE("two tasks 102", set.tree[2].pid = set.threads[2][0] = CHILD);
	CASE("its own threads", set.threads[1][0] = 77);
	CASE("its own threads", set.tree[1].n_threads = 0);
	CASE("unknown parent 55", set.tree[1].ppid = 55);
	CASE("unknown parent 102", set.tree[1].ppid = CHILD);
	CASE("unknown parent 0", set.tree[1].ppid = 0);
	CASE("unknown parent 102", set.tree[0].ppid = CHILD);
	CASE("dead parent 103", add_task(&set, ZOMBIE, ZOMBIE, 0));
	CASE("root task 100 is dead", set.cores[0].tc.task_state = TASK_DEAD);
	CASE("not its leader", set.tree[1].sid = ZOMBIE);
	CASE("another session", set.tree[1].sid = set.tree[1].pgid = CHILD; set.tree[2].pgid = CHILD);
	CASE("--shell-job", set.tree[0].sid = 99; set.tree[0].pgid = 99);
	CASE(NULL, set.ids[1].vm_id = set.ids[0].vm_id);
	CASE(NULL, set.ids[1].vm_id = set.ids[0].vm_id; set.ids[1].sighand_id = set.ids[0].sighand_id);
	CASE("signal handlers", set.ids[1].sighand_id = set.ids[0].sighand_id);
	CASE("no descriptor table", set.ids[1].files_id = 0);
	CASE("namespace", set.ids[1].has_pid_ns_id = true; set.ids[1].pid_ns_id = 5);
}

/* What stands there for threads of a dead task is garbage in sets that are in use. */
static void test_zombie(void **state)
{
	CASE(NULL, set.threads[2][0] = 3100000000u);
	CASE(NULL, set.threads[2][0] = 0);
	CASE(NULL, set.tree[2].n_threads = 2; set.threads[2][1] = ROOT);
	CASE(NULL, set.tree[2].n_threads = 0);
	CASE(NULL, set.cores[3].tc.exit_code = 0xff00);
	CASE(NULL, set.cores[3].tc.exit_code = SIGSEGV | 0x80);
	CASE("exit code", set.cores[3].tc.exit_code = 0x10000);
	CASE("exit code", set.cores[3].tc.exit_code = 0x7f);
	CASE("exit code", set.cores[3].tc.exit_code = 0x80);
	CASE("exit code", set.cores[3].tc.exit_code = SIGSTOP);
	CASE("exit code", set.cores[3].tc.exit_code = SIGKILL | 0x100);
}

static void test_large_trees(void **state)
{
	static uint32_t many[RESTORE_MAX_THREADS + 1];

	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++)
		many[i] = 1000 + i;
	CASE("too many tasks", set.tree[1].threads = many; set.tree[1].n_threads = RESTORE_MAX_THREADS + 1);
	CASE("its own threads", set.tree[1].threads = many; set.tree[1].n_threads = 100000);
	CASE("core-1000.img", many[100] = CHILD; set.tree[1].threads = many; set.tree[1].n_threads = 100000);
	set_init(&set);
	for (set.nr_tree = 1; set.nr_tree < MAX_TREE;)
		add_task(&set, CHILD, ROOT, 0);
	expect("one task, many times", "two tasks 102");
}

static void test_task(void **state)
{
	struct core_parts *c = set.cores;

	CASE("architecture", c[0].core.mtype = CORE_ENTRY__MARCH__ARM);
	CASE("no task entry", c[2].core.tc = NULL);
	CASE("no registers", c[0].core.thread_info = NULL);
	CASE("no registers", c[1].core.thread_core = NULL);
	CASE("state of the task", c[2].tc.task_state = 17);
	CASE("number of signal actions", c[2].tc.n_sigactions--);
	CASE("number of signal actions", c[2].tc.n_sigactions++);
	CASE("number of signal actions", c[2].tc.n_sigactions = 0);
	CASE("number of limits", c[2].rlimits.n_rlimits++);
	CASE(NULL, c[2].rlimits.n_rlimits = 0);
	CASE("interval timer", c[2].itimers[0].isec = -1ull);
	CASE("interval timer", c[2].itimers[1].vusec = 1000000);
	CASE("interval timer", c[2].itimers[2].iusec = -5ull);
	CASE("name is too long", c[2].tc.comm = "sixteen letters!");
	CASE("name is too long", c[1].thread.comm = "sixteen letters!");
	CASE(NULL, c[2].tc.comm = "../a/b\n%s");
	CASE(NULL, c[2].tc.comm = "");
	CASE("stop signal", c[2].tc.has_stop_signo = true; c[2].tc.stop_signo = 65);
	CASE("execution domain", c[2].tc.personality = 8);
}

static void test_thread(void **state)
{
	static uint32_t groups[70000];
	struct core_parts *c = set.cores;

	CASE("credentials", c[1].thread.creds = NULL);
	CASE("number of groups", c[1].creds.n_groups = 70000; c[1].creds.groups = groups);
	CASE(NULL, c[1].creds.n_groups = 65536; c[1].creds.groups = groups);
	CASE("capability set", c[1].creds.n_cap_eff = 3; c[1].creds.cap_eff = groups);
	CASE("security label", c[1].creds.lsm_profile = "strange");
	CASE("core-101.img", c[1].regs.cs = 0x23);
	CASE("core-101.img", c[1].regs.cs = 0x10);
	CASE("core-101.img", c[1].regs.ss = 0);
	CASE("scheduling policy", c[1].thread.has_sched_policy = true; c[1].thread.sched_policy = 99);
	CASE("nice value", c[1].thread.has_sched_nice = true; c[1].thread.sched_nice = -21);
	CASE("priority", c[1].thread.has_sched_prio = true; c[1].thread.sched_prio = 100);
	CASE("parent-death", c[1].thread.has_pdeath_sig = true; c[1].thread.pdeath_sig = 65);
	CASE("size of a pending signal", c[1].signal.siginfo.len = 127);
	CASE("size of a pending signal", c[1].signal.siginfo.len = 0);
	CASE("number of a pending", hostile_siginfo[0] = 65);
	CASE("number of a pending", hostile_siginfo[0] = 0);
	hostile_siginfo[0] = SIGUSR1;
}

static void test_descriptors(void **state)
{
	CASE("descriptor 4294967295", set.rows[1].fd = UINT32_MAX);
	CASE("descriptor 2147483648", set.rows[1].fd = 1u << 31);
	CASE("descriptor 1073741823", set.rows[1].fd = (1u << 30) - 1);
	CASE("there twice", set.rows[1].fd = 0);
	CASE("isn't there", set.rows[1].id = 77);
	CASE("isn't there", set.rows[1].id = 0);
	CASE("another type", set.rows[1].type = FD_TYPES__PIPE);
	CASE("impossible", set.rows[1].flags = 2);
	CASE(NULL, set.nr_rows = 0);
	CASE("Can't read fdinfo-8.img", set.ids[1].files_id = 8);
}

static void test_files(void **state)
{
	static char long_name[5000];

	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[0] = '/';
	CASE("two files have the id 1", set.files[1].id = set.regs[1].id = 1);
	CASE("id 0", set.files[1].id = set.regs[1].id = 0);
	CASE("another id inside", set.regs[1].id = 9);
	CASE("no entry of its type", set.files[1].reg = NULL);
	CASE("no entry of its type", set.files[1].type = FD_TYPES__PIPE);
	CASE("no absolute path", set.regs[1].name = "");
	CASE("no absolute path", set.regs[1].name = "bin/sh");
	CASE("no absolute path", set.regs[1].name = "../../bin/sh");
	CASE("no absolute path", set.regs[1].name = long_name);
	CASE(NULL, set.regs[1].name = "/../../bin/../bin/sh");
	CASE("offset or size", set.regs[1].pos = 1ull << 63);
	CASE("offset or size", set.regs[1].has_size = true; set.regs[1].size = -1ull);
	CASE("mode without a type", set.regs[1].has_mode = true; set.regs[1].mode = 0644);
	CASE("impossible owner", set.fown.signum = 65);
	CASE("impossible owner", set.fown.pid_type = 3);
	CASE("impossible owner", set.fown.pid = 1u << 31);
	CASE("no program file 9", set.mm.exe_file_id = 9);
	CASE("no directory 9", set.fs.cwd_id = 9);
	CASE("no directory 1 or 9", set.fs.root_id = 9);
	CASE("umask 01000", set.fs.has_umask = true; set.fs.umask = 01000);
	CASE("a file 9 that isn't there", set.vma.shmid = 9);
}

/* Something else where an image should be. */
static void test_no_file(void **state)
{
	static const char *const names[] = { "inventory.img", "files.img",  "pstree.img", "core-101.img",
					     "ids-102.img",   "mm-102.img", "fs-102.img", "fdinfo-7.img" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		set_init(&set);
		write_set(&set);
		assert_int_equal(unlinkat(dirfd_images, names[i], 0), 0);
		if (i != 1) /* without files.img it is a set of the first generation, without any file */
			assert_int_equal(read_set(), -ENOENT);
		assert_int_equal(mkfifoat(dirfd_images, names[i], 0600), 0);
		assert_int_equal(read_set(), -EBADMSG);
		if (!strstr(error.text, names[i]))
			fail_msg("%s: \"%s\"", names[i], error.text);
		unlinkat(dirfd_images, names[i], 0);
	}
}

static int setup(void **state)
{
	if (!mkdtemp(place) || log_open("/dev/null", LOG_WARN, &test_log))
		return -1;
	dirfd_images = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd_images < 0;
}

static int teardown(void **state)
{
	DIR *d = fdopendir(dirfd_images);
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	log_close(&test_log);
	return rmdir(place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),  cmocka_unit_test(test_zombie),  cmocka_unit_test(test_large_trees),
		cmocka_unit_test(test_task),  cmocka_unit_test(test_thread),  cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_files), cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
