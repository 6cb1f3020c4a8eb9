/* SPDX-License-Identifier: GPL-2.0 */
/* Puts inherited open files to their numbers in a task, and finishes what needs numbers and processes. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fd/restore.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static int number_compare(const void *x, const void *y)
{
	int a = *(const int *)x, b = *(const int *)y;

	return a < b ? -1 : a > b;
}

/* Closes all numbers but the NR ones of KEEP, which are ascending. */
static int close_others(const int *keep, size_t nr)
{
	unsigned int from = 0;

	for (size_t i = 0; i < nr; i++) {
		unsigned int next = keep[i];

		if (next > from && syscall(SYS_close_range, from, next - 1, 0) < 0)
			return -errno;
		from = next + 1;
	}
	return syscall(SYS_close_range, from, ~0u, 0) < 0 ? -errno : 0;
}

static int place_table(struct fd_restore *restore, const struct fd_table *table)
{
	int r = 0;

	for (size_t i = 0; i < table->nr && !r; i++) {
		struct fd_file *file = table->v[i].file;

		if (file->table == table && file->ops->place && !file->finished) {
			r = file->ops->place(restore, file);
			file->finished = true; /* once, even if it has several numbers; unset below */
		}
	}
	for (size_t i = 0; i < table->nr; i++)
		table->v[i].file->finished = false;
	for (size_t i = 0; i < table->nr && !r; i++) {
		const struct fd_table_row *row = &table->v[i];

		if (dup3(row->file->late ? row->late_fd : row->file->fd, row->nr, row->cloexec ? O_CLOEXEC : 0) < 0)
			r = cr_fail_errno(restore->ctx, -errno, "Can't put file %u to descriptor %d", row->file->id,
					  row->nr);
	}
	return r;
}

int fd_restore_session(struct fd_restore *restore, pid_t sid)
{
	int r = 0;

	for (size_t i = 0; i < fd_registry_nr && !r; i++)
		if (fd_registry[i]->session)
			r = fd_registry[i]->session(restore, sid);
	return r;
}

int fd_restore_install(struct fd_restore *restore, uint32_t files_id, pid_t pid, const int *keep, size_t nr_keep)
{
	const struct fd_table *table = fd_table_find(restore, files_id);
	size_t nr = nr_keep + (table ? table->nr : 0);
	_cleanup_free_ int *all = malloc((nr ?: 1) * sizeof(*all));
	int r;

	if (!all)
		return -ENOMEM;
	if (!table && files_id)
		return cr_fail(restore->ctx, -EBADMSG, "task %d: there is no table %u of descriptors", pid, files_id);
	if (nr_keep)
		memcpy(all, keep, nr_keep * sizeof(*all));
	if (table) {
		r = place_table(restore, table);
		if (r < 0)
			return r;
		for (size_t i = 0; i < table->nr; i++)
			all[nr_keep + i] = table->v[i].nr;
	}
	qsort(all, nr, sizeof(*all), number_compare);
	r = close_others(all, nr);
	return r < 0 ? cr_fail_errno(restore->ctx, r, "task %d: Can't close what isn't its own", pid) : 0;
}

static int finish_file(struct fd_restore *restore, struct fd_file *file, int nr, pid_t pid, pid_t sid)
{
	const FownEntry *fown = fd_file_fown(file);
	uint32_t flags = fd_file_flags(file);
	int r = 0;

	file->finished = true;
	if (fown && !(flags & O_PATH))
		r = fown_restore(restore, file, nr, fown);
	if (!r && (flags & O_ASYNC) && !(flags & O_PATH)) {
		int now = fcntl(nr, F_GETFL);

		if (now < 0 || fcntl(nr, F_SETFL, now | O_ASYNC) < 0)
			r = cr_fail_errno(restore->ctx, -errno, "Can't set O_ASYNC of descriptor %d", nr);
	}
	if (!r && file->ops->finish)
		r = file->ops->finish(restore, file, nr, pid, sid);
	return r;
}

int fd_restore_finish(struct fd_restore *restore, uint32_t files_id, pid_t pid, pid_t sid)
{
	const struct fd_table *table = fd_table_find(restore, files_id);
	int r = 0;

	for (size_t i = 0; table && i < table->nr && !r; i++) {
		struct fd_file *file = table->v[i].file;

		if (file->table == table && !file->finished)
			r = finish_file(restore, file, table->v[i].nr, pid, sid);
	}
	return r;
}

int fd_restore_task(struct fd_restore *restore, uint32_t files_id, pid_t pid, pid_t sid)
{
	const struct fd_table *table = fd_table_find(restore, files_id);
	int r = 0;

	for (size_t i = 0; i < fd_registry_nr && !r; i++)
		if (fd_registry[i]->task)
			r = fd_registry[i]->task(restore, table, pid, sid);
	return r;
}
