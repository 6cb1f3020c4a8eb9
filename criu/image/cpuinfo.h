/* SPDX-License-Identifier: GPL-2.0 */
/* cpuinfo.img: what the CPU of the dump offered, to be held against the one of the restore. */
#ifndef CRIU_IMAGE_CPUINFO_H
#define CRIU_IMAGE_CPUINFO_H

#include "base/error.h"

/* Writes this machine's cpuinfo.img into DIRFD: a dump does if --cpu-cap was given (CPU_CAP_IMAGE). 0 or -errno. */
int cpuinfo_write(struct cr_ctx *ctx, int dirfd);

/*
 * Compares DIRFD's cpuinfo.img with this machine, as far as CAPS (CPU_CAP_*) say: CPU wants vendor, family, model and
 * every capability; FPU the register state; INS the instructions that programs may use. More than the image has is
 * fine. 0, also for a set without the file unless CAPS have CPU_CAP_IMAGE, or for CPU_CAP_NONE; -ENOTSUP where this
 * machine lacks something (named); another -errno for an image that can't be read.
 */
int cpuinfo_check(struct cr_ctx *ctx, int dirfd, unsigned caps);

#endif
