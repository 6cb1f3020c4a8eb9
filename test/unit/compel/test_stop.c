/* SPDX-License-Identifier: GPL-2.0 */
/* Stopping: job control, signals on their way, the dead, 32-bit code, restartable sequences. */
#include "harness.h"

#include <linux/rseq.h>
#include <pthread.h>

static int sleeper(struct shared *sh)
{
	sh->ready = 1;
	while (!sh->go)
		usleep(1000);
	return 0;
}

static char state_of(struct child *c)
{
	char *stat = child_proc(c, "stat"), state;

	state = strrchr(stat, ')')[2];
	free(stat);
	return state;
}

static void wait_state(struct child *c, char state)
{
	for (int i = 0; i < 1000 && state_of(c) != state; i++)
		nap_ms(1);
	assert_int_equal(state_of(c), state);
}

/* Still stopped, and SIGCONT sets it going. */
static void continue_stopped(struct child *c)
{
	wait_state(c, 'T');
	nap_ms(30);
	assert_int_equal(state_of(c), 'T');
	c->sh->go = 1;
	nap_ms(20);
	assert_int_equal(state_of(c), 'T');
	kill(c->pid, SIGCONT);
	child_finish(c);
}

static void test_stays_stopped(void **state)
{
	static const int signals[] = { SIGSTOP, SIGTSTP, SIGTTIN };

	for (int i = 0; i < 3; i++) {
		struct child c;

		child_start(&c, sleeper);
		setpgid(c.pid, c.pid);
		kill(c.pid, signals[i]);
		wait_state(&c, 'T');
		child_stop(&c);
		assert_int_equal(c.th.kind, COMPEL_STOP_GROUP);
		assert_int_equal(c.th.stop_sig, signals[i]);
		child_visit(&c);
		assert_ok(compel_detach(&c.th), &c.th);
		continue_stopped(&c);
	}
}

/* Sent after the seizing, so the first thing seen is the signal itself. */
static void test_stop_on_the_way(void **state)
{
	struct compel_stop stop;
	struct child c;

	child_start(&c, sleeper);
	assert_int_equal(compel_seize(c.pid, 0), 0);
	kill(c.pid, SIGSTOP);
	nap_ms(20);
	assert_int_equal(compel_interrupt(c.pid), 0);
	assert_int_equal(compel_wait_stop(c.pid, &stop), 0);
	assert_int_equal(stop.kind, COMPEL_STOP_GROUP);
	assert_int_equal(stop.sig, SIGSTOP);
	assert_ok(compel_thread_save(&c.th, c.pid, &stop), &c.th);
	child_visit(&c);
	assert_ok(compel_detach(&c.th), &c.th);
	continue_stopped(&c);
}

static void test_continued_meanwhile(void **state)
{
	struct compel_blob_ctl *ctl;
	struct child c;

	child_start(&c, sleeper);
	kill(c.pid, SIGSTOP);
	wait_state(&c, 'T');
	child_stop(&c);
	ctl = child_infect(&c);
	kill(c.pid, SIGCONT);
	child_call_sum(&c, ctl);
	assert_ok(compel_cure(ctl), &c.th);
	assert_ok(compel_detach(&c.th), &c.th);
	c.sh->go = 1;
	child_finish(&c);
}

static void test_stopped_in_call(void **state)
{
	struct compel_blob_ctl *ctl;
	struct test_args *args;
	struct child c;
	int result;

	child_start(&c, sleeper);
	child_stop(&c);
	assert_int_equal(c.th.kind, COMPEL_STOP_TRAP);
	ctl = child_infect(&c);
	args = compel_args(ctl, sizeof(*args));
	assert_ok(compel_call_start(ctl, &c.th, TEST_PAUSE), &c.th);
	while (!args->started)
		nap_ms(1);
	kill(c.pid, SIGSTOP);
	nap_ms(20);
	args->go = 1;
	assert_ok(compel_call_finish(ctl, &c.th, &result), &c.th);
	assert_int_equal(result, 7);
	child_call_sum(&c, ctl);
	assert_ok(compel_cure(ctl), &c.th);
	assert_ok(compel_detach(&c.th), &c.th);
	continue_stopped(&c);
}

static struct shared *handler_shared;

static void on_signal(int sig, siginfo_t *si, void *uc)
{
	handler_shared->count++;
	handler_shared->signo = sig;
	handler_shared->code = si->si_code;
	handler_shared->value = si->si_value.sival_int;
}

static int handle(struct shared *sh, int sig, int flags)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags };

	handler_shared = sh;
	sigaction(sig, &sa, NULL);
	return sleeper(sh);
}

static int handle_usr1(struct shared *sh)
{
	return handle(sh, SIGUSR1, 0);
}

