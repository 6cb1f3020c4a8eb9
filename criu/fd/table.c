/* SPDX-License-Identifier: GPL-2.0 */
/* Reads and validates fdinfo images: which numbers lead to which open files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "fd/restore.h"

/* Numbers above any that a kernel allows by default; what it really allows is asked then. */
#define NR_MAX (1u << 30)

const struct fd_table *fd_table_find(const struct fd_restore *restore, uint32_t files_id)
{
	for (size_t i = 0; i < restore->nr_tables; i++)
		if (restore->tables[i]->files_id == files_id)
			return restore->tables[i];
	return NULL;
}

static int row_compare(const void *x, const void *y)
{
	const struct fd_table_row *a = x, *b = y;

	return a->nr < b->nr ? -1 : a->nr > b->nr;
}

const struct fd_table_row *fd_table_row_find(const struct fd_table *table, int nr)
{
	struct fd_table_row key = { .nr = nr };

	return table->nr ? bsearch(&key, table->v, table->nr, sizeof(key), row_compare) : NULL;
}

static void table_free(struct fd_table **table)
{
	if (*table)
		free((*table)->v);
	free(*table);
}

/* fs.nr_open of proc(5). */
static uint64_t system_limit(void)
{
	_cleanup_free_ char *text = NULL;
	uint64_t limit;
	size_t len;

	if (read_file_at(AT_FDCWD, "/proc/sys/fs/nr_open", 64, &text, &len) < 0)
		return NR_MAX;
	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	return parse_u64(text, 10, &limit) < 0 ? NR_MAX : limit;
}

static int add_row(struct fd_restore *restore, struct fd_table *table, const FdinfoEntry *entry)
{
	struct fd_table_row *grown = table->v;
	struct fd_file *file = fd_file_find(restore, entry->id);

	if (!file)
		return cr_fail(restore->ctx, -EBADMSG, "fdinfo-%u.img: descriptor %u has a file %u that isn't there",
			       table->files_id, entry->fd, entry->id);
	if (file->entry->type != entry->type)
		return cr_fail(restore->ctx, -EBADMSG, "fdinfo-%u.img: descriptor %u is of another type than file %u",
			       table->files_id, entry->fd, entry->id);
	if (entry->fd >= NR_MAX || (entry->flags & ~FD_CLOEXEC))
		return cr_fail(restore->ctx, -EBADMSG, "fdinfo-%u.img: descriptor %u with the flags %#x is impossible",
			       table->files_id, entry->fd, entry->flags);
	if (!(table->nr & (table->nr - 1)))
		grown = reallocarray(table->v, table->nr ? 2 * table->nr : 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	table->v = grown;
	grown[table->nr++] = (struct fd_table_row){ entry->fd, entry->flags & FD_CLOEXEC, file };
	return 0;
}

static int read_rows(struct fd_restore *restore, struct fd_table *table)
{
	_cleanup_image_ struct image *img = NULL;
	int r = image_open(restore->dirfd, IMG_FDINFO, &img, (unsigned long)table->files_id);

	while (r >= 0) {
		_cleanup_image_message_ ProtobufCMessage *msg = NULL;

		r = image_read(img, &msg);
		if (!r)
			return 0;
		if (r > 0)
			r = add_row(restore, table, (FdinfoEntry *)msg);
	}
	return cr_fail_errno(restore->ctx, r, "Can't read fdinfo-%u.img", table->files_id);
}

int fd_restore_reserve(struct fd_restore *restore, uint32_t nr)
{
	uint64_t limit;

	if (nr <= (uint32_t)restore->max_nr)
		return 0;
	limit = system_limit();
	if (nr >= NR_MAX || nr + restore->nr_files >= limit)
		return cr_fail(restore->ctx, -EMFILE,
			       "descriptor %u leaves no room below the limit of %lu (/proc/sys/fs/nr_open)", nr,
			       (unsigned long)limit);
	restore->max_nr = nr;
	return 0;
}

static int check_rows(struct fd_restore *restore, const struct fd_table *table)
{
	for (size_t i = 1; i < table->nr; i++)
		if (table->v[i - 1].nr == table->v[i].nr)
			return cr_fail(restore->ctx, -EBADMSG, "fdinfo-%u.img: descriptor %d is there twice",
				       table->files_id, table->v[i].nr);
	return table->nr ? fd_restore_reserve(restore, table->v[table->nr - 1].nr) : 0;
}

int fd_restore_read_table(struct fd_restore *restore, uint32_t files_id)
{
	__cleanup(table_free) struct fd_table *table = NULL;
	struct fd_table **grown;
	int r;

	if (fd_table_find(restore, files_id))
		return 0;
	table = calloc(1, sizeof(*table));
	if (!table)
		return -ENOMEM;
	table->files_id = files_id;
	r = read_rows(restore, table);
	if (r < 0)
		return r;
	if (table->nr)
		qsort(table->v, table->nr, sizeof(*table->v), row_compare);
	r = check_rows(restore, table);
	if (r < 0)
		return r;
	grown = reallocarray(restore->tables, restore->nr_tables + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	restore->tables = grown;
	/* The first table that has a file finishes it: tables are numbered from the root of the tree on. */
	for (size_t i = 0; i < table->nr; i++) {
		struct fd_file *file = table->v[i].file;

		if (!file->table || file->table->files_id > files_id)
			file->table = table;
		file->path_only = false;
	}
	grown[restore->nr_tables++] = take_ptr(table);
	return 0;
}

bool fd_restore_has_path(const struct fd_restore *restore, uint32_t file_id)
{
	const struct fd_file *file = fd_file_find(restore, file_id);

	return file && file->ops->type == FD_TYPES__REG;
}

bool fd_restore_has_memfd(const struct fd_restore *restore, uint32_t file_id)
{
	const struct fd_file *file = fd_file_find(restore, file_id);

	return file && file->ops->type == FD_TYPES__MEMFD && !file->path_only;
}

static int check_tables(struct fd_restore *restore)
{
	for (size_t i = 0; i < restore->nr_files; i++) {
		struct fd_file *file = &restore->files[i];
		int r = file->table && file->ops->check_table ? file->ops->check_table(restore, file) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

int fd_restore_min_service_fd(struct fd_restore *restore)
{
	int r = check_tables(restore);

	return r < 0 ? r : restore->max_nr + 1;
}
