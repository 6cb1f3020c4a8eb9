/* SPDX-License-Identifier: GPL-2.0 */
/* Areas: classified from text, and of this process itself. */
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
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mem/vma.h"
#include "mem/vma_internal.h"
#include "proc/list.h"

static struct log *test_log;

/* Classifies the one area of TEXT. */
static int classify(const char *text, struct vma *v, struct cr_error *error)
{
	struct cr_ctx ctx = { test_log, error };
	struct vma_task task = { &ctx, 42, -1, "name" };
	struct proc_map_list list;
	int err;

	memset(error, 0, sizeof(*error));
	assert_int_equal(proc_parse_maps(text, strlen(text), true, &list), 0);
	assert_int_equal(list.nr, 1);
	err = vma_classify(&task, &list.v[0], v);
	proc_map_list_free(&list);
	return err;
}

#define ANON	 "7f0000000000-7f0000002000 rw-p 00000000 00:00 0 "
#define FILE_	 "7f0000000000-7f0000002000 rw-p 00003000 fe:00 77    /lib/x"
#define SHARED	 "7f0000000000-7f0000002000 rw-s 00003000 fe:00 77    /lib/x"
#define FLAGS(f) "\nVmFlags: " f " \n"

static void test_kinds(void **state __unused_arg)
{
	static const struct {
		const char *text;
		uint32_t status, flags;
		uint64_t pgoff, madv;
	} kinds[] = {
		{ ANON FLAGS("rd wr"), VMA_AREA_REGULAR | VMA_ANON_PRIVATE, MAP_PRIVATE | MAP_ANONYMOUS, 0, 0 },
		{ ANON "[heap]" FLAGS("rd wr"), VMA_AREA_REGULAR | VMA_ANON_PRIVATE | VMA_AREA_HEAP,
		  MAP_PRIVATE | MAP_ANONYMOUS, 0, 0 },
		{ ANON "[stack]" FLAGS("rd wr gd"), VMA_AREA_REGULAR | VMA_ANON_PRIVATE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, 0, 0 },
		{ ANON "[anon:glibc: malloc]" FLAGS("rd wr nr nh"), VMA_AREA_REGULAR | VMA_ANON_PRIVATE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, 0, 0x8000 },
		{ ANON FLAGS("rd wr lo dc dd wf mg hg"), VMA_AREA_REGULAR | VMA_ANON_PRIVATE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, 0, 1 << 10 | 1 << 12 | 1 << 14 | 1 << 16 | 1 << 18 },
		{ FILE_ FLAGS("rd wr rr"), VMA_AREA_REGULAR | VMA_FILE_PRIVATE, MAP_PRIVATE, 0x3000, 1 << 1 },
		{ FILE_ " (deleted)" FLAGS("rd wr"), VMA_AREA_REGULAR | VMA_FILE_PRIVATE, MAP_PRIVATE, 0x3000, 0 },
		{ "7f0000000000-7f0000002000 rw-s 00000000 00:01 9 /[aio] (deleted)" FLAGS("rd"), VMA_AREA_AIORING,
		  MAP_SHARED, 0, 0 },
		{ "7f0000000000-7f0000002000 rw-s 00000000 00:01 0 /SYSV00000000 (deleted)" FLAGS("rd wr sh"),
		  VMA_AREA_REGULAR | VMA_FILE_SHARED, MAP_SHARED, 0, 0 },
		{ SHARED FLAGS("rd wr sh sr"), VMA_AREA_REGULAR | VMA_FILE_SHARED, MAP_SHARED, 0x3000, 1 << 2 },
		{ "7f0000000000-7f0000004000 r--p 00000000 00:00 0 [vvar]" FLAGS("rd mr pf io de dd sd"),
		  VMA_AREA_REGULAR | VMA_ANON_PRIVATE | VMA_AREA_VVAR, MAP_PRIVATE | MAP_ANONYMOUS, 0, 0x10000 },
		{ "7f0000000000-7f0000002000 r--p 00000000 00:00 0 [vvar_vclock]" FLAGS("rd mr pf io de dd"),
		  VMA_AREA_REGULAR | VMA_ANON_PRIVATE | VMA_AREA_VVAR, MAP_PRIVATE | MAP_ANONYMOUS, 0, 0x10000 },
		{ "7f0000000000-7f0000002000 r-xp 00000000 00:00 0 [vdso]" FLAGS("rd ex de"),
		  VMA_AREA_REGULAR | VMA_ANON_PRIVATE | VMA_AREA_VDSO, MAP_PRIVATE | MAP_ANONYMOUS, 0, 0 },
		{ "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]" FLAGS("ex"),
		  VMA_AREA_VSYSCALL | VMA_ANON_PRIVATE, MAP_PRIVATE | MAP_ANONYMOUS, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct cr_error error;
		struct vma v;

		assert_int_equal(classify(kinds[i].text, &v, &error), 0);
		assert_int_equal(v.status, kinds[i].status);
		assert_int_equal(v.flags, kinds[i].flags);
		assert_int_equal(v.pgoff, kinds[i].pgoff);
		assert_int_equal(v.madv, kinds[i].madv);
	}
}

static void test_refused(void **state __unused_arg)
{
	static const struct {
		const char *text, *kind;
	} kinds[] = {
		{ ANON FLAGS("rd wr ss"), "a shadow stack" },
		{ ANON FLAGS("rd wr um"), "memory with a userfaultfd" },
		{ ANON "\nProtectionKey: 2" FLAGS("rd wr"), "memory with a protection key" },
		{ SHARED FLAGS("rd wr sf"), "a DAX mapping" },
		{ "7f0000000000-7f0000002000 rw-s 00000000 00:05 9 /dev/fb0" FLAGS("rd io pf"), "device memory" },
		{ "7f0000000000-7f0000002000 r--s 00000000 00:01 9 /[aio] (deleted)" FLAGS("rd"),
		  "part of an AIO ring" },
		{ "7f0000000000-7f0000002000 rw-s 00001000 00:01 9 /[aio] (deleted)" FLAGS("rd"),
		  "part of an AIO ring" },
		{ "7f0000000000-7f0000002000 rw-s 00000000 00:01 9 /secretmem (deleted)" FLAGS("rd"), "secret memory" },
		{ "7f0000000000-7f0000002000 rw-s 00000000 00:01 9 anon_inode:[io_uring]" FLAGS("rd"),
		  "an anonymous inode" },
		{ "7f0000000000-7f0000002000 rw-s 00000000 00:01 9 socket:[9]" FLAGS("rd"), "a socket mapping" },
		{ "7f0000000000-7f0000002000 rw-s 00000000 00:00 0 " FLAGS("rd"), "a shared mapping without a file" },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct cr_error error;
		struct vma v;

		assert_int_equal(classify(kinds[i].text, &v, &error), -EOPNOTSUPP);
		if (!strstr(error.text, kinds[i].kind) ||
		    !strstr(error.text, "task 42 (name): area 7f0000000000-7f0000002000"))
			fail_msg("%s instead of %s", error.text, kinds[i].kind);
	}
}

/* Execute-only memory has a key where the processor knows keys. */
static void test_execute_only(void **state __unused_arg)
{
	struct cr_error error;
	struct vma v;

	assert_int_equal(classify("1000-2000 --xp 00000000 00:00 0 \nProtectionKey: 1\nVmFlags: ex \n", &v, &error), 0);
	assert_int_equal(v.prot, PROT_EXEC);
}

static int collect_self(struct vma_list *list, struct cr_error *error)
{
	struct cr_ctx ctx = { test_log, error };
	int procfd = proc_open_pid(getpid()), err;

	memset(error, 0, sizeof(*error));
	err = vma_collect(&ctx, getpid(), procfd, list);
	close(procfd);
	return err;
}

/* /proc/PID/map_files is for CAP_SYS_ADMIN and CAP_CHECKPOINT_RESTORE. */
static void need_map_files(void)
{
	struct cr_error error;
	struct vma_list list;
	int err = collect_self(&list, &error);

	if (err == -EPERM || err == -EACCES)
		skip();
	if (err)
		fail_msg("%s", error.text);
	vma_list_free(&list);
}

static int nr_open(void)
{
	struct proc_numbers fds;
	int procfd = proc_open_pid(getpid()), nr;

	assert_int_equal(proc_list_fds(procfd, &fds), 0);
	nr = fds.nr;
	proc_numbers_free(&fds);
	close(procfd);
	return nr;
}

static void test_self(void **state __unused_arg)
{
	char path[] = "/tmp/test_vma.XXXXXX";
	const struct vma *v, *w;
	struct vma_list list;
	struct cr_error error;
	struct stat st;
	char *anon, *shared, *file, *ro;
	int fd, before;

	need_map_files();
	fd = mkstemp(path);
	assert_true(fd >= 0 && !ftruncate(fd, 16384));
	anon = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	shared = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	file = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 8192);
	ro = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 4096);
	unlink(path);
	assert_int_equal(fstat(fd, &st), 0);
	before = nr_open();
	assert_int_equal(collect_self(&list, &error), 0);
	assert_int_equal(nr_open(), before + (int)list.nr_fds);

	v = vma_find(&list, (uintptr_t)anon + 4096);
	assert_true(v && v->status == (VMA_AREA_REGULAR | VMA_ANON_PRIVATE));
	v = vma_find(&list, (uintptr_t)shared);
	assert_int_equal(v->status, VMA_AREA_REGULAR | VMA_ANON_SHARED);
	assert_int_equal(v->flags, MAP_SHARED | MAP_ANONYMOUS);
	assert_int_equal(v->shmid, v->ino);
	assert_true(v->shmid && v->file_fd >= 0);
	assert_null(v->name);
	v = vma_find(&list, (uintptr_t)file);
	assert_int_equal(v->status, VMA_AREA_REGULAR | VMA_FILE_SHARED);
	assert_int_equal(v->pgoff, 8192);
	assert_int_equal(v->file_flags, O_RDWR);
	assert_string_equal(v->name, path);
	assert_int_equal(v->ino, st.st_ino);
	w = vma_find(&list, (uintptr_t)ro);
	assert_int_equal(w->status, VMA_AREA_REGULAR | VMA_FILE_PRIVATE);
	assert_int_equal(w->file_flags, O_RDONLY);
	assert_int_not_equal(w->file_fd, v->file_fd);
	assert_int_equal(fstat(w->file_fd, &st), 0);
	assert_int_equal(st.st_ino, w->ino);
	assert_true(fcntl(w->file_fd, F_GETFL) & O_PATH);
	assert_null(vma_find(&list, 4096));
	vma_list_free(&list);
	assert_int_equal(nr_open(), before);
	munmap(anon, 8192);
	munmap(shared, 16384);
	munmap(file, 8192);
	munmap(ro, 4096);
	close(fd);
}

