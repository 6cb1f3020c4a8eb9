/* SPDX-License-Identifier: GPL-2.0 */
/* mm-PID.img: what is refused, that a golden set is not, and that a dump is read back as it was. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "mem/mm.h"
#include "proc/auxv.h"
#include "proc/list.h"

static struct log *test_log;
static struct cr_error error;
static struct cr_ctx ctx;

static uint64_t good_auxv[] = { AT_PAGESZ, 4096, AT_NULL, 0 };

/* A valid image of three areas: a file's, shared anonymous memory, the vsyscall page. */
struct sample {
	MmEntry mm;
	VmaEntry v[3];
	VmaEntry *p[3];
};

static void sample_init(struct sample *s)
{
	mm_entry__init(&s->mm);
	for (int i = 0; i < 3; i++) {
		vma_entry__init(&s->v[i]);
		s->p[i] = &s->v[i];
		s->v[i].fd = -1;
		s->v[i].prot = PROT_READ;
	}
	s->v[0].start = 0x10000;
	s->v[0].end = 0x12000;
	s->v[0].shmid = 1;
	s->v[0].flags = MAP_PRIVATE;
	s->v[0].status = VMA_AREA_REGULAR | VMA_FILE_PRIVATE;
	s->v[1].start = 0x12000;
	s->v[1].end = 0x20000;
	s->v[1].shmid = 4000;
	s->v[1].flags = MAP_SHARED | MAP_ANONYMOUS;
	s->v[1].status = VMA_AREA_REGULAR | VMA_ANON_SHARED;
	s->v[2].start = 0xffffffffff600000;
	s->v[2].end = 0xffffffffff601000;
	s->v[2].prot = PROT_EXEC;
	s->v[2].flags = MAP_PRIVATE | MAP_ANONYMOUS;
	s->v[2].status = VMA_AREA_VSYSCALL | VMA_ANON_PRIVATE;
	s->mm.n_vmas = 3;
	s->mm.vmas = s->p;
	s->mm.n_mm_saved_auxv = 4;
	s->mm.mm_saved_auxv = good_auxv;
	s->mm.mm_start_code = 0x10000;
	s->mm.mm_end_code = 0x10100;
	s->mm.mm_start_data = s->mm.mm_end_data = 0x10100;
	s->mm.mm_start_stack = 0x13000;
	s->mm.mm_start_brk = s->mm.mm_brk = 0x11000;
	s->mm.mm_arg_start = s->mm.mm_arg_end = s->mm.mm_env_start = s->mm.mm_env_end = 0x13100;
	s->mm.exe_file_id = 1;
	s->mm.has_dumpable = true;
	s->mm.dumpable = 1;
}

static int validate(const struct sample *s)
{
	memset(&error, 0, sizeof(error));
	return mm_validate(&ctx, 42, &s->mm);
}

/* Changes one thing of a valid sample, says what has to come of it. */
#define EXPECT(result, change)                                                                                         \
	do {                                                                                                           \
		struct sample s;                                                                                       \
		sample_init(&s);                                                                                       \
		change;                                                                                                \
		assert_int_equal(validate(&s), result);                                                                \
		assert_int_equal(!*error.text, !result);                                                               \
	} while (0)

static void test_areas(void **state __unused_arg)
{
	EXPECT(0, (void)0);
	EXPECT(-EBADMSG, s.v[0].start = 0x10001);
	EXPECT(-EBADMSG, s.v[0].end = 0x12800);
	EXPECT(-EBADMSG, s.v[0].end = 0x10000);
	EXPECT(-EBADMSG, s.v[0].end = 0x13000);
	EXPECT(-EBADMSG, s.v[1].start = 0x11000);
	EXPECT(-EBADMSG, s.v[1].end = 1ull << 56);
	EXPECT(-EBADMSG, s.p[0] = &s.v[1]; s.p[1] = &s.v[0]);
	EXPECT(-EBADMSG, s.v[2].start = 0xffffffffff500000);
	EXPECT(-EBADMSG, s.v[1].status = VMA_AREA_VSYSCALL | VMA_ANON_SHARED);
	EXPECT(-EBADMSG, s.mm.n_vmas = 0);
	EXPECT(-EBADMSG, s.v[0].pgoff = 1);
	EXPECT(-EBADMSG, s.v[0].pgoff = (uint64_t)INT64_MAX & ~0xfffull);
	EXPECT(-EBADMSG, s.v[1].pgoff = UINT64_MAX & ~0xfffull);
	EXPECT(0, s.v[1].pgoff = 1 << 20);
}

