/* SPDX-License-Identifier: GPL-2.0 */
#include "proc/values.h"

#include <errno.h>

#include "proc/parse.h"

#define ARGS_MAX (256 << 20)

/* A file of one line: its text in *RET. */
static int read_line(int procfd, const char *path, char *buf, size_t size, struct cursor *ret)
{
	size_t len;
	int err = proc_read_small(procfd, path, buf, size, &len);

	if (err)
		return err;
	*ret = (struct cursor){ buf, buf + len };
	if (len && buf[len - 1] == '\n')
		ret->end--;
	return 0;
}

static int read_u64(int procfd, const char *path, int base, uint64_t *ret)
{
	struct cursor c;
	char buf[64];
	int err = read_line(procfd, path, buf, sizeof(buf), &c);

	if (err)
		return err;
	return (base == 16 ? cur_hex(&c, ret) : cur_u64(&c, ret)) && cur_end(&c) ? 0 : -EBADMSG;
}

static int read_u32(int procfd, const char *path, int base, uint32_t *ret)
{
	uint64_t v;
	int err = read_u64(procfd, path, base, &v);

	if (err)
		return err;
	if (v > UINT32_MAX)
		return -EBADMSG;
	*ret = v;
	return 0;
}

int proc_read_comm(int procfd, char ret[PROC_COMM_MAX])
{
	char buf[PROC_COMM_MAX + 2];
	struct cursor c;
	size_t len;
	int err = read_line(procfd, "comm", buf, sizeof(buf), &c);

	if (err)
		return err;
	len = c.end - c.p;
	if (len >= PROC_COMM_MAX || memchr(c.p, '\0', len))
		return -EBADMSG;
	memcpy(ret, c.p, len);
	ret[len] = '\0';
	return 0;
}

int proc_read_loginuid(int procfd, uint32_t *ret)
{
	return read_u32(procfd, "loginuid", 10, ret);
}

int proc_read_oom_score_adj(int procfd, int *ret)
{
	struct cursor c;
	char buf[64];
	int v, err = read_line(procfd, "oom_score_adj", buf, sizeof(buf), &c);

	if (err)
		return err;
	if (!cur_int(&c, &v) || !cur_end(&c) || v < -1000 || v > 1000)
		return -EBADMSG;
	*ret = v;
	return 0;
}

int proc_read_personality(int procfd, uint32_t *ret)
{
	return read_u32(procfd, "personality", 16, ret);
}

int proc_read_timerslack(int procfd, uint64_t *ret)
{
	return read_u64(procfd, "timerslack_ns", 10, ret);
}

int proc_read_coredump_filter(int procfd, uint32_t *ret)
{
	return read_u32(procfd, "coredump_filter", 16, ret);
}

int proc_read_cmdline(int procfd, char **ret, size_t *len)
{
	return proc_read_text(procfd, "cmdline", ARGS_MAX, ret, len);
}

int proc_read_environ(int procfd, char **ret, size_t *len)
{
	return proc_read_text(procfd, "environ", ARGS_MAX, ret, len);
}
