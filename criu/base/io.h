/* SPDX-License-Identifier: GPL-2.0 */
/* Whole reads and writes, small files, directories. Every function returns 0 or a count, or -errno. */
#ifndef CRIU_BASE_IO_H
#define CRIU_BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/* Reads exactly LEN bytes: 0, -EIO when the file ends before, or -errno. */
int read_full(int fd, void *buf, size_t len);
int pread_full(int fd, void *buf, size_t len, off_t offset);
/* Writes all LEN bytes: 0 or -errno. */
int write_full(int fd, const void *buf, size_t len);
int pwrite_full(int fd, const void *buf, size_t len, off_t offset);
/*
 * The whole of a file of unknown size (a /proc file): NUL-ended, at most MAX bytes (-EFBIG). RET_LEN may be NULL.
 * Free with free().
 */
int read_file_at(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len);
/* Writes LEN bytes by one write where the file takes them so; the file is created (0644) or emptied first. */
int write_file_at(int dirfd, const char *path, const void *buf, size_t len);
/* readlinkat(2) into allocated, NUL-ended memory of any length. Free with free(). */
int read_link_at(int dirfd, const char *path, char **ret);
/* fsync(2) of the directory that DIRFD is. */
int sync_dir(int dirfd);
/* Moves FD to a number >= FROM, close-on-exec; the old number is closed. The new number or -errno. */
int fd_move_high(int fd, int from);
/* This process may have as many descriptors as it may allow itself; RET_BEFORE: its limits till then. 0 or -errno. */
int fd_limit_raise(struct rlimit *ret_before);
/* The monotonic clock in microseconds. */
uint64_t now_us(void);

#endif
