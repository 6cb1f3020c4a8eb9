/* SPDX-License-Identifier: GPL-2.0 */
/* System V shared memory: what becomes of a segment that is gone, there, in use, or another one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "mem/shmem.h"
#include "mem/sysv.h"
#include "mem/vma.h"
#include "proc/list.h"

#define PAGE 4096ul
#define SIZE (2 * PAGE + 10)
#define NS   3

static struct log *test_log;
static struct cr_error error;
static struct cr_ctx ctx;
static char dir_path[] = "/tmp/test_sysv.XXXXXX";
static int dir;
static const uint32_t not_committed;

/* A segment of ours with content, in the images too, and an area of it. */
struct stored {
	int id;
	key_t key;
	char *memory;
	VmaEntry area, *areas[1];
	MmEntry mm, *mms[1];
};

static void write_images(struct stored *s)
{
	struct store_args args = { .ctx = &ctx, .images_dirfd = dir, .mode = PAGES_FILE };
	struct store_list store = {};
	struct store_stats stats;
	int procfd = proc_open_pid(getpid()), err;
	struct shmem_dump *shm;
	struct vma_list list;

	err = vma_collect(&ctx, getpid(), procfd, &list);
	close(procfd);
	if (err)
		fail_msg("%s", error.text);
	assert_int_equal(vma_find(&list, (uintptr_t)s->memory)->status,
			 VMA_AREA_REGULAR | VMA_ANON_SHARED | VMA_AREA_SYSVIPC);
	assert_int_equal(shmem_dump_begin(&ctx, &shm), 0);
	assert_int_equal(shmem_dump_add_sysv(shm, &list), 0);
	assert_int_equal(sysv_dump(&ctx, dir, NS, shm), 0);
	assert_int_equal(shmem_dump_scan(shm, &store), 0);
	assert_int_equal(store_in_files(&store, &args, &stats), 0);
	store_list_free(&store);
	shmem_dump_end(&shm);
	vma_list_free(&list);
}

static int store(void **state)
{
	static struct stored s;

	s = (struct stored){ .key = getpid() };
	memset(&error, 0, sizeof(error));
	do
		s.id = shmget(++s.key, SIZE, IPC_CREAT | IPC_EXCL | 0640);
	while (s.id < 0 && errno == EEXIST);
	assert_true(s.id >= 0);
	s.memory = shmat(s.id, NULL, 0);
	memset(s.memory + PAGE, 'c', PAGE);
	write_images(&s);
	vma_entry__init(&s.area);
	s.area.start = 0x10000000;
	s.area.end = 0x10000000 + 3 * PAGE;
	s.area.shmid = s.id;
	s.area.status = VMA_AREA_REGULAR | VMA_ANON_SHARED | VMA_AREA_SYSVIPC;
	s.areas[0] = &s.area;
	mm_entry__init(&s.mm);
	s.mm.n_vmas = 1;
	s.mm.vmas = s.areas;
	s.mms[0] = &s.mm;
	*state = &s;
	return 0;
}

static bool is_there(int id)
{
	struct shmid_ds ds;

	return !shmctl(id, IPC_STAT, &ds);
}

static int end(void **state)
{
	struct stored *s = *state;

	if (s->memory)
		shmdt(s->memory);
	shmctl(s->id, IPC_RMID, NULL);
	return 0;
}

static void leave(struct stored *s)
{
	assert_int_equal(shmdt(s->memory), 0);
	s->memory = NULL;
}

static struct sysv_restore *read_images(struct stored *s)
{
	struct sysv_restore *sysv;

	if (sysv_restore_read(&ctx, dir, NULL, NS, s->mms, 1, &sysv))
		fail_msg("%s", error.text);
	return sysv;
}

static void restore(struct stored *s)
{
	struct sysv_restore *sysv = read_images(s);
	uint64_t size;
	int32_t id;

	if (sysv_restore_make(sysv, &not_committed))
		fail_msg("%s", error.text);
	assert_int_equal(sysv_restore_get(sysv, s->id, &id, &size), 0);
	assert_int_equal(id, s->id);
	assert_int_equal(size, 3 * PAGE);
	assert_int_equal(sysv_restore_get(sysv, s->id + 1, &id, &size), -ENOENT);
	if (sysv_restore_settle(sysv))
		fail_msg("%s", error.text);
	sysv_restore_keep(sysv);
	sysv_restore_free(&sysv);
}

static void check(const struct stored *s, char first, char second)
{
	char *p = shmat(s->id, NULL, SHM_RDONLY);
	struct shmid_ds ds;

	assert_true(p != (void *)-1);
	assert_int_equal(p[0], first);
	assert_int_equal(p[PAGE], second);
	assert_int_equal(shmdt(p), 0);
	assert_int_equal(shmctl(s->id, IPC_STAT, &ds), 0);
	assert_int_equal(ds.shm_perm.__key, s->key);
	assert_int_equal(ds.shm_perm.mode, 0640);
	assert_int_equal(ds.shm_segsz, SIZE);
	assert_int_equal(ds.shm_nattch, s->memory ? 1 : 0);
}

