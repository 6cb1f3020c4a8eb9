/* SPDX-License-Identifier: GPL-2.0 */
/* Shared anonymous memory: segments of this process, stored and made again. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "mem/mm.h"
#include "mem/shmem.h"
#include "proc/list.h"

#define PAGE	 4096ul
#define NR_PAGES 64ul
#define FIRST_FD 300

static struct log *test_log;
static struct cr_error error;
static struct cr_ctx ctx;
static char dir_path[] = "/tmp/test_shmem.XXXXXX";
static int dir;

/* The areas of this process, or skips the test where nobody may open map_files. */
static void collect(struct vma_list *list)
{
	int procfd = proc_open_pid(getpid());
	int err = vma_collect(&ctx, getpid(), procfd, list);

	close(procfd);
	if (err == -EPERM || err == -EACCES)
		skip();
	if (err)
		fail_msg("%s", error.text);
}

static void remove_image(const char *pattern, unsigned long id)
{
	char name[64];

	snprintf(name, sizeof(name), pattern, id);
	unlinkat(dir, name, 0);
}

/* An MmEntry with an area for each place of SHMID that a test needs. */
struct areas {
	MmEntry mm, *mms[1];
	VmaEntry v[4], *p[4];
};

static void areas_add(struct areas *a, uint64_t shmid, uint64_t pgoff, uint64_t len, uint32_t flags)
{
	VmaEntry *e = &a->v[a->mm.n_vmas];

	if (!a->mm.n_vmas) {
		mm_entry__init(&a->mm);
		a->mm.vmas = a->p;
		a->mms[0] = &a->mm;
	}
	vma_entry__init(e);
	e->start = 0x10000000 + (a->mm.n_vmas << 24);
	e->end = e->start + len;
	e->pgoff = pgoff;
	e->shmid = shmid;
	e->prot = PROT_READ;
	e->flags = MAP_SHARED | MAP_ANONYMOUS | flags;
	e->status = VMA_AREA_REGULAR | VMA_ANON_SHARED;
	a->p[a->mm.n_vmas++] = e;
}

static int dump(const struct vma_list *list, uint64_t only, struct store_stats *stats)
{
	struct store_args args = { .ctx = &ctx, .images_dirfd = dir, .mode = PAGES_FILE };
	struct store_list store = {};
	struct shmem_dump *shm;
	int err = shmem_dump_begin(&ctx, &shm);

	for (size_t i = 0; !err && i < list->nr; i++) {
		struct vma_list one = { &list->v[i], 1, NULL, 0 };

		if (list->v[i].shmid == only)
			err = shmem_dump_add(shm, &one);
	}
	if (!err)
		err = shmem_dump_scan(shm, &store);
	assert_int_equal(store.nr, 1);
	if (!err)
		err = store_in_files(&store, &args, stats);
	store_list_free(&store);
	shmem_dump_end(&shm);
	return err;
}

static void test_round_trip(void **state __unused_arg)
{
	struct areas areas = {};
	struct store_stats stats;
	struct shmem_restore *shm;
	struct vma_list list;
	char *old = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *new;
	struct stat st;
	uint64_t shmid;
	int fd;

	for (unsigned long i = 0; i < NR_PAGES; i += i % 3 + 1)
		memset(old + i * PAGE, 'a' + i % 26, PAGE);
	/* Two areas of one segment, a part of it not mapped any more. */
	assert_int_equal(munmap(old + 8 * PAGE, PAGE), 0);
	collect(&list);
	shmid = vma_find(&list, (uintptr_t)old)->shmid;
	assert_int_equal(vma_find(&list, (uintptr_t)old + 9 * PAGE)->shmid, shmid);
	if (dump(&list, shmid, &stats))
		fail_msg("%s", error.text);
	assert_int_equal(stats.nr_shared_pages, stats.nr_pages);
	assert_true(stats.nr_pages > NR_PAGES / 3 && stats.nr_pages < NR_PAGES);
	vma_list_free(&list);

	areas_add(&areas, shmid, 0, 8 * PAGE, 0);
	areas_add(&areas, shmid, 9 * PAGE, (NR_PAGES - 9) * PAGE, MAP_NORESERVE);
	if (shmem_restore_read(&ctx, dir, NULL, areas.mms, 1, &shm))
		fail_msg("%s", error.text);
	assert_int_equal(shmem_restore_count(shm), 1);
	assert_int_equal(shmem_restore_get(shm, shmid, &fd), -ENOENT);
	if (shmem_restore_create(shm, FIRST_FD))
		fail_msg("%s", error.text);
	assert_int_equal(shmem_restore_get(shm, shmid, &fd), 0);
	assert_true(fd >= FIRST_FD);
	assert_int_equal(fd, shmem_restore_fd(shm, 0));
	assert_int_equal(shmem_restore_get(shm, shmid + 1, &fd), -ENOENT);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, NR_PAGES * PAGE);
	/* Nothing was allocated for the pages that never were there. */
	assert_int_equal(st.st_blocks * 512, stats.nr_pages * PAGE);
	new = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(new != MAP_FAILED);
	shmem_restore_free(&shm);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_memory_equal(new, old, 8 * PAGE);
	assert_memory_equal(new + 9 * PAGE, old + 9 * PAGE, (NR_PAGES - 9) * PAGE);

	/* The kernel shows it as what it was. */
	collect(&list);
	assert_int_equal(vma_find(&list, (uintptr_t) new)->status, VMA_AREA_REGULAR | VMA_ANON_SHARED);
	assert_int_not_equal(vma_find(&list, (uintptr_t) new)->shmid, shmid);
	vma_list_free(&list);
	munmap(new, NR_PAGES * PAGE);
	munmap(old, NR_PAGES * PAGE);
	remove_image("pagemap-shmem-%lu.img", shmid);
	remove_image("pages-%lu.img", 1);
}

