/* SPDX-License-Identifier: GPL-2.0 */
#include "proc/timers.h"

#include <errno.h>
#include <signal.h>

#include "proc/parse.h"

#define TIMERS_MAX (16 << 20)

/* The four lines of a timer, in the kernel's order. */
static bool parse_timer(struct cursor *c, struct proc_timer *t)
{
	struct cursor l;
	bool thread;

	if (!cur_line(c, &l) || !cur_text(&l, "ID: ") || !cur_int(&l, &t->id) || t->id < 0 || !cur_end(&l))
		return false;
	if (!cur_line(c, &l) || !cur_text(&l, "signal: ") || !cur_int(&l, &t->signo) || !cur_char(&l, '/') ||
	    !cur_hex(&l, &t->sigval) || !cur_end(&l))
		return false;
	if (!cur_line(c, &l) || !cur_text(&l, "notify: "))
		return false;
	if (cur_text(&l, "thread/"))
		t->notify = SIGEV_THREAD;
	else if (cur_text(&l, "signal/"))
		t->notify = SIGEV_SIGNAL;
	else if (cur_text(&l, "none/"))
		t->notify = SIGEV_NONE;
	else
		return false;
	thread = cur_text(&l, "tid.");
	if ((!thread && !cur_text(&l, "pid.")) || !cur_int(&l, &t->target) || !cur_end(&l))
		return false;
	t->to_thread = thread;
	return cur_line(c, &l) && cur_text(&l, "ClockID: ") && cur_int(&l, &t->clockid) && cur_end(&l);
}

int proc_parse_timers(const char *text, size_t len, struct proc_timer_list *ret)
{
	__cleanup(proc_timer_list_free) struct proc_timer_list list = {};
	struct cursor c = { text, text + len };
	size_t room = 0;

	while (!cur_end(&c)) {
		if (list.nr == room) {
			size_t more = room ? room * 2 : 8;
			struct proc_timer *v = reallocarray(list.v, more, sizeof(*v));

			if (!v)
				return -ENOMEM;
			list.v = v;
			room = more;
		}
		if (!parse_timer(&c, &list.v[list.nr]))
			return -EBADMSG;
		list.nr++;
	}
	*ret = list;
	list = (struct proc_timer_list){};
	return 0;
}

int proc_read_timers(int procfd, struct proc_timer_list *ret)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int err = proc_read_text(procfd, "timers", TIMERS_MAX, &text, &len);

	return err ? err : proc_parse_timers(text, len, ret);
}

void proc_timer_list_free(struct proc_timer_list *list)
{
	free(list->v);
	*list = (struct proc_timer_list){};
}
