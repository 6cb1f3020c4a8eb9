/* SPDX-License-Identifier: GPL-2.0 */
/* The rows of the registry, each defined where its kind is. */
#ifndef CRIU_FD_REGISTRY_H
#define CRIU_FD_REGISTRY_H

#include "fd/ops.h"
#include "image/image.h"

extern const struct fd_ops reg_ops;
extern const struct fd_ops pipe_ops;
extern const struct fd_ops fifo_ops;
extern const struct fd_ops eventfd_ops;
extern const struct fd_ops epoll_ops;
extern const struct fd_ops signalfd_ops;
extern const struct fd_ops timerfd_ops;
extern const struct fd_ops unix_ops;
extern const struct fd_ops inet_ops;
extern const struct fd_ops netlink_ops;
extern const struct fd_ops tty_ops;
extern const struct fd_ops memfd_ops;

#endif
