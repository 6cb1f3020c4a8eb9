/* SPDX-License-Identifier: GPL-2.0 */
/* The version that clients compare against: of the interface that is kept. */
#ifndef CRIU_BASE_VERSION_H
#define CRIU_BASE_VERSION_H

#define CRIU_VERSION_MAJOR 4
#define CRIU_VERSION_MINOR 2
#define CRIU_VERSION	   "4.2"

#endif
