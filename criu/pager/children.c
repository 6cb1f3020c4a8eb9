/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The message about a fork names no process: it is found among the children of who forked. Until then the switch isn't
 * armed for it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"
#include "pager/look.h"
#include "pager/state.h"

/* The process is there some microseconds after the message; who hasn't found it by then never will. */
#define PATIENCE_US 200000
/* So long it is looked for all the time, then once in a while. */
#define SOON_US	 2000
#define PAUSE_US 1000

static bool look_at_children(void *arg, pid_t pid, pid_t tid)
{
	struct pager *p = arg;
	char path[64], text[4096], *at = text;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, tid);
	if (look_file(path, text, sizeof(text)) <= 0)
		return false;
	for (;;) {
		char *end;
		pid_t child = strtol(at, &end, 10);

		if (end == at)
			return false;
		at = end;
		if (switch_has(&p->kill_switch, child) || switch_arm(&p->kill_switch, child))
			continue;
		/* Whose memory is whose doesn't matter: all of them are armed. */
		for (struct pager_memory *m = p->memories; m; m = m->next)
			if (!m->gone && !m->pid && m->forked_by && m->forked_by->pid == pid) {
				m->pid = child;
				break;
			}
	}
}

void find_children(struct pager *p)
{
	uint64_t now = now_us();
	bool look = now - p->last_look_us > PAUSE_US;

	for (struct pager_memory *m = p->memories; m; m = m->next) {
		if (m->gone || m->pid || !m->forked_by)
			continue;
		if (now - m->forked_us > PATIENCE_US)
			m->forked_by = NULL;
		else if (m->forked_by->pid && (look || now - m->forked_us < SOON_US))
			look_threads(m->forked_by->pid, look_at_children, p);
	}
	if (look)
		p->last_look_us = now;
}
