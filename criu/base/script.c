/* SPDX-License-Identifier: GPL-2.0 */
#include "base/script.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/str.h"

#define NR_OWN_VARS 3

static const char *const action_names[SCRIPT_ACTIONS] = {
	[SCRIPT_PRE_STREAM] = "pre-stream",
	[SCRIPT_PRE_DUMP] = "pre-dump",
	[SCRIPT_NETWORK_LOCK] = "network-lock",
	[SCRIPT_POST_DUMP] = "post-dump",
	[SCRIPT_PRE_RESTORE] = "pre-restore",
	[SCRIPT_SETUP_NAMESPACES] = "setup-namespaces",
	[SCRIPT_POST_SETUP_NAMESPACES] = "post-setup-namespaces",
	[SCRIPT_POST_RESTORE] = "post-restore",
	[SCRIPT_NETWORK_UNLOCK] = "network-unlock",
	[SCRIPT_PRE_RESUME] = "pre-resume",
	[SCRIPT_POST_RESUME] = "post-resume",
	[SCRIPT_STATUS_READY] = "status-ready",
};

struct script_env {
	char *own[NR_OWN_VARS];
	char **vars; /* own[], then our environment without variables of those names */
};

const char *script_action_name(enum script_action action)
{
	return action_names[action];
}

static void script_env_free(struct script_env *env)
{
	for (size_t i = 0; i < NR_OWN_VARS; i++)
		free(env->own[i]);
	free(env->vars);
}

static int script_env_make(struct script_env *env, enum script_action action, int images_dirfd, pid_t init_pid)
{
	size_t nr = 0, total = 0;

	env->own[nr++] = str_printf("CRTOOLS_SCRIPT_ACTION=%s", action_names[action]);
	env->own[nr++] = str_printf("CRTOOLS_IMAGE_DIR=/proc/%d/fd/%d", getpid(), images_dirfd);
	if (init_pid > 0)
		env->own[nr++] = str_printf("CRTOOLS_INIT_PID=%d", init_pid);
	while (environ && environ[total])
		total++;
	env->vars = calloc(nr + total + 1, sizeof(*env->vars));
	if (!env->vars)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		if (!env->own[i])
			return -ENOMEM;
		env->vars[i] = env->own[i];
	}
	for (size_t i = 0; i < total; i++)
		if (!str_starts(environ[i], "CRTOOLS_"))
			env->vars[nr++] = environ[i];
	return 0;
}

/*
 * A child with default signals whatever ours are, standard input empty and its output in the log; the leader of a
 * process group, so that it can be ended with all that it has started.
 */
static int spawn_shell(struct cr_ctx *ctx, const char *script, char **vars, pid_t *ret)
{
	char *argv[] = { "sh", "-c", (char *)script, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all, none;
	int err;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawn_file_actions_init(&files);
	err = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!err && log_fd(ctx->log) > STDERR_FILENO) {
		err = posix_spawn_file_actions_adddup2(&files, log_fd(ctx->log), STDOUT_FILENO);
		if (!err)
			err = posix_spawn_file_actions_adddup2(&files, log_fd(ctx->log), STDERR_FILENO);
	}
	if (!err)
		err = posix_spawn(ret, "/bin/sh", &files, &attr, argv, vars);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return -err;
}

/*
 * Waits for the script, but not past a request to end: where signals that ask for it are blocked (the engine of a
 * dump, seize/supervisor.h), one that is pending kills the script, which must not keep tasks frozen. It stays pending.
 */
static int wait_for_script(pid_t pid, int *status)
{
	_cleanup_close_ int pidfd = syscall(SYS_pidfd_open, pid, 0);
	_cleanup_close_ int cancelfd = -1;
	struct pollfd fds[2];
	sigset_t cancel;

	sigemptyset(&cancel);
	sigaddset(&cancel, SIGTERM);
	sigaddset(&cancel, SIGINT);
	sigaddset(&cancel, SIGHUP);
	sigaddset(&cancel, SIGQUIT);
	cancelfd = signalfd(-1, &cancel, SFD_CLOEXEC);
	fds[0] = (struct pollfd){ .fd = pidfd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = cancelfd, .events = POLLIN };
	while (pidfd >= 0 && cancelfd >= 0 && poll(fds, 2, -1) < 0 && errno == EINTR)
		continue;
	if (fds[1].revents)
		kill(-pid, SIGKILL);
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int run_one(struct cr_ctx *ctx, const char *script, enum script_action action, char **vars)
{
	const char *name = action_names[action];
	int err, status;
	pid_t pid;

	log_info(ctx->log, "Running action script %s for %s", script, name);
	err = spawn_shell(ctx, script, vars, &pid);
	if (err)
		return cr_fail_errno(ctx, err, "Can't run action script %s", script);
	err = wait_for_script(pid, &status);
	if (err)
		return cr_fail_errno(ctx, err, "Can't wait for action script %s", script);
	if (WIFSIGNALED(status))
		return cr_fail(ctx, -ECANCELED, "Action script %s was killed by signal %d at %s", script,
			       WTERMSIG(status), name);
	if (!WEXITSTATUS(status))
		return 0;
	cr_fail(ctx, -ECANCELED, "Action script %s failed at %s with status %d", script, name, WEXITSTATUS(status));
	return action == SCRIPT_POST_DUMP ? WEXITSTATUS(status) : -ECANCELED;
}

int script_run(struct cr_ctx *ctx, const struct cr_opts *opts, enum script_action action, int images_dirfd,
	       pid_t init_pid)
{
	__cleanup(script_env_free) struct script_env env = { 0 };
	int err;

	if (!opts->action_scripts.nr)
		return 0;
	err = script_env_make(&env, action, images_dirfd, init_pid);
	if (err)
		return cr_fail_errno(ctx, err, "Can't make the environment of action scripts");
	for (size_t i = 0; i < opts->action_scripts.nr && !err; i++)
		err = run_one(ctx, opts->action_scripts.v[i], action, env.vars);
	return err;
}
