/* SPDX-License-Identifier: GPL-2.0 */
#include "proc/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "proc/parse.h"

/* Longer than any line: a path is at most 4 KiB, each character at most four after escaping. */
#define CHUNK (64 << 10)
/*
 * The kernel makes up a page of text and, as long as we ask for more, begins another area; when that doesn't fit any
 * more it is thrown away, and all of its pages are visited once again by the next call. So less is asked for.
 */
#define SMAPS_READ 2048
#define DELETED	   " (deleted)"

#define LETTERS(a, b)	  (((a) - 'a') * 26 + ((b) - 'a'))
#define KNOWN(a, b, flag) [LETTERS(a, b)] = 1 + PROC_VM_##flag

/* From a VmFlags pair to one more than its bit. */
static const uint8_t vm_flag_letters[26 * 26] = {
	KNOWN('r', 'd', RD), KNOWN('w', 'r', WR), KNOWN('e', 'x', EX), KNOWN('s', 'h', SH), KNOWN('m', 'r', MR),
	KNOWN('m', 'w', MW), KNOWN('m', 'e', ME), KNOWN('m', 's', MS), KNOWN('g', 'd', GD), KNOWN('p', 'f', PF),
	KNOWN('l', 'o', LO), KNOWN('l', 'f', LF), KNOWN('i', 'o', IO), KNOWN('s', 'r', SR), KNOWN('r', 'r', RR),
	KNOWN('d', 'c', DC), KNOWN('d', 'e', DE), KNOWN('a', 'c', AC), KNOWN('n', 'r', NR), KNOWN('h', 't', HT),
	KNOWN('s', 'f', SF), KNOWN('a', 'r', AR), KNOWN('w', 'f', WF), KNOWN('d', 'd', DD), KNOWN('s', 'd', SD),
	KNOWN('m', 'm', MM), KNOWN('h', 'g', HG), KNOWN('n', 'h', NH), KNOWN('m', 'g', MG), KNOWN('u', 'm', UM),
	KNOWN('u', 'w', UW), KNOWN('u', 'i', UI), KNOWN('s', 's', SS), KNOWN('s', 'l', SL), KNOWN('d', 'p', DP),
	KNOWN('g', 'u', GU), KNOWN('d', 'w', DW),
};

struct parser {
	struct proc_map_list list;
	size_t room;
	size_t names_len, names_room;
	size_t last_offset;
	char last_raw[256];
	size_t last_raw_len;
	bool last_deleted;
	bool smaps;
	bool flags_seen; /* of the last area */
};

/* Adds the name to the pool, unescaped: its offset there. */
static int add_name(struct parser *p, struct cursor c, struct proc_map *map, size_t *ret)
{
	size_t len = c.end - c.p;
	char *to;

	if (p->last_raw_len == len && len < sizeof(p->last_raw) && !memcmp(p->last_raw, c.p, len) && p->names_len) {
		map->deleted = p->last_deleted;
		*ret = p->last_offset;
		return 0;
	}
	if (memchr(c.p, '\0', len))
		return -EBADMSG;
	if (p->names_room - p->names_len < len + 1) {
		size_t room = p->names_room * 2 + len + 4096;
		char *names = realloc(p->list.names, room);

		if (!names)
			return -ENOMEM;
		p->list.names = names;
		p->names_room = room;
	}
	p->last_raw_len = len;
	if (len < sizeof(p->last_raw))
		memcpy(p->last_raw, c.p, len);
	if (len > strlen(DELETED) && !memcmp(c.end - strlen(DELETED), DELETED, strlen(DELETED))) {
		map->deleted = true;
		c.end -= strlen(DELETED);
	}
	*ret = p->names_len;
	to = p->list.names + p->names_len;
	while (!cur_end(&c)) {
		/* Of all characters the kernel escapes the newline alone, not even the backslash. */
		if (*c.p == '\\' && cur_text(&c, "\\012"))
			*to++ = '\n';
		else
			*to++ = *c.p++;
	}
	*to++ = '\0';
	p->names_len = to - p->list.names;
	p->last_offset = *ret;
	p->last_deleted = map->deleted;
	return 0;
}

static bool parse_prot(struct cursor *c, struct proc_map *map)
{
	const char *p = c->p;

	if (c->end - p < 5 || p[4] != ' ')
		return false;
	if ((p[0] != 'r' && p[0] != '-') || (p[1] != 'w' && p[1] != '-') || (p[2] != 'x' && p[2] != '-') ||
	    (p[3] != 's' && p[3] != 'p'))
		return false;
	map->prot = (p[0] == 'r' ? PROT_READ : 0) | (p[1] == 'w' ? PROT_WRITE : 0) | (p[2] == 'x' ? PROT_EXEC : 0);
	map->shared = p[3] == 's';
	c->p += 5;
	return true;
}

