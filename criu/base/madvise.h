/* SPDX-License-Identifier: GPL-2.0 */
/* Advice of madvise(2) that the headers of some distributions lack. Whether the kernel knows it is another question. */
#ifndef CRIU_BASE_MADVISE_H
#define CRIU_BASE_MADVISE_H

#include <sys/mman.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* 6.1 */
#endif

#endif
