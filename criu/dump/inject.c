/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The page image's descriptor gets into the task over a socket pair that the parasite makes; we take one end with
 * pidfd_getfd(2). Nothing needs a path or /proc inside the task.
 */
#include "dump/inject.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "dump/state.h"
#include "pages/run.h"
#include "proc/limits.h"
#include "seize/supervisor.h"

static int send_descriptor(int socket, int fd)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(socket, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* What fails here can be done without the task: no error yet. */
static int run(struct inject *in, enum parasite_cmd cmd)
{
	struct compel_thread *leader = &in->task->dump->threads[0];
	int result = 0, r = compel_call(in->task->dump->parasite, leader, cmd, &result);

	if (r < 0)
		log_warn(in->ctx->log, "The parasite failed in task %d: %s", in->task->pid,
			 compel_strerror_detail(leader));
	else if (result < 0)
		log_info(in->ctx->log, "The parasite can't carry out command %d in task %d: %s", cmd, in->task->pid,
			 strerror(-result));
	return r < 0 ? r : result;
}

static int begin(void *arg, int fd)
{
	struct inject *in = arg;
	_cleanup_close_ int socket = -1;
	struct parasite_store *store = &parasite_args(in->task)->store;
	int r;

	store->image = store->socket[0] = store->socket[1] = -1; /* should the command not even start */
	store->room = 0;
	r = run(in, PARASITE_STORE_OPEN);
	if (r < 0)
		return r;
	socket = syscall(SYS_pidfd_getfd, in->task->dump->pidfd, store->socket[1], 0);
	if (socket < 0)
		return -errno;
	r = send_descriptor(socket, fd);
	return r < 0 ? r : run(in, PARASITE_STORE_RECV);
}

/* As many runs as one command takes; a run that is longer than a window is cut. */
struct store_position {
	size_t run;
	uint64_t done;	/* bytes of that run */
	uint64_t pages; /* before it, in all */
};

/* The number of pages. */
static uint64_t fill_window(struct parasite_store *s, const struct page_run_at *runs, size_t nr,
			    struct store_position *at)
{
	uint64_t end = 0, bytes = 0;

	s->nr_runs = 0;
	while (at->run < nr && s->nr_runs < PARASITE_MAX_RUNS) {
		const struct page_run_at *run = &runs[at->run];
		uint64_t length = run->nr_pages * RUN_PAGE_SIZE - at->done;
		uint64_t offset = run->offset + at->done;

		if (!s->nr_runs)
			s->map_offset = offset;
		if (offset - s->map_offset >= PARASITE_WINDOW)
			break;
		if (length > PARASITE_WINDOW - (offset - s->map_offset))
			length = PARASITE_WINDOW - (offset - s->map_offset);
		s->runs[s->nr_runs++] = (struct parasite_run){ run->vaddr + at->done, offset, length };
		end = offset + length;
		bytes += length;
		at->done += length;
		if (at->done == run->nr_pages * RUN_PAGE_SIZE) {
			at->run++;
			at->done = 0;
		}
	}
	s->map_length = end - s->map_offset;
	return bytes / RUN_PAGE_SIZE;
}

static void take_bits(uint64_t *to, uint64_t first, const uint64_t *from, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++) {
		uint64_t bit = 1ul << (first + i) % 64;

		if (from[i / 64] >> i % 64 & 1)
			to[(first + i) / 64] |= bit;
		else
			to[(first + i) / 64] &= ~bit;
	}
}

/* A fault in our code has made the kernel forget what the task does about that signal: sigaction(2) by itself. */
static void restore_actions(struct inject *in)
{
	static const int signals[] = { SIGSEGV, SIGBUS };
	struct dump_task *d = in->task->dump;
	struct parasite_sigaction *room = (void *)parasite_args(in->task)->store.runs;
	const struct parasite_sigaction *actions = d->state->inside.sigactions;
	int r = 0;

	for (size_t i = 0; i < 2 && !r; i++) {
		const unsigned long args[6] = { signals[i], compel_remote_addr(d->parasite, room), 0,
						sizeof(uint64_t) };
		long result;

		*room = actions[signals[i] - 1];
		r = compel_syscall_in(d->parasite, &d->threads[0], SYS_rt_sigaction, &result, args);
		r = r ? r : (int)result;
	}
	if (r)
		log_warn(in->ctx->log, "The signal handlers of task %d can't be put back: %s", in->task->pid,
			 strerror(-r));
}

static int store(void *arg, const struct page_run_at *runs, size_t nr, uint64_t *zero)
{
	struct store_position at = { 0, 0, 0 };
	struct inject *in = arg;
	struct parasite_store *s = &parasite_args(in->task)->store;
	int r = 0;

	while (!r && at.run < nr) {
		uint64_t pages;

		if (supervise_cancelled())
			return cr_fail(in->ctx, -EINTR, "Cancelled");
		pages = fill_window(s, runs, nr, &at);
		r = run(in, PARASITE_STORE_PAGES);
		if (!r && zero)
			take_bits(zero, at.pages, s->zero, pages);
		at.pages += pages;
	}
	if (r == -EFAULT)
		restore_actions(in);
	return r;
}

static int end(void *arg)
{
	return run(arg, PARASITE_STORE_CLOSE);
}

const struct capture_inject_ops inject_ops = { .begin = begin, .store = store, .end = end };

static bool is_of_cpu_time(int clock)
{
	return clock < 0 && CPU_CLOCK_KIND(clock) != CPU_CLOCK_OF_DESCRIPTOR;
}

bool inject_is_harmless(const struct task *task)
{
	const struct dump_state *s = task->dump->state;
	struct proc_limits limits;

	if (s->inside.locks_future || proc_read_limits(task->dump->procfd, &limits) ||
	    limits.v[RLIMIT_CPU].cur != UINT64_MAX || limits.v[RLIMIT_CPU].max != UINT64_MAX)
		return false;
	for (int which = ITIMER_VIRTUAL; which <= ITIMER_PROF; which++)
		if (s->inside.itimers[which].value_sec || s->inside.itimers[which].value_usec)
			return false;
	for (size_t i = 0; i < s->timers.nr; i++)
		if (is_of_cpu_time(s->timers.v[i].clock))
			return false;
	return true;
}
