/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <linux/prctl.h>
#include <signal.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "image/image.h"
#include "task/attributes.h"

#define LDT_BYTES	 (8192 * 8)
#define PERSONALITY_TYPE 0xffu
#define AREA_ALIGN	 4095u

struct attributes {
	AttributesEntry **v; /* by tid; owned */
	size_t nr;
	size_t room;
};

static const AttributesEntry all_default = ATTRIBUTES_ENTRY__INIT;

/* ---- checks -------------------------------------------------------------------------------------------------- */

static bool good_policy(const MemoryPolicy *p)
{
	return !p || (p->mode <= 0xffff && p->nodes.len <= PLAN_NODE_WORDS * sizeof(uint64_t));
}

static bool good_speculation(bool has, uint32_t value)
{
	return !has || value == PR_SPEC_ENABLE || value == PR_SPEC_DISABLE || value == PR_SPEC_FORCE_DISABLE ||
	       value == PR_SPEC_DISABLE_NOEXEC;
}

static const char *find_damage_of_thread(const AttributesEntry *e)
{
	if (e->has_cpus && (!e->cpus.len || e->cpus.len > ATTRIBUTES_CPUS_MAX))
		return "CPUs";
	if (e->has_ioprio && e->ioprio > 0xffff)
		return "the I/O priority";
	if ((e->has_timer_slack && e->timer_slack > INT64_MAX) ||
	    (e->has_timer_slack_default && e->timer_slack_default > INT64_MAX))
		return "the timer slack";
	if (!good_policy(e->policy))
		return "the memory policy";
	if (e->has_personality && (e->personality & PERSONALITY_TYPE))
		return "the personality";
	if (!good_speculation(e->has_store_bypass, e->store_bypass) ||
	    !good_speculation(e->has_indirect_branch, e->indirect_branch) ||
	    !good_speculation(e->has_l1d_flush, e->l1d_flush))
		return "the speculation controls";
	if (e->has_tsc && e->tsc != PR_TSC_ENABLE && e->tsc != PR_TSC_SIGSEGV)
		return "the time-stamp counter";
	if (e->has_mce_kill && e->mce_kill > PR_MCE_KILL_DEFAULT)
		return "the policy on broken memory";
	return NULL;
}

static const char *find_damage_of_process(const AttributesEntry *e)
{
	if (e->has_autogroup_nice && (e->autogroup_nice < -20 || e->autogroup_nice > 19))
		return "the nice value of the autogroup";
	if (e->has_ldt && (!e->ldt.len || e->ldt.len % 8 || e->ldt.len > LDT_BYTES))
		return "the local descriptor table";
	if (e->has_exit_signal && e->exit_signal > PLAN_NSIG)
		return "the exit signal";
	for (size_t i = 0; i < e->n_areas; i++)
		if ((e->areas[i]->start & AREA_ALIGN) || (i && e->areas[i]->start <= e->areas[i - 1]->start) ||
		    !good_policy(e->areas[i]->policy))
			return "the memory policy of an area";
	return NULL;
}

/* ---- reading ------------------------------------------------------------------------------------------------- */