static void test_kinds(void **state __unused_arg)
{
	EXPECT(-EBADMSG, s.v[0].status = VMA_AREA_REGULAR);
	EXPECT(-EBADMSG, s.v[0].status = VMA_FILE_PRIVATE);
	EXPECT(-EBADMSG, s.v[0].status = 0);
	EXPECT(-EBADMSG, s.v[0].status |= VMA_FILE_SHARED);
	EXPECT(-EBADMSG, s.v[0].status = VMA_AREA_REGULAR | VMA_FILE_SHARED);
	EXPECT(-EBADMSG, s.v[0].status = VMA_AREA_REGULAR | VMA_ANON_PRIVATE);
	EXPECT(-EBADMSG, s.v[0].status |= 1u << 4);
	EXPECT(-EBADMSG, s.v[0].status |= 1u << 30);
	EXPECT(-EBADMSG, s.v[0].status |= VMA_AREA_HEAP);
	EXPECT(-EBADMSG, s.v[0].status |= VMA_AREA_VDSO);
	EXPECT(-EBADMSG, s.v[0].shmid = 0);
	EXPECT(-EBADMSG, s.v[0].shmid = 1ull << 32);
	EXPECT(-EBADMSG, s.v[1].shmid = 0);
	EXPECT(-EBADMSG, s.v[1].status |= VMA_AREA_MEMFD);
	EXPECT(-EBADMSG, s.v[1].status |= VMA_AREA_GUARD); /* it has to stand behind all areas */
	EXPECT(0, s.v[1].status |= VMA_AREA_SYSVIPC; s.v[1].shmid = 0);
	EXPECT(-EBADMSG, s.v[1].status |= VMA_AREA_SYSVIPC; s.v[1].shmid = 1ull << 31);
	EXPECT(-EBADMSG, s.v[0].status |= VMA_AREA_SYSVIPC);
	EXPECT(-EBADMSG, s.v[1].status |= VMA_AREA_UPROBES);
	EXPECT(-EOPNOTSUPP, s.v[1].status |= VMA_AREA_SHSTK);
	EXPECT(-EBADMSG, s.v[1].status = VMA_AREA_AIORING);
	EXPECT(-EOPNOTSUPP, s.v[1].status = VMA_AREA_SOCKET);
	EXPECT(0, s.v[1].flags |= MAP_HUGETLB);
	EXPECT(0, s.v[1].flags |= MAP_HUGETLB | 21u << 26);
	EXPECT(-EBADMSG, s.v[1].flags |= 21u << 26);
	EXPECT(-EBADMSG, s.v[1].flags |= MAP_HUGETLB | 5u << 26);
	EXPECT(-EBADMSG, s.mm.n_aios = 1);
}

static void test_flags(void **state __unused_arg)
{
	EXPECT(-EBADMSG, s.v[0].prot = 8);
	EXPECT(-EBADMSG, s.v[0].prot |= 0x01000000);
	EXPECT(-EBADMSG, s.v[0].flags = 0);
	EXPECT(-EBADMSG, s.v[0].flags |= MAP_FIXED);
	EXPECT(-EBADMSG, s.v[0].flags |= MAP_POPULATE);
	EXPECT(-EBADMSG, s.v[0].flags |= MAP_GROWSDOWN);
	EXPECT(-EBADMSG, s.v[1].flags = MAP_SHARED_VALIDATE | MAP_ANONYMOUS);
	EXPECT(0, s.v[0].flags |= MAP_LOCKED | MAP_NORESERVE);
	EXPECT(0, s.v[0].has_madv = true; s.v[0].madv = 0x10000);
	EXPECT(-EOPNOTSUPP, s.v[0].has_madv = true; s.v[0].madv = 1ull << 40);
	EXPECT(-EBADMSG, s.v[0].has_madv = true; s.v[0].madv = 3ull << 14);
	EXPECT(-EBADMSG, s.v[0].has_fdflags = true; s.v[0].fdflags = O_CREAT);
	EXPECT(0, s.v[0].has_fdflags = true; s.v[0].fdflags = O_RDWR);
}

