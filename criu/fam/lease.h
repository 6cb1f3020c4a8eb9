/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One writer at a time among the hosts that share a medium, with nothing but loads, stores and flushes: atomic
 * instructions aren't kept on all fabrics. Each host writes a line of its own and reads those of the others. Why two
 * can't have it at once: Documentation/design/fam-format.md. Among the processes of one host flock(2) decides first
 * (fam/lock.h), so that each host comes here as one.
 */
#ifndef CRIU_FAM_LEASE_H
#define CRIU_FAM_LEASE_H

#include "fam/flush.h"
#include "fam/format.h"

/* The name of this host, instead of what is in /etc/machine-id: 1 to 32 letters, digits, '-', '_', '.'. */
#define FAM_HOST_ENV "CRIU_FAM_HOST"

struct fam_host {
	uint8_t name[FAM_HOST_LEN]; /* padded with zeroes */
	uint64_t boot;		    /* of this kernel */
};
/* 0; -EINVAL: FAM_HOST_ENV isn't a name; -ENOENT: there is no /etc/machine-id (both cr_fail). */
int fam_host_read(struct cr_ctx *ctx, struct fam_host *ret);

struct fam_lease {
	struct cr_ctx *ctx;
	const char *path;		/* of the pool, for messages */
	struct fam_lease_place *places; /* FAM_LEASE_PLACES of them, mapped shared; zeroed at first; borrowed */
	struct fam_flush how;		/* of that mapping */
	struct fam_host host;
	unsigned mine; /* once it is taken: which place */
	uint64_t epoch;
};

/*
 * The caller sets all but the last two. A lease that this host held (a writer that was killed) is taken over, another
 * host's is waited for up to WAIT_SECONDS or, with FORCE, taken away at once. 0; -EBUSY (cr_fail names the host);
 * -ENOSPC: there are no places left; -errno. Give it back with fam_lease_give().
 */
int fam_lease_take(struct fam_lease *lease, unsigned wait_seconds, bool force);
/* Before each step that others will see: 0; -EBUSY: it was taken away from us (cr_fail). */
int fam_lease_check(const struct fam_lease *lease);
/* Does nothing if it was taken away from us. */
void fam_lease_give(struct fam_lease *lease);

#endif
