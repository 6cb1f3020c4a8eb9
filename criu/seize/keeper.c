/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A read of /proc/PID/mem holds the memory it reads until it returns; this one never does, since it delivers to a page
 * of ours that a userfaultfd(2) leaves missing. Only the end of this process ends it.
 */
#include "seize/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "seize/seize.h"

#define PAGE 4096ul
/* Pages that are resident; less is freed in no time. */
#define MUCH (32ul << 20)
/* A fault is there within microseconds, unless the machine stands still. */
#define PATIENCE_MS 50

/* Its descriptor and pages stay until the process ends. */
struct keeper {
	int uffd;
	char *pages; /* one per task */
	size_t nr;   /* of them that hold something */
};

struct reader {
	pthread_t thread;
	int memfd;
	unsigned long addr; /* a page of the task's that is there: its code */
	char *to;
};

static void *read_for_ever(void *arg)
{
	struct reader *r = arg;
	ssize_t n = pread(r->memfd, r->to, 1, r->addr);

	close(r->memfd);
	free(r);
	return (void *)(intptr_t)n;
}

static int watch_pages(struct keeper *k, size_t nr)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	k->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (k->uffd < 0 || ioctl(k->uffd, UFFDIO_API, &api) < 0)
		return -errno;
	k->pages = mmap(NULL, nr * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (k->pages == MAP_FAILED)
		return -errno;
	reg.range.start = (uintptr_t)k->pages;
	reg.range.len = nr * PAGE;
	return ioctl(k->uffd, UFFDIO_REGISTER, &reg) < 0 ? -errno : 0;
}

/* The kernel's report of the missing page is the sign that the read has got hold of the memory. */
static bool wait_for_fault(struct keeper *k)
{
	struct pollfd p = { .fd = k->uffd, .events = POLLIN };
	struct uffd_msg msg;

	if (poll(&p, 1, PATIENCE_MS) != 1 || read(k->uffd, &msg, sizeof(msg)) != sizeof(msg))
		return false;
	k->nr++;
	return true;
}

static bool hold(struct keeper *k, const struct task *task)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return false;
	r->addr = compel_regs_ip(&task->dump->threads[0].regs) & ~(PAGE - 1);
	r->to = k->pages + k->nr * PAGE;
	r->memfd = openat(task->dump->procfd, "mem", O_RDONLY | O_CLOEXEC);
	if (r->memfd < 0 || pthread_create(&r->thread, NULL, read_for_ever, r)) {
		close_fdp(&r->memfd);
		free(r);
		return false;
	}
	return wait_for_fault(k);
}

static bool has_much(const struct task *task)
{
	return task->dump && task->dump->threads && task->dump->stat.rss * PAGE >= MUCH;
}

void keep_memory(const struct task_tree *tree)
{
	struct keeper k = { .uffd = -1 };
	struct task *task;
	size_t nr = 0;

	for_each_task (tree, task)
		nr += has_much(task);
	if (!nr || watch_pages(&k, nr) < 0)
		return;
	for_each_task (tree, task)
		if (has_much(task) && !hold(&k, task))
			return; /* this kernel doesn't let us: the others wouldn't do either */
}
