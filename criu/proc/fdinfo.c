/* SPDX-License-Identifier: GPL-2.0 */
#include "proc/fdinfo.h"

#include <errno.h>

#include "proc/parse.h"

/* An epoll descriptor prints a line per descriptor it watches. */
#define FDINFO_MAX (64 << 20)

enum { SEEN_POS = 1, SEEN_FLAGS = 2, SEEN_MNT_ID = 4 };

/* "KEY:" and a number, of the lines that every descriptor has. */
static int parse_common(struct cursor c, struct proc_fdinfo *info, unsigned int *seen)
{
	bool ok;

	if (!(*seen & SEEN_POS) && cur_text(&c, "pos:")) {
		int64_t pos;

		cur_blanks(&c);
		ok = cur_i64(&c, &pos);
		info->pos = pos;
		*seen |= SEEN_POS;
	} else if (!(*seen & SEEN_FLAGS) && cur_text(&c, "flags:")) {
		cur_blanks(&c);
		ok = cur_oct32(&c, &info->flags);
		*seen |= SEEN_FLAGS;
	} else if (!(*seen & SEEN_MNT_ID) && cur_text(&c, "mnt_id:")) {
		cur_blanks(&c);
		ok = cur_int(&c, &info->mnt_id);
		*seen |= SEEN_MNT_ID;
	} else if (!info->has_ino && cur_text(&c, "ino:")) {
		cur_blanks(&c);
		ok = cur_u64(&c, &info->ino);
		info->has_ino = true;
	} else {
		return 0;
	}
	return ok && cur_end(&c) ? 1 : -EBADMSG;
}

static int parse_lines(struct proc_fdinfo *info, size_t len)
{
	struct cursor c = { info->text, info->text + len }, line;
	unsigned int seen = 0;
	size_t room = 0;

	while (cur_line(&c, &line)) {
		int n = 0;

		if (info->nr_lines == 0) {
			n = parse_common(line, info, &seen);
			if (n < 0)
				return n;
		}
		if (n)
			continue;
		if (memchr(line.p, '\0', line.end - line.p))
			return -EBADMSG;
		if (info->nr_lines == room) {
			size_t more = room ? room * 2 : 8;
			char **lines = reallocarray(info->lines, more, sizeof(*lines));

			if (!lines)
				return -ENOMEM;
			info->lines = lines;
			room = more;
		}
		info->text[line.end - info->text] = '\0';
		info->lines[info->nr_lines++] = info->text + (line.p - info->text);
	}
	return cur_end(&c) && seen == (SEEN_POS | SEEN_FLAGS | SEEN_MNT_ID) ? 0 : -EBADMSG;
}

int proc_parse_fdinfo(char *text, size_t len, struct proc_fdinfo *ret)
{
	struct proc_fdinfo info = { .text = text };
	int err = parse_lines(&info, len);

	if (err) {
		proc_fdinfo_free(&info);
		return err;
	}
	*ret = info;
	return 0;
}

int proc_read_fdinfo(int procfd, int fd, struct proc_fdinfo *ret)
{
	char path[32];
	char *text;
	size_t len;
	int err;

	snprintf(path, sizeof(path), "fdinfo/%d", fd);
	err = proc_read_text(procfd, path, FDINFO_MAX, &text, &len);
	return err ? err : proc_parse_fdinfo(text, len, ret);
}

void proc_fdinfo_free(struct proc_fdinfo *info)
{
	free(info->lines);
	free(info->text);
	*info = (struct proc_fdinfo){};
}

const char *proc_fdinfo_value(const struct proc_fdinfo *info, const char *key, size_t n)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < info->nr_lines; i++) {
		const char *s = info->lines[i];

		if (strncmp(s, key, len) || (s[len] != ':' && s[len] != ' '))
			continue;
		if (n--)
			continue;
		s += len + 1;
		while (*s == ' ' || *s == '\t')
			s++;
		return s;
	}
	return NULL;
}

int proc_fdinfo_u64(const struct proc_fdinfo *info, const char *key, int base, uint64_t *ret)
{
	const char *s = proc_fdinfo_value(info, key, 0);
	struct cursor c;
	uint32_t oct;
	bool ok;

	if (!s)
		return -ENOENT;
	c = (struct cursor){ s, s + strlen(s) };
	switch (base) {
	case 10:
		ok = cur_u64(&c, ret);
		break;
	case 16:
		ok = (cur_text(&c, "0x") || true) && cur_hex(&c, ret);
		break;
	case 8:
		ok = cur_oct32(&c, &oct);
		if (ok)
			*ret = oct;
		break;
	default:
		return -EINVAL;
	}
	cur_blanks(&c);
	return ok && cur_end(&c) ? 0 : -EBADMSG;
}
