/* SPDX-License-Identifier: GPL-2.0 */
/* What the two halves of vma_collect() share. */
#ifndef CRIU_MEM_VMA_INTERNAL_H
#define CRIU_MEM_VMA_INTERNAL_H

#include "mem/vma.h"
#include "proc/maps.h"

/* What the name of a System V segment begins with. */
#define SYSV_PREFIX "/SYSV"

/* The task whose areas are collected, for messages and for opening its map_files. */
struct vma_task {
	struct cr_ctx *ctx;
	pid_t pid;
	int procfd;
	const char *comm;
};

/* "task PID (comm): area START-END NAME: KIND isn't supported": -EOPNOTSUPP. */
int vma_refuse(const struct vma_task *task, const struct proc_map *map, const char *kind);

/*
 * The kind of an area by what its line and flags say, without opening anything: all of *V but descriptors,
 * shmid and what the file behind the area decides (vma_files.c). 0 or -EOPNOTSUPP.
 */
int vma_classify(const struct vma_task *task, const struct proc_map *map, struct vma *v);

/*
 * Opens the file of each area of a file (MAPS[i] is LIST->v[i]'s line), once per distinct one, and decides by
 * it: shared anonymous memory or a file, of a kind that is supported. Fills file_fd, file_flags, shmid, name.
 */
int vma_open_files(const struct vma_task *task, const struct proc_map *const *maps, struct vma_list *list);

#endif
