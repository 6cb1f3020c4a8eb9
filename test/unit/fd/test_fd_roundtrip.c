/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Descriptors go through images: tasks make them, they are dumped as the engine does it, restored in other
 * processes and checked there. Needs root (pidfd_getfd(2), kcmp(2)); without, every case is skipped.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/io.h"
#include "fd/fd.h"
#include "image/image.h"
#include "proc/list.h"
#include "roundtrip.h"

struct shared_notes *notes;
static struct cr_error *error;
static char scratch_dir[] = "/tmp/test_fd.XXXXXX";

#define ALL_CASES file_cases, pipe_cases, event_cases, unix_cases, tty_cases

void must_failed(const char *file, int line, const char *what)
{
	snprintf(notes->failed, sizeof(notes->failed), "%s:%d: %s (errno: %s) %.200s", file, line, what,
		 strerror(errno), error->text);
	_exit(1);
}

const char *scratch(const char *name)
{
	static char paths[8][200];
	static int next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", scratch_dir, name);
	return path;
}

const char *link_of(int fd)
{
	static char links[4][4096];
	static int next;
	char *link = links[next++ % 4], name[32];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, link, sizeof(links[0]) - 1);
	must(n > 0);
	link[n] = '\0';
	return link;
}

long fdinfo_number(int fd, const char *key, int base)
{
	char name[32], *text, *at;
	long n;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	must(read_file_at(AT_FDCWD, name, 1 << 16, &text, NULL) == 0);
	at = strstr(text, key);
	must(at);
	n = strtol(at + strlen(key) + 1, NULL, base);
	free(text);
	return n;
}

bool same_open_file(pid_t pid1, int fd1, pid_t pid2, int fd2)
{
	return syscall(SYS_kcmp, pid1, pid2, KCMP_FILE, (long)fd1, (long)fd2) == 0;
}

static void become_bare(void)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < 3; fd++)
		must(dup2(null, fd) == fd);
	must(close_range(3, ~0u, 0) == 0);
}

static void wait_all(int *counter, int nr)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; __atomic_load_n(counter, __ATOMIC_SEQ_CST) < nr; i++)
		must(i < 5000 && usleep(1000) == 0);
}

static void place(const struct fd_case *c, int who)
{
	if (c->sessions || (c->shell && !who))
		must(setsid() >= 0);
	else if (c->shell)
		must(setpgid(0, 0) == 0);
}

/* Each task is forked by the one before. */
static void run_tasks(const struct fd_case *c)
{
	int nr = c->nr_tasks ?: 1, who = 0;

	do {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		notes->pids[who] = getpid();
		place(c, who);
		if (!who)
			become_bare();
		c->make(who);
	} while (++who < nr && !fork());
	__atomic_add_fetch(&notes->ready, 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
}

static void wait_ready(int nr)
{
	for (int i = 0; i < 2000 && __atomic_load_n(&notes->ready, __ATOMIC_SEQ_CST) < nr && !notes->failed[0]; i++)
		usleep(1000);
	if (notes->failed[0])
		fail_msg("make: %s", notes->failed);
	assert_int_equal(notes->ready, nr);
}

static int dump_task(struct fd_dump *dump, int who)
{
	struct fd_task task = { .pid = notes->pids[who], .files_id = who + 1, .comm = "roundtrip" };
	int r;

	task.pidfd = syscall(SYS_pidfd_open, task.pid, 0);
	task.procfd = proc_open_pid(task.pid);
	assert_true(task.pidfd >= 0 && task.procfd >= 0);
	r = fd_dump_task(dump, &task);
	if (!r)
		r = fd_dump_table(dump, &task);
	close(task.pidfd);
	close(task.procfd);
	return r;
}

static int dump_all(struct cr_ctx *ctx, const struct cr_opts *opts, int dirfd, int nr)
{
	struct fd_dump *dump;
	int r = fd_dump_begin(ctx, opts, dirfd, &dump), done;

	for (int who = 0; who < nr && !r; who++)
		r = dump_task(dump, who);
	done = fd_dump_end(&dump, !r);
	return r ?: done;
}

/* A child with the pid that the dumped task had. */
static pid_t fork_as(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};

	return syscall(SYS_clone3, &args, sizeof(args));
}

