/* SPDX-License-Identifier: GPL-2.0 */
/* A core image that CRIU wrote is accepted; each thing that is spoilt in it is refused, in words. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "image/image.h"
#include "restore/read.h"

#define GOLDEN "test/unit/image/golden/plain-process"

static CoreEntry *read_golden(void)
{
	_cleanup_close_ int dir = open(GOLDEN, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CoreEntry *core = NULL;

	assert_true(dir >= 0);
	assert_int_equal(image_read_single(dir, IMG_CORE, (ProtobufCMessage **)&core, 66), 0);
	return core;
}

static int validate(const CoreEntry *core, struct cr_error *error)
{
	struct cr_ctx ctx = { NULL, error };

	memset(error, 0, sizeof(*error));
	return core_validate(&ctx, 66, core, true);
}

static void test_accepted(void **state __unused_arg)
{
	CoreEntry *core = read_golden();
	struct cr_error error;

	assert_int_equal(validate(core, &error), 0);
	core->tc->task_state = TASK_STOPPED;
	assert_int_equal(validate(core, &error), 0);
	core_entry__free_unpacked(core, NULL);
}

static void test_zombie(void **state __unused_arg)
{
	CoreEntry *core = read_golden();
	struct cr_error error;

	core->tc->task_state = TASK_DEAD;
	core->tc->exit_code = 0x8b;
	assert_int_equal(validate(core, &error), 0);
	core->tc->exit_code = 0x10000;
	assert_int_equal(validate(core, &error), -EINVAL);
	core_entry__free_unpacked(core, NULL);
}

static void spoil_state(CoreEntry *core)
{
	core->tc->task_state = TASK_HELPER;
}

static void spoil_arch(CoreEntry *core)
{
	core->mtype = CORE_ENTRY__MARCH__ARM;
}

static void spoil_sigactions(CoreEntry *core)
{
	sa_entry__free_unpacked(core->tc->sigactions[--core->tc->n_sigactions], NULL);
}

static void spoil_timer(CoreEntry *core)
{
	core->tc->timers->virt->vusec = 1000000;
}

static void spoil_nice(CoreEntry *core)
{
	core->thread_core->sched_nice = 20;
}

static void spoil_caps(CoreEntry *core)
{
	core->thread_core->creds->n_cap_bnd = 3;
}

static void want_policy(CoreEntry *core)
{
	core->thread_core->sched_policy = 4; /* which no kernel has */
}

static void want_personality(CoreEntry *core)
{
	core->tc->personality = 8; /* PER_LINUX32 */
}

static void test_refused(void **state __unused_arg)
{
	static const struct {
		void (*spoil)(CoreEntry *core);
		int err;
		const char *word;
	} cases[] = {
		{ spoil_state, -EINVAL, "state" },
		{ spoil_arch, -EOPNOTSUPP, "architecture" },
		{ spoil_sigactions, -EINVAL, "signal actions" },
		{ spoil_timer, -EINVAL, "interval timer" },
		{ spoil_nice, -EINVAL, "nice" },
		{ spoil_caps, -EINVAL, "capability" },
		{ want_policy, -EOPNOTSUPP, "scheduling policy" },
		{ want_personality, -EOPNOTSUPP, "personality" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CoreEntry *core = read_golden();
		size_t nr_bnd = core->thread_core->creds->n_cap_bnd;
		struct cr_error error;

		cases[i].spoil(core);
		assert_int_equal(validate(core, &error), cases[i].err);
		assert_non_null(strstr(error.text, cases[i].word));
		core->thread_core->creds->n_cap_bnd = nr_bnd;
		core_entry__free_unpacked(core, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_zombie),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
