/* SPDX-License-Identifier: GPL-2.0 */
/* Reads and validates the images of descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "fd/restore.h"
#include "fd/sk.h"

static int file_compare(const void *x, const void *y)
{
	const struct fd_file *a = x, *b = y;

	return a->id < b->id ? -1 : a->id > b->id;
}

struct fd_file *fd_file_find(const struct fd_restore *restore, uint32_t id)
{
	struct fd_file key = { .id = id };

	if (!restore->nr_files)
		return NULL;
	return bsearch(&key, restore->files, restore->nr_files, sizeof(key), file_compare);
}

ProtobufCMessage *fd_file_message(const struct fd_file *file)
{
	return *(ProtobufCMessage **)((char *)file->entry + file->ops->member);
}

/* The member NAME of the file's own message, or NULL if its kind has none. */
static void *member_of(const struct fd_file *file, const char *name)
{
	ProtobufCMessage *msg = fd_file_message(file);
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, name);

	return field ? (char *)msg + field->offset : NULL;
}

uint32_t fd_file_flags(const struct fd_file *file)
{
	uint32_t *flags = member_of(file, "flags");

	return flags ? *flags : file->path_file ? fd_file_flags(file->path_file) : 0;
}

const FownEntry *fd_file_fown(const struct fd_file *file)
{
	FownEntry **fown = member_of(file, "fown");

	return fown ? *fown : file->path_file ? fd_file_fown(file->path_file) : NULL;
}

void *fd_restore_state(struct fd_restore *restore, const struct fd_ops *ops, size_t size)
{
	void **state = &restore->state[fd_ops_index(ops)];

	if (!*state)
		*state = calloc(1, size);
	return *state;
}

int fd_read_image(struct fd_restore *restore, enum image_kind kind,
		  int (*each)(struct fd_restore *restore, struct image *img, ProtobufCMessage *msg))
{
	_cleanup_image_ struct image *img = NULL;
	const char *name = image_kind_info(kind)->pattern;
	int r = image_open(restore->dirfd, kind, &img);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return cr_fail_errno(restore->ctx, r, "Can't open %s", name);
	for (;;) {
		_cleanup_image_message_ ProtobufCMessage *msg = NULL;

		r = image_read(img, &msg);
		if (r < 0)
			return cr_fail_errno(restore->ctx, r, "Can't read %s", name);
		if (!r)
			return 0;
		r = each(restore, img, msg);
		if (r < 0)
			return cr_fail_errno(restore->ctx, r, "Can't use %s", name);
	}
}

/* Takes ENTRY over. */
static int add_file(struct fd_restore *restore, FileEntry *entry)
{
	struct fd_file *grown = restore->files;
	size_t nr = restore->nr_files;

	if (!(nr & (nr - 1))) /* a power of two: full */
		grown = reallocarray(restore->files, nr ? 2 * nr : 1, sizeof(*grown));
	if (!grown) {
		file_entry__free_unpacked(entry, NULL);
		return -ENOMEM;
	}
	restore->files = grown;
	grown[restore->nr_files++] = (struct fd_file){ .entry = entry, .id = entry->id, .fd = -1 };
	return 0;
}

static const char *type_name(FdTypes type)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(&fd_types__descriptor, type);

	return v ? v->name : "unknown";
}

/* The row of the file, and what is the same for every kind. */
static int identify_file(struct fd_restore *restore, struct fd_file *file)
{
	const FownEntry *fown;
	uint32_t *id;

	file->ops = fd_ops_by_type(file->entry->type);
	if (!file->ops)
		return cr_fail(restore->ctx, -EOPNOTSUPP, "files.img: file %u: the type %s isn't supported", file->id,
			       type_name(file->entry->type));
	if (!file->id)
		return cr_fail(restore->ctx, -EBADMSG, "files.img: a file has the id 0");
	if (!fd_file_message(file))
		return fd_bad(restore, file, "no entry of its type");
	id = member_of(file, "id");
	if (id && *id != file->id)
		return fd_bad(restore, file, "another id inside");
	fown = fd_file_fown(file);
	return fown ? fown_check(restore, file, fown) : 0;
}

static int read_files(struct fd_restore *restore)
{
	_cleanup_image_ struct image *img = NULL;
	int r = image_open(restore->dirfd, IMG_FILES, &img);

	if (r < 0)
		return r;
	for (;;) {
		ProtobufCMessage *msg;

		r = image_read(img, &msg);
		if (r <= 0)
			return r;
		r = add_file(restore, (FileEntry *)msg);
		if (r < 0)
			return r;
	}
}

