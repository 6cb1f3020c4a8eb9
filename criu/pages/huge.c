/* SPDX-License-Identifier: GPL-2.0 */
#include "pages/huge.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/madvise.h"
#include "pages/pagemap_scan.h"
#include "pages/run.h"

unsigned pages_huge_among(const char *const *places, size_t nr)
{
	_cleanup_close_ int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	unsigned huge = 0;

	for (size_t i = 0; fd >= 0 && i < nr; i++) {
		struct pms_range range;
		struct pms_request req = { .size = sizeof(req),
					   .start = (uintptr_t)places[i],
					   .end = (uintptr_t)places[i] + RUN_PAGE_SIZE,
					   .answers = (uintptr_t)&range,
					   .nr_answers = 1,
					   .all_of = PMS_HUGE,
					   .report = PMS_HUGE };

		if (!madvise((void *)places[i], RUN_PAGE_SIZE, MADV_POPULATE_READ) && ioctl(fd, PMS_IOCTL, &req) == 1)
			huge++;
	}
	return huge;
}
