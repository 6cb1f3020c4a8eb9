/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPEL_PLUGINS_STD_LOG_H
#define COMPEL_PLUGINS_STD_LOG_H

/* Write a string, a decimal or a hexadecimal number (with 0x) to a descriptor; errors are ignored. */
void std_puts(int fd, const char *s);
void std_printd(int fd, long value);
void std_printx(int fd, unsigned long value);

#endif
