/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The dump's code inside a task: asks what only the task itself can ask, and stores pages. It uses general
 * registers only, allocates nothing, and leaves no descriptor behind.
 */
#include <compel/plugins/std.h>

#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/mempolicy.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "base/madvise.h"
#include "base/prctl.h"
#include "pie/parasite.h"

/* membarrier(2); newer than the headers of some distributions. */
#define MEMBARRIER_GET_REGISTRATIONS (1 << 9)

#ifndef MADV_COLD
#define MADV_COLD 20
#endif

#define PAGE	       4096
#define LARGE_PAGE     (2ul << 20)
#define IOPRIO_THREAD  1 /* ioprio_get(2), IOPRIO_WHO_PROCESS */
#define NO_PERSONALITY 0xffffffff

static int32_t positive_or_zero(long value)
{
	return value > 0 ? value : 0;
}

/* Of memory like ours, at AT, only locked one can't be cold. */
static int32_t locks_future(const void *at)
{
	return sys_madvise((void *)((unsigned long)at & ~(PAGE - 1ul)), PAGE, MADV_COLD) == -EINVAL;
}

/* There is something to copy, to where nothing can be copied. The call doesn't extend the sign. */
static int32_t has_ldt(void)
{
	return (int32_t)sys_modify_ldt(0, (void *)-(unsigned long)PAGE, 1) == -EFAULT;
}

/* Without flags: of the thread, and there must be no address. */
static long get_policy(struct parasite_policy *p, uint64_t addr, unsigned long flags)
{
	return sys_get_mempolicy(&p->mode, (unsigned long *)p->nodes, sizeof(p->nodes) * 8, addr, flags);
}

static long get_modes(struct parasite_areas *a)
{
	for (uint32_t i = 0; i < a->nr; i++) {
		int mode = MPOL_DEFAULT;
		long r = sys_get_mempolicy(&mode, NULL, 0, a->areas[i], MPOL_F_ADDR);

		/* A kernel without them, or an area that is none of the task's: [vsyscall]. */
		a->areas[i] = r == 0 && mode != MPOL_DEFAULT;
	}
	return 0;
}

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
	t->thp_disabled = positive_or_zero(sys_prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	t->mdwe = positive_or_zero(sys_prctl(PR_GET_MDWE, 0, 0, 0, 0));
	t->memory_merge = positive_or_zero(sys_prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0));
	t->has_ldt = has_ldt();
	t->locks_future = locks_future(t);
	r = sys_membarrier(MEMBARRIER_GET_REGISTRATIONS, 0, 0);
	t->membarrier = r > 0 ? r : 0;
	r = sys_prctl(PR_GET_CHILD_SUBREAPER, (unsigned long)&subreaper, 0, 0, 0);
	t->child_subreaper = subreaper;
	return r;
}

/* What a slack of 0 would go back to shows only by trying. */
static void get_timer_slack(struct parasite_thread *t)
{
	t->timer_slack = sys_prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
	t->timer_slack_default = t->timer_slack;
	if (!t->timer_slack)
		return;
	sys_prctl(PR_SET_TIMERSLACK, 0, 0, 0, 0);
	t->timer_slack_default = sys_prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
	if (t->timer_slack_default != t->timer_slack)
		sys_prctl(PR_SET_TIMERSLACK, t->timer_slack, 0, 0, 0);
}

static void get_attributes(struct parasite_thread *t)
{
	get_timer_slack(t);
	t->personality = sys_personality(NO_PERSONALITY);
	t->ioprio = sys_ioprio_get(IOPRIO_THREAD, 0);
	for (int which = 0; which < PARASITE_NR_SPECULATION; which++)
		t->speculation[which] = sys_prctl(PR_GET_SPECULATION_CTRL, which, 0, 0, 0);
	if (sys_prctl(PR_GET_TSC, (unsigned long)&t->tsc, 0, 0, 0) < 0)
		t->tsc = PR_TSC_ENABLE;
	t->cpuid = sys_arch_prctl(ARCH_GET_CPUID, 0);
	t->mce_kill = sys_prctl(PR_MCE_KILL_GET, 0, 0, 0, 0);
	t->io_flusher = sys_prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0);
	t->session_keyring = sys_keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	t->process_keyring = sys_keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 0);
	t->thread_keyring = sys_keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_THREAD_KEYRING, 0);
	if (get_policy(&t->policy, 0, 0) < 0)
		t->policy.mode = MPOL_DEFAULT;
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
	get_attributes(t);
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
	int64_t now[4]; /* interval and value */
	long r = sys_timer_gettime(t->id, now);

	if (r < 0)
		return r;
	t->interval_sec = now[0];
	t->interval_nsec = now[1];
	t->value_sec = now[2];
	t->value_nsec = now[3];
	t->overrun = sys_timer_getoverrun(t->id);
	return t->overrun < 0 ? t->overrun : 0;
}

/* CPU time goes on by the tick (of the scheduler's clock, or of what is accounted by ticks). */
#define MAX_TICK_NS 200000000