static void test_bounds(void **state __unused_arg)
{
	uint64_t no_end[] = { AT_PAGESZ, 4096 }, many[PROC_AUXV_MAX + 2] = {};

	EXPECT(-EBADMSG, s.mm.mm_start_code = 0x20000);
	EXPECT(-EBADMSG, s.mm.mm_end_data = 0x10000);
	EXPECT(-EBADMSG, s.mm.mm_brk = 0x10000);
	EXPECT(-EBADMSG, s.mm.mm_arg_end = 0x12000);
	EXPECT(-EBADMSG, s.mm.mm_env_end = 0x12000);
	EXPECT(-EBADMSG, s.mm.mm_start_stack = 1ull << 60);
	EXPECT(-EBADMSG, s.mm.mm_start_stack = 0);
	EXPECT(-EBADMSG, s.mm.n_mm_saved_auxv = 0);
	EXPECT(-EBADMSG, s.mm.n_mm_saved_auxv = 3);
	EXPECT(0, s.mm.mm_saved_auxv = no_end; s.mm.n_mm_saved_auxv = 2);
	EXPECT(-EBADMSG, s.mm.mm_saved_auxv = many; s.mm.n_mm_saved_auxv = PROC_AUXV_MAX + 2);
	EXPECT(-EBADMSG, s.mm.dumpable = 3);
	EXPECT(-EBADMSG, s.mm.dumpable = -1);
	EXPECT(-EBADMSG, s.mm.exe_file_id = 0);
}

static void test_golden(void **state __unused_arg)
{
	int dir = open("test/unit/image/golden/plain-process", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MmEntry *mm;

	assert_true(dir >= 0);
	memset(&error, 0, sizeof(error));
	if (mm_read(&ctx, dir, 66, &mm))
		fail_msg("%s", error.text);
	assert_int_equal(mm->n_mm_saved_auxv, 44);
	mm_entry__free_unpacked(mm, NULL);
	assert_int_equal(mm_read(&ctx, dir, 67, &mm), -ENOENT);
	assert_non_null(strstr(error.text, "mm-67.img"));
	close(dir);
}

/* Bytes changed and the end cut off: an error that is explained, or an image whose every area passes again. */
static void test_mutated(void **state __unused_arg)
{
	static const unsigned char change[] = { 0x01, 0x08, 0x80, 0xff };
	int golden = open("test/unit/image/golden/plain-process", O_RDONLY | O_DIRECTORY | O_CLOEXEC), dir;
	char path[] = "/tmp/test_mm.XXXXXX";
	size_t len, nr_bad = 0;
	char *image;

	assert_int_equal(read_file_at(golden, "mm-66.img", 1 << 20, &image, &len), 0);
	close(golden);
	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < len; i++) {
		for (size_t k = 0; k <= sizeof(change); k++) {
			unsigned char byte = image[i];
			MmEntry *mm;
			int err;

			if (k)
				image[i] ^= change[k - 1];
			assert_int_equal(write_file_at(dir, "mm-66.img", image, k ? len : i), 0);
			image[i] = byte;
			memset(&error, 0, sizeof(error));
			err = mm_read(&ctx, dir, 66, &mm);
			if (!err) {
				assert_true(k);
				assert_int_equal(mm_validate(&ctx, 66, mm), 0);
				mm_entry__free_unpacked(mm, NULL);
				continue;
			}
			nr_bad++;
			assert_true(err < 0 && *error.text);
		}
	}
	assert_true(nr_bad > len);
	unlinkat(dir, "mm-66.img", 0);
	close(dir);
	rmdir(path);
	free(image);
}