/* In the restored tasks. Descendants are done before their parent goes on. */
static void restore_tasks(const struct fd_case *c, struct fd_restore *restore)
{
	int nr = c->nr_tasks ?: 1, who = -1, status = 0;
	pid_t child;

	do {
		who++;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		must(getpid() == notes->pids[who]);
		place(c, who);
		if (getsid(0) == getpid())
			must(fd_restore_session(restore, getpid()) == 0);
		child = who + 1 < nr ? fork_as(notes->pids[who + 1]) : -1;
		must(child >= 0 || who + 1 == nr);
	} while (!child);
	must(fd_restore_install(restore, who + 1, getpid(), NULL, 0) == 0);
	wait_all(&notes->placed, nr);
	must(fd_restore_finish(restore, who + 1, getpid(), getsid(0)) == 0);
	must(fd_restore_task(restore, who + 1, getpid(), getsid(0)) == 0);
	wait_all(&notes->ready, nr);
	if (child > 0)
		must(waitpid(child, &status, 0) == child);
	if (status)
		_exit(1);
	c->check(who);
	_exit(0);
}

static int restore_all(struct cr_ctx *ctx, const struct fd_case *c, const struct cr_opts *opts, int dirfd)
{
	struct fd_restore *restore;
	int first, status = 0, r = fd_restore_read(ctx, opts, dirfd, NULL, &restore);
	pid_t root;

	if (r < 0)
		return r;
	for (int who = 0; who < (c->nr_tasks ?: 1) && !r; who++)
		r = fd_restore_read_table(restore, who + 1);
	first = r < 0 ? r : fd_restore_min_service_fd(restore);
	if (first < 0) {
		fd_restore_free(&restore);
		return first;
	}
	notes->ready = notes->placed = 0;
	root = fork_as(notes->pids[0]);
	assert_true(root >= 0);
	if (!root) {
		int high = fcntl(dirfd, F_DUPFD, first + 10);

		must(high >= 0 && dup2(high, dirfd) == dirfd);
		r = fd_restore_open_all(restore, first + 20);
		if (r < 0)
			_exit(2);
		restore_tasks(c, restore);
	}
	fd_restore_free(&restore);
	assert_int_equal(waitpid(root, &status, 0), root);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		return error->code;
	if (status)
		fail_msg("restored task (status %#x): %s", status, notes->failed);
	return 0;
}

static void expect(const char *what, int r, const char *text)
{
	if (!text) {
		if (r)
			fail_msg("%s: %d: %s", what, r, error->text);
		return;
	}
	assert_true(r < 0);
	if (!strstr(error->text, text))
		fail_msg("%s says \"%s\", not \"%s\"", what, error->text, text);
}

static void run_case(void **state)
{
	const struct fd_case *c = *state;
	struct cr_opts opts = { .ghost_limit = 1 << 20, .file_validation = VALIDATE_BUILDID };
	struct cr_ctx ctx = { .error = error };
	int nr = c->nr_tasks ?: 1, dirfd, r;
	pid_t first;

	if (geteuid())
		skip();
	memset(notes, 0, sizeof(*notes));
	memset(error, 0, sizeof(*error));
	if (c->setup)
		c->setup(&opts);
	assert_int_equal(log_open("/dev/null", LOG_WARN, &ctx.log), 0);
	assert_true(!mkdir(scratch("images"), 0700) || errno == EEXIST);
	dirfd = open(scratch("images"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dirfd >= 0);
	first = fork();
	if (!first)
		run_tasks(c);
	wait_ready(nr);
	r = dump_all(&ctx, &opts, dirfd, nr);
	kill(first, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0) /* descendants, too: their pids must be free */
		;
	expect("the dump", r, c->refusal);
	if (!r) {
		if (c->between)
			c->between(&opts);
		expect("the restore", restore_all(&ctx, c, &opts, dirfd), c->failure);
	}
	close(dirfd);
	log_close(&ctx.log);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int clean(void **state)
{
	nftw(scratch_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return mkdir(scratch_dir, 0700);
}

#include "event_cases.h"
#include "file_cases.h"
#include "pipe_cases.h"
#include "tty_cases.h"
#include "unix_cases.h"

int main(void)
{
	static struct CMUnitTest tests[200];
	static const struct fd_case *const sets[] = { ALL_CASES };
	size_t nr = 0;
	int failed;

	notes = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (notes == MAP_FAILED || !mkdtemp(scratch_dir))
		return 1;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	error = (void *)((char *)notes + 32768);
	for (size_t s = 0; s < sizeof(sets) / sizeof(sets[0]); s++)
		for (const struct fd_case *c = sets[s]; c->name; c++)
			tests[nr++] = (struct CMUnitTest){ c->name, run_case, NULL, clean, (void *)c };
	failed = _cmocka_run_group_tests("descriptors", tests, nr, NULL, NULL);
	nftw(scratch_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return failed;
}
