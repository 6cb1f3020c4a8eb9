/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AIO contexts. A context's number is the address of its ring, and moving the ring changes it. Where the kernel goes on
 * writing events stands in the kernel alone, so it is brought there by requests that are complete at once.
 */
#include <compel/plugins/std.h>
#include <linux/aio_abi.h>
#include <linux/mman.h>
#include <sys/mman.h>

#include "pie/aio_ring.h"
#include "pie/restorer.h"

#define BATCH 32

/* Reads nothing from the pages file NR times; takes the events out of the ring if TAKE. */
static void complete(struct restorer_args *args, const struct plan_ring *r, volatile struct aio_ring_head *ring,
		     uint64_t nr, int take)
{
	struct iocb request = { .aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = args->pages_fd };
	struct iocb *requests[BATCH];

	for (unsigned i = 0; i < BATCH; i++)
		requests[i] = &request;
	while (nr) {
		long got = sys_io_submit((unsigned long)ring, nr < BATCH ? nr : BATCH, requests);

		if (got <= 0)
			give_up(args, OP_AIO, got ?: -5, r->addr, r->nr_requests);
		nr -= got;
		if (take)
			ring->head = ring->tail;
	}
}

void create_rings(struct restorer_args *args)
{
	for (uint32_t i = 0; i < args->nr_rings; i++) {
		struct plan_ring *r = &args->rings[i];
		struct aio_ring_head *ring = NULL;
		long got;

		check(args, OP_AIO, sys_io_setup(r->nr_requests, &ring), r->addr, r->nr_requests);
		/* How long it is depends on the number of CPUs, too. */
		if (ring->nr != AIO_RING_EVENTS(r->len))
			give_up(args, OP_AIO, -95, r->addr, r->nr_requests);
		complete(args, r, ring, r->head, 1);
		complete(args, r, ring, r->nr_unread, 0);
		got = sys_mremap(ring, r->len, r->len, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)r->addr);
		check(args, OP_AIO, got < 0 && got > -4096 ? got : 0, r->addr, r->nr_requests);
		ring = (struct aio_ring_head *)r->addr;
		r->id = ring->id;
		advise(args, r->addr, r->len, r->madv);
	}
}

void finish_rings(struct restorer_args *args)
{
	for (uint32_t i = 0; i < args->nr_rings; i++)
		((struct aio_ring_head *)args->rings[i].addr)->id = args->rings[i].id;
}
