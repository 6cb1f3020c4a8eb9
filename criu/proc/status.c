/* SPDX-License-Identifier: GPL-2.0 */
#include "proc/status.h"

#include <errno.h>

#include "proc/parse.h"

/* 65,536 groups of 11 characters each, and the rest. */
#define STATUS_MAX (1 << 20)

/* What a line's handler gets: the text behind "Key:" and blanks. */
struct row {
	const char *key;
	bool (*parse)(struct cursor *c, struct proc_status *st, const struct row *row);
	size_t offset; /* of the field */
	uint32_t has;  /* PROC_STATUS_HAS_* that the line sets */
	bool required;
};

#define FIELD(st, row, type) ((type *)((char *)(st) + (row)->offset))

static bool row_u32(struct cursor *c, struct proc_status *st, const struct row *row)
{
	return cur_u32(c, FIELD(st, row, uint32_t));
}

static bool row_oct(struct cursor *c, struct proc_status *st, const struct row *row)
{
	return cur_oct32(c, FIELD(st, row, uint32_t)) && st->umask <= 0777;
}

static bool row_pid(struct cursor *c, struct proc_status *st, const struct row *row)
{
	return cur_int(c, FIELD(st, row, pid_t)) && *FIELD(st, row, pid_t) >= 0;
}

static bool row_hex64(struct cursor *c, struct proc_status *st, const struct row *row)
{
	return cur_hex(c, FIELD(st, row, uint64_t));
}

static bool row_four_ids(struct cursor *c, struct proc_status *st, const struct row *row)
{
	uint32_t *ids = FIELD(st, row, uint32_t);

	for (int i = 0; i < 4; i++) {
		if (!cur_u32(c, &ids[i]))
			return false;
		cur_blanks(c);
	}
	return true;
}

static bool row_groups(struct cursor *c, struct proc_status *st, const struct row *row)
{
	size_t max = (c->end - c->p) / 2 + 1; /* a digit and a blank each */

	if (st->groups)
		return false;
	st->groups = calloc(max, sizeof(*st->groups));
	if (!st->groups)
		return false;
	while (!cur_end(c)) {
		if (!cur_u32(c, &st->groups[st->nr_groups++]))
			return false;
		if (!cur_end(c) && *c->p != ' ')
			return false;
		cur_blanks(c);
	}
	return true;
}

static bool row_nspid(struct cursor *c, struct proc_status *st, const struct row *row)
{
	st->nr_nspid = 0;
	while (!cur_end(c)) {
		if (st->nr_nspid == PROC_NSPID_MAX || !cur_int(c, &st->nspid[st->nr_nspid++]))
			return false;
		cur_blanks(c);
	}
	return st->nr_nspid > 0;
}

/* The kernel writes control characters and backslashes as C does. */
static bool row_name(struct cursor *c, struct proc_status *st, const struct row *row)
{
	static const char from[] = "nrtvfabe\\", to[] = "\n\r\t\v\f\a\b\033\\";
	size_t n = 0;

	while (!cur_end(c)) {
		char ch = *c->p++;

		if (ch == '\\' && !cur_end(c)) {
			const char *at = *c->p ? strchr(from, *c->p) : NULL;
			struct cursor oct = *c;
			uint32_t v;

			if (at) {
				ch = to[at - from];
				c->p++;
			} else if (cur_oct32(&oct, &v) && v && v <= 0377) {
				ch = v;
				*c = oct;
			}
		}
		if (n + 1 >= sizeof(st->name))
			return false;
		st->name[n++] = ch;
	}
	st->name[n] = '\0';
	return true;
}

static bool row_state(struct cursor *c, struct proc_status *st, const struct row *row)
{
	if (cur_end(c))
		return false;
	st->state = *c->p++;
	return cur_text(c, " (") && c->end[-1] == ')' && (c->p = c->end);
}

static bool row_sigq(struct cursor *c, struct proc_status *st, const struct row *row)
{
	return cur_u64(c, &st->sigq_used) && cur_char(c, '/') && cur_u64(c, &st->sigq_max);
}

static bool row_present(struct cursor *c, struct proc_status *st, const struct row *row)
{
	c->p = c->end;
	return true;
}

static bool row_x86_features(struct cursor *c, struct proc_status *st, const struct row *row)
{
	if (memmem(c->p, c->end - c->p, "shstk", 5))
		st->has |= PROC_STATUS_HAS_SHSTK;
	c->p = c->end;
	return true;
}

#define ROW(key, parse, field, has, required)                                                                          \
	{                                                                                                              \
		key, parse, offsetof(struct proc_status, field), has, required                                         \
	}
