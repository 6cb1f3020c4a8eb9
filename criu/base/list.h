/* SPDX-License-Identifier: GPL-2.0 */
/* An intrusive circular doubly linked list: a head is a node whose list may be empty. */
#ifndef CRIU_BASE_LIST_H
#define CRIU_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_INIT(name)                                                                                                \
	{                                                                                                              \
		&(name), &(name)                                                                                       \
	}

#define list_entry(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

#define list_for_each_entry(pos, head, member)                                                                         \
	for (pos = list_entry((head)->next, __typeof__(*pos), member); &pos->member != (head);                         \
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))

/* The same, where the loop's body may remove or free POS. */
#define list_for_each_entry_safe(pos, after, head, member)                                                             \
	for (pos = list_entry((head)->next, __typeof__(*pos), member),                                                 \
	    after = list_entry(pos->member.next, __typeof__(*pos), member);                                            \
	     &pos->member != (head); pos = after, after = list_entry(after->member.next, __typeof__(*after), member))

static inline void list_init(struct list_head *head)
{
	head->next = head->prev = head;
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

/* Puts NODE at the end of HEAD's list. */
static inline void list_append(struct list_head *head, struct list_head *node)
{
	struct list_head *last = head->prev;

	node->next = head;
	node->prev = last;
	last->next = node;
	head->prev = node;
}

/* Takes NODE out of its list and leaves it alone in one of its own. */
static inline void list_remove(struct list_head *node)
{
	struct list_head *before = node->prev, *after = node->next;

	before->next = after;
	after->prev = before;
	list_init(node);
}

#endif
