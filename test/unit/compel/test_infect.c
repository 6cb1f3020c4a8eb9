/* SPDX-License-Identifier: GPL-2.0 */
/* Injected code runs, tells of faults, and leaves no trace. */
#include "harness.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/resource.h>

static int spin(struct shared *sh)
{
	sh->ready = 1;
	while (!sh->go)
		sh->count++;
	return 0;
}

static int sleeper(struct shared *sh)
{
	sh->ready = 1;
	while (!sh->go)
		usleep(1000);
	return 0;
}

static void let_go(struct child *c)
{
	assert_ok(compel_detach(&c->th), &c->th);
	c->sh->go = 1;
	child_finish(c);
}

static void no_trace(int (*fn)(struct shared *))
{
	struct child c;
	char *maps[2];
	int fds[2];
	compel_regs_t regs;
	uint64_t mask;

	child_start(&c, fn);
	child_stop(&c);
	maps[0] = child_proc(&c, "maps");
	fds[0] = child_count_fds(&c);
	child_visit(&c);
	assert_ok(compel_thread_restore(&c.th), &c.th);
	maps[1] = child_proc(&c, "maps");
	fds[1] = child_count_fds(&c);
	assert_string_equal(maps[0], maps[1]);
	assert_int_equal(fds[0], fds[1]);
	assert_int_equal(compel_get_regs(c.pid, &regs), 0);
	assert_memory_equal(&regs, &c.th.regs, sizeof(regs));
	assert_int_equal(compel_get_sigmask(c.pid, &mask), 0);
	assert_int_equal(mask, c.th.sigmask);
	free(maps[0]);
	free(maps[1]);
	let_go(&c);
}

static void test_no_trace_running(void **state)
{
	no_trace(spin);
}

static void test_no_trace_sleeping(void **state)
{
	no_trace(sleeper);
}

static void test_region(void **state)
{
	struct compel_blob_ctl *ctl;
	struct test_args *args;
	unsigned long start, end;
	struct child c;
	char *maps, line[64];
	int got;

	child_start(&c, sleeper);
	child_stop(&c);
	ctl = child_infect(&c);
	compel_region(ctl, &start, &end);
	maps = child_proc(&c, "maps");
	snprintf(line, sizeof(line), "%lx-%lx r-xs", start, start + test_blob_blob.text_size);
	assert_non_null(strstr(maps, line));
	snprintf(line, sizeof(line), "%lx-%lx rw-s", start + test_blob_blob.text_size, end);
	assert_non_null(strstr(maps, line));
	free(maps);
	args = compel_args(ctl, sizeof(*args));
	args->pid = 4242;
	assert_int_equal(compel_peek(c.pid, compel_remote_addr(ctl, &args->pid), &got, sizeof(got)), 0);
	assert_int_equal(got, 4242);
	got = 77;
	assert_int_equal(compel_poke(c.pid, compel_remote_addr(ctl, &args->pid), &got, sizeof(got)), 0);
	assert_int_equal(args->pid, 77);
	assert_int_equal(compel_peek(c.pid, 8, &got, sizeof(got)), -EFAULT);
	assert_int_equal(compel_poke(c.pid, 8, &got, sizeof(got)), -EFAULT);
	assert_null(compel_args(ctl, sizeof(*args) + 1));
	assert_null(compel_args_of(ctl, 1, 1));
	assert_ok(compel_cure(ctl), &c.th);
	let_go(&c);
}

static void test_data_and_copy(void **state)
{
	struct compel_blob_ctl *ctl;
	struct test_args *args;
	struct child c;
	int result;

	child_start(&c, sleeper);
	child_stop(&c);
	ctl = child_infect(&c);
	args = compel_args(ctl, sizeof(*args));
	for (int i = 1; i < 4; i++) {
		assert_ok(compel_call(ctl, &c.th, TEST_COUNT, &result), &c.th);
		assert_int_equal(result, 40 + 2 * i);
	}
	assert_ok(compel_call(ctl, &c.th, 999, &result), &c.th);
	assert_int_equal(result, -EINVAL);
	/* Every alignment and many sizes, with the bytes around untouched. */
	for (unsigned long n = 0; n < 200; n++) {
		memset(args->data, 0xee, sizeof(args->data));
		args->from = 16 + n % 7;
		args->to = sizeof(args->data) / 2 + n % 9;
		args->size = n < 100 ? n : n < 150 ? n * 17 : n * 307;
		for (unsigned long i = 0; i < args->size; i++)
			args->data[args->from + i] = (unsigned char)(i * 7 + n);
		assert_ok(compel_call(ctl, &c.th, TEST_COPY, &result), &c.th);
		assert_memory_equal(args->data + args->from, args->data + args->to, args->size);
		assert_int_equal(args->data[args->to - 1], 0xee);
		assert_int_equal(args->data[args->to + args->size], 0xee);
	}
	assert_ok(compel_cure(ctl), &c.th);
	let_go(&c);
}

