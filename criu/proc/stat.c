/* SPDX-License-Identifier: GPL-2.0 */
#include "proc/stat.h"

#include <errno.h>

#include "proc/parse.h"

/* One blank, then a number, into a field of whatever integer type it has. */
#define FIELD_U(c, field)                                                                                              \
	({                                                                                                             \
		uint64_t v_ = 0;                                                                                       \
		bool ok_ = cur_char(c, ' ') && cur_u64(c, &v_) && (uint64_t)(__typeof__(field))v_ == v_;               \
		(field) = v_;                                                                                          \
		ok_;                                                                                                   \
	})
#define FIELD_S(c, field)                                                                                              \
	({                                                                                                             \
		int64_t v_ = 0;                                                                                        \
		bool ok_ = cur_char(c, ' ') && cur_i64(c, &v_) && (int64_t)(__typeof__(field))v_ == v_;                \
		(field) = v_;                                                                                          \
		ok_;                                                                                                   \
	})

static bool parse_numbers(struct cursor *c, struct proc_stat *s)
{
	uint64_t unused_u;
	int64_t unused_s;

	if (!FIELD_S(c, s->ppid) || !FIELD_S(c, s->pgrp) || !FIELD_S(c, s->session) || !FIELD_S(c, s->tty_nr) ||
	    !FIELD_S(c, s->tpgid) || !FIELD_U(c, s->flags) || !FIELD_U(c, s->minflt) || !FIELD_U(c, s->cminflt) ||
	    !FIELD_U(c, s->majflt) || !FIELD_U(c, s->cmajflt) || !FIELD_U(c, s->utime) || !FIELD_U(c, s->stime) ||
	    !FIELD_S(c, s->cutime) || !FIELD_S(c, s->cstime))
		return false;
	if (!FIELD_S(c, s->priority) || !FIELD_S(c, s->nice) || !FIELD_S(c, s->num_threads) ||
	    !FIELD_S(c, unused_s) /* itrealvalue */ || !FIELD_U(c, s->starttime) || !FIELD_U(c, s->vsize) ||
	    !FIELD_U(c, s->rss) || !FIELD_U(c, s->rsslim))
		return false;
	if (!FIELD_U(c, s->start_code) || !FIELD_U(c, s->end_code) || !FIELD_U(c, s->start_stack))
		return false;
	/* kstkesp, kstkeip, four obsolete signal sets, wchan, nswap, cnswap */
	for (int i = 0; i < 9; i++)
		if (!FIELD_U(c, unused_u))
			return false;
	if (!FIELD_S(c, s->exit_signal) || !FIELD_S(c, s->processor) || !FIELD_U(c, s->rt_priority) ||
	    !FIELD_U(c, s->policy) || !FIELD_U(c, s->delayacct_blkio_ticks) || !FIELD_U(c, s->guest_time) ||
	    !FIELD_S(c, s->cguest_time))
		return false;
	return FIELD_U(c, s->start_data) && FIELD_U(c, s->end_data) && FIELD_U(c, s->start_brk) &&
	       FIELD_U(c, s->arg_start) && FIELD_U(c, s->arg_end) && FIELD_U(c, s->env_start) &&
	       FIELD_U(c, s->env_end) && FIELD_S(c, s->exit_code);
}

int proc_parse_stat(const char *text, size_t len, struct proc_stat *ret)
{
	struct cursor c = { text, text + len };
	struct proc_stat s = {};
	const char *close;
	size_t n;

	if (!cur_int(&c, &s.pid) || s.pid <= 0 || !cur_text(&c, " ("))
		return -EBADMSG;
	/* The name may hold ")" and newlines; nothing behind it does, so its end is the last one. */
	close = memrchr(c.p, ')', c.end - c.p);
	if (!close)
		return -EBADMSG;
	n = close - c.p;
	if (n >= sizeof(s.comm) || memchr(c.p, '\0', n))
		return -EBADMSG;
	memcpy(s.comm, c.p, n);
	c.p = close + 1;
	if (!cur_char(&c, ' ') || c.p >= c.end)
		return -EBADMSG;
	s.state = *c.p++;
	if (!((s.state >= 'A' && s.state <= 'Z') || (s.state >= 'a' && s.state <= 'z')) || !parse_numbers(&c, &s))
		return -EBADMSG;
	/* Later kernels may add fields, but the line has to be whole. */
	if (c.p >= c.end || (*c.p != '\n' && *c.p != ' ') || c.end[-1] != '\n')
		return -EBADMSG;
	*ret = s;
	return 0;
}

int proc_read_stat(int procfd, struct proc_stat *ret)
{
	char buf[2048];
	size_t len;
	int err = proc_read_small(procfd, "stat", buf, sizeof(buf), &len);

	return err ? err : proc_parse_stat(buf, len, ret);
}
