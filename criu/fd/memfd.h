/* SPDX-License-Identifier: GPL-2.0 */
/* memfd_create(2) files: what is not a descriptor's alone. */
#ifndef CRIU_FD_MEMFD_H
#define CRIU_FD_MEMFD_H

#include "fd/ops.h"

#include "fown.pb-c.h"

/* dump: memfd.c */
bool memfd_match(const struct fd_object *obj);
int memfd_dump(struct fd_dump *dump, const struct fd_object *obj);
int memfd_dump_end(struct fd_dump *dump, bool ok);
/* Writes a memfd_file_entry of ID and notes its inode for memfd.img. */
int memfd_dump_as(struct fd_dump *dump, const struct fd_object *obj, uint32_t id, uint32_t flags,
		  const FownEntry *fown);

/* restore: memfd_restore.c */
int memfd_check(struct fd_restore *restore, struct fd_file *file);
int memfd_check_table(struct fd_restore *restore, struct fd_file *file);
int memfd_read(struct fd_restore *restore);
int memfd_open(struct fd_restore *restore, struct fd_file *file, int *ret);
void memfd_free(struct fd_restore *restore);

#endif
