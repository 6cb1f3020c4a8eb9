/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What happened before the dump is done again: a page that a process changed between two forks was inherited in its
 * old form by the children before, in its new one by those after and by itself.
 */
#include "restore/cow_page.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* How many children ahead are asked whether they need a content. */
#define LOOK_AHEAD 256

int cow_page_init(struct cow_page *page, size_t nr_nodes)
{
	size_t n = nr_nodes ?: 1;

	*page = (struct cow_page){
		.nr_nodes = nr_nodes,
		.class = calloc(n, sizeof(*page->class)),
		.born = calloc(n, sizeof(*page->born)),
		.left = calloc(n, sizeof(*page->left)),
		.puts = calloc(n, sizeof(*page->puts)),
		.want = calloc(n, sizeof(*page->want)),
		.meet = calloc(n, sizeof(*page->meet)),
	};
	if (!page->class || !page->born || !page->left || !page->puts || !page->want || !page->meet)
		return -ENOMEM;
	return 0;
}

void cow_page_free(struct cow_page *page)
{
	free(page->class);
	free(page->born);
	free(page->left);
	free(page->puts);
	free(page->want);
	free(page->meet);
	*page = (struct cow_page){ 0 };
}

/* For each class the last common ancestor of all that have it. */
static void find_meetings(struct cow_page *page, const struct cow_node *nodes)
{
	int32_t *meet = page->meet;

	memset(meet, 0xff, page->nr_nodes * sizeof(*meet));
	for (size_t i = 0; i < page->nr_nodes; i++) {
		int32_t c = page->class[i];

		if (c == COW_NONE)
			continue;
		if (meet[c] < 0)
			meet[c] = i;
		while (nodes[meet[c]].end <= (int32_t)i)
			meet[c] = nodes[meet[c]].up;
	}
}

/* What node I should be born with: the oldest content that others have too. Its children have been asked. */
static int32_t wanted_by(const struct cow_page *page, const struct cow_node *nodes, int32_t i)
{
	int32_t c;

	for (int32_t child = i + 1; child < nodes[i].end; child = nodes[child].end) {
		c = page->want[child];
		if (c != COW_NONE && page->meet[c] < i)
			return c;
	}
	c = page->class[i];
	return c != COW_NONE && page->meet[c] < i ? c : COW_NONE;
}

/* Whether node I, behind CHILD, needs content C sooner than what it has NOW. */
static bool needed_sooner(const struct cow_page *page, const struct cow_node *nodes, int32_t i, int32_t child,
			  int32_t c, int32_t now)
{
	int left = LOOK_AHEAD;

	for (child = nodes[child].end; child < nodes[i].end && left; child = nodes[child].end, left--) {
		if (page->want[child] == c)
			return true;
		if (now != COW_NONE && page->want[child] == now)
			return false;
	}
	return page->class[i] == c;
}

void cow_page_decide(struct cow_page *page, const struct cow_node *nodes)
{
	int32_t nr = page->nr_nodes;

	find_meetings(page, nodes);
	for (int32_t i = nr - 1; i >= 0; i--)
		page->want[i] = wanted_by(page, nodes, i);
	page->nr_puts = 0;
	if (nr)
		page->born[0] = COW_NONE;
	for (int32_t i = 0; i < nr; i++) {
		int32_t now = page->born[i];

		for (int32_t child = i + 1; child < nodes[i].end; child = nodes[child].end) {
			int32_t c = page->want[child];

			if (c != COW_NONE && c != now && needed_sooner(page, nodes, i, child, c, now)) {
				page->puts[page->nr_puts++] = (struct cow_put){ child, c, now };
				now = c;
			}
			page->born[child] = now;
		}
		page->left[i] = now;
	}
}
