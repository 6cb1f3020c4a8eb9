/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that can't be read is an error to who asks first, on any thread. */
#include "pages/fixture.h"

#include "fam/guard.h"
#include "pages/threads.h"

static char *cut; /* a mapping of a file that has become shorter */

static int touch(void *arg)
{
	return *(volatile char *)arg;
}

static int nested(void *arg)
{
	return fam_guarded(touch, cut) == -EIO ? touch(cut) : 8;
}

static void *run(void *arg)
{
	*(int *)arg = fam_guarded(touch, cut);
	return NULL;
}

/* Which have all signals blocked. */
static void use_threads(void)
{
	pthread_t threads[4];
	int results[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pages_thread_start(&threads[i], run, &results[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(results[i], -EIO);
	}
}

/* All in one: cmocka sets SIGBUS's handler before each test. */
static void test_guard(void **state)
{
	char fine = 5;
	sigset_t before = { 0 }, after = { 0 };

	pthread_sigmask(SIG_BLOCK, NULL, &before);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fam_guarded(touch, cut), -EIO);
		assert_int_equal(fam_guarded(touch, &fine), 5);
	}
	assert_int_equal(fam_guarded(nested, NULL), -EIO);
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	use_threads();
}

static int begin(void **state)
{
	int fd = memfd_create("cut", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, PAGE))
		return -1;
	cut = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	return cut == MAP_FAILED || ftruncate(fd, 0) || close(fd) ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guard),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
