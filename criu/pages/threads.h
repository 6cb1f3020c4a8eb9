/* SPDX-License-Identifier: GPL-2.0 */
/* Threads that move pages: how many, and started so that no signal ever reaches one. */
#ifndef CRIU_PAGES_THREADS_H
#define CRIU_PAGES_THREADS_H

#include <pthread.h>
#include <stdint.h>

#define PAGES_THREADS_MAX 64

/* How many (1 to 4: no more was measured) should move BYTES: not more than there are CPUs for us, one when it is
 * little. */
unsigned pages_threads_for(uint64_t bytes);
/* pthread_create(3) with all signals blocked in the new thread. 0 or -errno. */
int pages_thread_start(pthread_t *ret, void *(*run)(void *), void *arg);

#endif
