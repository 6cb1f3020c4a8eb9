/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#include "base/io.h"
#include "image/image.h"
#include "mem/hugetlb.h"
#include "mem/shmem.h"
#include "mem/sysv.h"

#include "ipc-shm.pb-c.h"

/* One that is marked for destruction has no key any more, but its areas are still named after the one it had. */
static uint32_t first_key(int fd)
{
	_cleanup_free_ char *link = NULL;
	char path[32];
	uint32_t key;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (read_link_at(AT_FDCWD, path, &link) || sscanf(link, "/SYSV%8" SCNx32, &key) != 1)
		return IPC_PRIVATE;
	return key;
}

static int write_segment(struct cr_ctx *ctx, struct image *img, int id, int fd)
{
	IpcShmEntry entry = IPC_SHM_ENTRY__INIT;
	IpcDescEntry desc = IPC_DESC_ENTRY__INIT;
	struct shmid_ds ds;
	uint64_t page_size;
	int err;

	if (shmctl(id, IPC_STAT, &ds))
		return cr_fail_errno(ctx, -errno, "Can't look at System V shared memory segment %d", id);
	desc.key = ds.shm_perm.mode & SHM_DEST ? first_key(fd) : (uint32_t)ds.shm_perm.__key;
	desc.uid = ds.shm_perm.uid;
	desc.gid = ds.shm_perm.gid;
	desc.cuid = ds.shm_perm.cuid;
	desc.cgid = ds.shm_perm.cgid;
	desc.mode = ds.shm_perm.mode;
	desc.id = id;
	entry.desc = &desc;
	entry.size = ds.shm_segsz;
	page_size = hugetlb_file_page_size(fd);
	if (page_size) {
		entry.has_hugetlb_flag = true;
		entry.hugetlb_flag = SHM_HUGETLB | hugetlb_size_bits(page_size);
	}
	entry.has_in_pagemaps = true;
	entry.in_pagemaps = true;
	err = image_write(img, &entry.base);
	return err ? cr_fail_errno(ctx, err, "Can't write the image of System V shared memory") : 0;
}

int sysv_dump(struct cr_ctx *ctx, int images_dirfd, uint32_t ns_id, const struct shmem_dump *shm)
{
	_cleanup_image_ struct image *img = NULL;
	size_t at = 0;
	int id, fd, err = 0;

	while (!err && shmem_dump_next_sysv(shm, &at, &id, &fd)) {
		if (!img)
			err = image_create(images_dirfd, IMG_IPCNS_SHM, &img, (unsigned long)ns_id);
		err = err ? cr_fail_errno(ctx, err, "Can't create ipcns-shm-%u.img", ns_id)
			  : write_segment(ctx, img, id, fd);
	}
	if (!err && img)
		err = image_close(&img);
	return err ? cr_fail_errno(ctx, err, "Can't write ipcns-shm-%u.img", ns_id) : 0;
}
