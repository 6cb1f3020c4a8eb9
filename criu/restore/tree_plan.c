/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/tree_plan.h"

#include <signal.h>

#include "task/birth.h"

static pid_t final_sid(const struct task *t)
{
	return restore_of(t)->outside_sid ? SID_OURS : t->sid;
}

static int exit_signal_of(const struct restore *r, const struct task *t)
{
	return attributes_exit_signal(attributes_of(r->attributes, t->pid));
}

static bool is_below(const struct task *t, const struct task *ancestor)
{
	for (; t; t = t->parent)
		if (t == ancestor)
			return true;
	return false;
}

/* Which tasks belong to a session that is not of the set. */
static int mark_outside(struct restore *r)
{
	struct task *t;

	for_each_task (&r->tree, t) {
		if (!in_outside_session(&r->tree, t))
			continue;
		if (!r->opts->shell_job)
			return cr_fail(&r->ctx, -EINVAL,
				       "Task %d is in session %d, whose leader isn't in the images: use --shell-job",
				       t->pid, t->sid);
		restore_of(t)->outside_sid = true;
	}
	return 0;
}

/* ---- sessions ------------------------------------------------------------------------------------------------ */

static void set_creator(struct restore_task *rt, struct restore_task *creator, enum born_when when)
{
	rt->creator = creator;
	rt->when = when;
	list_append(&creator->to_fork, &rt->fork_node);
}

static int add_helper(struct restore *r, pid_t pid, struct task *parent, struct restore_task *creator, pid_t sid,
		      struct task **ret)
{
	struct restore_task *rt;
	struct task *t;

	for_each_task (&r->tree, t)
		for (size_t i = 0; i < t->nr_threads; i++)
			if (t->threads[i].tid == pid)
				return cr_fail(&r->ctx, -EINVAL, "Thread %d leads a session or process group", pid);
	rt = calloc(1, sizeof(*rt));
	if (!rt)
		return -ENOMEM;
	if (task_tree_add(&r->tree, parent, pid, 1, &t)) {
		free(rt);
		return -ENOMEM;
	}
	t->restore = rt;
	t->state = TASK_HELPER;
	t->sid = sid ?: pid;
	t->pgid = pid;
	rt->task = t;
	rt->uffd = -1;
	rt->outside_sid = !sid;
	list_init(&rt->to_fork);
	list_init(&rt->fork_node);
	set_creator(rt, creator, BORN_AFTER_SETSID);
	*ret = t;
	return 0;
}

/* T's parent can't fork it into its session: someone in that session below the parent does. */
static int plan_orphan(struct restore *r, struct task *t)
{
	struct restore_task *parent = restore_of(t->parent), *rt = restore_of(t);
	struct task *leader = task_tree_find(&r->tree, t->sid);
	int err;

	/* The kernel gives it SIGCHLD when it gets another parent. */
	if (exit_signal_of(r, t) != SIGCHLD)
		return cr_fail(
			&r->ctx, -EOPNOTSUPP,
			"Task %d has an exit signal other than SIGCHLD, but its parent %d can't create it in its "
			"session: this isn't supported",
			t->pid, t->parent->pid);
	if (rt->outside_sid)
		return cr_fail(&r->ctx, -EOPNOTSUPP, "Task %d is in an outer session, its parent %d isn't", t->pid,
			       t->parent->pid);
	if (!leader) {
		err = add_helper(r, t->sid, t->parent, parent, t->sid, &leader);
		if (err)
			return err;
	}
	if (!leads_session(leader))
		return cr_fail(&r->ctx, -EINVAL, "Task %d is in session %d, but task %d is not its leader", t->pid,
			       t->sid, t->sid);
	if (leader == t->parent || !is_below(leader, t->parent) || leader->state == TASK_DEAD)
		return cr_fail(&r->ctx, -EOPNOTSUPP,
			       "Task %d: session %d can't be reached from its parent %d: this isn't supported", t->pid,
			       t->sid, t->parent->pid);
	parent->adopts = true;
	rt->orphan = leader->state != TASK_HELPER; /* a helper ends anyway */
	set_creator(rt, restore_of(leader), BORN_AFTER_SETSID);
	return 0;
}

/* An orphan goes to the nearest subreaper above: that has to be its parent. */
static int check_orphans(struct restore *r)
{
	struct task *t, *up;

	for_each_task (&r->tree, t) {
		struct restore_task *rt = restore_of(t);

		if (!t->parent || rt->creator->task == t->parent)
			continue;
		for (up = rt->creator->task; up != t->parent; up = up->parent)
			if (restore_of(up)->adopts)
				return cr_fail(&r->ctx, -EOPNOTSUPP,
					       "Task %d would come to task %d instead of %d: this isn't supported",
					       t->pid, up->pid, t->parent->pid);
	}
	return 0;
}

