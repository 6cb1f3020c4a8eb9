/* SPDX-License-Identifier: GPL-2.0 */
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/io.h"
#include "pager/pager.h"
#include "pager/state.h"

#define CANCEL_MS 5000

static void *map(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	mlock(p, len);
	return p;
}

/* ---- in the pager -------------------------------------------------------------------------------------------- */

static int compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* All but KEEP go; those become numbers above what the switch needs. */
static int keep_only(int **keep, size_t nr)
{
	int *sorted, from = 0;

	for (size_t i = 0; i < nr; i++) {
		int fd = fcntl(*keep[i], F_DUPFD_CLOEXEC, SWITCH_LOWEST + 1);

		if (fd < 0)
			return -errno;
		*keep[i] = fd;
	}
	sorted = calloc(nr, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		sorted[i] = *keep[i];
	qsort(sorted, nr, sizeof(*sorted), compare_ints);
	for (size_t i = 0; i < nr; i++) {
		if (from < sorted[i])
			syscall(SYS_close_range, from, sorted[i] - 1, 0);
		from = sorted[i] + 1;
	}
	syscall(SYS_close_range, from, ~0u, 0);
	free(sorted);
	for (int i = 0; i < SWITCH_LOWEST; i++)
		if (open("/dev/null", O_RDWR) != i)
			return -EIO;
	return 0;
}

/* UFFDS, GO and REPORT are changed to the numbers that they get. */
static int keep_needed(const struct pager_args *args, int *uffds, int *go, int *report)
{
	size_t n = 0, nr = args->nr_jobs + args->nr_fds + 2;
	int *others = calloc(args->nr_fds + 1, sizeof(*others));
	int **keep = calloc(nr, sizeof(*keep));
	int err = -ENOMEM;

	if (others && keep) {
		for (size_t i = 0; i < args->nr_jobs; i++)
			keep[n++] = &uffds[i];
		for (size_t i = 0; i < args->nr_fds; i++) {
			others[i] = args->fds[i];
			keep[n++] = &others[i];
		}
		keep[n++] = go;
		keep[n++] = report;
		err = keep_only(keep, n);
	}
	free(others);
	free(keep);
	return err;
}

/* Nothing is asked of it but by its socket, and it must not be the first that the kernel sacrifices. */
static void settle(void)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	const struct rlimit no_core = { 0 };
	sigset_t all;

	setsid();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigaction(SIGCHLD, &ignore, NULL); /* guardians that end leave no zombies */
	setrlimit(RLIMIT_CORE, &no_core);
	prctl(PR_SET_DUMPABLE, 0);
	write_file_at(AT_FDCWD, "/proc/self/oom_score_adj", "-1000", 5);
	if (chdir("/"))
		return;
	umask(077);
}

static int add_jobs(struct pager *p, const struct pager_args *args, const int *uffds)
{
	for (size_t i = 0; i < args->nr_jobs; i++) {
		struct pager_memory *m = args->jobs[i].memory;
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = m };
		int err;

		m->uffd = uffds[i];
		m->pid = args->jobs[i].pid;
		m->next = p->memories;
		p->memories = m;
		err = switch_raise(&p->kill_switch, m->uffd);
		if (err)
			return err;
		if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, m->uffd, &event))
			return -errno;
	}
	return 0;
}

static int prepare(struct pager *p, const struct pager_args *args, const int *uffds)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = EVENT_GO };
	int err = switch_make(&p->kill_switch);

	if (err)
		return err;
	p->stats.started_us = now_us();
	for (int i = 0; i < PAGER_CLIENTS; i++)
		p->clients[i] = -1;
	p->listen = p->watched = p->self = -1;
	p->stacks[0] = map(PAGER_STACK);
	p->stacks[1] = map(PAGER_STACK);
	p->scratch = map(PAGER_SCRATCH);
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!p->stacks[0] || !p->stacks[1] || !p->scratch)
		return -ENOMEM;
	if (p->epoll < 0 || epoll_ctl(p->epoll, EPOLL_CTL_ADD, p->go, &event))
		return -errno;
	err = add_jobs(p, args, uffds);
	for (size_t i = 0; i < args->nr_pids && !err; i++)
		err = switch_arm(&p->kill_switch, args->pids[i]);
	if (err)
		return err;
	asked_listen(p);
	return 0;
}

