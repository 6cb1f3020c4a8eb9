/* SPDX-License-Identifier: GPL-2.0 */
/* Memory: proc(5) pagemap and map_files, ioctl_userfaultfd(2), memfd_create(2), process_vm_readv(2), prctl(2). */
#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/memfd.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "kernel/probes.h"

#define PME_SOFT_DIRTY (1ull << 55)

/* struct pm_scan_arg of <linux/fs.h> as words, for headers older than Linux 6.7. */
enum { SCAN_SIZE, SCAN_START = 2, SCAN_END, SCAN_MASK = 9, SCAN_RETURN = 11, SCAN_WORDS };
#define SCAN_IOCTL   _IOWR('f', 16, uint64_t[SCAN_WORDS])
#define SCAN_PRESENT (1ull << 3)
#define SCAN_GUARD   (1ull << 8)

struct page {
	char *at;
	size_t size;
};

static int page_new(struct page *page)
{
	page->size = sysconf(_SC_PAGESIZE);
	page->at = mmap(NULL, page->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page->at == MAP_FAILED)
		return -errno;
	page->at[0] = 1;
	return 0;
}

static void page_free(struct page *page)
{
	if (page->at && page->at != MAP_FAILED)
		munmap(page->at, page->size);
}

#define _cleanup_page_ __cleanup(page_free)

int probe_mem_dirty_track(void)
{
	_cleanup_close_ int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	_cleanup_page_ struct page page = { 0 };
	uint64_t entry;
	int err;

	if (fd < 0)
		return -errno;
	err = page_new(&page);
	if (!err)
		err = pread_full(fd, &entry, sizeof(entry), (uintptr_t)page.at / page.size * sizeof(entry));
	if (err)
		return err;
	return entry & PME_SOFT_DIRTY ? 0 : -EOPNOTSUPP;
}

static int scan_page(uint64_t categories)
{
	_cleanup_close_ int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	_cleanup_page_ struct page page = { 0 };
	uint64_t arg[SCAN_WORDS] = { 0 };
	int err;

	if (fd < 0)
		return -errno;
	err = page_new(&page);
	if (err)
		return err;
	arg[SCAN_SIZE] = sizeof(arg);
	arg[SCAN_START] = (uintptr_t)page.at;
	arg[SCAN_END] = (uintptr_t)page.at + page.size;
	arg[SCAN_MASK] = categories;
	arg[SCAN_RETURN] = categories;
	return ioctl(fd, SCAN_IOCTL, arg) < 0 ? -errno : 0;
}

int probe_pagemap_scan(void)
{
	return scan_page(SCAN_PRESENT);
}

int probe_pagemap_scan_guard_pages(void)
{
	return scan_page(SCAN_GUARD);
}

/* The completion ring's own description stands at its beginning. */
static size_t aio_ring_size(const uint32_t *ring)
{
	size_t page = sysconf(_SC_PAGESIZE), bytes;

	/* words: id, number of events, head, tail, magic, two of features, length of this header */
	bytes = ring[7] + (size_t)ring[1] * sizeof(struct io_event);
	return (bytes + page - 1) / page * page;
}

int probe_aio_remap(void)
{
	struct timespec now = { 0 };
	struct io_event event;
	aio_context_t ctx = 0;
	void *old, *moved;
	size_t size;
	int err = 0;

	if (syscall(SYS_io_setup, 1, &ctx) < 0)
		return -errno;
	old = (void *)ctx;
	size = aio_ring_size(old);
	moved = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (moved == MAP_FAILED) {
		err = -errno;
	} else if (mremap(old, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, moved) == MAP_FAILED) {
		err = -errno;
		munmap(moved, size);
	} else {
		ctx = (aio_context_t)moved;
		if (syscall(SYS_io_getevents, ctx, 0, 1, &event, &now) < 0)
			err = -errno;
	}
	syscall(SYS_io_destroy, ctx);
	return err;
}

static int uffd_with(uint64_t features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	_cleanup_close_ int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	return ioctl(fd, UFFDIO_API, &api) < 0 ? -errno : 0;
}

int probe_uffd(void)
{
	return uffd_with(0);
}

int probe_uffd_noncoop(void)
{
	return uffd_with(UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE |
			 UFFD_FEATURE_EVENT_UNMAP);
}

int probe_can_map_vdso(void)
{
#ifdef ARCH_MAP_VDSO_64
	/* There is one already; a kernel that can't map it at all says EINVAL. */
	return syscall(SYS_arch_prctl, ARCH_MAP_VDSO_64, 0) < 0 && errno != EEXIST ? -errno : 0;
#else
	return -ENOSYS;
#endif
}

int probe_memfd(void)
{
	_cleanup_close_ int fd = memfd_create("probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	return fd < 0 ? -errno : 0;
}

int probe_memfd_hugetlb(void)
{
	_cleanup_close_ int fd = memfd_create("probe", MFD_CLOEXEC | MFD_HUGETLB);

	return fd < 0 ? -errno : 0;
}

int probe_madv_populate(void)
{
	_cleanup_page_ struct page page = { 0 };
	int err = page_new(&page);

	if (err)
		return err;
	return madvise(page.at, page.size, MADV_POPULATE_WRITE) < 0 ? -errno : 0;
}

int probe_process_vm_readv(void)
{
	char from = 1, to = 0;
	struct iovec local = { &to, 1 }, remote = { &from, 1 };

	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) < 0)
		return -errno;
	return to == from ? 0 : -EIO;
}

int probe_map_files(void)
{
	_cleanup_close_ int memfd = memfd_create("probe", MFD_CLOEXEC);
	_cleanup_close_ int opened = -1;
	size_t size = sysconf(_SC_PAGESIZE);
	char path[80];
	char *at;
	int err;

	if (memfd < 0 || ftruncate(memfd, (off_t)size) < 0)
		return -errno;
	at = mmap(NULL, size, PROT_READ, MAP_SHARED, memfd, 0);
	if (at == MAP_FAILED)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)at, (unsigned long)at + size);
	opened = open(path, O_RDONLY | O_CLOEXEC);
	err = opened < 0 ? -errno : 0;
	munmap(at, size);
	return err;
}

int probe_prctl_mm_map(void)
{
	unsigned int size = 0;

	return prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0) < 0 ? -errno : 0;
}
