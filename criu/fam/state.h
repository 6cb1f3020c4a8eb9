/* SPDX-License-Identifier: GPL-2.0 */
/* What a committed checkpoint's images directory says about it: every kind of pool asks that. */
#ifndef CRIU_FAM_STATE_H
#define CRIU_FAM_STATE_H

#include "fam/format.h"

/*
 * Of the checkpoint ID, written on HOST and looked at on OWN, both may be empty: no other host can have the pool.
 * FAM_COMMITTED: IMAGES_DIR has the inventory and a fam.img that names this checkpoint, or can't be looked into;
 * FAM_INCOMPLETE: that fam.img, and the inventory is there as FAM_INVENTORY_NEW alone; FAM_ORPHAN: anything else is
 * there, or nothing. What another host wrote is FAM_COMMITTED: those are its directories.
 */
enum fam_state fam_images_state(const uint8_t uuid[FAM_UUID_LEN], uint64_t id, const char *images_dir,
				const uint8_t host[FAM_HOST_LEN], const uint8_t own[FAM_HOST_LEN]);

#endif