/* Returns when the calling thread's CLOCK has gone on. */
static long use_time(int clock)
{
	int64_t began[2], now[2], began_cpu[2], cpu[2]; /* s and ns */
	long r = sys_clock_gettime(CLOCK_MONOTONIC, began);

	if (!r)
		r = sys_clock_gettime(clock, began_cpu);
	while (!r) {
		for (volatile int i = 0; i < 10000; i++)
			;
		r = sys_clock_gettime(clock, cpu);
		if (r || cpu[0] != began_cpu[0] || cpu[1] != began_cpu[1])
			break;
		r = sys_clock_gettime(CLOCK_MONOTONIC, now);
		if (!r && (now[0] - began[0]) * 1000000000 + now[1] - began[1] > MAX_TICK_NS)
			break;
	}
	return r;
}

/*
 * One that is due is sent by the next tick that its clock's thread runs through, and has a nanosecond left until then.
 * Waits for that, or so long that it isn't ours.
 */
static long outlast_tick(int id)
{
	int64_t began[2], now[2], left[4]; /* s and ns */
	long r = sys_clock_gettime(CLOCK_MONOTONIC, began);

	while (!r) {
		r = sys_timer_gettime(id, left);
		if (r || left[2] || left[3] != 1)
			break;
		r = sys_clock_gettime(CLOCK_MONOTONIC, now);
		if (!r && (now[0] - began[0]) * 1000000000 + now[1] - began[1] > MAX_TICK_NS)
			break;
	}
	return r;
}

/* Does the timer's clock go on when the calling thread's does? */
static long compare_timer(struct parasite_timer *t, int clock)
{
	int64_t before[4];
	long r = sys_timer_gettime(t->id, before);

	if (!r)
		r = !before[2] && before[3] == 1 ? outlast_tick(t->id) : use_time(clock);
	if (!r)
		r = get_timer(t);
	t->runs = before[2] != t->value_sec || before[3] != t->value_nsec;
	return r;
}

static long get_timers(struct parasite_timers *timers)
{
	long r = 0;

	for (uint32_t i = 0; i < timers->nr && !r; i++)
		r = timers->own_clock ? compare_timer(&timers->v[i], timers->own_clock) : get_timer(&timers->v[i]);
	return r;
}

static long store_open(struct parasite_store *s)
{
	s->image = -1;
	s->room = 0;
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

static int is_zero(const uint64_t *page)
{
	for (int i = 0; i < PAGE / 8; i++)
		if (page[i])
			return 0;
	return 1;
}

/*
 * Looks at 64 pages, then copies them: the begins of many are fetched at once, and what is zero is found before the
 * copy, which passes the caches. PAGE_NR: of the first one, counted over all runs.
 */
static void store_run(struct parasite_store *s, const struct parasite_run *run, char *to, uint64_t page_nr)
{
	const char *from = (const char *)run->vaddr;

	for (uint64_t left = run->length; left;) {
		uint64_t step = left < 64 * PAGE ? left : 64 * PAGE;

		for (uint64_t at = 0; at < step; at += PAGE, page_nr++)
			if (is_zero((const uint64_t *)(from + at)))
				s->zero[page_nr / 64] |= 1ul << page_nr % 64;
		std_copy_nt(to, from, step);
		to += step;
		from += step;
		left -= step;
	}
}

static long unmap_window(struct parasite_store *s)
{
	long r = s->room ? sys_munmap((void *)s->room, s->room_length) : 0;

	s->room = 0;
	return r;
}

/* At an address where large pages of the image are entries of the page table's second level. */
static long map_window(struct parasite_store *s)
{
	long r, at;

	s->room_length = s->map_length + LARGE_PAGE;
	r = (long)sys_mmap(NULL, s->room_length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if ((unsigned long)r >= -4095ul)
		return r;
	s->room = r;
	at = r + ((s->map_offset - r) & (LARGE_PAGE - 1));
	return (long)sys_mmap((void *)at, s->map_length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, s->image,
			      s->map_offset);
}

static long store_pages(struct parasite_store *s)
{
	uint64_t page_nr = 0;
	long r, at = map_window(s);

	if ((unsigned long)at >= -4095ul)
		return at;
	memset(s->zero, 0, sizeof(s->zero));
	for (uint32_t i = 0; i < s->nr_runs; i++) {
		const struct parasite_run *run = &s->runs[i];
		char *to = (char *)at + (run->offset - s->map_offset);

		/* An error here is no signal later. Before Linux 5.14 each page faults. */
		r = sys_madvise(to, run->length, MADV_POPULATE_READ);
		if (r < 0 && r != -EINVAL)
			return r;
		store_run(s, run, to, page_nr);
		page_nr += run->length / PAGE;
	}
	return unmap_window(s);
}

static void close_one(int32_t *fd)
{
	if (*fd >= 0)
		sys_close(*fd);
	*fd = -1;
}

static long store_close(struct parasite_store *s)
{
	unmap_window(s);
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
		get_modes(&args->areas);
		return get_task(&args->task);
	case PARASITE_GET_MODES:
		return get_modes(&args->areas);
	case PARASITE_GET_POLICY:
		return get_policy(&args->policy, args->policy.addr, MPOL_F_ADDR);
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
