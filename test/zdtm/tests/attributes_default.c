/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Attributes that nobody has changed are what they were, of threads and children too. (The scenario of this name
 * restores it by a criu that was started with others.)
 */
#include <linux/mempolicy.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "zdtm.h"

struct attributes {
	long slack, slack_default, ioprio, mce_kill, personality, thp_disabled;
	int policy, nr_cpus;
	char filter[32];
};

static struct attributes before;
static atomic_int started, end;

static struct attributes look(void)
{
	struct attributes a = {
		.slack = prctl(PR_GET_TIMERSLACK),
		.ioprio = syscall(SYS_ioprio_get, 1, 0),
		.mce_kill = prctl(PR_MCE_KILL_GET, 0, 0, 0, 0),
		.personality = personality(0xffffffff),
		.thp_disabled = prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0),
	};
	cpu_set_t cpus;

	MUST(prctl(PR_SET_TIMERSLACK, 0));
	a.slack_default = prctl(PR_GET_TIMERSLACK);
	MUST(sched_getaffinity(0, sizeof(cpus), &cpus));
	a.nr_cpus = CPU_COUNT(&cpus);
	syscall(SYS_get_mempolicy, &a.policy, NULL, 0, 0, 0);
	test_read_file("/proc/self/coredump_filter", a.filter, sizeof(a.filter));
	return a;
}

static void check(void)
{
	struct attributes now = look();

	CHECK_EQ(now.slack, before.slack + test_sabotage());
	CHECK_EQ(now.slack_default, before.slack_default);
	CHECK_EQ(now.ioprio, before.ioprio);
	CHECK_EQ(now.mce_kill, before.mce_kill);
	CHECK_EQ(now.personality, before.personality);
	CHECK_EQ(now.thp_disabled, before.thp_disabled);
	CHECK_EQ(now.nr_cpus, before.nr_cpus);
	CHECK_EQ(now.policy, before.policy);
	CHECK_MEM(now.filter, before.filter, sizeof(now.filter));
}

static void *body(void *arg)
{
	atomic_store(&started, 1);
	while (!atomic_load(&end))
		test_msleep(3);
	check();
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	pid_t kid;

	test_init(argc, argv);
	before = look();
	kid = MUST(fork());
	if (kid == 0) {
		test_wait_polling();
		check();
		_exit(0);
	}
	CHECK_EQ(pthread_create(&thread, NULL, body, NULL), 0);
	while (!atomic_load(&started))
		test_msleep(2);

	test_ready();
	test_wait();

	check();
	atomic_store(&end, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	test_reap(kid);
	pass();
}
