/* SPDX-License-Identifier: GPL-2.0 */
#include "task/affinity.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "affinity.pb-c.h"
#include "base/cleanup.h"
#include "image/image.h"

/* 65,536 CPUs; the kernel's limit is 8,192. */
#define MASK_ROOM 8192

/* The bytes that the kernel filled, or -errno. */
static int get_mask(pid_t tid, unsigned char *mask)
{
	long r = syscall(SYS_sched_getaffinity, tid, MASK_ROOM, mask);

	return r < 0 ? -errno : (int)r;
}

static bool allows_all_online(const unsigned char *mask, int len)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	long allowed = 0;

	for (int i = 0; i < len; i++)
		allowed += __builtin_popcount(mask[i]);
	return allowed >= online;
}

static int any_restricted(struct cr_ctx *ctx, const struct task_tree *tree, unsigned char *mask)
{
	struct task *task;

	for_each_task (tree, task) {
		for (size_t i = 0; task->state != TASK_DEAD && i < task->nr_threads; i++) {
			int len = get_mask(task->threads[i].tid, mask);

			if (len < 0)
				return cr_fail_errno(ctx, len, "Can't read the CPU affinity of task %d",
						     task->threads[i].tid);
			if (!allows_all_online(mask, len))
				return 1;
		}
	}
	return 0;
}

static int write_all(struct image *img, const struct task_tree *tree, unsigned char *mask)
{
	struct task *task;

	for_each_task (tree, task) {
		for (size_t i = 0; task->state != TASK_DEAD && i < task->nr_threads; i++) {
			AffinityEntry e = AFFINITY_ENTRY__INIT;
			int len = get_mask(task->threads[i].tid, mask), r;

			if (len < 0)
				return len;
			e.tid = task->threads[i].tid;
			e.cpus.data = mask;
			e.cpus.len = len;
			r = image_write(img, &e.base);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int affinity_dump(struct cr_ctx *ctx, int images_dirfd, const struct task_tree *tree)
{
	_cleanup_free_ unsigned char *mask = malloc(MASK_ROOM);
	struct image *img = NULL;
	int r, end;

	if (!mask)
		return -ENOMEM;
	r = any_restricted(ctx, tree, mask);
	if (r < 0)
		return r;
	if (r == 0) {
		char name[32];

		image_name(IMG_AFFINITY, name, sizeof(name));
		if (unlinkat(images_dirfd, name, 0) < 0 && errno != ENOENT)
			return cr_fail_errno(ctx, -errno, "Can't remove an old %s", name);
		return 0;
	}
	r = image_create(images_dirfd, IMG_AFFINITY, &img);
	if (!r)
		r = write_all(img, tree, mask);
	end = image_close(&img);
	r = r < 0 ? r : end;
	return r < 0 ? cr_fail_errno(ctx, r, "Can't write affinity.img") : 0;
}

static bool tree_has_thread(const struct task_tree *tree, pid_t tid)
{
	struct task *task;

	for_each_task (tree, task)
		for (size_t i = 0; task->state != TASK_DEAD && i < task->nr_threads; i++)
			if (task->threads[i].tid == tid)
				return true;
	return false;
}

static int apply_entry(struct cr_ctx *ctx, const AffinityEntry *e, const struct task_tree *tree)
{
	if (!e->cpus.len || e->cpus.len > MASK_ROOM || !tree_has_thread(tree, (pid_t)e->tid))
		return cr_fail(ctx, -EBADMSG, "affinity.img is damaged (thread %u)", e->tid);
	if (syscall(SYS_sched_setaffinity, (pid_t)e->tid, e->cpus.len, e->cpus.data) == 0)
		return 0;
	if (errno == EINVAL) {
		log_warn(ctx->log, "None of the CPUs that thread %u may use is here: it may use all", e->tid);
		return 0;
	}
	return cr_fail_errno(ctx, -errno, "Can't set the CPU affinity of thread %u", e->tid);
}

int affinity_restore(struct cr_ctx *ctx, int images_dirfd, const struct task_tree *tree)
{
	__cleanup(image_closep) struct image *img = NULL;
	int r;

	r = image_open(images_dirfd, IMG_AFFINITY, &img);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return cr_fail_errno(ctx, r, "Can't open affinity.img");
	for (;;) {
		__cleanup(image_message_freep) ProtobufCMessage *msg = NULL;

		r = image_read(img, &msg);
		if (r == 0)
			return 0;
		if (r > 0)
			r = apply_entry(ctx, (const AffinityEntry *)msg, tree);
		else
			cr_fail_errno(ctx, r, "Can't read affinity.img");
		if (r < 0)
			return r;
	}
}
