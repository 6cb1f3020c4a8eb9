/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/staged_pages.h"

#include <sys/mman.h>

#include "restore/cow.h"

/* LEN bytes at *OFFSET of RT's source; *OFFSET becomes their place in the memfd. */
static int stage(struct restore *r, struct restore_task *rt, uint64_t *offset, uint64_t len)
{
	const char *from = rt->source->base + *offset;

	if (rt->staged_fd < 0)
		rt->staged_fd = memfd_create("pages", MFD_CLOEXEC);
	if (rt->staged_fd < 0)
		return cr_fail_errno(&r->ctx, -errno, "Can't make a memfd");
	*offset = rt->staged;
	while (len) {
		/* Bad memory is an error of the call. */
		ssize_t n = pwrite(rt->staged_fd, from, len, rt->staged);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return cr_fail_errno(&r->ctx, n ? -errno : -EIO,
					     "Can't read %llu bytes of the pool's memory for task %d: is it bad?",
					     (unsigned long long)len, rt->task->pid);
		rt->staged += n;
		from += n;
		len -= n;
	}
	return 0;
}

static int stage_reads(struct restore *r, struct restore_task *rt)
{
	const struct mem_plan *plan = &rt->plan;
	int err = 0;

	for (size_t i = 0; i < plan->nr_reads && !err; i++) {
		const struct plan_read *read = &plan->reads[i];
		uint64_t len = 0;

		for (uint32_t k = 0; k < read->nr_iovs; k++)
			len += plan->iovs[read->first_iov + k].len;
		err = stage(r, rt, &plan->reads[i].offset, len);
	}
	return err;
}

/* What creators put there before they fork RT, and not from outside. */
static int stage_puts(struct restore *r, struct restore_task *rt)
{
	const struct cow_task *t = rt->cow;
	int err = 0;

	for (size_t i = t ? t->nr_outside : 0; t && i < t->nr_puts && !err; i++)
		err = stage(r, t->put_from[i], &t->puts[i].offset, t->puts[i].nr_pages * RUN_PAGE_SIZE);
	return err;
}

int staged_pages_make(struct restore *r)
{
	struct task *t;
	int err = 0;

	if (!r->fam || r->fam->cp->fd >= 0)
		return 0;
	for_each_task (&r->tree, t) {
		struct restore_task *rt = restore_of(t);

		if (!err && rt->source)
			err = stage_reads(r, rt);
		if (!err)
			err = stage_puts(r, rt);
	}
	return err;
}
