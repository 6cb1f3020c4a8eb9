/* SPDX-License-Identifier: GPL-2.0 */
/* Many threads: all stopped, each runs the blob on a stack of its own, all at once. */
#include "harness.h"

#include <dirent.h>
#include <pthread.h>

#define NR_THREADS 200

static void *thread(void *arg)
{
	struct shared *sh = arg;

	__atomic_add_fetch(&sh->count, 1, __ATOMIC_SEQ_CST);
	while (!sh->go)
		usleep(20000);
	return NULL;
}

static int many(struct shared *sh)
{
	pthread_t threads[NR_THREADS - 1];

	for (int i = 0; i < NR_THREADS - 1; i++)
		if (pthread_create(&threads[i], NULL, thread, sh))
			return 1;
	while (sh->count < NR_THREADS - 1)
		usleep(1000);
	sh->ready = 1;
	while (!sh->go)
		usleep(20000);
	for (int i = 0; i < NR_THREADS - 1; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

static void stop_all(struct child *c, struct compel_thread *ths)
{
	struct compel_stop stop;
	struct dirent *de;
	char path[64];
	DIR *dir;
	int nr = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", c->pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((de = readdir(dir))) {
		if (de->d_name[0] == '.')
			continue;
		assert_true(nr < NR_THREADS);
		ths[nr].tid = atoi(de->d_name);
		assert_int_equal(compel_seize(ths[nr].tid, COMPEL_SEIZE_EXITKILL), 0);
		assert_int_equal(compel_interrupt(ths[nr].tid), 0);
		nr++;
	}
	closedir(dir);
	assert_int_equal(nr, NR_THREADS);
	for (int i = 0; i < nr; i++) {
		assert_int_equal(compel_wait_stop(ths[i].tid, &stop), 0);
		assert_ok(compel_thread_save(&ths[i], ths[i].tid, &stop), &ths[i]);
		ths[i].slot = i;
	}
}

static void detach_all(struct child *c, struct compel_thread *ths)
{
	for (int i = 0; i < NR_THREADS; i++)
		assert_ok(compel_detach(&ths[i]), &ths[i]);
	c->sh->go = 1;
	child_finish(c);
}

static void test_parallel(void **state)
{
	struct compel_thread *ths = calloc(NR_THREADS, sizeof(*ths));
	struct compel_blob_ctl *ctl;
	struct test_args *args;
	struct child c;
	char *maps[2];
	int result;

	child_start(&c, many);
	stop_all(&c, ths);
	maps[0] = child_proc(&c, "maps");
	assert_ok(compel_infect_slots(&ths[0], &test_blob_blob, sizeof(*args), NR_THREADS, &ctl), &ths[0]);
	for (int i = 0; i < NR_THREADS; i++) {
		args = compel_args_of(ctl, i, sizeof(*args));
		args->values[0] = i;
		assert_ok(compel_call_start(ctl, &ths[i], TEST_SUM), &ths[i]);
	}
	for (int i = NR_THREADS - 1; i >= 0; i--) {
		args = compel_args_of(ctl, i, sizeof(*args));
		assert_ok(compel_call_finish(ctl, &ths[i], &result), &ths[i]);
		assert_int_equal(result, i);
		assert_int_equal(args->pid, c.pid);
		assert_int_equal(args->tid, ths[i].tid);
	}
	ths[1].slot = 0;
	assert_ok(compel_call_start(ctl, &ths[0], TEST_PAUSE), &ths[0]);
	assert_int_equal(compel_call_start(ctl, &ths[1], TEST_SUM), -EBUSY);
	args = compel_args(ctl, sizeof(*args));
	args->go = 1;
	assert_ok(compel_call_finish(ctl, &ths[0], &result), &ths[0]);
	assert_ok(compel_cure(ctl), &ths[0]);
	maps[1] = child_proc(&c, "maps");
	assert_string_equal(maps[0], maps[1]);
	free(maps[0]);
	free(maps[1]);
	detach_all(&c, ths);
	free(ths);
}

/* Generous bounds: a regression to milliseconds for each call is to be seen, not a slow machine. */
static void test_cost(void **state)
{
	struct compel_thread *ths = calloc(NR_THREADS, sizeof(*ths));
	struct compel_blob_ctl *ctl;
	struct child c;
	long start = now_ms(), value, stopped, slow, fast, limit = 2000 * time_factor();

	child_start(&c, many);
	start = now_ms();
	stop_all(&c, ths);
	stopped = now_ms() - start;
	assert_ok(compel_infect(&ths[0], &test_blob_blob, sizeof(struct test_args), &ctl), &ths[0]);
	start = now_ms();
	for (int n = 0; n < 5; n++)
		for (int i = 0; i < NR_THREADS; i++) {
			assert_ok(compel_syscall(&ths[i], SYS_gettid, &value, (unsigned long[6]){ 0 }), &ths[i]);
			assert_int_equal(value, ths[i].tid);
		}
	slow = now_ms() - start;
	start = now_ms();
	for (int n = 0; n < 5; n++)
		for (int i = 0; i < NR_THREADS; i++) {
			assert_ok(compel_syscall_in(ctl, &ths[i], SYS_gettid, &value, (unsigned long[6]){ 0 }),
				  &ths[i]);
			assert_int_equal(value, ths[i].tid);
		}
	fast = now_ms() - start;
	assert_ok(compel_cure(ctl), &ths[0]);
	detach_all(&c, ths);
	free(ths);
	print_message("%d threads: stopped in %ld ms; 1000 system calls in %ld ms, by the blob in %ld ms\n", NR_THREADS,
		      stopped, slow, fast);
	assert_true(stopped < limit && slow < limit && fast < limit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parallel),
		cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