/* The first generation kept every kind in an image of its own. */
static int read_old_files(struct fd_restore *restore, const struct fd_ops *ops)
{
	_cleanup_image_ struct image *img = NULL;
	int r = image_open(restore->dirfd, ops->old_kind, &img);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (;;) {
		const ProtobufCFieldDescriptor *id;
		ProtobufCMessage *msg;
		FileEntry *entry;

		r = image_read(img, &msg);
		if (r <= 0)
			return r;
		id = protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, "id");
		entry = malloc(sizeof(*entry));
		if (!entry || !id) {
			free(entry);
			protobuf_c_message_free_unpacked(msg, NULL);
			return id ? -ENOMEM : -EBADMSG;
		}
		file_entry__init(entry);
		entry->type = ops->type;
		entry->id = *(uint32_t *)((char *)msg + id->offset);
		*(ProtobufCMessage **)((char *)entry + ops->member) = msg;
		r = add_file(restore, entry);
		if (r < 0)
			return r;
	}
}

static int check_files(struct fd_restore *restore)
{
	int r = 0;

	for (size_t i = 0; i < restore->nr_files && !r; i++) {
		struct fd_file *file = &restore->files[i];

		if (i && file[-1].id == file->id)
			return cr_fail(restore->ctx, -EBADMSG, "files.img: two files have the id %u", file->id);
		r = identify_file(restore, file);
	}
	for (size_t i = 0; i < restore->nr_files && !r; i++)
		r = restore->files[i].ops->check(restore, &restore->files[i]);
	if (!r)
		r = ghosts_read(restore);
	if (!r)
		r = sk_extra_read(restore);
	for (size_t i = 0; i < fd_registry_nr && !r; i++)
		if (fd_registry[i]->read)
			r = fd_registry[i]->read(restore);
	return r;
}

int fd_restore_read(struct cr_ctx *ctx, const struct cr_opts *opts, int images_dirfd, struct fam_set *fam,
		    struct fd_restore **ret)
{
	struct fd_restore *restore = calloc(1, sizeof(*restore));
	int r;

	*ret = restore;
	if (!restore)
		return -ENOMEM;
	restore->ctx = ctx;
	restore->opts = opts;
	restore->dirfd = images_dirfd;
	restore->fam = fam;
	restore->max_nr = STDERR_FILENO;
	r = inherit_read(restore);
	if (!r)
		r = read_files(restore);
	if (r == -ENOENT) {
		r = 0;
		restore->old_files = true;
		for (size_t i = 0; i < fd_registry_nr && !r; i++)
			if (fd_registry[i]->old_kind >= 0)
				r = read_old_files(restore, fd_registry[i]);
	}
	if (r < 0)
		r = cr_fail_errno(ctx, r, "Can't read files.img");
	if (restore->nr_files)
		qsort(restore->files, restore->nr_files, sizeof(*restore->files), file_compare);
	if (!r)
		r = check_files(restore);
	if (r < 0)
		fd_restore_free(ret);
	return r;
}

void fd_restore_undo(struct fd_restore *restore)
{
	for (size_t i = 0; i < fd_registry_nr; i++)
		if (fd_registry[i]->undo && restore->state[i])
			fd_registry[i]->undo(restore);
}

void fd_restore_free(struct fd_restore **restorep)
{
	struct fd_restore *restore = *restorep;

	if (!restore)
		return;
	for (size_t i = 0; i < fd_registry_nr; i++) {
		if (fd_registry[i]->free && restore->state[i])
			fd_registry[i]->free(restore);
		free(restore->state[i]);
	}
	ghosts_free(restore);
	for (size_t i = 0; i < restore->nr_files; i++) {
		file_entry__free_unpacked(restore->files[i].entry, NULL);
		sk_extra_entry__free_unpacked(restore->files[i].sk_extra, NULL);
		free(restore->files[i].path);
	}
	for (size_t i = 0; i < restore->nr_tables; i++) {
		free(restore->tables[i]->v);
		free(restore->tables[i]);
	}
	free(restore->files);
	free(restore->tables);
	free(restore->inherited);
	free(restore);
	*restorep = NULL;
}
