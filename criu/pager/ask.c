/* SPDX-License-Identifier: GPL-2.0 */
#include "pager/ask.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/io.h"
#include "proc/list.h"
#include "proc/stat.h"

#define ANSWER_MAX (256u << 10)
/* A pager answers between two pages. */
#define PATIENCE_S 5

/* In another pid namespace numbers mean other processes. */
static bool same_pid_namespace(pid_t pid)
{
	struct stat own, its;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	return !stat("/proc/self/ns/pid", &own) && !stat(path, &its) && own.st_ino == its.st_ino;
}

/* A connection to the pager whose socket has this name, and its pid. -errno where nobody of root's listens. */
static int connect_to(int dirfd, const char *name, pid_t *pid)
{
	const struct timeval patience = { PATIENCE_S, 0 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct ucred peer;
	socklen_t len = sizeof(peer);
	_cleanup_close_ int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return -errno;
	if (snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", PAGER_DIR, name) >= (int)sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr))) {
		int err = -errno;

		if (err == -ECONNREFUSED) /* it was killed */
			unlinkat(dirfd, name, 0);
		return err;
	}
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return -errno;
	if (peer.uid || !peer.pid || !same_pid_namespace(peer.pid))
		return -ENOENT;
	*pid = peer.pid;
	return take_fd(sock);
}

/* NUL-ended text; bytes or -errno. */
static ssize_t ask(int sock, const char *request, char *answer)
{
	ssize_t n;

	if (send(sock, request, strlen(request), MSG_NOSIGNAL) < 0)
		return -errno;
	n = recv(sock, answer, ANSWER_MAX - 1, 0);
	if (n < 0)
		return -errno;
	answer[n] = 0;
	return n;
}

static pid_t parent_of(pid_t pid)
{
	_cleanup_close_ int procfd = proc_open_pid(pid);
	struct proc_stat stat;

	return procfd >= 0 && !proc_read_stat(procfd, &stat) ? stat.ppid : 0;
}

/* Is PID ROOT, or came of it? */
static bool is_of(pid_t pid, pid_t root)
{
	for (int depth = 0; pid > 1 && depth < 10000; depth++, pid = parent_of(pid))
		if (pid == root)
			return true;
	return false;
}

/* Does the text have a line with PID or, TREE, with one that came of it? */
static bool lists(const char *text, pid_t pid, bool tree)
{
	char *end;

	for (pid_t one; (one = strtol(text, &end, 10)) > 0; text = end)
		if (one == pid || (tree && is_of(one, pid)))
			return true;
	return false;
}

/* Calls EACH with a connection to every pager that serves PID, or (TREE) its tree, until one returns not 0; that. */
static int for_each(pid_t pid, bool tree, int (*each)(void *arg, int sock, char *buf), void *arg)
{
	_cleanup_free_ char *buf = malloc(ANSWER_MAX);
	_cleanup_closedir_ DIR *dir = opendir(PAGER_DIR);
	struct dirent *e;
	struct stat st;
	int r = 0;

	if (!buf)
		return -ENOMEM;
	if (!dir || fstat(dirfd(dir), &st) || st.st_uid || st.st_mode & 022)
		return 0;
	while (!r && (e = readdir(dir))) {
		pid_t pager = 0;
		_cleanup_close_ int sock = e->d_name[0] == '.' ? -1 : connect_to(dirfd(dir), e->d_name, &pager);

		if (sock >= 0 && ask(sock, ASK_PIDS, buf) >= 0 && (lists(buf, pid, tree) || (pager == pid && !tree)))
			r = each(arg, sock, buf);
	}
	return r;
}

/* ---- figures ------------------------------------------------------------------------------------------------- */

struct stat_args {
	bool json;
	FILE *out;
};

static int print(void *arg, int sock, char *buf)
{
	struct stat_args *args = arg;

	if (ask(sock, args->json ? ASK_JSON : ASK_TEXT, buf) <= 0)
		return 0;
	fputs(buf, args->out);
	return 1;
}

int pager_stat(struct cr_ctx *ctx, pid_t pid, bool json, FILE *out)
{
	struct stat_args args = { json, out };
	int r = for_each(pid, false, print, &args);

	if (r < 0)
		return r;
	return r ? 0 : cr_fail(ctx, -ESRCH, "No pager serves process %d: all its pages are there", pid);
}

/* ---- the end ------------------------------------------------------------------------------------------------- */

static int wait_for_end(void *arg, int sock, char *buf)
{
	const uint64_t *until = arg;
	uint64_t now = now_us();
	const struct timeval left = { *until > now ? (*until - now) / 1000000 : 0, 1000 };
	ssize_t n;

	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &left, sizeof(left));
	n = ask(sock, ASK_FINISH, buf);
	/* Who leaves in this moment closes the connection. */
	return n == -EAGAIN ? -ETIMEDOUT : 0;
}

int pager_finish(struct cr_ctx *ctx, pid_t root, unsigned seconds)
{
	uint64_t until = now_us() + seconds * 1000000ull;
	int r = for_each(root, true, wait_for_end, &until);

	if (r == -ETIMEDOUT)
		return cr_fail(ctx, r,
			       "The tree %d was restored lazily, and some of its pages have not come within %u s", root,
			       seconds);
	return r;
}
