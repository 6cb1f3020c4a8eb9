/* SPDX-License-Identifier: GPL-2.0 */
#include "proc/cgroup.h"

#include <errno.h>

#include "proc/parse.h"

#define CGROUP_MAX (1 << 20)

/* "HIERARCHY:CONTROLLERS:PATH"; only the path may hold colons. */
static bool parse_row(struct cursor c, char *text, struct proc_cgroup *ret)
{
	const char *colon;

	if (!cur_u32(&c, &ret->hierarchy) || !cur_char(&c, ':'))
		return false;
	colon = memchr(c.p, ':', c.end - c.p);
	if (!colon || colon + 1 >= c.end || colon[1] != '/' || memchr(c.p, '\0', c.end - c.p))
		return false;
	ret->controllers = text + (c.p - text);
	ret->path = text + (colon + 1 - text);
	text[colon - text] = '\0';
	text[c.end - text] = '\0';
	return true;
}

int proc_read_cgroup(int procfd, struct proc_cgroup_list *ret)
{
	__cleanup(proc_cgroup_list_free) struct proc_cgroup_list list = {};
	struct cursor c, line;
	size_t len, room = 0;
	int err = proc_read_text(procfd, "cgroup", CGROUP_MAX, &list.text, &len);

	if (err)
		return err;
	c = (struct cursor){ list.text, list.text + len };
	while (!cur_end(&c)) {
		if (list.nr == room) {
			struct proc_cgroup *v = reallocarray(list.v, room + 16, sizeof(*v));

			if (!v)
				return -ENOMEM;
			list.v = v;
			room += 16;
		}
		if (!cur_line(&c, &line) || !parse_row(line, list.text, &list.v[list.nr]))
			return -EBADMSG;
		list.nr++;
	}
	*ret = list;
	list = (struct proc_cgroup_list){};
	return 0;
}

void proc_cgroup_list_free(struct proc_cgroup_list *list)
{
	free(list->v);
	free(list->text);
	*list = (struct proc_cgroup_list){};
}
