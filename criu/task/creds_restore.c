/* SPDX-License-Identifier: GPL-2.0 */
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>

#include "proc/status.h"
#include "task/core_restore.h"

static void split_caps(uint64_t set, uint32_t ret[PLAN_CAP_WORDS])
{
	ret[0] = (uint32_t)set;
	ret[1] = (uint32_t)(set >> 32);
}

static void copy_caps(const uint32_t *v, size_t n, uint32_t ret[PLAN_CAP_WORDS])
{
	for (size_t i = 0; i < PLAN_CAP_WORDS; i++)
		ret[i] = i < n ? v[i] : 0;
}

static uint32_t last_cap(void)
{
	uint32_t cap = 0;

	while (cap < 32 * PLAN_CAP_WORDS - 1 && prctl(PR_CAPBSET_READ, cap + 1, 0, 0, 0) >= 0)
		cap++;
	return cap;
}

int own_creds_read(struct cr_ctx *ctx, struct own_creds *ret)
{
	_cleanup_proc_status_ struct proc_status st = { 0 };
	_cleanup_close_ int procfd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct plan_creds *c = &ret->creds;
	int err;

	if (procfd < 0)
		return cr_fail_errno(ctx, -errno, "Can't open /proc/self");
	err = proc_read_status(procfd, &st);
	if (err)
		return cr_fail_errno(ctx, err, "Can't read /proc/self/status");
	*c = (struct plan_creds){
		.uid = st.uid[0],
		.euid = st.uid[1],
		.suid = st.uid[2],
		.fsuid = st.uid[3],
		.gid = st.gid[0],
		.egid = st.gid[1],
		.sgid = st.gid[2],
		.fsgid = st.gid[3],
		.securebits = prctl(PR_GET_SECUREBITS),
		.no_new_privs = st.no_new_privs,
		.nr_groups = st.nr_groups,
		.last_cap = last_cap(),
	};
	split_caps(st.cap_inh, c->cap_inh);
	split_caps(st.cap_prm, c->cap_prm);
	split_caps(st.cap_eff, c->cap_eff);
	split_caps(st.cap_bnd, c->cap_bnd);
	split_caps(st.cap_amb, c->cap_amb);
	ret->groups = take_ptr(st.groups);
	c->groups = ret->groups;
	return 0;
}

static bool same_caps(const struct plan_creds *a, const struct plan_creds *b)
{
	size_t size = sizeof(a->cap_inh);

	return !memcmp(a->cap_inh, b->cap_inh, size) && !memcmp(a->cap_prm, b->cap_prm, size) &&
	       !memcmp(a->cap_eff, b->cap_eff, size) && !memcmp(a->cap_bnd, b->cap_bnd, size) &&
	       !memcmp(a->cap_amb, b->cap_amb, size);
}

static bool same_ids(const struct plan_creds *a, const struct plan_creds *b)
{
	return a->uid == b->uid && a->euid == b->euid && a->suid == b->suid && a->fsuid == b->fsuid &&
	       a->gid == b->gid && a->egid == b->egid && a->sgid == b->sgid && a->fsgid == b->fsgid &&
	       a->nr_groups == b->nr_groups &&
	       (!a->nr_groups || !memcmp(a->groups, b->groups, a->nr_groups * sizeof(*a->groups)));
}

void creds_to_plan(const CredsEntry *e, const struct own_creds *own, struct plan_creds *ret)
{
	*ret = (struct plan_creds){
		.uid = e->uid,
		.euid = e->euid,
		.suid = e->suid,
		.fsuid = e->fsuid,
		.gid = e->gid,
		.egid = e->egid,
		.sgid = e->sgid,
		.fsgid = e->fsgid,
		.securebits = e->secbits,
		.no_new_privs = e->has_no_new_privs && e->no_new_privs,
		.nr_groups = e->n_groups,
		.groups = e->groups,
		.last_cap = own->creds.last_cap,
	};
	copy_caps(e->cap_inh, e->n_cap_inh, ret->cap_inh);
	copy_caps(e->cap_prm, e->n_cap_prm, ret->cap_prm);
	copy_caps(e->cap_eff, e->n_cap_eff, ret->cap_eff);
	copy_caps(e->cap_bnd, e->n_cap_bnd, ret->cap_bnd);
	copy_caps(e->cap_amb, e->n_cap_amb, ret->cap_amb);
	ret->change =
		ret->securebits != own->creds.securebits || !same_caps(ret, &own->creds) || !same_ids(ret, &own->creds);
}
