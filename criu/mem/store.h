/* SPDX-License-Identifier: GPL-2.0 */
/* All that a dump stores of memory: pagemaps, each with its pages, of tasks and of shared segments. */
#ifndef CRIU_MEM_STORE_H
#define CRIU_MEM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/opts.h"
#include "image/image.h"
#include "pages/capture.h"
#include "pages/run.h"

struct vma_list; /* mem/vma.h */

struct store_item {
	enum image_kind kind; /* of the pagemap image: IMG_PAGEMAP (ID: pid) or IMG_SHMEM_PAGEMAP (ID: shmid) */
	unsigned long id;
	uint32_t pages_id;			 /* its place in the list, from 1 on */
	struct page_run_list runs;		 /* owned */
	const struct vma_list *vmas;		 /* of a task: borrowed; NULL */
	pid_t pid;				 /* of a task, stopped */
	int procfd;				 /* its /proc/PID; borrowed */
	const struct capture_inject_ops *inject; /* NULL: it has no parasite */
	void *inject_arg;
	bool may_inject; /* whether it is asked for or not: nobody will see what that does to the task */
	char *memory;	 /* of a segment: where it is mapped; NULL where it is empty; owned */
	uint64_t memory_len;
};

struct store_list {
	struct store_item *v; /* owned */
	size_t nr, room;
};

/* Appends ITEM, whose pages_id is set; from then on its runs and memory are the list's. 0 or -ENOMEM. */
int store_list_add(struct store_list *list, const struct store_item *item);
void store_list_free(struct store_list *list);

struct store_args {
	struct cr_ctx *ctx;
	int images_dirfd;
	enum page_mode mode;
	enum capture_method capture;
	int (*cancelled)(void *arg); /* as for pages_dump(); may be NULL */
	void *cancelled_arg;
};

struct store_stats {
	uint64_t nr_pages;	  /* stored, all of them */
	uint64_t nr_shared_pages; /* of segments */
	uint64_t copy_us, sync_us;
};

/* Writes a pagemap and a pages image for each. For the thread that traces the tasks. 0 or -errno (cr_fail). */
int store_in_files(const struct store_list *list, const struct store_args *args, struct store_stats *ret);

#endif
