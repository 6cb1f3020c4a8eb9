/* SPDX-License-Identifier: GPL-2.0 */
/* A directory pool's superblock and records (fam/format.h), built and checked. Pure. */
#ifndef CRIU_FAM_RECORD_H
#define CRIU_FAM_RECORD_H

#include "fam/format.h"

/* Fills in all of *SUPER. */
void fam_super_make(struct fam_super *super, const uint8_t uuid[FAM_UUID_LEN], uint64_t size, uint64_t created);
/* The LEN bytes at BUF are one: 0; -EPROTO: they aren't, or are damaged; -EPROTONOSUPPORT: of another version. */
int fam_super_check(const void *buf, size_t len);

/* INFO's id, flags, size, created and images_dir (not longer than FAM_PATH_MAX: -ENAMETOOLONG), on HOST. Free *RET. */
int fam_record_make(const uint8_t uuid[FAM_UUID_LEN], const uint8_t host[FAM_HOST_LEN], const struct fam_info *info,
		    void **ret, size_t *ret_len);
/*
 * The LEN bytes at BUF are the record of checkpoint ID of the pool UUID: fills in the same of *RET, else as
 * fam_super_check(); -ENOMEM. Free RET->images_dir.
 */
int fam_record_parse(const void *buf, size_t len, const uint8_t uuid[FAM_UUID_LEN], uint64_t id, struct fam_info *ret,
		     uint8_t ret_host[FAM_HOST_LEN]);

#endif