static void test_faults(void **state)
{
	static const unsigned int commands[] = { TEST_FAULT, TEST_ILL, TEST_BREAK };
	struct compel_blob_ctl *ctl;
	struct child c;
	int result;

	child_start(&c, sleeper);
	child_stop(&c);
	ctl = child_infect(&c);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(compel_call(ctl, &c.th, commands[i], &result), -EFAULT);
		assert_non_null(strstr(compel_strerror_detail(&c.th), i < 2 ? "signal" : "breakpoint"));
	}
	/* It's fit for more nevertheless. */
	child_call_sum(&c, ctl);
	assert_ok(compel_cure(ctl), &c.th);
	let_go(&c);
}

static void test_busy(void **state)
{
	struct compel_blob_ctl *ctl;
	struct test_args *args;
	struct child c;
	int result;

	child_start(&c, sleeper);
	child_stop(&c);
	ctl = child_infect(&c);
	args = compel_args(ctl, sizeof(*args));
	assert_int_equal(compel_call_finish(ctl, &c.th, &result), -EINVAL);
	assert_ok(compel_call_start(ctl, &c.th, TEST_PAUSE), &c.th);
	while (!args->started)
		nap_ms(1);
	assert_int_equal(compel_call_start(ctl, &c.th, TEST_PAUSE), -EBUSY);
	assert_int_equal(compel_thread_restore(&c.th), -EBUSY);
	assert_int_equal(compel_detach(&c.th), -EBUSY);
	args->go = 1;
	assert_ok(compel_call_finish(ctl, &c.th, &result), &c.th);
	assert_int_equal(result, 7);
	c.th.slot = 1;
	assert_int_equal(compel_call_start(ctl, &c.th, TEST_PAUSE), -EINVAL);
	c.th.slot = 0;
	assert_ok(compel_cure(ctl), &c.th);
	let_go(&c);
}

static void test_killed_in_call(void **state)
{
	struct compel_blob_ctl *ctl;
	struct test_args *args;
	struct child c;
	int result;

	/* By itself, in the middle, and before. */
	for (int when = 0; when < 3; when++) {
		child_start(&c, sleeper);
		child_stop(&c);
		ctl = child_infect(&c);
		args = compel_args(ctl, sizeof(*args));
		if (when == 0) {
			assert_int_equal(compel_call(ctl, &c.th, TEST_KILL, &result), -ESRCH);
		} else if (when == 1) {
			assert_ok(compel_call_start(ctl, &c.th, TEST_PAUSE), &c.th);
			while (!args->started)
				nap_ms(1);
			kill(c.pid, SIGKILL);
			assert_int_equal(compel_call_finish(ctl, &c.th, &result), -ESRCH);
		} else {
			kill(c.pid, SIGKILL);
			nap_ms(20);
			assert_int_equal(compel_call(ctl, &c.th, TEST_SUM, &result), -ESRCH);
			assert_int_equal(compel_cure(ctl), -ESRCH);
			ctl = NULL;
		}
		if (ctl)
			compel_forget(ctl);
		/* Our own child: what waited for it here has reaped it. */
		waitpid(c.pid, &result, __WALL | WNOHANG);
		munmap(c.sh, 4096);
	}
}

static int no_descriptors(struct shared *sh)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_NOFILE, &none);
	return sleeper(sh);
}

static void test_no_descriptor_left(void **state)
{
	struct child c;

	if (geteuid())
		skip();
	child_start(&c, no_descriptors);
	child_stop(&c);
	child_visit(&c);
	let_go(&c);
}

/* Which SIGTRAP state a task has must neither matter nor change. */
static int trap_ignored(struct shared *sh)
{
	signal(SIGTRAP, SIG_IGN);
	return sleeper(sh);
}

static void on_trap(int sig, siginfo_t *si, void *uc)
{
	struct shared *sh = *(struct shared **)&si->si_ptr;

	if (si->si_code == SI_QUEUE)
		sh->value++;
}

static int trap_handled(struct shared *sh)
{
	struct sigaction sa = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &sa, NULL);
	return sleeper(sh);
}

static int trap_blocked(struct shared *sh)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTRAP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	trap_handled(sh);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return 0;
}

static void trap_kept(int (*fn)(struct shared *), const char *line)
{
	char before[256];
	struct child c;

	child_start(&c, fn);
	snprintf(before, sizeof(before), "%s", child_status(&c, line));
	child_stop(&c);
	child_visit(&c);
	assert_ok(compel_thread_restore(&c.th), &c.th);
	assert_string_equal(before, child_status(&c, line));
	let_go(&c);
}

static void test_trap_ignored(void **state)
{
	trap_kept(trap_ignored, "SigIgn:");
}

