/* SPDX-License-Identifier: GPL-2.0 */
/* From entries to what the restorer is told. */
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "proc/values.h"
#include "task/attributes.h"

#define WHO_THREAD 1 /* ioprio_get(2) */
#define ALL_ASK	   0xffffffff
#define NODES_MAX  (PLAN_NODE_WORDS * 64ul)

bool attributes_all_cpus(const unsigned char *mask, int len, long online)
{
	long allowed = 0;

	for (int i = 0; i < len; i++)
		allowed += __builtin_popcount(mask[i]);
	return allowed >= online;
}

static bool is_pinned(void)
{
	unsigned char cpus[ATTRIBUTES_CPUS_MAX];
	long len = syscall(SYS_sched_getaffinity, 0, sizeof(cpus), cpus);

	return len > 0 && !attributes_all_cpus(cpus, len, sysconf(_SC_NPROCESSORS_ONLN));
}

void own_attributes_read(struct own_attributes *ret)
{
	_cleanup_close_ int procfd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct plan_attributes *has = &ret->has;
	long prio = syscall(SYS_ioprio_get, WHO_THREAD, 0);
	int tsc = PR_TSC_ENABLE, mode = MPOL_DEFAULT;

	*ret = (struct own_attributes){ .coredump_filter = ATTRIBUTES_COREDUMP_FILTER };
	has->timer_slack = prctl(PR_GET_TIMERSLACK);
	has->personality = personality(ALL_ASK);
	for (int which = 0; which < PLAN_NR_SPECULATION; which++) {
		int value = prctl(PR_GET_SPECULATION_CTRL, which, 0, 0, 0);

		/* Where it can't be controlled it need not be set. */
		has->speculation[which] = value > 0 && (value & PR_SPEC_PRCTL) ? value & ~PR_SPEC_PRCTL : 0;
	}
	prctl(PR_GET_TSC, &tsc);
	has->tsc = tsc;
	has->cpuid_faults = syscall(SYS_arch_prctl, ARCH_GET_CPUID, 0) == 0;
	has->mce_kill = prctl(PR_MCE_KILL_GET, 0, 0, 0, 0);
	has->io_flusher = prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0) > 0;
	syscall(SYS_get_mempolicy, &mode, has->policy.nodes, NODES_MAX, 0, 0);
	has->policy.mode = mode;
	ret->has_nodes = !syscall(SYS_get_mempolicy, NULL, ret->nodes, NODES_MAX, 0, MPOL_F_MEMS_ALLOWED);
	ret->ioprio = prio > 0 && ATTRIBUTES_IOPRIO_CLASS(prio) ? prio : 0;
	ret->pinned = is_pinned();
	if (procfd >= 0)
		proc_read_coredump_filter(procfd, &ret->coredump_filter);
}

uint64_t attributes_slack_default(const AttributesEntry *e)
{
	return e->has_timer_slack_default ? e->timer_slack_default : ATTRIBUTES_TIMER_SLACK;
}

/* ---- memory policies ----------------------------------------------------------------------------------------- */

/* The kernel refuses a policy none of whose nodes is there. */
static bool has_place(const struct plan_policy *p, const struct own_attributes *own)
{
	uint64_t any = 0, usable = 0;

	if (!own->has_nodes)
		return false;
	for (int i = 0; i < PLAN_NODE_WORDS; i++) {
		any |= p->nodes[i];
		usable |= p->nodes[i] & own->nodes[i];
	}
	return !any || usable || (p->mode & MPOL_F_RELATIVE_NODES);
}

static void take_policy(const MemoryPolicy *e, struct plan_policy *ret)
{
	*ret = (struct plan_policy){ .mode = MPOL_DEFAULT };
	if (!e)
		return;
	ret->mode = e->mode;
	memcpy(ret->nodes, e->nodes.data, e->nodes.len);
}

static bool same_policy(const struct plan_policy *a, const struct plan_policy *b)
{
	return a->mode == b->mode && !memcmp(a->nodes, b->nodes, sizeof(a->nodes));
}

static void plan_policy(struct cr_ctx *ctx, const AttributesEntry *e, const AttributesEntry *leader,
			const struct own_attributes *own, struct plan_attributes *ret)
{
	struct plan_policy born = own->has.policy;

	/* The first thread's is set before the others are born. */
	if (leader != e)
		take_policy(leader->policy, &born);
	take_policy(e->policy, &ret->policy);
	if (same_policy(&born, &ret->policy))
		return;
	if (has_place(&ret->policy, own))
		ret->set |= PLAN_SET_POLICY;
	else
		log_warn(ctx->log, "None of the memory nodes that thread %u prefers is here: it may use all", e->tid);
}

bool attributes_policy(const AttributesEntry *e, const struct own_attributes *own, struct plan_policy *ret)
{
	take_policy(e->policy, ret);
	return !same_policy(&own->has.policy, ret) && has_place(ret, own);
}