struct ids {
	uint32_t next;
	int fail;
};

static int file_id(void *arg, const struct vma *vma, uint32_t *ret)
{
	struct ids *ids = arg;

	assert_true(vma->file_fd >= 0);
	if (ids->fail)
		return ids->fail;
	*ret = ids->next++;
	return 0;
}

/* This process's own memory. */
static void test_dump(void **state __unused_arg)
{
	char path[] = "/tmp/test_mm.XXXXXX";
	struct ids ids = { .next = 10 };
	struct page_run_list guards = { .nr = 1 };
	struct page_run guard = { .nr_pages = 2 };
	struct mm_dump_args args = {
		.pid = 7, .exe_file_id = 3, .dumpable = 1, .file_id = file_id, .arg = &ids, .guards = &guards
	};
	struct vma_list list;
	size_t nr_files = 0;
	MmEntry *mm;
	int err;

	assert_non_null(mkdtemp(path));
	args.images_dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	args.procfd = proc_open_pid(getpid());
	args.brk = (uintptr_t)sbrk(0);
	memset(&error, 0, sizeof(error));
	err = vma_collect(&ctx, getpid(), args.procfd, &list);
	if (err == -EPERM || err == -EACCES)
		skip();
	assert_int_equal(err, 0);
	args.vmas = &list;
	guards.v = &guard;
	guard.vaddr = list.v[0].start;
	assert_int_equal(mm_dump(&ctx, &args), 0);
	assert_int_equal(ids.next, 10 + list.nr_fds);
	assert_int_equal(mm_read(&ctx, args.images_dirfd, 7, &mm), 0);
	assert_int_equal(mm->n_vmas, list.nr + 1);
	assert_int_equal(mm->vmas[list.nr]->status, VMA_AREA_GUARD);
	assert_int_equal(mm->vmas[list.nr]->start, guard.vaddr);
	assert_int_equal(mm->vmas[list.nr]->end, guard.vaddr + 2 * 4096);
	for (size_t i = 0; i < list.nr; i++) {
		const struct vma *v = &list.v[i];
		const VmaEntry *e = mm->vmas[i];

		assert_true(v->start == e->start && v->end == e->end && v->pgoff == e->pgoff && v->prot == e->prot);
		assert_true(v->flags == e->flags && v->status == e->status && v->madv == e->madv);
		if (v->status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED)) {
			nr_files++;
			assert_true(e->shmid == v->file_id && e->shmid >= 10 && e->fdflags == v->file_flags);
		}
	}
	assert_true(nr_files > list.nr_fds);
	assert_int_equal(mm->exe_file_id, 3);
	assert_int_equal(mm->mm_brk, args.brk);
	mm_entry__free_unpacked(mm, NULL);
	unlinkat(args.images_dirfd, "mm-7.img", 0);
	/* A file that can't be dumped ends it. */
	ids.fail = -EOPNOTSUPP;
	assert_int_equal(mm_dump(&ctx, &args), -EOPNOTSUPP);
	assert_int_equal(faccessat(args.images_dirfd, "mm-7.img", F_OK, 0), -1);
	vma_list_free(&list);
	close(args.procfd);
	close(args.images_dirfd);
	assert_int_equal(rmdir(path), 0);
}

static int setup(void **state __unused_arg)
{
	int err = log_open("/dev/null", LOG_WARN, &test_log);

	ctx = (struct cr_ctx){ test_log, &error };
	return err;
}

static int teardown(void **state __unused_arg)
{
	log_close(&test_log);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_areas),  cmocka_unit_test(test_kinds),  cmocka_unit_test(test_flags),
		cmocka_unit_test(test_bounds), cmocka_unit_test(test_golden), cmocka_unit_test(test_mutated),
		cmocka_unit_test(test_dump),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
