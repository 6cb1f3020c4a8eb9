/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The dump's code inside a task: asks what only the task itself can ask, and stores pages. It uses general
 * registers only, allocates nothing, and leaves no descriptor behind.
 */
#include <compel/plugins/std.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "pie/parasite.h"

#define PR_GET_THP_DISABLE_	     42
#define MEMBARRIER_GET_REGISTRATIONS (1 << 9)

static long get_task(struct parasite_task *t)
{
	int subreaper = 0;
	long r;

	for (int signo = 1; signo <= PARASITE_NSIG; signo++) {
		if (signo == SIGKILL || signo == SIGSTOP) {
			memset(&t->sigactions[signo - 1], 0, sizeof(t->sigactions[0]));
			continue;
		}
		r = sys_rt_sigaction(signo, NULL, (void *)&t->sigactions[signo - 1], sizeof(uint64_t));
		if (r < 0)
			return r;
	}
	for (int which = 0; which < 3; which++) {
		r = sys_getitimer(which, (void *)&t->itimers[which]);
		if (r < 0)
			return r;
	}
	t->brk = (uint64_t)sys_brk(0);
	t->dumpable = sys_prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	t->thp_disabled = sys_prctl(PR_GET_THP_DISABLE_, 0, 0, 0, 0);
	r = sys_membarrier(MEMBARRIER_GET_REGISTRATIONS, 0, 0);
	t->membarrier = r > 0 ? r : 0;
	r = sys_prctl(PR_GET_CHILD_SUBREAPER, (unsigned long)&subreaper, 0, 0, 0);
	t->child_subreaper = subreaper;
	return r;
}

static long get_thread(struct parasite_thread *t)
{
	unsigned long address = 0;
	int signal = 0;
	stack_t stack;
	long r;

	r = sys_sigaltstack(NULL, (void *)&stack);
	if (r < 0)
		return r;
	t->altstack_sp = (uint64_t)stack.ss_sp;
	t->altstack_size = stack.ss_size;
	t->altstack_flags = stack.ss_flags;
	r = sys_prctl(PR_GET_TID_ADDRESS, (unsigned long)&address, 0, 0, 0);
	if (r < 0)
		return r;
	t->tid_address = address;
	t->securebits = sys_prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
	r = sys_prctl(PR_GET_PDEATHSIG, (unsigned long)&signal, 0, 0, 0);
	t->pdeath_signal = signal;
	return r;
}

static long get_fd_flags(struct parasite_fd *fd)
{
	long r = sys_fcntl(fd->nr, F_GETFD, 0);

	fd->flags = r;
	return r < 0 ? r : 0;
}

static long get_timer(struct parasite_timer *t)
{
	int64_t first[4], second[4]; /* interval and value */
	long r = sys_timer_gettime(t->id, first);

	if (!r)
		r = sys_timer_gettime(t->id, second);
	if (r < 0)
		return r;
	t->interval_sec = second[0];
	t->interval_nsec = second[1];
	t->value_sec = second[2];
	t->value_nsec = second[3];
	t->runs = first[2] != second[2] || first[3] != second[3];
	t->overrun = sys_timer_getoverrun(t->id);
	return t->overrun < 0 ? t->overrun : 0;
}

static long get_timers(struct parasite_timers *timers)
{
	long r = 0;

	for (uint32_t i = 0; i < timers->nr && !r; i++)
		r = get_timer(&timers->v[i]);
	return r;
}

static long store_open(struct parasite_store *s)
{
	s->image = -1;
	s->socket[0] = s->socket[1] = -1;
	return sys_socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, s->socket);
}

static long store_recv(struct parasite_store *s)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *c;
	long r;

	r = sys_recvmsg(s->socket[0], &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (r < 0)
		return r;
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return -EPROTO;
	memcpy(&s->image, CMSG_DATA(c), sizeof(s->image));
	return 0;
}

static long store_pages(const struct parasite_store *s)
{
	char *image = (char *)sys_mmap(NULL, s->map_length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, s->image,
				       s->map_offset);

	if ((unsigned long)image >= -4095ul)
		return (long)image;
	for (uint32_t i = 0; i < s->nr_runs; i++) {
		const struct parasite_run *run = &s->runs[i];

		std_copy_nt(image + (run->offset - s->map_offset), (const void *)run->vaddr, run->length);
	}
	return sys_munmap(image, s->map_length);
}

static void close_one(int32_t *fd)
{
	if (*fd >= 0)
		sys_close(*fd);
	*fd = -1;
}

static long store_close(struct parasite_store *s)
{
	close_one(&s->image);
	close_one(&s->socket[0]);
	close_one(&s->socket[1]);
	return 0;
}

int parasite_entry(unsigned int cmd, void *area)
{
	union parasite_args *args = area;

	switch (cmd) {
	case PARASITE_GET_TASK:
		return get_task(&args->task);
	case PARASITE_GET_THREAD:
		return get_thread(&args->thread);
	case PARASITE_GET_FD_FLAGS:
		return get_fd_flags(&args->fd);
	case PARASITE_GET_TIMERS:
		return get_timers(&args->timers);
	case PARASITE_STORE_OPEN:
		return store_open(&args->store);
	case PARASITE_STORE_RECV:
		return store_recv(&args->store);
	case PARASITE_STORE_PAGES:
		return store_pages(&args->store);
	case PARASITE_STORE_CLOSE:
		return store_close(&args->store);
	}
	return -EINVAL;
}
