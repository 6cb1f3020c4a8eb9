/* SPDX-License-Identifier: GPL-2.0 */
#include "proc/auxv.h"

#include <elf.h>
#include <errno.h>

#include "proc/parse.h"

int proc_read_auxv(int procfd, struct proc_auxv *ret)
{
	char buf[sizeof(ret->v) + 1];
	struct proc_auxv auxv;
	size_t len;
	int err = proc_read_small(procfd, "auxv", buf, sizeof(buf), &len);

	if (err)
		return err;
	if (!len || len % (2 * sizeof(uint64_t)))
		return -EBADMSG;
	memcpy(auxv.v, buf, len);
	auxv.nr = len / sizeof(uint64_t);
	for (size_t i = 0; i < auxv.nr; i += 2) {
		if (auxv.v[i] == AT_NULL) {
			*ret = auxv;
			return 0;
		}
	}
	return -EBADMSG;
}

int proc_auxv_get(const struct proc_auxv *auxv, uint64_t type, uint64_t *ret)
{
	for (size_t i = 0; i + 1 < auxv->nr && auxv->v[i] != AT_NULL; i += 2) {
		if (auxv->v[i] == type) {
			*ret = auxv->v[i + 1];
			return 0;
		}
	}
	return -ENOENT;
}