/* Parts of one segment share a descriptor; a child sees the same segment. */
static void test_shared_parts(void **state __unused_arg)
{
	struct vma_list list, other;
	struct cr_error error;
	struct cr_ctx ctx = { test_log, &error };
	const struct vma *v, *w;
	char *shared;
	int procfd;
	pid_t pid;

	need_map_files();
	shared = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_int_equal(mprotect(shared + 4096, 4096, PROT_READ), 0);
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	assert_int_equal(collect_self(&list, &error), 0);
	procfd = proc_open_pid(pid);
	assert_int_equal(vma_collect(&ctx, pid, procfd, &other), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	v = vma_find(&list, (uintptr_t)shared);
	w = vma_find(&list, (uintptr_t)shared + 4096);
	assert_ptr_equal(w, v + 1);
	assert_int_equal(v->file_fd, w->file_fd);
	assert_int_equal(w->pgoff, 4096);
	assert_int_equal(w->status, v->status);
	assert_int_equal(vma_find(&other, (uintptr_t)shared)->shmid, v->shmid);
	vma_list_free(&list);
	vma_list_free(&other);
	close(procfd);
	munmap(shared, 16384);
}

static void test_devices(void **state __unused_arg)
{
	struct vma_list list;
	struct cr_error error;
	char *p, *q;
	int fd, mem;

	need_map_files();
	fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(p != MAP_FAILED && q != MAP_FAILED);
	assert_int_equal(collect_self(&list, &error), 0);
	assert_int_equal(vma_find(&list, (uintptr_t)p)->status, VMA_AREA_REGULAR | VMA_FILE_PRIVATE);
	assert_int_equal(vma_find(&list, (uintptr_t)q)->status, VMA_AREA_REGULAR | VMA_ANON_SHARED);
	vma_list_free(&list);
	munmap(p, 4096);
	munmap(q, 4096);
	close(fd);
	mem = memfd_create("x", MFD_CLOEXEC);
	assert_int_equal(ftruncate(mem, 4096), 0);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, mem, 0);
	q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, mem, 0);
	assert_int_equal(collect_self(&list, &error), 0);
	assert_int_equal(vma_find(&list, (uintptr_t)p)->status, VMA_AREA_REGULAR | VMA_FILE_SHARED | VMA_AREA_MEMFD);
	assert_int_equal(vma_find(&list, (uintptr_t)q)->status, VMA_AREA_REGULAR | VMA_FILE_PRIVATE | VMA_AREA_MEMFD);
	vma_list_free(&list);
	munmap(p, 4096);
	munmap(q, 4096);
	close(mem);
}

/* vvar is one area, however the kernel shows it; the special ones are all found. */
static void test_special(void **state __unused_arg)
{
	struct cr_error error;
	struct vma_list list;
	uint32_t status = 0;
	int nr_vvar = 0;

	need_map_files();
	assert_ptr_not_equal(sbrk(4096), (void *)-1);
	assert_int_equal(collect_self(&list, &error), 0);
	for (size_t i = 0; i < list.nr; i++) {
		status |= list.v[i].status;
		nr_vvar += !!(list.v[i].status & VMA_AREA_VVAR);
		assert_true(!i || list.v[i - 1].end <= list.v[i].start);
	}
	assert_true(status & VMA_AREA_VDSO);
	assert_true(status & VMA_AREA_HEAP);
	assert_true(nr_vvar <= 1);
	vma_list_free(&list);
}

static int setup(void **state __unused_arg)
{
	return log_open("/dev/null", LOG_WARN, &test_log);
}

static int teardown(void **state __unused_arg)
{
	log_close(&test_log);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),	     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_execute_only), cmocka_unit_test(test_self),
		cmocka_unit_test(test_shared_parts), cmocka_unit_test(test_devices),
		cmocka_unit_test(test_special),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
