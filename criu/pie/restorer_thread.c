/* SPDX-License-Identifier: GPL-2.0 */
#include <compel/plugins/std.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>

#include "pie/restorer.h"

/* The kernel's stack_t: sigaltstack(2). */
struct kernel_stack {
	uint64_t sp;
	int32_t flags;
	uint64_t size;
};

struct cap_header {
	uint32_t version;
	int32_t pid;
};

struct cap_word {
	uint32_t effective, permitted, inheritable;
};

static int has_cap(const uint32_t set[PLAN_CAP_WORDS], uint32_t cap)
{
	return set[cap / 32] >> cap % 32 & 1;
}

static void set_caps(struct restorer_args *args, const uint32_t *eff, const uint32_t *prm, const uint32_t *inh)
{
	struct cap_header head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct cap_word words[PLAN_CAP_WORDS];

	for (int i = 0; i < PLAN_CAP_WORDS; i++)
		words[i] = (struct cap_word){ eff[i], prm[i], inh[i] };
	check(args, OP_CAPS, sys_capset(&head, words), prm[0], prm[1]);
}

static void restore_ids(struct restorer_args *args, const struct plan_creds *c)
{
	check(args, OP_GROUPS, sys_setgroups(c->nr_groups, c->groups), c->nr_groups, 0);
	check(args, OP_IDS, sys_setresgid(c->gid, c->egid, c->sgid), c->gid, c->egid);
	sys_setfsgid(c->fsgid);
	check(args, OP_IDS, sys_setfsgid(-1) == (long)c->fsgid ? 0 : -1, c->fsgid, 0);
	check(args, OP_IDS, sys_setresuid(c->uid, c->euid, c->suid), c->uid, c->euid);
	sys_setfsuid(c->fsuid);
	check(args, OP_IDS, sys_setfsuid(-1) == (long)c->fsuid ? 0 : -1, c->fsuid, 0);
}

/*
 * capabilities(7): while ids change the capabilities are held by securebits, the bounding set and the ambient set
 * are made while we may, and what we have goes last.
 */
void restore_creds(struct plan_thread *th)
{
	struct restorer_args *args = th->args;
	const struct plan_creds *c = &th->creds;
	struct cap_header head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct cap_word words[PLAN_CAP_WORDS];
	uint32_t eff[PLAN_CAP_WORDS], prm[PLAN_CAP_WORDS];

	if (!c->change)
		return;
	check(args, OP_SECUREBITS, sys_prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_NO_SETUID_FIXUP, 0, 0, 0),
	      c->securebits, 0);
	restore_ids(args, c);
	for (uint32_t cap = 0; cap <= c->last_cap; cap++)
		if (!has_cap(c->cap_bnd, cap))
			check(args, OP_BOUNDING, sys_prctl(PR_CAPBSET_DROP, cap, 0, 0, 0), cap, 0);
	check(args, OP_CAPS, sys_capget(&head, words), 0, 0);
	for (int i = 0; i < PLAN_CAP_WORDS; i++) {
		eff[i] = words[i].effective;
		prm[i] = words[i].permitted;
	}
	set_caps(args, eff, prm, c->cap_inh);
	check(args, OP_AMBIENT, sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), 0, 0);
	for (uint32_t cap = 0; cap <= c->last_cap; cap++)
		if (has_cap(c->cap_amb, cap))
			check(args, OP_AMBIENT, sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0), cap, 0);
	check(args, OP_SECUREBITS, sys_prctl(PR_SET_SECUREBITS, c->securebits, 0, 0, 0), c->securebits, 0);
	set_caps(args, c->cap_eff, c->cap_prm, c->cap_inh);
}

void restore_thread(struct plan_thread *th)
{
	struct restorer_args *args = th->args;
	struct kernel_stack ss = { th->altstack_sp, th->altstack_flags, th->altstack_size };

	sys_set_tid_address((int *)(uintptr_t)th->tid_address);
	if (th->robust_list_len)
		check(args, OP_ROBUST_LIST,
		      sys_set_robust_list((void *)(uintptr_t)th->robust_list, th->robust_list_len), th->robust_list,
		      th->robust_list_len);
	check(args, OP_ALTSTACK, sys_sigaltstack(&ss, NULL), ss.sp, ss.size);
	check(args, OP_COMM, sys_prctl(PR_SET_NAME, (uintptr_t)th->comm, 0, 0, 0), 0, 0);
	if (th->rseq_addr)
		check(args, OP_RSEQ, sys_rseq((void *)(uintptr_t)th->rseq_addr, th->rseq_size, 0, th->rseq_signature),
		      th->rseq_addr, th->rseq_size);
	restore_thread_attributes(th);
	restore_creds(th);
	if (th->creds.no_new_privs)
		check(args, OP_NO_NEW_PRIVS, sys_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0, 0);
	/* New credentials clear it: prctl(2). */
	if (th->pdeath_signal)
		check(args, OP_PDEATH, sys_prctl(PR_SET_PDEATHSIG, th->pdeath_signal, 0, 0, 0), th->pdeath_signal, 0);
}

void restore_thread_signals(struct plan_thread *th)
{
	struct restorer_args *args = th->args;

	if (args->nr_timers) {
		wait_while(&args->timers_left, 1);
		restore_overruns(args, th->tid);
	}
	for (uint32_t i = 0; i < th->nr_signals; i++)
		if (!signal_by_timer(args, th->tid, &th->signals[i]))
			check(args, OP_SIGNAL,
			      sys_rt_tgsigqueueinfo(args->pid, th->tid, th->signals[i].signo, (void *)&th->signals[i]),
			      th->signals[i].signo, 0);
}
