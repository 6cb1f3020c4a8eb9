/* SPDX-License-Identifier: GPL-2.0 */
#include "mem/onfault.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

static bool is_unnamed(const struct proc_map *map)
{
	return map->vm_flags & PROC_VM(LO) && map->vm_flags & PROC_VM(OTHER) && !(map->vm_flags & PROC_VM(LF));
}

static bool looks_unnamed(const struct proc_map_list *maps, const void *at)
{
	for (size_t i = 0; i < maps->nr; i++)
		if (maps->v[i].start <= (uintptr_t)at && (uintptr_t)at < maps->v[i].end)
			return is_unnamed(&maps->v[i]);
	return false;
}

/* Does the kernel lack letters for it? No, too, where we may lock nothing. */
static int ask(bool *ret)
{
	_cleanup_proc_map_list_ struct proc_map_list maps = { 0 };
	_cleanup_close_ int self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	size_t size = sysconf(_SC_PAGESIZE);
	void *page;
	int err = 0;

	*ret = false;
	if (self < 0)
		return -errno;
	page = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return -errno;
	if (!mlock2(page, size, MLOCK_ONFAULT)) {
		err = proc_read_smaps(self, &maps);
		*ret = !err && looks_unnamed(&maps, page);
	}
	munmap(page, size);
	return err;
}

int onfault_name(struct proc_map_list *maps)
{
	bool asked = false, lacks = false;

	for (size_t i = 0; i < maps->nr; i++) {
		struct proc_map *map = &maps->v[i];
		int err;

		if (!is_unnamed(map))
			continue;
		err = asked ? 0 : ask(&lacks);
		if (err || !lacks)
			return err;
		asked = true;
		map->vm_flags = (map->vm_flags & ~PROC_VM(OTHER)) | PROC_VM(LF);
	}
	return 0;
}
