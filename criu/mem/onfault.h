/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that is locked only as it is touched (MLOCK_ONFAULT), on kernels whose VmFlags have no letters for it. */
#ifndef CRIU_MEM_ONFAULT_H
#define CRIU_MEM_ONFAULT_H

#include "proc/maps.h"

/*
 * Such a kernel shows "??" beside "lo". Where an area looks so, and memory of our own that is locked so does too, its
 * flags get LF instead of OTHER; else they stay. 0 or -errno.
 */
int onfault_name(struct proc_map_list *maps);

#endif
