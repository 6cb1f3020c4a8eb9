/* SPDX-License-Identifier: GPL-2.0 */
#include "mem/store.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "mem/pagemap.h"
#include "pages/pump.h"

int store_list_add(struct store_list *list, const struct store_item *item)
{
	if (list->nr == list->room) {
		size_t room = list->room ? 2 * list->room : 16;
		struct store_item *v = reallocarray(list->v, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		list->v = v;
		list->room = room;
	}
	list->v[list->nr++] = *item;
	list->v[list->nr - 1].pages_id = list->nr;
	return 0;
}

void store_list_free(struct store_list *list)
{
	for (size_t i = 0; i < list->nr; i++) {
		page_run_list_free(&list->v[i].runs);
		if (list->v[i].memory)
			munmap(list->v[i].memory, list->v[i].memory_len);
	}
	free(list->v);
	*list = (struct store_list){ 0 };
}

static int store_item(const struct store_item *item, const struct store_args *args, struct store_stats *stats)
{
	struct pages_dump_args pages = {
		.ctx = args->ctx,
		.images_dirfd = args->images_dirfd,
		.pages_id = item->pages_id,
		.runs = &item->runs,
		.mode = args->mode,
		.capture = item->kind == IMG_PAGEMAP ? args->capture : CAPTURE_AUTO,
		.pid = item->pid,
		.procfd = item->procfd,
		.memory = item->memory,
		.inject = item->inject,
		.inject_arg = item->inject_arg,
		.cancelled = args->cancelled,
		.cancelled_arg = args->cancelled_arg,
	};
	struct pages_dump_result stored = { 0 };
	int r;

	r = pagemap_write(args->ctx, args->images_dirfd, item->kind, item->id, item->pages_id, &item->runs);
	if (!r)
		r = pages_dump(&pages, &stored);
	if (r)
		return r;
	stats->nr_pages += stored.nr_pages;
	stats->nr_shared_pages += item->kind == IMG_SHMEM_PAGEMAP ? stored.nr_pages : 0;
	stats->copy_us += stored.copy_us;
	stats->sync_us += stored.sync_us;
	log_info(args->ctx->log, "%s %lu: %lu pages stored (%s to %s, %u threads): open %lu, copy %lu, sync %lu us",
		 item->kind == IMG_PAGEMAP ? "Task" : "Shared memory segment", item->id, (unsigned long)stored.nr_pages,
		 stored.capture, stored.sink, stored.nr_threads, (unsigned long)stored.open_us,
		 (unsigned long)stored.copy_us, (unsigned long)stored.sync_us);
	return 0;
}

int store_in_files(const struct store_list *list, const struct store_args *args, struct store_stats *ret)
{
	int r = 0;

	*ret = (struct store_stats){ 0 };
	for (size_t i = 0; i < list->nr && !r; i++)
		r = store_item(&list->v[i], args, ret);
	return r;
}
