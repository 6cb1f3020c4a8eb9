/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an image set holds once. inventory.img is what makes a set one: it goes first, and comes back last, when all
 * the rest is durable.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "dump/seccomp.h"
#include "dump/state.h"
#include "image/image.h"
#include "inventory.pb-c.h"
#include "pstree.pb-c.h"
#include "seize/supervisor.h"
#include "timens.pb-c.h"

/* Images with the two-word header: facts about the format. */
#define IMG_VERSION 2

/* Tasks that live in criu's own namespaces: any numbers do, as long as they differ. */
void dump_fill_namespace_ids(TaskKobjIdsEntry *ids)
{
	uint32_t next = 1;

	ids->has_pid_ns_id = ids->has_net_ns_id = ids->has_ipc_ns_id = ids->has_uts_ns_id = true;
	ids->has_mnt_ns_id = ids->has_user_ns_id = ids->has_cgroup_ns_id = ids->has_time_ns_id = true;
	ids->pid_ns_id = next++;
	ids->net_ns_id = next++;
	ids->ipc_ns_id = next++;
	ids->uts_ns_id = next++;
	ids->time_ns_id = next++;
	ids->mnt_ns_id = next++;
	ids->user_ns_id = next++;
	ids->cgroup_ns_id = next++;
}

static int write_pstree_entry(struct image *img, const struct task *task)
{
	_cleanup_free_ uint32_t *tids = calloc(task->nr_threads, sizeof(*tids));
	PstreeEntry e = PSTREE_ENTRY__INIT;

	if (!tids)
		return -ENOMEM;
	for (size_t i = 0; i < task->nr_threads; i++)
		tids[i] = task->threads[i].tid;
	e.pid = task->pid;
	e.ppid = task->ppid;
	e.pgid = task->pgid;
	e.sid = task->sid;
	e.n_threads = task->nr_threads;
	e.threads = tids;
	return image_write(img, &e.base);
}

static int write_pstree(struct dump *d)
{
	struct image *img = NULL;
	struct task *task;
	int r, end;

	r = image_create(d->images_dirfd, IMG_PSTREE, &img);
	if (r < 0)
		return r;
	for_each_task (&d->tree, task) {
		r = write_pstree_entry(img, task);
		if (r < 0)
			break;
	}
	end = image_close(&img);
	return r < 0 ? r : end;
}

static void read_clock(clockid_t clock, Timespec *ret)
{
	struct timespec now = { 0 };

	clock_gettime(clock, &now);
	ret->tv_sec = now.tv_sec;
	ret->tv_nsec = now.tv_nsec;
}

/* What the clocks said, for a restore into a time namespace that lets them go on from there. */
static int write_clocks(struct dump *d)
{
	TimensEntry e = TIMENS_ENTRY__INIT;
	Timespec monotonic = TIMESPEC__INIT, boottime = TIMESPEC__INIT;

	read_clock(CLOCK_MONOTONIC, &monotonic);
	read_clock(CLOCK_BOOTTIME, &boottime);
	e.monotonic = &monotonic;
	e.boottime = &boottime;
	return image_write_single(d->images_dirfd, IMG_TIMENS, &e.base, 0ul);
}

int dump_tree_images(struct dump *d)
{
	int r = write_pstree(d);

	if (r < 0)
		return cr_fail_errno(d->ctx, r, "Can't write pstree.img");
	r = dump_seccomp_image(d);
	if (r < 0)
		return r;
	r = write_clocks(d);
	return r < 0 ? cr_fail_errno(d->ctx, r, "Can't write timens-0.img") : 0;
}

int dump_forget_inventory(struct dump *d)
{
	int r;

	if (unlinkat(d->images_dirfd, INVENTORY_NAME, 0) < 0) {
		if (errno == ENOENT)
			return 0;
		return cr_fail_errno(d->ctx, -errno, "Can't remove the old " INVENTORY_NAME);
	}
	r = sync_dir(d->images_dirfd);
	return r < 0 ? cr_fail_errno(d->ctx, r, "Can't sync the images directory") : 0;
}

static int sync_file(int dirfd, const char *name)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return fsync(fd) < 0 ? -errno : 0;
}

int dump_sync_images(struct dump *d)
{
	_cleanup_close_ int fd = openat(d->images_dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *e;
	struct stat st;
	int r;

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return cr_fail_errno(d->ctx, -errno, "Can't list the images directory");
	fd = -1;
	while ((errno = 0, e = readdir(dir))) {
		/* Not all file systems tell what an entry is (readdir(3), d_type). */
		if (!strstr(e->d_name, ".img") || fstatat(d->images_dirfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISREG(st.st_mode))
			continue;
		if (supervise_cancelled())
			return cr_fail(d->ctx, -EINTR, "Cancelled");
		r = sync_file(d->images_dirfd, e->d_name);
		if (r < 0)
			return cr_fail_errno(d->ctx, r, "Can't sync %s", e->d_name);
	}
	if (errno)
		return cr_fail_errno(d->ctx, -errno, "Can't list the images directory");
	r = sync_dir(d->images_dirfd);
	return r < 0 ? cr_fail_errno(d->ctx, r, "Can't sync the images directory") : 0;
}

/* A random (version 4) UUID: RFC 9562. */
static int make_run_id(char id[37])
{
	unsigned char b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return -errno;
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(id, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
		 b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
	return 0;
}

int dump_write_inventory(struct dump *d, const char *name)
{
	InventoryEntry e = INVENTORY_ENTRY__INIT;
	TaskKobjIdsEntry ids = TASK_KOBJ_IDS_ENTRY__INIT;
	PluginsEntry plugins = PLUGINS_ENTRY__INIT;
	struct image *img = NULL;
	char run_id[37];
	int r, end;

	r = make_run_id(run_id);
	if (r < 0)
		return cr_fail_errno(d->ctx, r, "Can't get random bytes");
	ids.vm_id = ids.files_id = ids.fs_id = ids.sighand_id = 1;
	dump_fill_namespace_ids(&ids);
	e.img_version = IMG_VERSION;
	e.has_fdinfo_per_id = e.fdinfo_per_id = true;
	e.has_ns_per_id = e.ns_per_id = true;
	e.root_ids = &ids;
	e.has_root_cg_set = true;
	e.root_cg_set = 1;
	e.has_lsmtype = true;
	e.lsmtype = LSMTYPE__NO_LSM;
	e.has_network_lock_method = true;
	e.plugins_entry = &plugins;
	e.dump_criu_run_id = run_id;
	r = image_create_as(d->images_dirfd, IMG_INVENTORY, name, &img);
	if (!r)
		r = image_write(img, &e.base);
	if (!r)
		r = image_fsync(img);
	end = image_close(&img);
	if (!r)
		r = end;
	if (!r)
		r = sync_dir(d->images_dirfd);
	return r < 0 ? cr_fail_errno(d->ctx, r, "Can't write %s", name) : 0;
}
