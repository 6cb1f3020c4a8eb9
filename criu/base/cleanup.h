/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cleanup attributes: a variable's resource goes when its scope ends.
 * GCC manual, "Common Variable Attributes", cleanup.
 */
#ifndef CRIU_BASE_CLEANUP_H
#define CRIU_BASE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define __cleanup(fn)  __attribute__((cleanup(fn)))
#define __unused_arg   __attribute__((unused))
#define __printf(f, a) __attribute__((format(printf, f, a)))

/* Closes *fd unless it is negative; errno is kept. Sets it to -1. */
static inline void close_fdp(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		close(*fd);
		errno = saved;
		*fd = -1;
	}
}

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define _cleanup_close_	   __cleanup(close_fdp)
#define _cleanup_free_	   __cleanup(freep)
#define _cleanup_fclose_   __cleanup(fclosep)
#define _cleanup_closedir_ __cleanup(closedirp)

/* Gives the value away: the variable's cleanup then has nothing to do. */
#define take_fd(fd)                                                                                                    \
	({                                                                                                             \
		int *fdp_ = &(fd);                                                                                     \
		int taken_ = *fdp_;                                                                                    \
		*fdp_ = -1;                                                                                            \
		taken_;                                                                                                \
	})

#define take_ptr(p)                                                                                                    \
	({                                                                                                             \
		__typeof__(p) *pp_ = &(p);                                                                             \
		__typeof__(p) taken_ = *pp_;                                                                           \
		*pp_ = NULL;                                                                                           \
		taken_;                                                                                                \
	})

#endif
