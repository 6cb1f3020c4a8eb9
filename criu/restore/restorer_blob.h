/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CRIU_RESTORE_RESTORER_BLOB_H
#define CRIU_RESTORE_RESTORER_BLOB_H

#include <compel/blob.h>

/* criu/pie/restorer*.c as it is loaded into tasks; it starts at the symbol restorer_entry. */
extern const struct compel_blob *const restorer_code;

#endif