/* A segment that nobody has written to. */
static void test_empty(void **state __unused_arg)
{
	struct areas areas = {};
	struct shmem_restore *shm;
	struct store_stats stats;
	struct vma_list list;
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t shmid;

	collect(&list);
	shmid = vma_find(&list, (uintptr_t)p)->shmid;
	assert_int_equal(dump(&list, shmid, &stats), 0);
	vma_list_free(&list);
	areas_add(&areas, shmid, 0, PAGE, 0);
	assert_int_equal(shmem_restore_read(&ctx, dir, NULL, areas.mms, 1, &shm), 0);
	assert_int_equal(shmem_restore_create(shm, FIRST_FD), 0);
	shmem_restore_free(&shm);
	munmap(p, PAGE);
	remove_image("pagemap-shmem-%lu.img", shmid);
	remove_image("pages-%lu.img", 1);
}

static void test_missing(void **state __unused_arg)
{
	struct areas areas = {};
	struct shmem_restore *shm = NULL;

	areas_add(&areas, 12345, 0, PAGE, 0);
	assert_int_equal(shmem_restore_read(&ctx, dir, NULL, areas.mms, 1, &shm), -ENOENT);
	assert_non_null(strstr(error.text, "pagemap-shmem-12345.img"));
	assert_null(shm);
	areas.mm.n_vmas = 0;
	assert_int_equal(shmem_restore_read(&ctx, dir, NULL, areas.mms, 1, &shm), 0);
	assert_int_equal(shmem_restore_count(shm), 0);
	assert_int_equal(shmem_restore_create(shm, FIRST_FD), 0);
	shmem_restore_free(&shm);
	shmem_restore_free(&shm);
}

/* A set of CRIU 4.2: the area of shared anonymous memory is one of a memfd there. */
static void test_memfd_by_name(void **state __unused_arg)
{
	static const char *const names[] = { "mm-66.img", "files.img", "memfd.img", "pagemap-shmem-488.img" };
	int golden = open("test/unit/image/golden/plain-process", O_RDONLY | O_DIRECTORY | O_CLOEXEC), pages, fd;
	struct shmem_restore *shm;
	size_t nr = 0;
	MmEntry *mm;
	char *p;

	assert_true(golden >= 0);
	for (size_t i = 0; i < 4; i++) {
		char *text;
		size_t len;

		assert_int_equal(read_file_at(golden, names[i], 1 << 20, &text, &len), 0);
		assert_int_equal(write_file_at(dir, names[i], text, len), 0);
		free(text);
	}
	close(golden);
	assert_int_equal(mm_read(&ctx, dir, 66, &mm), 0);
	/* The sets come without pages. */
	assert_int_equal(shmem_restore_read(&ctx, dir, NULL, &mm, 1, &shm), -ENOENT);
	memset(&error, 0, sizeof(error));
	pages = openat(dir, "pages-1.img", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(pwrite_full(pages, "content", 7, 0), 0);
	assert_int_equal(ftruncate(pages, PAGE), 0);
	close(pages);
	mm_entry__free_unpacked(mm, NULL);
	assert_int_equal(mm_read(&ctx, dir, 66, &mm), 0);
	if (shmem_restore_read(&ctx, dir, NULL, &mm, 1, &shm))
		fail_msg("%s", error.text);
	for (size_t i = 0; i < mm->n_vmas; i++) {
		assert_false(mm->vmas[i]->status & VMA_AREA_MEMFD);
		if (mm->vmas[i]->status & VMA_ANON_SHARED) {
			assert_int_equal(mm->vmas[i]->shmid, 488);
			assert_int_equal(mm->vmas[i]->flags, MAP_SHARED | MAP_ANONYMOUS);
			nr++;
		}
	}
	assert_int_equal(nr, 1);
	assert_int_equal(mm_validate(&ctx, 66, mm), 0);
	mm_entry__free_unpacked(mm, NULL);
	if (!shmem_restore_create(shm, FIRST_FD)) {
		assert_int_equal(shmem_restore_get(shm, 488, &fd), 0);
		p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
		assert_string_equal(p, "content");
		munmap(p, PAGE);
	}
	shmem_restore_free(&shm);
	for (size_t i = 0; i < 4; i++)
		unlinkat(dir, names[i], 0);
	unlinkat(dir, "pages-1.img", 0);
}

static int setup(void **state __unused_arg)
{
	ctx = (struct cr_ctx){ test_log, &error };
	if (log_open("/dev/null", LOG_WARN, &ctx.log) || !mkdtemp(dir_path))
		return -1;
	test_log = ctx.log;
	dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0;
}

static int teardown(void **state __unused_arg)
{
	close(dir);
	log_close(&test_log);
	return rmdir(dir_path);
}

static int forget_error(void **state __unused_arg)
{
	memset(&error, 0, sizeof(error));
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_round_trip, forget_error),
		cmocka_unit_test_setup(test_empty, forget_error),
		cmocka_unit_test_setup(test_missing, forget_error),
		cmocka_unit_test_setup(test_memfd_by_name, forget_error),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
