/* SPDX-License-Identifier: GPL-2.0 */
#include <stdlib.h>

#include "base/error.h"
#include "fd/memfd.h"
#include "fd/reg.h"
#include "fd/registry.h"

const struct fd_ops reg_ops = {
	.name = "a file",
	.type = FD_TYPES__REG,
	.member = offsetof(FileEntry, reg),
	.old_kind = IMG_REG_FILES,
	.match = reg_match,
	.dump = reg_dump,
	.check = reg_check,
	.key = reg_key,
	.open = reg_open,
};

const struct fd_ops memfd_ops = {
	.name = "a memfd",
	.type = FD_TYPES__MEMFD,
	.member = offsetof(FileEntry, memfd),
	.old_kind = -1,
	.match = memfd_match,
	.dump = memfd_dump,
	.dump_end = memfd_dump_end,
	.read = memfd_read,
	.check = memfd_check,
	.check_table = memfd_check_table,
	.open = memfd_open,
	.free = memfd_free,
};

const struct fd_ops *const fd_registry[] = {
	&pipe_ops, &fifo_ops, &eventfd_ops, &epoll_ops, &signalfd_ops, &timerfd_ops,
	&unix_ops, &inet_ops, &netlink_ops, &tty_ops,	&memfd_ops,    &reg_ops,
};
const size_t fd_registry_nr = sizeof(fd_registry) / sizeof(fd_registry[0]);

_Static_assert(sizeof(fd_registry) / sizeof(fd_registry[0]) <= FD_REGISTRY_MAX, "FD_REGISTRY_MAX is too small");

const struct fd_ops *fd_ops_by_type(FdTypes type)
{
	for (size_t i = 0; i < fd_registry_nr; i++)
		if (fd_registry[i]->type == type)
			return fd_registry[i];
	return NULL;
}

size_t fd_ops_index(const struct fd_ops *ops)
{
	size_t i = 0;

	while (i < fd_registry_nr && fd_registry[i] != ops)
		i++;
	cr_assert(i < fd_registry_nr);
	return i;
}
