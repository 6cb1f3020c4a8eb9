/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pair of connected unix seqpacket sockets with messages queued both ways; one between parent and child.
 */
#define KIND SOCK_SEQPACKET
#include "unix_pair.h"
