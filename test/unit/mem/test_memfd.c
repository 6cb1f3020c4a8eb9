/* SPDX-License-Identifier: GPL-2.0 */
/* memfds: which files are, how they are made again, in which order they are sealed; ids of their content. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mem/memfd.h"
#include "mem/shmem.h"

#define NOEXEC_SEAL 0x8u
#define EXEC	    0x10u

static void test_recognize(void **state __unused_arg)
{
	int mem = memfd_create("x", MFD_CLOEXEC), file;
	char name[] = "/tmp/test_memfd.XXXXXX";
	uint32_t hugetlb = 1;
	struct stat st;

	assert_int_equal(fstat(mem, &st), 0);
	assert_true(memfd_is("/memfd:x (deleted)", &st, &hugetlb));
	assert_int_equal(hugetlb, 0);
	assert_true(memfd_is("/memfd:x", &st, NULL));
	/* Shared anonymous memory has the same device and another name. */
	assert_false(memfd_is("/dev/zero (deleted)", &st, NULL));
	close(mem);
	/* Any file may have the name. */
	file = mkstemp(name);
	unlink(name);
	assert_int_equal(fstat(file, &st), 0);
	assert_false(memfd_is("/memfd:x (deleted)", &st, NULL));
	close(file);
}

static void test_seal_order(void **state __unused_arg)
{
	const uint32_t size = F_SEAL_GROW | F_SEAL_SHRINK;

	assert_int_equal(memfd_early_seals(0), 0);
	assert_int_equal(memfd_early_seals(size), size);
	assert_int_equal(memfd_early_seals(size | F_SEAL_WRITE | F_SEAL_SEAL), size | F_SEAL_WRITE | F_SEAL_SEAL);
	assert_int_equal(memfd_early_seals(F_SEAL_EXEC), F_SEAL_EXEC);
	/* Nothing can be added after F_SEAL_SEAL. */
	assert_int_equal(memfd_early_seals(size | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL), size);
	assert_int_equal(memfd_early_seals(MEMFD_SEALS), size | F_SEAL_WRITE);
}

static void test_create_flags(void **state __unused_arg)
{
	const uint32_t always = MFD_CLOEXEC | MFD_ALLOW_SEALING;

	assert_int_equal(memfd_create_flags(S_IFREG | 0777, 0, 0, false), always);
	assert_int_equal(memfd_create_flags(S_IFREG | 0777, 0, 0, true), always | EXEC);
	assert_int_equal(memfd_create_flags(S_IFREG | 0666, 0, 0, true), always | EXEC);
	assert_int_equal(memfd_create_flags(S_IFREG | 0666, F_SEAL_EXEC, 0, true), always | NOEXEC_SEAL);
	/* With that flag it never could become executable. */
	assert_int_equal(memfd_create_flags(S_IFREG | 0711, F_SEAL_EXEC, 0, true), always | EXEC);
	assert_int_equal(memfd_create_flags(S_IFREG | 0777, 0, MFD_HUGETLB, true), always | EXEC | MFD_HUGETLB);
}

static void add(struct shmem_dump *shm, dev_t dev, ino_t ino, int fd, uint64_t shmid)
{
	struct vma v = { .status = VMA_AREA_REGULAR | VMA_ANON_SHARED, .dev = dev, .ino = ino, .file_fd = fd };
	struct vma_list list = { &v, 1, NULL, 0 };

	assert_int_equal(shmem_dump_add(shm, &list), 0);
	assert_int_equal(v.shmid, shmid);
}

/* An id is the inode number, unless that is taken or too large for an image. */
static void test_ids(void **state __unused_arg)
{
	struct cr_error error = {};
	struct cr_ctx ctx = { NULL, &error };
	struct shmem_dump *shm;

	assert_int_equal(shmem_dump_begin(&ctx, &shm), 0);
	add(shm, 1, 7, 0, 7);
	add(shm, 2, 7, 0, 1);
	add(shm, 1, 1, 0, 2);
	add(shm, 1, 7, 0, 7);
	add(shm, 2, 7, 0, 1);
	add(shm, 1, 1ull << 32, 0, 3);
	add(shm, 0, 9, 0, 9);
	add(shm, 1, 1, 0, 2);
	shmem_dump_end(&shm);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recognize),
		cmocka_unit_test(test_seal_order),
		cmocka_unit_test(test_create_flags),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