/* In the order in which kernels print them, which makes looking them up one step each. */
static const struct row rows[] = {
	ROW("Name", row_name, name, 0, true),
	ROW("Umask", row_oct, umask, PROC_STATUS_HAS_UMASK, false),
	ROW("State", row_state, state, 0, true),
	ROW("Tgid", row_pid, tgid, 0, true),
	ROW("Pid", row_pid, pid, 0, true),
	ROW("PPid", row_pid, ppid, 0, true),
	ROW("TracerPid", row_pid, tracer_pid, 0, true),
	ROW("Uid", row_four_ids, uid, 0, true),
	ROW("Gid", row_four_ids, gid, 0, true),
	ROW("Groups", row_groups, groups, 0, true),
	ROW("NSpid", row_nspid, nspid, PROC_STATUS_HAS_NSPID, false),
	ROW("VmSize", row_present, has, PROC_STATUS_HAS_MM, false),
	ROW("THP_enabled", row_u32, thp_enabled, PROC_STATUS_HAS_THP, false),
	ROW("Threads", row_u32, threads, 0, true),
	ROW("SigQ", row_sigq, sigq_used, 0, true),
	ROW("SigPnd", row_hex64, sig_pnd, 0, true),
	ROW("ShdPnd", row_hex64, shd_pnd, 0, true),
	ROW("SigBlk", row_hex64, sig_blk, 0, true),
	ROW("SigIgn", row_hex64, sig_ign, 0, true),
	ROW("SigCgt", row_hex64, sig_cgt, 0, true),
	ROW("CapInh", row_hex64, cap_inh, 0, true),
	ROW("CapPrm", row_hex64, cap_prm, 0, true),
	ROW("CapEff", row_hex64, cap_eff, 0, true),
	ROW("CapBnd", row_hex64, cap_bnd, 0, true),
	ROW("CapAmb", row_hex64, cap_amb, PROC_STATUS_HAS_CAPAMB, false),
	ROW("NoNewPrivs", row_u32, no_new_privs, PROC_STATUS_HAS_NNP, false),
	ROW("Seccomp", row_u32, seccomp, PROC_STATUS_HAS_SECCOMP, false),
	ROW("Seccomp_filters", row_u32, seccomp_filters, 0, false),
	ROW("x86_Thread_features", row_x86_features, has, 0, false),
};
#define NR_ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct row *find_row(const char *key, size_t len, size_t from)
{
	for (size_t i = 0; i < NR_ROWS; i++) {
		const struct row *row = &rows[(from + i) % NR_ROWS];

		if (strlen(row->key) == len && !memcmp(row->key, key, len))
			return row;
	}
	return NULL;
}

static int parse_lines(struct cursor *c, struct proc_status *st)
{
	uint64_t seen = 0;
	size_t next = 0;
	struct cursor line;

	_Static_assert(NR_ROWS <= 64, "one bit per row");
	while (!cur_end(c)) {
		const struct row *row;
		const char *colon;

		if (!cur_line(c, &line))
			return -EBADMSG;
		colon = memchr(line.p, ':', line.end - line.p);
		if (!colon)
			return -EBADMSG;
		row = find_row(line.p, colon - line.p, next);
		if (!row)
			continue;
		if (seen & 1ull << (row - rows))
			return -EBADMSG;
		seen |= 1ull << (row - rows);
		next = row - rows + 1;
		line.p = colon + 1;
		if (row->parse == row_name)
			cur_char(&line, '\t'); /* the name itself may begin with blanks */
		else
			cur_blanks(&line);
		if (!row->parse(&line, st, row))
			return -EBADMSG;
		cur_blanks(&line);
		if (!cur_end(&line))
			return -EBADMSG;
		st->has |= row->has;
	}
	for (size_t i = 0; i < NR_ROWS; i++)
		if (rows[i].required && !(seen & 1ull << i))
			return -EBADMSG;
	return 0;
}

int proc_parse_status(const char *text, size_t len, struct proc_status *ret)
{
	struct cursor c = { text, text + len };
	struct proc_status st = {};
	int err = parse_lines(&c, &st);

	if (err) {
		proc_status_free(&st);
		return err;
	}
	*ret = st;
	return 0;
}

int proc_read_status(int procfd, struct proc_status *ret)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int err = proc_read_text(procfd, "status", STATUS_MAX, &text, &len);

	return err ? err : proc_parse_status(text, len, ret);
}

void proc_status_free(struct proc_status *st)
{
	free(st->groups);
	st->groups = NULL;
	st->nr_groups = 0;
}