static int handle_rt(struct shared *sh)
{
	return handle(sh, SIGRTMIN + 3, SA_RESTART);
}

/* A signal is being delivered when we come: it comes once, later, with its siginfo. */
static void signal_on_the_way(int (*fn)(struct shared *), int sig)
{
	union sigval value = { .sival_int = 1234 };
	struct compel_stop stop;
	struct child c;

	child_start(&c, fn);
	assert_int_equal(compel_seize(c.pid, 0), 0);
	assert_int_equal(sigqueue(c.pid, sig, value), 0);
	nap_ms(20);
	assert_int_equal(compel_interrupt(c.pid), 0);
	assert_int_equal(compel_wait_stop(c.pid, &stop), 0);
	assert_int_equal(stop.kind, COMPEL_STOP_TRAP);
	assert_ok(compel_thread_save(&c.th, c.pid, &stop), &c.th);
	assert_int_equal(c.th.sigmask, 0);
	child_visit(&c);
	assert_int_equal(c.sh->count, 0);
	assert_ok(compel_detach(&c.th), &c.th);
	nap_ms(20);
	assert_int_equal(c.sh->count, 1);
	assert_int_equal(c.sh->signo, sig);
	assert_int_equal(c.sh->code, SI_QUEUE);
	assert_int_equal(c.sh->value, 1234);
	c.sh->go = 1;
	child_finish(&c);
}

static void test_signal_on_the_way(void **state)
{
	signal_on_the_way(handle_usr1, SIGUSR1);
	signal_on_the_way(handle_rt, SIGRTMIN + 3);
}

static void test_pending_survives(void **state)
{
	union sigval value = { .sival_int = 99 };
	struct compel_blob_ctl *ctl;
	struct child c;

	child_start(&c, handle_rt);
	child_stop(&c);
	for (int i = 0; i < 3; i++)
		assert_int_equal(sigqueue(c.pid, SIGRTMIN + 3, value), 0);
	ctl = child_infect(&c);
	child_call_sum(&c, ctl);
	assert_ok(compel_cure(ctl), &c.th);
	assert_int_equal(c.sh->count, 0);
	assert_ok(compel_detach(&c.th), &c.th);
	nap_ms(20);
	assert_int_equal(c.sh->count, 3);
	assert_int_equal(c.sh->value, 99);
	c.sh->go = 1;
	child_finish(&c);
}

static int dies(struct shared *sh)
{
	sh->ready = 1;
	return 5;
}

static void test_dead(void **state)
{
	struct compel_stop stop;
	struct child c;

	child_start(&c, dies);
	wait_state(&c, 'Z');
	assert_int_equal(compel_seize(c.pid, 0), -ESRCH);
	assert_int_equal(WEXITSTATUS(child_wait(&c)), 5);
	assert_int_equal(compel_seize(c.pid, 0), -ESRCH);

	child_start(&c, sleeper);
	assert_int_equal(compel_seize(c.pid, 0), 0);
	kill(c.pid, SIGKILL);
	nap_ms(20);
	compel_interrupt(c.pid);
	assert_int_equal(compel_wait_stop(c.pid, &stop), -ESRCH);
	assert_true(WIFSIGNALED(stop.exit_status));
	assert_true(stop.error.text[0]);
	munmap(c.sh, 4096);
}

static void *outlive(void *arg)
{
	struct shared *sh = arg;

	nap_ms(20);
	sh->ready = 1;
	while (!sh->go)
		usleep(1000);
	_exit(0);
}

static int leader_exits(struct shared *sh)
{
	pthread_t thread;

	pthread_create(&thread, NULL, outlive, sh);
	/* When the seizing is done. */
	while (!sh->value)
		usleep(1000);
	syscall(SYS_exit, 0);
	return 1;
}

/* A thread group leader that exits before its threads reports nothing. */
static void test_leader_exited(void **state)
{
	struct compel_stop stop;
	struct child c;

	child_start(&c, leader_exits);
	assert_int_equal(compel_seize(c.pid, 0), 0);
	c.sh->value = 1;
	wait_state(&c, 'Z');
	compel_interrupt(c.pid);
	assert_int_equal(compel_wait_stop(c.pid, &stop), -ESRCH);
	assert_int_equal(stop.kind, COMPEL_STOP_ZOMBIE);
	c.sh->go = 1;
	child_finish(&c);
}

#ifdef __x86_64__
/* A far return into a compatibility-mode code segment, where an endless loop waits. */
static int code_32bit(struct shared *sh)
{
	unsigned char *code =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (code == MAP_FAILED)
		return 1;
	code[0] = 0xeb;
	code[1] = 0xfe;
	sh->ready = 1;
	__asm__ volatile("pushq $0x23; pushq %0; lretq" : : "r"(code));
	return 1;
}