/* Says its pid, or what went wrong, and becomes the pager. */
__attribute__((noreturn)) static void pager_main(const struct pager_args *args, const char *cgroup, int go, int report)
{
	const char *fill = getenv("CRIU_PAGER_FILL");
	struct pager *p = map(sizeof(*p));
	int *uffds = calloc(args->nr_jobs, sizeof(*uffds));
	int32_t result;

	settle();
	if (!p || !uffds)
		_exit(1);
	for (size_t i = 0; i < args->nr_jobs; i++)
		uffds[i] = args->jobs[i].uffd;
	result = keep_needed(args, uffds, &go, &report);
	p->go = go;
	p->committed = args->committed;
	strcpy(p->cgroup, cgroup);
	p->fills = !fill || strcmp(fill, "0");
	if (!result)
		result = prepare(p, args, uffds);
	if (!result)
		result = getpid();
	if (write_full(report, &result, sizeof(result)) || result < 0)
		_exit(1);
	close(report);
	pager_run(p);
}

/* ---- in the engine ------------------------------------------------------------------------------------------- */

/*
 * To be born in a cgroup is cheap: to move there later makes the kernel wait for all CPUs, 10 ms and more. Returns
 * twice, as fork(2) does.
 */
static pid_t fork_into(char cgroup[PAGER_CGROUP_PATH])
{
	_cleanup_close_ int dir = own_cgroup_make(cgroup);
	const struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = dir,
	};
	pid_t pid = dir < 0 ? -1 : syscall(SYS_clone3, &args, sizeof(args));

	if (pid >= 0)
		return pid;
	if (dir >= 0)
		rmdir(cgroup);
	cgroup[0] = 0;
	return fork();
}

/* By way of a process in between, so that it isn't our child. */
static int fork_pager(const struct pager_args *args, int go, int report)
{
	char cgroup[PAGER_CGROUP_PATH];
	int status;
	pid_t pid = fork();

	if (!pid) {
		pid = fork_into(cgroup);
		if (!pid)
			pager_main(args, cgroup, go, report);
		_exit(pid < 0);
	}
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return -errno;
	return status ? -EAGAIN : 0;
}

int pager_start(struct cr_ctx *ctx, const struct pager_args *args, struct pager_handle *ret)
{
	_cleanup_close_ int go = -1, report = -1, go_end = -1, report_end = -1;
	int fds[2], err;
	int32_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return cr_fail_errno(ctx, -errno, "Can't make a pipe");
	go_end = fds[0];
	go = fds[1];
	if (pipe2(fds, O_CLOEXEC))
		return cr_fail_errno(ctx, -errno, "Can't make a pipe");
	report = fds[0];
	report_end = fds[1];
	err = fork_pager(args, go_end, report_end);
	if (err)
		return cr_fail_errno(ctx, err, "Can't create the pager");
	close_fdp(&report_end);
	close_fdp(&go_end);
	err = read_full(report, &pid, sizeof(pid));
	if (err || pid < 0)
		return cr_fail_errno(ctx, err ?: pid, "The pager can't start");
	ret->pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (ret->pidfd < 0)
		return cr_fail_errno(ctx, -errno, "The pager is gone");
	ret->go = take_fd(go);
	log_info(ctx->log, "Pager %d serves %zu memories", pid, args->nr_jobs);
	return 0;
}

void pager_go(struct pager_handle *handle)
{
	if (handle->go >= 0)
		(void)!write(handle->go, "", 1);
	close_fdp(&handle->go);
	close_fdp(&handle->pidfd);
}

void pager_cancel(struct pager_handle *handle)
{
	struct pollfd fd = { handle->pidfd, POLLIN, 0 };

	close_fdp(&handle->go);
	if (handle->pidfd >= 0)
		while (poll(&fd, 1, CANCEL_MS) < 0 && errno == EINTR)
			;
	close_fdp(&handle->pidfd);
}
