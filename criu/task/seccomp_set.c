/* SPDX-License-Identifier: GPL-2.0 */
#include "task/seccomp_set.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void seccomp_set_free(struct seccomp_set *set)
{
	for (uint32_t i = 0; i < set->nr; i++)
		free(set->v[i].code);
	free(set->v);
	free(set->table);
	*set = (struct seccomp_set){ 0 };
}

/* FNV-1a */
static uint32_t hash_of(uint32_t prev, const struct sock_filter *code, uint32_t nr, uint32_t flags)
{
	const unsigned char *p = (const unsigned char *)code;
	uint32_t hash = (2166136261u ^ prev) * 16777619u ^ flags;

	for (size_t i = 0; i < nr * sizeof(*code); i++)
		hash = (hash ^ p[i]) * 16777619u;
	return hash;
}

/* Where the entry stands in the table, or would stand. */
static uint32_t *find_place(const struct seccomp_set *set, const struct seccomp_filter_entry *e)
{
	uint32_t i = e->hash % set->table_size;

	for (;; i = (i + 1) % set->table_size) {
		const struct seccomp_filter_entry *o;

		if (set->table[i] == SECCOMP_NONE)
			return &set->table[i];
		o = &set->v[set->table[i]];
		if (o->hash == e->hash && o->prev == e->prev && o->flags == e->flags && o->nr == e->nr &&
		    !memcmp(o->code, e->code, e->nr * sizeof(*e->code)))
			return &set->table[i];
	}
}

static int grow(struct seccomp_set *set)
{
	uint32_t room = set->room ? 2 * set->room : 16;
	struct seccomp_filter_entry *v = reallocarray(set->v, room, sizeof(*v));
	uint32_t *table;

	if (!v)
		return -ENOMEM;
	set->v = v;
	table = reallocarray(set->table, 2 * room, sizeof(*table));
	if (!table)
		return -ENOMEM;
	set->room = room;
	set->table = table;
	set->table_size = 2 * room;
	memset(table, 0xff, 2 * room * sizeof(*table));
	for (uint32_t i = 0; i < set->nr; i++)
		*find_place(set, &v[i]) = i;
	return 0;
}

int seccomp_set_add(struct seccomp_set *set, uint32_t prev, const struct sock_filter *code, uint32_t nr, uint32_t flags,
		    uint32_t *ret)
{
	struct seccomp_filter_entry e = {
		.code = (struct sock_filter *)code,
		.nr = nr,
		.prev = prev,
		.flags = flags,
		.hash = hash_of(prev, code, nr, flags),
	};
	uint32_t *place;

	if (set->nr == set->room && grow(set))
		return -ENOMEM;
	place = find_place(set, &e);
	if (*place == SECCOMP_NONE) {
		e.code = malloc(nr * sizeof(*code));
		if (!e.code)
			return -ENOMEM;
		memcpy(e.code, code, nr * sizeof(*code));
		*place = set->nr;
		set->v[set->nr++] = e;
	}
	*ret = *place;
	return 0;
}

int seccomp_set_mark_partial(struct seccomp_set *set, const uint32_t *tops, size_t nr)
{
	_cleanup_free_ uint32_t *users = calloc(set->nr ?: 1, sizeof(*users));

	if (!users)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		if (tops[i] != SECCOMP_NONE)
			users[tops[i]]++;
	for (uint32_t i = set->nr; i-- > 0;) {
		if (set->v[i].prev != SECCOMP_NONE)
			users[set->v[i].prev] += users[i];
		if (users[i] && users[i] != nr)
			set->v[i].partial = true;
	}
	return 0;
}

bool seccomp_code_returns(const struct sock_filter *code, uint32_t nr, uint32_t action)
{
	for (uint32_t i = 0; i < nr; i++)
		if (code[i].code == (BPF_RET | BPF_K) && (code[i].k & SECCOMP_RET_ACTION_FULL) == action)
			return true;
	return false;
}