/* QEMU without KVM crashes the guest's kernel when a task changes to 32 bit this way. */
static bool cpu_is_emulated(void)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[4096];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, "QEMU TCG") != NULL;
	if (f)
		fclose(f);
	return found;
}

static void test_32bit(void **state)
{
	struct compel_stop stop;
	struct child c;

	if (cpu_is_emulated())
		skip();
	child_start(&c, code_32bit);
	assert_int_equal(compel_seize(c.pid, COMPEL_SEIZE_EXITKILL), 0);
	assert_int_equal(compel_interrupt(c.pid), 0);
	assert_int_equal(compel_wait_stop(c.pid, &stop), 0);
	assert_int_equal(compel_thread_save(&c.th, c.pid, &stop), -ENOTSUP);
	assert_non_null(strstr(compel_strerror_detail(&c.th), "32-bit"));
	child_kill(&c);
}

/* An endless restartable sequence; each abort is counted and starts it again. elapsed_ms: where the abort handler is.
 */
static int in_rseq(struct shared *sh)
{
	static struct rseq area __attribute__((aligned(32)));

	/* The C library's registration, if any, makes way. */
	extern const ptrdiff_t __rseq_offset __attribute__((weak));
	extern const unsigned int __rseq_size __attribute__((weak));

	if (&__rseq_size && __rseq_size)
		syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, 32, RSEQ_FLAG_UNREGISTER,
			0x53053053);
	if (syscall(SYS_rseq, &area, 32, 0, 0x53053053))
		return 77;
	__asm__ volatile(".pushsection __rseq_test, \"aw\"\n"
			 ".balign 32\n"
			 "3: .long 0, 0; .quad 1f, (2f - 1f), 4f\n"
			 ".popsection\n"
			 "leaq 4f(%%rip), %%rax\n"
			 "movq %%rax, %3\n"
			 "5: leaq 3b(%%rip), %%rax\n"
			 "movq %%rax, %0\n"
			 "movl $1, %4\n"
			 "1: pause\n"
			 "cmpl $0, %1\n"
			 "je 1b\n"
			 "2: jmp 6f\n"
			 ".long 0x53053053\n"
			 "4: incl %2\n"
			 "cmpl $0, %1\n"
			 "je 5b\n"
			 "6:\n"
			 : "=m"(area.rseq_cs), "+m"(sh->go), "+m"(sh->value), "=m"(sh->elapsed_ms), "=m"(sh->ready)
			 :
			 : "rax", "memory", "cc");
	syscall(SYS_rseq, &area, 32, RSEQ_FLAG_UNREGISTER, 0x53053053);
	return 0;
}

static void test_rseq(void **state)
{
	struct compel_rseq conf;
	struct compel_stop stop;
	compel_regs_t regs;
	struct child c;
	int aborted = 0;

	child_start(&c, in_rseq);
	for (int i = 0; i < 50; i++) {
		unsigned long abort_ip = c.sh->elapsed_ms, ip;
		int before = c.sh->value;

		assert_int_equal(compel_seize(c.pid, COMPEL_SEIZE_EXITKILL), 0);
		assert_int_equal(compel_interrupt(c.pid), 0);
		assert_int_equal(compel_wait_stop(c.pid, &stop), 0);
		assert_int_equal(compel_get_rseq(c.pid, &conf), 0);
		assert_true(conf.addr && conf.signature == 0x53053053);
		assert_int_equal(compel_get_regs(c.pid, &regs), 0);
		ip = compel_regs_ip(&regs);
		assert_ok(compel_thread_save(&c.th, c.pid, &stop), &c.th);
		/* The sequence stands right in front of its handler. */
		if (ip < abort_ip - 4 && ip >= abort_ip - 14) {
			assert_int_equal(compel_regs_ip(&c.th.regs), abort_ip);
			aborted++;
		} else {
			assert_int_equal(compel_regs_ip(&c.th.regs), ip);
		}
		before = c.sh->value;
		child_visit(&c);
		assert_int_equal(c.sh->value, before);
		assert_ok(compel_detach(&c.th), &c.th);
		for (int j = 0; j < 500 && c.sh->value == before; j++)
			nap_ms(1);
		assert_true(c.sh->value > before);
	}
	assert_true(aborted > 0);
	c.sh->go = 1;
	child_finish(&c);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stays_stopped),
		cmocka_unit_test(test_stop_on_the_way),
		cmocka_unit_test(test_continued_meanwhile),
		cmocka_unit_test(test_stopped_in_call),
		cmocka_unit_test(test_signal_on_the_way),
		cmocka_unit_test(test_pending_survives),
		cmocka_unit_test(test_dead),
		cmocka_unit_test(test_leader_exited),
#ifdef __x86_64__
		cmocka_unit_test(test_32bit),
		cmocka_unit_test(test_rseq),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
