/* SPDX-License-Identifier: GPL-2.0 */
#include "fd/proc_path.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

/* More digits than any pid has, fewer than an int holds. */
#define PID_DIGITS 9

/* The number at TEXT, which is a whole component. NULL: it is none; else what follows, behind the slash. */
static const char *take_number(const char *text, pid_t *ret)
{
	size_t n = strspn(text, "0123456789");

	if (!n || n > PID_DIGITS || text[0] == '0' || (text[n] && text[n] != '/'))
		return NULL;
	*ret = 0;
	for (size_t i = 0; i < n; i++)
		*ret = *ret * 10 + (text[i] - '0');
	return text + n + (text[n] == '/');
}

bool proc_path_parse(const char *path, struct proc_path *ret)
{
	const char *rest = str_starts(path, "/proc/") ? take_number(path + strlen("/proc/"), &ret->pid) : NULL;

	if (!rest)
		return false;
	ret->rest = rest;
	ret->tid = ret->pid;
	if (str_starts(rest, "task/")) {
		rest = take_number(rest + strlen("task/"), &ret->tid);
		ret->rest = rest ?: ret->rest;
	}
	return true;
}

bool proc_path_inside(const char *rest, const char *dir)
{
	return str_starts(rest, dir) && rest[strlen(dir)] == '/';
}

bool proc_path_has_number(const char *path)
{
	pid_t number;

	for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/'))
		if (take_number(at + 1, &number))
			return true;
	return false;
}
