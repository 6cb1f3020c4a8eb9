/* SPDX-License-Identifier: GPL-2.0 */
#include <compel/plugins/std.h>

static void print_base(int fd, unsigned long value, unsigned int base, const char *prefix)
{
	char buf[32];
	size_t at = sizeof(buf);

	do {
		buf[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	std_puts(fd, prefix);
	sys_write(fd, buf + at, sizeof(buf) - at);
}

void std_puts(int fd, const char *s)
{
	sys_write(fd, s, strlen(s));
}

void std_printd(int fd, long value)
{
	print_base(fd, value < 0 ? -(unsigned long)value : (unsigned long)value, 10, value < 0 ? "-" : "");
}

void std_printx(int fd, unsigned long value)
{
	print_base(fd, value, 16, "0x");
}