static void test_trap_handled(void **state)
{
	trap_kept(trap_handled, "SigCgt:");
}

static void test_trap_blocked(void **state)
{
	trap_kept(trap_blocked, "SigBlk:");
}

/* A SIGTRAP of somebody else arrives before or in the middle of a call: it's delivered later, with its value. */
static void foreign_trap(int (*fn)(struct shared *), bool in_call)
{
	struct compel_blob_ctl *ctl;
	struct test_args *args;
	struct child c;
	union sigval value;
	int result;

	child_start(&c, fn);
	value.sival_ptr = c.sh;
	child_stop(&c);
	ctl = child_infect(&c);
	args = compel_args(ctl, sizeof(*args));
	if (in_call) {
		assert_ok(compel_call_start(ctl, &c.th, TEST_PAUSE), &c.th);
		while (!args->started)
			nap_ms(1);
	}
	assert_int_equal(sigqueue(c.pid, SIGTRAP, value), 0);
	if (in_call) {
		args->go = 1;
		assert_ok(compel_call_finish(ctl, &c.th, &result), &c.th);
	}
	child_call_sum(&c, ctl);
	child_call_sum(&c, ctl);
	assert_ok(compel_cure(ctl), &c.th);
	assert_int_equal(c.sh->value, 0);
	assert_ok(compel_detach(&c.th), &c.th);
	nap_ms(20);
	c.sh->go = 1;
	nap_ms(20);
	assert_int_equal(c.sh->value, 1);
	child_finish(&c);
}

static void test_trap_foreign(void **state)
{
	foreign_trap(trap_handled, false);
	foreign_trap(trap_handled, true);
	foreign_trap(trap_blocked, false);
	foreign_trap(trap_blocked, true);
}

static int strict(struct shared *sh)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_nanosleep, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_restart_syscall, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog prog = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		return 1;
	sleeper(sh);
	return syscall(SYS_exit_group, 0); /* exit(3) may do more than that */
}

/* Its filter kills it for all that we do, unless it's suspended. */
static void test_seccomp(void **state)
{
	struct compel_stop stop;
	struct child c;
	int err;

	child_start(&c, strict);
	err = compel_seize(c.pid, COMPEL_SEIZE_SUSPEND_SECCOMP);
	if (err) {
		child_kill(&c);
		assert_true(err == -EPERM || err == -EINVAL);
		skip();
	}
	assert_int_equal(compel_interrupt(c.pid), 0);
	assert_int_equal(compel_wait_stop(c.pid, &stop), 0);
	assert_ok(compel_thread_save(&c.th, c.pid, &stop), &c.th);
	assert_int_equal(compel_set_flags(c.pid, COMPEL_SEIZE_SUSPEND_SECCOMP | COMPEL_SEIZE_EXITKILL), 0);
	assert_int_equal(compel_set_flags(c.pid, 1 << 20), -EINVAL);
	child_visit(&c);
	let_go(&c);

	child_start(&c, strict);
	child_stop(&c);
	assert_int_equal(compel_infect(&c.th, &test_blob_blob, 0, &(struct compel_blob_ctl *){ NULL }), -ESRCH);
	munmap(c.sh, 4096);
}

static void test_bad_blob(void **state)
{
	struct compel_blob blob = test_blob_blob;
	struct compel_blob_ctl *ctl;
	struct child c;

	child_start(&c, sleeper);
	child_stop(&c);
	blob.nr_symbols = 0;
	assert_int_equal(compel_infect(&c.th, &blob, 0, &ctl), -EINVAL);
	blob = test_blob_blob;
	blob.text_size = 100;
	assert_int_equal(compel_infect(&c.th, &blob, 0, &ctl), -EINVAL);
	blob = test_blob_blob;
	blob.relocs = &(struct compel_reloc){ .offset = 1 << 30 };
	blob.nr_relocs = 1;
	assert_int_equal(compel_infect(&c.th, &blob, 0, &ctl), -EINVAL);
	assert_int_equal(compel_infect_slots(&c.th, &test_blob_blob, 0, 0, &ctl), -EINVAL);
	child_visit(&c);
	let_go(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_trace_running), cmocka_unit_test(test_no_trace_sleeping),
		cmocka_unit_test(test_region),		 cmocka_unit_test(test_data_and_copy),
		cmocka_unit_test(test_faults),		 cmocka_unit_test(test_busy),
		cmocka_unit_test(test_killed_in_call),	 cmocka_unit_test(test_no_descriptor_left),
		cmocka_unit_test(test_trap_ignored),	 cmocka_unit_test(test_trap_handled),
		cmocka_unit_test(test_trap_blocked),	 cmocka_unit_test(test_trap_foreign),
		cmocka_unit_test(test_seccomp),		 cmocka_unit_test(test_bad_blob),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