static int plan_sessions(struct restore *r)
{
	struct task *t;
	int err = 0;

	births_plan(&r->tree);
	for_each_task (&r->tree, t)
		if (t->parent && t->born != BORN_ELSEWHERE)
			set_creator(restore_of(t), restore_of(t->parent), t->born);
	/* Now that all leaders have their places. */
	for_each_task (&r->tree, t)
		if (!err && t->born == BORN_ELSEWHERE)
			err = plan_orphan(r, t);
	return err ?: check_orphans(r);
}

/* ---- process groups ------------------------------------------------------------------------------------------ */

static int plan_group(struct restore *r, struct task *t)
{
	struct restore_task *rt = restore_of(t);
	struct task *leader;

	if (leads_session(t) && t->pgid != t->pid)
		return cr_fail(&r->ctx, -EINVAL, "Task %d leads a session but not a process group", t->pid);
	if (t->pgid == t->pid)
		return 0;
	leader = task_tree_find(&r->tree, t->pgid);
	if (leader && final_sid(leader) == final_sid(t))
		return 0;
	if (leader)
		return cr_fail(&r->ctx, -EINVAL, "Task %d is in process group %d, which is in another session", t->pid,
			       t->pgid);
	if (rt->outside_sid) {
		rt->outside_pgid = true;
		return 0;
	}
	if (!t->pgid)
		return cr_fail(&r->ctx, -EINVAL, "Task %d has no process group", t->pid);
	return add_helper(r, t->pgid, t, rt, t->sid, &leader);
}

/* ---- what tasks share ---------------------------------------------------------------------------------------- */

static void describe(const struct restore *r, const struct restore_task *rt, struct share_node *v)
{
	const struct task *t = rt->task;

	*v = (struct share_node){
		.pid = t->pid,
		.lives = task_lives(t),
		.movable = t->parent && rt->creator->task == t->parent && !rt->orphan,
		.moment = rt->when,
		.exit_signal = exit_signal_of(r, t),
		.parent = t->parent ? restore_of(t->parent)->number : SHARE_NOBODY,
		.creator = rt->creator ? rt->creator->number : SHARE_NOBODY,
	};
	if (!v->lives)
		return;
	v->id[SHARE_VM] = rt->ids->vm_id;
	v->id[SHARE_SIGHAND] = rt->ids->sighand_id;
	v->id[SHARE_FILES] = rt->ids->files_id;
	v->id[SHARE_FS] = rt->ids->fs_id;
}

static void apply(struct restore *r, struct restore_task *rt, const struct share_node *v,
		  struct restore_task **by_number)
{
	rt->clone_flags = v->clone_flags;
	rt->unshare_flags = v->unshare_flags;
	for (enum share_kind k = 0; k < SHARE_NR; k++) {
		rt->owner[k] = by_number[v->first[k]];
		r->any_shared[k] |= is_guest(rt, k);
	}
	if (!v->by_sibling)
		return;
	/* In the session that this one was born in, before it makes its own. */
	rt->by_sibling = true;
	list_remove(&rt->fork_node);
	set_creator(rt, by_number[v->creator], BORN_BEFORE_SETSID);
}

static int plan_sharing(struct restore *r)
{
	size_t nr = r->tree.nr_tasks, n = 0;
	_cleanup_free_ struct restore_task **by_number = calloc(nr, sizeof(*by_number));
	_cleanup_free_ struct share_node *v = calloc(nr, sizeof(*v));
	struct share_conflict conflict;
	struct task *t;
	int err;

	if (!by_number || !v)
		return -ENOMEM;
	for_each_task (&r->tree, t) {
		restore_of(t)->number = n;
		by_number[n++] = restore_of(t);
	}
	for (size_t i = 0; i < nr; i++)
		describe(r, by_number[i], &v[i]);
	err = share_plan(v, nr, &conflict);
	if (err == -EOPNOTSUPP || err == -EINVAL)
		return cr_fail(&r->ctx, err, "Tasks %d and %d can't be made to share their %s: this isn't supported",
			       conflict.other, conflict.pid, share_kind_name(conflict.kind));
	for (size_t i = 0; i < nr && !err; i++)
		apply(r, by_number[i], &v[i], by_number);
	return err;
}

int tree_plan(struct restore *r)
{
	struct task *t;
	size_t nr = 0, nr_tasks;
	int err;

	err = mark_outside(r);
	if (!err)
		err = plan_sessions(r);
	/* Helpers stand behind all others and are in their groups already. */
	nr_tasks = r->tree.nr_tasks;
	for_each_task (&r->tree, t) {
		if (err || nr++ == nr_tasks)
			break;
		err = plan_group(r, t);
	}
	return err ? err : plan_sharing(r);
}
