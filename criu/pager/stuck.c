/* SPDX-License-Identifier: GPL-2.0 */
#include "pager/stuck.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "pager/look.h"

/* Nothing else that makes the kernel refuse pages lasts so long while there is no message. */
#define LONG_US 100000

/* A thread's mremap(2) that makes OLD_LEN bytes longer. */
struct growth {
	const struct pager_memory *m;
	uint64_t addr, old_len, new_len;
};

static bool is_growing(void *arg, pid_t pid, pid_t tid)
{
	struct growth *g = arg;
	unsigned long long args[3];
	uint64_t start, end;
	char path[64], text[256];
	int nr;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
	if (look_file(path, text, sizeof(text)) <= 0 ||
	    sscanf(text, "%d %llx %llx %llx", &nr, &args[0], &args[1], &args[2]) != 4 || nr != SYS_mremap)
		return false;
	g->old_len = (args[1] + PAGER_PAGE - 1) & ~(PAGER_PAGE - 1);
	g->new_len = (args[2] + PAGER_PAGE - 1) & ~(PAGER_PAGE - 1);
	for (unsigned i = 0; i < g->m->nr_deferred; i++) {
		g->addr = g->m->deferred[i] & ~(PAGER_PAGE - 1);
		/* The area has its new place and length already. */
		if (g->new_len > g->old_len && look_area(pid, g->addr, &start, &end) && g->addr == start + g->old_len &&
		    end - start == g->new_len)
			return true;
	}
	return false;
}

bool stuck_help(struct pager_memory *m, uint64_t now_us)
{
	struct growth g = { .m = m };
	struct uffdio_range room;

	if (!m->pid || now_us - m->deferred_since < LONG_US || !look_threads(m->pid, is_growing, &g))
		return false;
	room = (struct uffdio_range){ g.addr, g.new_len - g.old_len };
	return !ioctl(m->uffd, UFFDIO_UNREGISTER, &room); /* wakes, too */
}
