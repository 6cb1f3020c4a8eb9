/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pair of connected unix stream sockets with messages queued both ways; one between parent and child.
 */
#define KIND SOCK_STREAM
#include "unix_pair.h"
