/* SPDX-License-Identifier: GPL-2.0 */
/* Locks of a file that no restore could take again in the same way. */
#ifndef LOCK_TEST_H
#define LOCK_TEST_H

#include <fcntl.h>

#include "zdtm.h"

/* A new file of the test's own. */
static inline int open_lock_file(void)
{
	char name[512];

	snprintf(name, sizeof(name), "%s/lock", test_dir);
	return MUST(open(name, O_RDWR | O_CREAT, 0600));
}

/* proc(5): FD's file has a lock or lease that came by FD or by this process. */
static inline void check_held(int fd)
{
	char name[64], info[1024];

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	test_read_file(name, info, sizeof(info));
	CHECK(strstr(info, "\nlock:"));
}

#endif