static int compare_entries(const void *a, const void *b)
{
	const AttributesEntry *x = *(AttributesEntry *const *)a, *y = *(AttributesEntry *const *)b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

static int add_entry(struct cr_ctx *ctx, struct attributes *set, AttributesEntry *e)
{
	const char *damage = find_damage_of_thread(e);

	if (set->nr == set->room) {
		size_t room = set->room ? 2 * set->room : 16;
		AttributesEntry **v = reallocarray(set->v, room, sizeof(*v));

		if (!v) {
			attributes_entry__free_unpacked(e, NULL);
			return -ENOMEM;
		}
		set->v = v;
		set->room = room;
	}
	set->v[set->nr++] = e;
	if (!damage)
		damage = find_damage_of_process(e);
	return damage ? cr_fail(ctx, -EBADMSG, "attributes.img is damaged: %s of thread %u", damage, e->tid) : 0;
}

static int read_entries(struct cr_ctx *ctx, struct image *img, struct attributes *set, size_t max)
{
	for (;;) {
		ProtobufCMessage *msg;
		int r = image_read(img, &msg);

		if (r < 0)
			return cr_fail_errno(ctx, r, "Can't read attributes.img");
		if (r == 0)
			return 0;
		if (set->nr == max) {
			protobuf_c_message_free_unpacked(msg, NULL);
			return cr_fail(ctx, -EBADMSG, "attributes.img is damaged: more entries than threads");
		}
		r = add_entry(ctx, set, (AttributesEntry *)msg);
		if (r < 0)
			return r;
	}
}

/* It would end or stop its parent once more. */
static bool good_zombie(const AttributesEntry *e)
{
	return e->has_exit_signal && e->exit_signal != SIGKILL && e->exit_signal != SIGSTOP;
}

/* Each entry is a living thread's, or tells the exit signal of a zombie. */
static int check_tids(struct cr_ctx *ctx, const struct attributes *set, const struct task_tree *tree)
{
	const struct task *task;
	size_t found = 0;

	for (size_t i = 1; i < set->nr; i++)
		if (set->v[i]->tid == set->v[i - 1]->tid)
			return cr_fail(ctx, -EBADMSG, "attributes.img is damaged: two entries of thread %u",
				       set->v[i]->tid);
	for_each_task (tree, task)
		for (size_t i = 0; i < task->nr_threads; i++) {
			const AttributesEntry *e = attributes_of(set, task->threads[i].tid);

			found += e != &all_default && (task->state != TASK_DEAD || good_zombie(e));
		}
	if (found != set->nr)
		return cr_fail(ctx, -EBADMSG, "attributes.img is damaged: it has threads that aren't in the tree");
	return 0;
}

int attributes_read(struct cr_ctx *ctx, int images_dirfd, const struct task_tree *tree, struct attributes **ret)
{
	_cleanup_image_ struct image *img = NULL;
	struct attributes *set = calloc(1, sizeof(*set));
	int r;

	if (!set)
		return -ENOMEM;
	r = image_open(images_dirfd, IMG_ATTRIBUTES, &img);
	if (r == -ENOENT) {
		*ret = set;
		return 0;
	}
	if (r < 0)
		cr_fail_errno(ctx, r, "Can't open attributes.img");
	else
		r = read_entries(ctx, img, set, tree->nr_threads);
	if (!r) {
		if (set->nr)
			qsort(set->v, set->nr, sizeof(*set->v), compare_entries);
		r = check_tids(ctx, set, tree);
	}
	if (r < 0)
		attributes_free(&set);
	else
		*ret = set;
	return r;
}

void attributes_free(struct attributes **set)
{
	if (!*set)
		return;
	for (size_t i = 0; i < (*set)->nr; i++)
		attributes_entry__free_unpacked((*set)->v[i], NULL);
	free((*set)->v);
	free(*set);
	*set = NULL;
}

const AttributesEntry *attributes_of(const struct attributes *set, pid_t tid)
{
	AttributesEntry wanted = { .tid = tid };
	AttributesEntry *key = &wanted, **found = NULL;

	if (set->nr)
		found = bsearch(&key, set->v, set->nr, sizeof(*set->v), compare_entries);
	return found ? *found : &all_default;
}

int attributes_exit_signal(const AttributesEntry *e)
{
	return e->has_exit_signal ? e->exit_signal : SIGCHLD;
}

bool attributes_slacks_differ(const struct attributes *set, const struct own_attributes *own)
{
	if (own->has.timer_slack != ATTRIBUTES_TIMER_SLACK)
		return true;
	for (size_t i = 0; i < set->nr; i++)
		if (set->v[i]->has_timer_slack || set->v[i]->has_timer_slack_default)
			return true;
	return false;
}