size_t attributes_areas_to_plan(struct cr_ctx *ctx, const AttributesEntry *e, const struct own_attributes *own,
				struct plan_area_policy *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < e->n_areas; i++) {
		struct plan_area_policy *p = &ret[n];

		p->start = e->areas[i]->start;
		take_policy(e->areas[i]->policy, &p->policy);
		if (has_place(&p->policy, own))
			n++;
		else
			log_warn(ctx->log, "Task %u: none of the memory nodes of the area at %#llx is here", e->tid,
				 (unsigned long long)p->start);
	}
	return n;
}

/* ---- speculation --------------------------------------------------------------------------------------------- */

static void plan_speculation(struct cr_ctx *ctx, const AttributesEntry *e, const struct own_attributes *own,
			     struct plan_attributes *ret)
{
	ret->speculation[0] = e->has_store_bypass ? e->store_bypass : PR_SPEC_ENABLE;
	ret->speculation[1] = e->has_indirect_branch ? e->indirect_branch : PR_SPEC_ENABLE;
	ret->speculation[2] = e->has_l1d_flush ? e->l1d_flush : PR_SPEC_DISABLE;
	for (int which = 0; which < PLAN_NR_SPECULATION; which++) {
		uint32_t have = own->has.speculation[which], *want = &ret->speculation[which];

		/* Nobody takes back what was forced; here it is forced on us, as a container may do. */
		if (have == PR_SPEC_FORCE_DISABLE && *want != have)
			log_warn(ctx->log, "Thread %u: speculation control %d stays disabled, as it is for criu",
				 e->tid, which);
		if (!have || have == PR_SPEC_FORCE_DISABLE || have == *want)
			*want = 0;
		if (*want)
			ret->set |= PLAN_SET_SPECULATION;
		if (!have && ((which == 0 && e->has_store_bypass) || (which == 1 && e->has_indirect_branch) ||
			      (which == 2 && e->has_l1d_flush)))
			log_warn(ctx->log, "Thread %u: speculation control %d isn't to be had on this machine", e->tid,
				 which);
	}
}

/* -------------------------------------------------------------------------------------------------------------- */

void attributes_to_plan(struct cr_ctx *ctx, const AttributesEntry *e, const AttributesEntry *leader,
			uint32_t personality, const struct own_attributes *own, bool slacks,
			struct plan_attributes *ret)
{
	*ret = (struct plan_attributes){
		.timer_slack = e->has_timer_slack ? e->timer_slack : ATTRIBUTES_TIMER_SLACK,
		.timer_slack_default = attributes_slack_default(e),
		.personality = e->has_personality ? e->personality : personality,
		.tsc = e->has_tsc ? e->tsc : PR_TSC_ENABLE,
		.cpuid_faults = e->has_cpuid_faults && e->cpuid_faults,
		.mce_kill = e->has_mce_kill ? e->mce_kill : PR_MCE_KILL_DEFAULT,
		.io_flusher = e->has_io_flusher && e->io_flusher,
	};
	if (slacks)
		ret->set |= PLAN_SET_SLACK;
	if (ret->personality != own->has.personality)
		ret->set |= PLAN_SET_PERSONALITY;
	if (ret->tsc != own->has.tsc)
		ret->set |= PLAN_SET_TSC;
	if (ret->cpuid_faults != own->has.cpuid_faults)
		ret->set |= PLAN_SET_CPUID;
	if (ret->mce_kill != own->has.mce_kill)
		ret->set |= PLAN_SET_MCE_KILL;
	if (ret->io_flusher != own->has.io_flusher)
		ret->set |= PLAN_SET_IO_FLUSHER;
	plan_speculation(ctx, e, own, ret);
	plan_policy(ctx, e, leader, own, ret);
}

/* A descriptor as the CPU reads it, as modify_ldt(2) takes it. */
static void take_segment(const uint8_t *raw, uint32_t number, struct plan_segment *ret)
{
	uint32_t low, high;

	memcpy(&low, raw, sizeof(low));
	memcpy(&high, raw + sizeof(low), sizeof(high));
	*ret = (struct plan_segment){
		.entry_number = number,
		.base_addr = low >> 16 | (high & 0xff) << 16 | (high & 0xff000000),
		.limit = (low & 0xffff) | (high & 0xf0000),
		/* seg_32bit, contents, read_exec_only, limit_in_pages, seg_not_present, useable */
		.bits = (high >> 22 & 1) | (high >> 10 & 3) << 1 | (~high >> 9 & 1) << 3 | (high >> 23 & 1) << 4 |
			(~high >> 15 & 1) << 5 | (high >> 20 & 1) << 6,
	};
}

size_t attributes_ldt_to_plan(const AttributesEntry *e, struct plan_segment *ret)
{
	static const uint8_t none[8];
	size_t n = 0;

	for (size_t i = 0; e->has_ldt && i < e->ldt.len / sizeof(none); i++)
		if (memcmp(e->ldt.data + i * sizeof(none), none, sizeof(none)))
			take_segment(e->ldt.data + i * sizeof(none), i, &ret[n++]);
	return n;
}
