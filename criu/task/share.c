/* SPDX-License-Identifier: GPL-2.0 */
#include "task/share.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const struct {
	const char *name;
	uint64_t clone_flag;
	bool for_good;
} kinds[SHARE_NR] = {
	[SHARE_VM] = { "memory", CLONE_VM, true },
	[SHARE_SIGHAND] = { "signal handlers", CLONE_SIGHAND, true },
	[SHARE_FILES] = { "descriptor table", CLONE_FILES, false },
	[SHARE_FS] = { "directories and umask", CLONE_FS, false },
};

const char *share_kind_name(enum share_kind kind)
{
	return kinds[kind].name;
}

static bool shares(const struct share_node *a, const struct share_node *b, enum share_kind kind)
{
	return a->lives && b->lives && a->id[kind] == b->id[kind];
}

static int conflict_of(const struct share_node *v, size_t i, enum share_kind kind, int err, struct share_conflict *ret)
{
	*ret = (struct share_conflict){ v[i].pid, v[v[i].first[kind]].pid, kind };
	return err;
}

/* ---- groups -------------------------------------------------------------------------------------------------- */

struct member {
	uint32_t id;
	size_t index;
};

static int compare_members(const void *x, const void *y)
{
	const struct member *a = x, *b = y;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static void find_first(struct share_node *v, size_t nr, enum share_kind kind, struct member *members)
{
	size_t n = 0;

	for (size_t i = 0; i < nr; i++) {
		v[i].first[kind] = i;
		if (v[i].lives)
			members[n++] = (struct member){ v[i].id[kind], i };
	}
	qsort(members, n, sizeof(*members), compare_members);
	for (size_t i = 1; i < n; i++)
		if (members[i].id == members[i - 1].id)
			v[members[i].index].first[kind] = v[members[i - 1].index].first[kind];
}

/* ---- creators ------------------------------------------------------------------------------------------------ */

/* May S create I, its sibling? Who is before it in the list can't be created by it in turn. */
static bool may_create(const struct share_node *v, size_t s, size_t i)
{
	return s < i && v[s].lives && v[s].movable && v[i].movable && !v[i].by_sibling && v[s].parent == v[i].parent &&
	       v[s].moment == v[i].moment && v[s].exit_signal == v[i].exit_signal;
}

static void move(struct share_node *v, size_t i, size_t sibling)
{
	v[i].creator = sibling;
	v[i].by_sibling = true;
}

/* How much of what I shares with some before it comes from CREATOR; what is for good outweighs all else. */
static unsigned score(const struct share_node *v, size_t i, size_t creator)
{
	unsigned sum = 0;

	for (enum share_kind k = 0; k < SHARE_NR; k++)
		if (v[i].first[k] != i && shares(&v[i], &v[creator], k))
			sum += kinds[k].for_good ? SHARE_NR : 1;
	return sum;
}

static void choose_creator(struct share_node *v, size_t i)
{
	unsigned best = score(v, i, v[i].creator);
	size_t chosen = SHARE_NOBODY;

	for (size_t s = 0; s < i; s++)
		if (may_create(v, s, i) && score(v, i, s) > best) {
			best = score(v, i, s);
			chosen = s;
		}
	if (chosen != SHARE_NOBODY)
		move(v, i, chosen);
}

/* What is shared for good is shared with the creator or not at all. */
static int share_for_good(struct share_node *v, size_t i, enum share_kind kind, struct share_conflict *conflict)
{
	if (v[i].first[kind] == i)
		return 0;
	if (!v[i].movable || !shares(&v[i], &v[v[i].creator], kind))
		return conflict_of(v, i, kind, -EOPNOTSUPP, conflict);
	v[i].clone_flags |= kinds[kind].clone_flag;
	return 0;
}

/* ---- what can be passed on ----------------------------------------------------------------------------------- */

static size_t depth_of(const struct share_node *v, size_t i)
{
	size_t depth = 0;

	for (; v[i].creator != SHARE_NOBODY; i = v[i].creator)
		depth++;
	return depth;
}

/* Who has created both, by however many in between. */
static size_t common_creator(const struct share_node *v, size_t a, size_t b)
{
	size_t depth_a = depth_of(v, a), depth_b = depth_of(v, b);

	while (a != b) {
		size_t *down = depth_a >= depth_b ? &a : &b;

		if (down == &a)
			depth_a--;
		else
			depth_b--;
		*down = v[*down].creator;
	}
	return a;
}

/* Who of those that TOP creates has I below it. */
static size_t branch_of(const struct share_node *v, size_t i, size_t top)
{
	while (v[i].creator != top)
		i = v[i].creator;
	return i;
}

/*
 * The group of FIRST. Where it comes together in one that isn't of it, the branches are created by one another rather
 * than by that one, which may have to share something else.
 */
static void bring_together(struct share_node *v, size_t nr, size_t first, enum share_kind kind)
{
	size_t top = first, lead = SHARE_NOBODY;

	for (size_t i = first + 1; i < nr; i++)
		if (v[i].first[kind] == first)
			top = common_creator(v, top, i);
	if (shares(&v[top], &v[first], kind))
		return;
	for (size_t i = first; i < nr; i++)
		if (v[i].first[kind] == first && branch_of(v, i, top) < lead)
			lead = branch_of(v, i, top);
	for (size_t i = first; i < nr; i++) {
		size_t branch = v[i].first[kind] == first ? branch_of(v, i, top) : lead;

		if (may_create(v, lead, branch))
			move(v, branch, lead);
	}
}

/* HELD[i]: whose thing node I has while the tree is built. */
static int pass_through(struct share_node *v, size_t at, size_t i, enum share_kind kind, size_t *held,
			struct share_conflict *conflict)
{
	if (held[at] == SHARE_NOBODY) {
		held[at] = v[i].first[kind];
		if (v[at].lives)
			v[at].unshare_flags |= kinds[kind].clone_flag;
	}
	return held[at] == v[i].first[kind] ? 0 : conflict_of(v, i, kind, -EOPNOTSUPP, conflict);
}

/* Has every process on the way between I and the first of its group pass the thing on. */
static int connect(struct share_node *v, size_t i, enum share_kind kind, size_t *held, struct share_conflict *conflict)
{
	size_t ends[] = { i, v[i].first[kind] };
	size_t top = common_creator(v, ends[0], ends[1]);
	int err = 0;

	for (int e = 0; e < 2; e++)
		for (size_t at = ends[e]; at != top && !err; at = v[at].creator) {
			v[at].clone_flags |= kinds[kind].clone_flag;
			err = pass_through(v, v[at].creator, i, kind, held, conflict);
		}
	return err;
}

static int share_for_now(struct share_node *v, size_t nr, enum share_kind kind, struct share_conflict *conflict)
{
	_cleanup_free_ size_t *held = calloc(nr, sizeof(*held));
	int err = 0;

	if (!held)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		held[i] = SHARE_NOBODY;
	for (size_t i = 0; i < nr; i++)
		if (v[i].first[kind] != i)
			held[i] = held[v[i].first[kind]] = v[i].first[kind];
	for (size_t i = 0; i < nr && !err; i++)
		if (v[i].first[kind] != i)
			err = connect(v, i, kind, held, conflict);
	return err;
}

/* -------------------------------------------------------------------------------------------------------------- */

static int plan_creators(struct share_node *v, size_t nr, struct share_conflict *conflict)
{
	int err = 0;

	for (size_t i = 0; i < nr && !err; i++) {
		if (v[i].first[SHARE_SIGHAND] != i && !shares(&v[i], &v[v[i].first[SHARE_SIGHAND]], SHARE_VM))
			return conflict_of(v, i, SHARE_SIGHAND, -EINVAL, conflict);
		if (v[i].first[SHARE_VM] != i)
			choose_creator(v, i);
		for (enum share_kind k = 0; k < SHARE_NR && !err; k++)
			if (kinds[k].for_good)
				err = share_for_good(v, i, k, conflict);
	}
	return err;
}

static void plan_branches(struct share_node *v, size_t nr, enum share_kind kind, bool *is_done)
{
	memset(is_done, 0, nr * sizeof(*is_done));
	for (size_t i = 0; i < nr; i++) {
		size_t first = v[i].first[kind];

		if (first == i || is_done[first])
			continue;
		bring_together(v, nr, first, kind);
		is_done[first] = true;
	}
}

int share_plan(struct share_node *v, size_t nr, struct share_conflict *conflict)
{
	_cleanup_free_ struct member *members = calloc(nr, sizeof(*members));
	_cleanup_free_ bool *is_done = calloc(nr, sizeof(*is_done));
	int err;

	if (!members || !is_done)
		return -ENOMEM;
	for (enum share_kind k = 0; k < SHARE_NR; k++)
		find_first(v, nr, k, members);
	err = plan_creators(v, nr, conflict);
	for (enum share_kind k = SHARE_FILES; k < SHARE_NR && !err; k++)
		plan_branches(v, nr, k, is_done);
	for (enum share_kind k = SHARE_FILES; k < SHARE_NR && !err; k++)
		err = share_for_now(v, nr, k, conflict);
	return err;
}
