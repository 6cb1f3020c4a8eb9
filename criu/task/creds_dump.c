/* SPDX-License-Identifier: GPL-2.0 */
/* Credentials: credentials(7), capabilities(7). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proc/status.h"
#include "task/core_dump.h"

/* A set as images hold it: two words, the low one first. */
static int dump_caps(uint64_t set, size_t *nr, uint32_t **words)
{
	*words = calloc(2, sizeof(**words));
	if (!*words)
		return -ENOMEM;
	(*words)[0] = (uint32_t)set;
	(*words)[1] = (uint32_t)(set >> 32);
	*nr = 2;
	return 0;
}

static int dump_cap_sets(const struct proc_status *st, CredsEntry *e)
{
	int r = dump_caps(st->cap_inh, &e->n_cap_inh, &e->cap_inh);

	if (!r)
		r = dump_caps(st->cap_prm, &e->n_cap_prm, &e->cap_prm);
	if (!r)
		r = dump_caps(st->cap_eff, &e->n_cap_eff, &e->cap_eff);
	if (!r)
		r = dump_caps(st->cap_bnd, &e->n_cap_bnd, &e->cap_bnd);
	if (!r)
		r = dump_caps(st->cap_amb, &e->n_cap_amb, &e->cap_amb);
	return r;
}

static int dump_groups(const struct proc_status *st, CredsEntry *e)
{
	if (!st->nr_groups)
		return 0;
	e->groups = malloc(st->nr_groups * sizeof(*e->groups));
	if (!e->groups)
		return -ENOMEM;
	memcpy(e->groups, st->groups, st->nr_groups * sizeof(*e->groups));
	e->n_groups = st->nr_groups;
	return 0;
}

int creds_dump(struct cr_ctx *ctx, int procfd, uint32_t securebits, CredsEntry **ret)
{
	_cleanup_proc_status_ struct proc_status st = { 0 };
	CredsEntry *e;
	int r;

	r = proc_read_status(procfd, &st);
	if (r < 0)
		return cr_fail_errno(ctx, r, "Can't read the credentials of a task");
	e = malloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	creds_entry__init(e);
	e->uid = st.uid[0];
	e->euid = st.uid[1];
	e->suid = st.uid[2];
	e->fsuid = st.uid[3];
	e->gid = st.gid[0];
	e->egid = st.gid[1];
	e->sgid = st.gid[2];
	e->fsgid = st.gid[3];
	e->secbits = securebits;
	if (st.no_new_privs) {
		e->has_no_new_privs = true;
		e->no_new_privs = st.no_new_privs;
	}
	r = dump_cap_sets(&st, e);
	if (!r)
		r = dump_groups(&st, e);
	if (r < 0) {
		creds_entry__free_unpacked(e, NULL);
		return r;
	}
	*ret = e;
	return 0;
}
