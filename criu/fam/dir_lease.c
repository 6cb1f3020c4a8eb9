/* SPDX-License-Identifier: GPL-2.0 */
/* The lease of a directory pool: a file that is mapped. */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>

#include <libpmem.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fam/dir.h"
#include "fam/secure.h"

static int map_lease(struct dir_pool *d, struct fam_lease_place **ret)
{
	_cleanup_close_ int fd = fam_open_at(d->pool.ctx, d->pool.fd, d->pool.path, DIR_LEASE, O_RDWR | O_CREAT);
	char path[32], bytes[FAM_LEASE_SIZE];
	struct stat st;
	size_t len;
	int r;

	if (fd < 0)
		return fd;
	r = fstat(fd, &st) ? -errno : 0;
	/* Hosts that come at once make the same of it. */
	if (!r && !st.st_size)
		r = ftruncate(fd, FAM_LEASE_SIZE) ? -errno : -posix_fallocate(fd, 0, FAM_LEASE_SIZE);
	if (r)
		return cr_fail_errno(d->pool.ctx, r, "Can't make the lease of the pool %s", d->pool.path);
	if (st.st_size && st.st_size != FAM_LEASE_SIZE)
		return cr_fail(d->pool.ctx, -EPROTO, "The pool %s is damaged: its lease takes %lld bytes", d->pool.path,
			       (long long)st.st_size);
	/* A bad place of the medium is an error here, a SIGBUS later. */
	if (pread_full(fd, bytes, sizeof(bytes), 0))
		return cr_fail(d->pool.ctx, -EIO, "The lease of the pool %s can't be read", d->pool.path);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	*ret = pmem_map_file(path, 0, 0, 0, &len, NULL);
	return *ret ? 0 : cr_fail_errno(d->pool.ctx, -errno, "Can't map the lease of the pool %s", d->pool.path);
}

static bool is_local(unsigned long type)
{
	static const unsigned long types[] = { TMPFS_MAGIC, EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (type == types[i])
			return true;
	return false;
}

int dir_host_read(struct dir_pool *d, unsigned long type)
{
	struct cr_error ignored = { 0 };
	struct cr_ctx quiet = { d->pool.ctx->log, &ignored };

	if (is_local(type) && !getenv(FAM_HOST_ENV))
		return 0;
	if (d->pool.access == FAM_WRITE)
		return fam_host_read(d->pool.ctx, &d->host);
	/* Who only reads can do without a name. */
	fam_host_read(&quiet, &d->host);
	return 0;
}

int dir_lease_take(struct dir_pool *d, unsigned wait_seconds, bool force)
{
	struct fam_lease *l = &d->lease;
	struct fam_lease_place *places = NULL;
	int r;

	if (!d->host.name[0])
		return 0;
	*l = (struct fam_lease){ .ctx = d->pool.ctx, .path = d->pool.path, .host = d->host };
	r = map_lease(d, &places);
	if (!r)
		r = fam_flush_choose(l->ctx, places, FAM_LEASE_SIZE, FAM_FLUSH_SHARED, &l->how);
	l->places = places;
	if (!r)
		r = fam_lease_take(l, wait_seconds, force);
	if (r && places) {
		pmem_unmap(places, FAM_LEASE_SIZE);
		l->places = NULL;
	}
	return r;
}

int dir_lease_check(const struct dir_pool *d)
{
	return d->lease.places ? fam_lease_check(&d->lease) : 0;
}

void dir_lease_give(struct dir_pool *d)
{
	if (!d->lease.places)
		return;
	fam_lease_give(&d->lease);
	pmem_unmap(d->lease.places, FAM_LEASE_SIZE);
	d->lease.places = NULL;
}
