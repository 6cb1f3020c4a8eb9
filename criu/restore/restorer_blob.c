/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/restorer_blob.h"

#include "restorer.blob.h"

const struct compel_blob *const restorer_code = &restorer_blob;
