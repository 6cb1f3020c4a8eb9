/* SPDX-License-Identifier: GPL-2.0 */
/* CRC32C, the checksum of iSCSI (RFC 3720, appendix B.4: polynomial 0x1edc6f41), of what lies in pools. */
#ifndef CRIU_FAM_CRC32C_H
#define CRIU_FAM_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on with CRC, that of what stands before; 0 at first. The processor's instruction is used where it is there. */
uint32_t fam_crc32c(uint32_t crc, const void *buf, size_t len);
/* That of what A is of and, behind it, the LEN bytes that B is of. */
uint32_t fam_crc32c_join(uint32_t a, uint32_t b, uint64_t len);
/* The first one by a table. */
uint32_t fam_crc32c_by_table(uint32_t crc, const void *buf, size_t len);

#endif