static void test_gone(void **state)
{
	struct stored *s = *state;

	leave(s);
	assert_int_equal(shmctl(s->id, IPC_RMID, NULL), 0);
	restore(s);
	check(s, 0, 'c');
}

static void test_unused(void **state)
{
	struct stored *s = *state;
	struct shmid_ds ds;

	memset(s->memory, 'x', 2 * PAGE);
	leave(s);
	assert_int_equal(shmctl(s->id, IPC_STAT, &ds), 0);
	ds.shm_perm.mode = 0600;
	assert_int_equal(shmctl(s->id, IPC_SET, &ds), 0);
	restore(s);
	check(s, 0, 'c');
}

static void test_in_use(void **state)
{
	struct stored *s = *state;

	memset(s->memory, 'x', 2 * PAGE);
	restore(s);
	check(s, 'x', 'x');
}

/* The id is that of a new segment. */
static void test_another(void **state)
{
	struct stored *s = *state;
	struct sysv_restore *sysv = read_images(s);
	char id[16];

	leave(s);
	assert_int_equal(shmctl(s->id, IPC_RMID, NULL), 0);
	snprintf(id, sizeof(id), "%d", s->id);
	assert_int_equal(write_file_at(AT_FDCWD, "/proc/sys/kernel/shm_next_id", id, strlen(id)), 0);
	assert_int_equal(shmget(IPC_PRIVATE, SIZE + 1, 0600), s->id);
	assert_int_equal(sysv_restore_make(sysv, &not_committed), -EEXIST);
	assert_non_null(strstr(error.text, "another System V shared memory segment"));
	sysv_restore_free(&sysv);
	assert_true(is_there(s->id));
}

/* Somebody has the key. */
static void test_key_taken(void **state)
{
	struct stored *s = *state;
	struct sysv_restore *sysv = read_images(s);
	int other, next = 0;
	FILE *f;

	leave(s);
	assert_int_equal(shmctl(s->id, IPC_RMID, NULL), 0);
	other = shmget(s->key, SIZE, IPC_CREAT | IPC_EXCL | 0600);
	assert_true(other >= 0 && other != s->id);
	assert_int_equal(sysv_restore_make(sysv, &not_committed), -EEXIST);
	sysv_restore_free(&sysv);
	assert_false(is_there(s->id));
	assert_true(is_there(other));
	f = fopen("/proc/sys/kernel/shm_next_id", "re"); /* nobody is given the id that wasn't to be had */
	assert_true(f && fscanf(f, "%d", &next) == 1 && !fclose(f));
	assert_int_equal(next, -1);
	assert_int_equal(shmctl(other, IPC_RMID, NULL), 0);
}

static void test_failed(void **state)
{
	struct stored *s = *state;
	struct sysv_restore *sysv = read_images(s);

	leave(s);
	assert_int_equal(shmctl(s->id, IPC_RMID, NULL), 0);
	assert_int_equal(sysv_restore_make(sysv, &not_committed), 0);
	assert_true(is_there(s->id));
	sysv_restore_free(&sysv);
	assert_false(is_there(s->id));
}

static void test_killed(void **state)
{
	struct stored *s = *state;
	int status, tries = 500;
	pid_t pid;

	leave(s);
	assert_int_equal(shmctl(s->id, IPC_RMID, NULL), 0);
	pid = fork();
	if (pid == 0) {
		struct sysv_restore *sysv = read_images(s);

		if (!sysv_restore_make(sysv, &not_committed) && is_there(s->id))
			raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	while (is_there(s->id) && tries--)
		usleep(10000);
	assert_false(is_there(s->id));
}

static void test_damaged(void **state)
{
	struct stored *s = *state;
	struct sysv_restore *sysv = NULL;

	s->area.end += PAGE;
	assert_int_equal(sysv_restore_read(&ctx, dir, NULL, NS, s->mms, 1, &sysv), -EBADMSG);
	assert_non_null(strstr(error.text, "an area behind its end"));
	s->area.end -= PAGE;
	s->area.shmid++;
	memset(&error, 0, sizeof(error));
	assert_int_equal(sysv_restore_read(&ctx, dir, NULL, NS, s->mms, 1, &sysv), -EBADMSG);
	assert_non_null(strstr(error.text, "no entry"));
	assert_int_equal(sysv_restore_read(&ctx, dir, NULL, NS + 1, s->mms, 1, &sysv), -ENOENT);
	assert_null(sysv);
}

static int setup(void **state __unused_arg)
{
	if (log_open("/dev/null", LOG_WARN, &test_log) || !mkdtemp(dir_path))
		return -1;
	ctx = (struct cr_ctx){ test_log, &error };
	dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0;
}

static int teardown(void **state __unused_arg)
{
	char command[64];

	close(dir);
	log_close(&test_log);
	snprintf(command, sizeof(command), "rm -r %s", dir_path);
	return system(command);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, store, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(test_gone),      CASE(test_unused), CASE(test_in_use), CASE(test_another),
		CASE(test_key_taken), CASE(test_failed), CASE(test_killed), CASE(test_damaged),
	};

	if (geteuid() || access("/proc/sys/kernel/shm_next_id", W_OK)) {
		printf("skipped: ids of segments can't be chosen\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
