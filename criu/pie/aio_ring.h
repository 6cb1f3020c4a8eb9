/* SPDX-License-Identifier: GPL-2.0 */
/* The head of an AIO context's ring, as the kernel shares it with user space: io_setup(2). Events of 32 bytes follow.
 */
#ifndef CRIU_PIE_AIO_RING_H
#define CRIU_PIE_AIO_RING_H

#include <stdint.h>

struct aio_ring_head {
	uint32_t id; /* where the kernel finds the context; another after each io_setup(2) */
	uint32_t nr; /* of events that the ring has room for */
	uint32_t head, tail;
	uint32_t magic, compat_features, incompat_features, header_length;
};

#define AIO_RING_MAGIC		0xa10a10a1u
#define AIO_RING_EVENT		32u
#define AIO_RING_EVENTS(length) (((length) - sizeof(struct aio_ring_head)) / AIO_RING_EVENT)

/* It is one that the kernel has made, LENGTH bytes long, and nobody has spoilt. */
static inline int aio_ring_sane(const struct aio_ring_head *ring, uint64_t length)
{
	return ring->nr == AIO_RING_EVENTS(length) && ring->head < ring->nr && ring->tail < ring->nr &&
	       ring->magic == AIO_RING_MAGIC && !ring->incompat_features && ring->header_length == sizeof(*ring);
}

#endif
