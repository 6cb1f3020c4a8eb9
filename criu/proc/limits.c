/* SPDX-License-Identifier: GPL-2.0 */
#include "proc/limits.h"

#include <errno.h>

#include "proc/parse.h"

/* As the kernel names them, by RLIMIT_*; the names are padded with blanks. */
static const char *const limit_names[PROC_NR_LIMITS] = {
	[RLIMIT_CPU] = "Max cpu time",
	[RLIMIT_FSIZE] = "Max file size",
	[RLIMIT_DATA] = "Max data size",
	[RLIMIT_STACK] = "Max stack size",
	[RLIMIT_CORE] = "Max core file size",
	[RLIMIT_RSS] = "Max resident set",
	[RLIMIT_NPROC] = "Max processes",
	[RLIMIT_NOFILE] = "Max open files",
	[RLIMIT_MEMLOCK] = "Max locked memory",
	[RLIMIT_AS] = "Max address space",
	[RLIMIT_LOCKS] = "Max file locks",
	[RLIMIT_SIGPENDING] = "Max pending signals",
	[RLIMIT_MSGQUEUE] = "Max msgqueue size",
	[RLIMIT_NICE] = "Max nice priority",
	[RLIMIT_RTPRIO] = "Max realtime priority",
	[RLIMIT_RTTIME] = "Max realtime timeout",
};

static bool parse_value(struct cursor *c, uint64_t *ret)
{
	cur_blanks(c);
	if (cur_text(c, "unlimited")) {
		*ret = UINT64_MAX;
		return true;
	}
	return cur_u64(c, ret);
}

int proc_parse_limits(const char *text, size_t len, struct proc_limits *ret)
{
	struct cursor c = { text, text + len }, line;
	struct proc_limits limits;
	unsigned int seen = 0;

	if (!cur_line(&c, &line) || !cur_text(&line, "Limit "))
		return -EBADMSG;
	while (!cur_end(&c)) {
		if (!cur_line(&c, &line))
			return -EBADMSG;
		for (int i = 0; i < PROC_NR_LIMITS; i++) {
			struct cursor v = line;

			if (!cur_text(&v, limit_names[i]) || !cur_char(&v, ' '))
				continue;
			if (!parse_value(&v, &limits.v[i].cur) || !cur_char(&v, ' ') ||
			    !parse_value(&v, &limits.v[i].max) || (!cur_end(&v) && *v.p != ' ') || seen & 1u << i)
				return -EBADMSG;
			seen |= 1u << i;
			break;
		}
	}
	if (seen != (1u << PROC_NR_LIMITS) - 1)
		return -EBADMSG;
	*ret = limits;
	return 0;
}

int proc_read_limits(int procfd, struct proc_limits *ret)
{
	char buf[4096];
	size_t len;
	int err = proc_read_small(procfd, "limits", buf, sizeof(buf), &len);

	return err ? err : proc_parse_limits(buf, len, ret);
}
