/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which descriptors share one open file. What is the same for all descriptors of an open file orders a
 * tree; only among equals is kcmp(2) asked, whose answers are an order, too.
 */
#include <errno.h>
#include <linux/kcmp.h>
#include <search.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd/dump.h"

struct known {
	dev_t dev;
	ino_t ino;
	uint32_t flags;
	uint64_t pos;
	pid_t pid; /* a task and a number under which it has the file */
	int nr;
	uint32_t id;
	FdTypes type;
	int *error; /* a comparison can't fail otherwise */
};

#define COMPARE(x, y)                                                                                                  \
	do {                                                                                                           \
		if ((x) != (y))                                                                                        \
			return (x) < (y) ? -1 : 1;                                                                     \
	} while (0)

static int known_compare(const void *x, const void *y)
{
	const struct known *a = x, *b = y;
	long order;

	COMPARE(a->dev, b->dev);
	COMPARE(a->ino, b->ino);
	COMPARE(a->flags, b->flags);
	COMPARE(a->pos, b->pos);
	if (a == b)
		return 0;
	order = syscall(SYS_kcmp, a->pid, b->pid, KCMP_FILE, (long)a->nr, (long)b->nr);
	if (order < 0 || order > 2) {
		*a->error = order < 0 ? -errno : -EPROTO;
		return 0;
	}
	return order == 0 ? 0 : order == 1 ? -1 : 1;
}

static struct known known_of(const struct fd_object *obj, int *error)
{
	return (struct known){
		.dev = obj->st.st_dev,
		.ino = obj->st.st_ino,
		.flags = obj->flags,
		.pos = obj->pos,
		.pid = obj->task->pid,
		.nr = obj->nr,
		.error = error,
	};
}

int identity_find(struct fd_dump *dump, const struct fd_object *obj, uint32_t *ret_id, FdTypes *ret_type)
{
	int error = 0;
	struct known key = known_of(obj, &error);
	struct known **found = tfind(&key, &dump->identity, known_compare);

	if (error)
		return cr_fail_errno(dump->ctx, error, FD_WHO "Can't compare it by kcmp(2)", FD_WHO_ARGS(obj));
	*ret_id = found ? (*found)->id : 0;
	if (found)
		*ret_type = (*found)->type;
	return 0;
}

int identity_add(struct fd_dump *dump, const struct fd_object *obj, FdTypes type)
{
	int error = 0;
	struct known *k = malloc(sizeof(*k));
	void *added;

	if (!k)
		return -ENOMEM;
	*k = known_of(obj, &error);
	k->id = obj->id;
	k->type = type;
	added = tsearch(k, &dump->identity, known_compare);
	k->error = NULL;
	if (!added)
		free(k);
	if (!added || error)
		return cr_fail_errno(dump->ctx, error ?: -ENOMEM, FD_WHO "Can't remember it", FD_WHO_ARGS(obj));
	return 0;
}

void identity_free(struct fd_dump *dump)
{
	tdestroy(dump->identity, free);
	dump->identity = NULL;
}
