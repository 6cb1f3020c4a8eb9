/* SPDX-License-Identifier: GPL-2.0 */
#ifndef EXAMPLE_BLOB_H
#define EXAMPLE_BLOB_H

/* What the blob tells about the task that it runs in. */
struct example_args {
	int pid, tid;
	char cwd[256];
};

enum example_command {
	EXAMPLE_TELL = 1,
};

#endif
