/* SPDX-License-Identifier: GPL-2.0 */
#include "task/birth.h"

/* Any session will do. */
#define SID_ANY (-1)

bool in_outside_session(const struct task_tree *tree, const struct task *t)
{
	const struct task *root = tree->root;

	return !leads_session(t) && (!t->sid || (t->sid == root->sid && !leads_session(root)));
}

static pid_t final_sid(const struct task_tree *tree, const struct task *t)
{
	return in_outside_session(tree, t) ? SID_OURS : t->sid;
}

/* A leader's children may need another session than its own: then it has to be born there, and create them first. */
static pid_t needed_sid(const struct task_tree *tree, const struct task *t)
{
	const struct task *child;

	if (!leads_session(t))
		return final_sid(tree, t);
	list_for_each_entry (child, &t->children, sibling) {
		pid_t need = needed_sid(tree, child);

		if (need != SID_ANY && need != t->sid)
			return need;
	}
	return SID_ANY;
}

static void plan(const struct task_tree *tree, struct task *t)
{
	pid_t need = needed_sid(tree, t), parents;

	t->born = BORN_AFTER_SETSID;
	if (!t->parent) {
		t->born_in = SID_OURS;
		return;
	}
	parents = final_sid(tree, t->parent);
	if (need == SID_ANY || need == parents) {
		t->born_in = parents;
	} else if (need == t->parent->born_in) {
		t->born_in = need;
		t->born = BORN_BEFORE_SETSID;
	} else if (leads_session(t)) {
		/* Those of its children that need another session have to be created elsewhere. */
		t->born_in = parents;
	} else {
		t->born_in = final_sid(tree, t);
		t->born = BORN_ELSEWHERE;
	}
}

void births_plan(const struct task_tree *tree)
{
	struct task *t;

	for_each_task (tree, t)
		plan(tree, t);
}
