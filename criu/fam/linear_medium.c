/* SPDX-License-Identifier: GPL-2.0 */
#include "fam/linear.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include "base/io.h"
#include "base/str.h"
#include "fam/secure.h"

/* A number that the kernel tells of a device: /sys/dev/char/MAJOR:MINOR/NAME, decimal. */
static int device_value(dev_t dev, const char *name, uint64_t *ret)
{
	_cleanup_free_ char *path = str_printf("/sys/dev/char/%u:%u/%s", major(dev), minor(dev), name), *text = NULL;
	int r;

	if (!path)
		return -ENOMEM;
	r = read_file_at(AT_FDCWD, path, 64, &text, NULL);
	if (r)
		return r;
	text[strcspn(text, "\n")] = 0;
	return parse_u64(text, 0, ret);
}

bool linear_is_dax(dev_t dev)
{
	_cleanup_free_ char *path = str_printf("/sys/dev/char/%u:%u/subsystem", major(dev), minor(dev)), *link = NULL;

	return path && !read_link_at(AT_FDCWD, path, &link) && str_ends(link, "/dax");
}

static int probe_device(struct cr_ctx *ctx, dev_t dev, const char *path, struct linear_medium *ret)
{
	uint64_t size, align = LINEAR_BLOCK;
	int r;

	if (!linear_is_dax(dev))
		return cr_fail(ctx, -EOPNOTSUPP, "%s is a device, but no device-DAX one: no pool can be there", path);
	r = device_value(dev, "size", &size);
	if (r)
		return cr_fail_errno(ctx, r, "Can't find the size of %s", path);
	r = device_value(dev, "align", &align);
	if (r && r != -ENOENT)
		return cr_fail_errno(ctx, r, "Can't find the alignment of %s", path);
	if (!align || LINEAR_BLOCK % align)
		return cr_fail(ctx, -EOPNOTSUPP, "%s can only be mapped in pieces of %llu bytes: a pool needs 2 MiB",
			       path, (unsigned long long)align);
	ret->size = size - size % LINEAR_BLOCK;
	ret->is_dax = true;
	return 0;
}

int linear_medium_open(struct cr_ctx *ctx, const char *path, int flags)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), dirfd = -1;
	struct stat st;
	int r;

	if (fd < 0)
		return cr_fail_errno(ctx, -errno, "Can't open the pool %s", path);
	r = fam_check_owner(ctx, fd, path, &st);
	if (r)
		return r;
	if (S_ISDIR(st.st_mode)) {
		dirfd = take_fd(fd);
		return fam_open_at(ctx, dirfd, path, LINEAR_FILE, flags);
	}
	close_fdp(&fd);
	fd = open(path, (flags & O_ACCMODE) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return cr_fail_errno(ctx, -errno, "Can't open the pool %s", path);
	return take_fd(fd);
}

int linear_medium_probe(struct cr_ctx *ctx, int fd, const char *path, struct linear_medium *ret)
{
	struct statfs fs;
	struct stat st;

	*ret = (struct linear_medium){ .fd = fd };
	if (fstat(fd, &st) || fstatfs(fd, &fs))
		return cr_fail_errno(ctx, -errno, "Can't look at %s", path);
	if (S_ISCHR(st.st_mode))
		return probe_device(ctx, st.st_rdev, path, ret);
	if (!S_ISREG(st.st_mode))
		return cr_fail(ctx, -EOPNOTSUPP, "%s is neither a device nor a file: no pool can be there", path);
	if (LINEAR_BLOCK % fs.f_bsize)
		return cr_fail(ctx, -EOPNOTSUPP, "%s has pages of %lu bytes: a pool needs such of 2 MiB", path,
			       (unsigned long)fs.f_bsize);
	ret->size = st.st_size - st.st_size % LINEAR_BLOCK;
	return 0;
}

uint64_t linear_bytes(const struct fam_fragment *fragments, size_t nr)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nr; i++)
		sum += fragments[i].nr * LINEAR_BLOCK;
	return sum;
}

/* LEN bytes of address space at a multiple of a block; nothing is there. */
static char *reserve(size_t len)
{
	char *whole = mmap(NULL, len + LINEAR_BLOCK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before;

	if (whole == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)whole % LINEAR_BLOCK;
	if (before)
		munmap(whole, before);
	munmap(whole + before + len, LINEAR_BLOCK - before);
	return whole + before;
}

int linear_map(struct cr_ctx *ctx, const struct linear_medium *medium, const struct fam_fragment *fragments, size_t nr,
	       bool writable, char **ret)
{
	uint64_t len = linear_bytes(fragments, nr);
	char *base = len < SIZE_MAX - LINEAR_BLOCK ? reserve(len) : NULL, *at = base;
	int r;

	if (!base)
		return cr_fail(ctx, -ENOMEM, "No room in the address space for %llu bytes of a pool",
			       (unsigned long long)len);
	for (size_t i = 0; i < nr; at += fragments[i++].nr * LINEAR_BLOCK) {
		if (mmap(at, fragments[i].nr * LINEAR_BLOCK, PROT_READ | (writable ? PROT_WRITE : 0),
			 MAP_SHARED | MAP_FIXED, medium->fd, fragments[i].first * (off_t)LINEAR_BLOCK) != MAP_FAILED)
			continue;
		r = -errno;
		munmap(base, len);
		return cr_fail_errno(ctx, r, "Can't map %llu bytes of a pool", (unsigned long long)len);
	}
	*ret = base;
	return 0;
}

/* Where we would get a SIGBUS, process_vm_readv(2) stops with an error. */
static int copy_by_kernel(char *dst, const char *src, size_t len)
{
	while (len) {
		struct iovec to = { dst, len }, from = { (void *)src, len };
		ssize_t n = process_vm_readv(getpid(), &to, 1, &from, 1, 0);

		if (n <= 0)
			return n < 0 && errno != EFAULT ? -errno : -EIO;
		dst += n;
		src += n;
		len -= n;
	}
	return 0;
}

int linear_peek(void *dst, const void *src, size_t len)
{
	/* Flushing lines that can't be had is a SIGBUS, too. */
	int r = copy_by_kernel(dst, src, len);

	if (r)
		return r;
	fam_invalidate(src, len);
	return copy_by_kernel(dst, src, len);
}
