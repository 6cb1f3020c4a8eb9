/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPEL_TEST_BLOB_H
#define COMPEL_TEST_BLOB_H

/* Commands of the test blob. */
enum {
	TEST_SUM = 1, /* adds up values[], through a relocated table; sets pid and tid */
	TEST_COUNT,   /* counts its calls in .data and returns the count */
	TEST_FAULT,   /* reads address 8 */
	TEST_ILL,     /* executes an undefined instruction */
	TEST_PAUSE,   /* says so in started, then waits until the value is 1 */
	TEST_KILL,    /* SIGKILL to itself */
	TEST_COPY,    /* std_copy_nt of size bytes from one argument buffer to the other */
	TEST_SIGNAL,  /* sends itself signal number values[0], thread-directed, and SIGTRAP is no exception */
	TEST_BREAK,   /* a breakpoint in the middle */
};

struct test_args {
	int values[4];
	int pid, tid;
	volatile int started, go;
	unsigned long size, from, to; /* bytes; offsets into data */
	unsigned char data[128 << 10];
};

#endif
