/* SPDX-License-Identifier: GPL-2.0 */
#include "mem/hugetlb.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"

#define CHUNK	       (64ul << 10)
#define SMALLEST_SHIFT 13 /* above the ordinary page */
#define LARGEST_SHIFT  34 /* 16 GiB: aarch64 and POWER; x86-64 has 1 GiB */

bool hugetlb_flags_valid(uint32_t flags, uint32_t mark)
{
	uint32_t shift = flags >> HUGETLB_SHIFT;

	if (!flags)
		return true;
	return (flags & ~HUGETLB_SIZE_MASK) == mark && (!shift || (shift >= SMALLEST_SHIFT && shift <= LARGEST_SHIFT));
}

uint64_t hugetlb_file_page_size(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) || fs.f_type != HUGETLBFS_MAGIC ? 0 : (uint64_t)fs.f_bsize;
}

uint64_t hugetlb_page_size(uint32_t flags)
{
	_cleanup_close_ int fd = -1;

	if (flags & HUGETLB_SIZE_MASK)
		return 1ull << (flags >> HUGETLB_SHIFT);
	fd = memfd_create("size", MFD_CLOEXEC | MFD_HUGETLB);
	return fd < 0 ? 0 : hugetlb_file_page_size(fd);
}

/* 1, 0 or -errno. */
static int has_content(int fd, uint64_t at, uint64_t len, char *buf)
{
	for (uint64_t end = at + len; at < end; at += CHUNK) {
		int err = pread_full(fd, buf, CHUNK, at);

		if (err)
			return err;
		if (buf[0] || memcmp(buf, buf + 1, CHUNK - 1))
			return 1;
	}
	return 0;
}

int hugetlb_scan(struct cr_ctx *ctx, int fd, const struct stat *st, uint64_t page_size, struct page_run_list *ret)
{
	uint64_t size = st->st_size & ~(page_size - 1);
	bool complete = (uint64_t)st->st_blocks * 512 >= size;
	_cleanup_free_ char *buf = complete ? NULL : malloc(CHUNK);
	int r = complete || buf ? 0 : -ENOMEM;

	*ret = (struct page_run_list){};
	for (uint64_t at = 0; at < size && r >= 0 && st->st_blocks; at += page_size) {
		r = complete ? 1 : has_content(fd, at, page_size, buf);
		if (r > 0)
			r = page_run_add(ret, at, page_size >> RUN_PAGE_SHIFT, PE_PRESENT, true);
	}
	if (r >= 0)
		return 0;
	page_run_list_free(ret);
	return cr_fail_errno(ctx, r, "Can't read shared huge pages");
}

static int read_count(uint64_t size, const char *name, uint64_t *ret)
{
	_cleanup_free_ char *text = NULL;
	char path[96];
	int err;

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%llukB/%s", (unsigned long long)size >> 10,
		 name);
	err = read_file_at(AT_FDCWD, path, 64, &text, NULL);
	if (!err)
		text[strcspn(text, "\n")] = '\0';
	return err ?: parse_u64(text, 10, ret);
}

static int check_size(struct cr_ctx *ctx, uint64_t size, uint64_t pages)
{
	uint64_t free, reserved, may_come, surplus;
	int err = read_count(size, "free_hugepages", &free);

	if (!err)
		err = read_count(size, "resv_hugepages", &reserved);
	if (!err)
		err = read_count(size, "nr_overcommit_hugepages", &may_come);
	if (!err)
		err = read_count(size, "surplus_hugepages", &surplus);
	if (err)
		return cr_fail_errno(ctx, err, "Can't tell how many huge pages of %llu KiB there are",
				     (unsigned long long)size >> 10);
	may_come = may_come > surplus ? may_come - surplus : 0;
	free = free > reserved ? free - reserved : 0;
	if (pages > free && pages - free > may_come)
		return cr_fail(
			ctx, -ENOMEM,
			"The tasks need %llu huge pages of %llu KiB, but only %llu are free (see nr_hugepages in "
			"/sys/kernel/mm/hugepages)",
			(unsigned long long)pages, (unsigned long long)size >> 10,
			(unsigned long long)(free + may_come));
	return 0;
}

int hugetlb_check_free(struct cr_ctx *ctx, const struct hugetlb_need *needs, size_t nr)
{
	uint64_t pages[LARGEST_SHIFT + 1] = {};
	int err = 0;

	for (size_t i = 0; i < nr; i++) {
		uint64_t size = hugetlb_page_size(needs[i].flags);

		if (!size)
			return cr_fail(ctx, -EOPNOTSUPP, "This kernel has no huge pages (hugetlb)");
		cr_assert(size <= 1ull << LARGEST_SHIFT);
		pages[__builtin_ctzll(size)] += (needs[i].bytes + size - 1) / size;
	}
	for (int shift = 0; shift <= LARGEST_SHIFT && !err; shift++)
		if (pages[shift])
			err = check_size(ctx, 1ull << shift, pages[shift]);
	return err;
}