static int parse_area(struct parser *p, struct cursor c)
{
	struct proc_map map = {};
	uint64_t major, minor;
	size_t name;
	int err;

	if (!cur_hex(&c, &map.start) || !cur_char(&c, '-') || !cur_hex(&c, &map.end) || !cur_char(&c, ' ') ||
	    !parse_prot(&c, &map) || !cur_hex(&c, &map.pgoff) || !cur_char(&c, ' ') || !cur_hex(&c, &major) ||
	    !cur_char(&c, ':') || !cur_hex(&c, &minor) || !cur_char(&c, ' ') || !cur_u64(&c, &map.ino))
		return -EBADMSG;
	if (major > UINT32_MAX || minor > UINT32_MAX)
		return -EBADMSG;
	map.dev_major = major;
	map.dev_minor = minor;
	if (!cur_end(&c) && !cur_char(&c, ' '))
		return -EBADMSG;
	cur_blanks(&c);
	if (map.start >= map.end || (map.start | map.end | map.pgoff) & 0xfff)
		return -EBADMSG;
	if (p->list.nr && (map.start < p->list.v[p->list.nr - 1].end || (p->smaps && !p->flags_seen)))
		return -EBADMSG;
	err = add_name(p, c, &map, &name);
	if (err)
		return err;
	map.name = (const char *)(uintptr_t)name; /* an offset until the pool stops moving */
	if (p->list.nr == p->room) {
		size_t room = p->room ? p->room * 2 : 64;
		struct proc_map *v = reallocarray(p->list.v, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		p->list.v = v;
		p->room = room;
	}
	p->list.v[p->list.nr++] = map;
	p->flags_seen = false;
	return 0;
}

static int parse_vm_flags(struct parser *p, struct cursor c)
{
	struct proc_map *map = &p->list.v[p->list.nr - 1];

	bool unnamed = false;

	if (p->flags_seen)
		return -EBADMSG;
	cur_blanks(&c);
	while (!cur_end(&c)) {
		unsigned int known = 0;

		if (c.end - c.p < 3 || c.p[2] != ' ')
			return -EBADMSG;
		if ((unsigned char)(c.p[0] - 'a') < 26 && (unsigned char)(c.p[1] - 'a') < 26)
			known = vm_flag_letters[LETTERS(c.p[0], c.p[1])];
		if (c.p[0] == '?')
			unnamed = true;
		else
			map->vm_flags |= known ? 1ull << (known - 1) : PROC_VM(OTHER);
		c.p += 3;
	}
	/* Older kernels have no letters for locking on fault; nothing else without letters can be locked. */
	if (unnamed)
		map->vm_flags |= map->vm_flags & PROC_VM(LO) ? PROC_VM(LF) : PROC_VM(OTHER);
	p->flags_seen = true;
	return 0;
}

static int parse_own(struct parser *p, struct cursor c)
{
	uint64_t kib;

	cur_blanks(&c);
	if (!cur_u64(&c, &kib) || !cur_text(&c, " kB") || !cur_end(&c))
		return -EBADMSG;
	p->list.v[p->list.nr - 1].own_kib += kib;
	return 0;
}

static int parse_line(struct parser *p, struct cursor c)
{
	if (c.p < c.end && *c.p >= 'A' && *c.p <= 'Z') {
		if (!p->smaps || !p->list.nr)
			return -EBADMSG;
		if (*c.p == 'V' && cur_text(&c, "VmFlags:"))
			return parse_vm_flags(p, c);
		if (*c.p == 'P' && cur_text(&c, "ProtectionKey:")) {
			cur_blanks(&c);
			return cur_u32(&c, &p->list.v[p->list.nr - 1].pkey) && cur_end(&c) ? 0 : -EBADMSG;
		}
		if (*c.p == 'A' && cur_text(&c, "Anonymous:"))
			return parse_own(p, c);
		if (*c.p == 'S' && cur_text(&c, "Swap:"))
			return parse_own(p, c);
		return memchr(c.p, ':', c.end - c.p) ? 0 : -EBADMSG;
	}
	return parse_area(p, c);
}

/* Takes all whole lines and returns what is left over, or -errno. */
static ssize_t parse_chunk(struct parser *p, const char *text, size_t len)
{
	struct cursor c = { text, text + len }, line;

	while (cur_line(&c, &line)) {
		int err = parse_line(p, line);

		if (err)
			return err;
	}
	return c.end - c.p;
}

static int finish(struct parser *p, struct proc_map_list *ret)
{
	if (p->smaps && p->list.nr && !p->flags_seen)
		return -EBADMSG;
	for (size_t i = 0; i < p->list.nr; i++)
		p->list.v[i].name = p->list.names + (uintptr_t)p->list.v[i].name;
	*ret = p->list;
	p->list = (struct proc_map_list){};
	return 0;
}

static void parser_free(struct parser *p)
{
	free(p->list.v);
	free(p->list.names);
}

int proc_parse_maps(const char *text, size_t len, bool smaps, struct proc_map_list *ret)
{
	__cleanup(parser_free) struct parser p = { .smaps = smaps };
	ssize_t left = parse_chunk(&p, text, len);

	if (left)
		return left < 0 ? left : -EBADMSG;
	return finish(&p, ret);
}

static int read_areas(int procfd, const char *path, bool smaps, struct proc_map_list *ret)
{
	__cleanup(parser_free) struct parser p = { .smaps = smaps };
	_cleanup_close_ int fd = openat(procfd, path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *buf = malloc(CHUNK);
	size_t have = 0;

	if (fd < 0)
		return -errno;
	if (!buf)
		return -ENOMEM;
	for (;;) {
		size_t room = CHUNK - have;
		ssize_t n = read(fd, buf + have, smaps && room > SMAPS_READ ? SMAPS_READ : room), left;

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (n == 0)
			break;
		left = parse_chunk(&p, buf, have + n);
		if (left < 0)
			return left;
		memmove(buf, buf + have + n - left, left);
		have = left;
		if (have == CHUNK)
			return -EBADMSG;
	}
	return have ? -EBADMSG : finish(&p, ret);
}

int proc_read_maps(int procfd, struct proc_map_list *ret)
{
	return read_areas(procfd, "maps", false, ret);
}

int proc_read_smaps(int procfd, struct proc_map_list *ret)
{
	return read_areas(procfd, "smaps", true, ret);
}

void proc_map_list_free(struct proc_map_list *list)
{
	free(list->v);
	free(list->names);
	*list = (struct proc_map_list){};
}
