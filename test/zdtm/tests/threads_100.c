/* SPDX-License-Identifier: GPL-2.0 */
/*
 * 100 threads: each with its id, thread-local data and stack as before; all asleep on one futex.
 */
#define NR_THREADS 100
#include "threads_many.h"
