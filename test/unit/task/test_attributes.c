/* SPDX-License-Identifier: GPL-2.0 */
/* attributes.img: damage is refused, and what is told the restorer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <asm/ldt.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <linux/prctl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/image.h"
#include "task/attributes.h"

static struct cr_error error;
static struct cr_ctx ctx = { .error = &error };
static struct task_tree tree;
static int images;

static int setup(void **state)
{
	char path[] = "/tmp/attributes-XXXXXX";
	struct task *root, *dead;

	if (!mkdtemp(path))
		return -1;
	images = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = strdup(path);
	task_tree_init(&tree);
	if (task_tree_add(&tree, NULL, 10, 2, &root) || task_tree_add(&tree, root, 20, 1, &dead))
		return -1;
	root->state = TASK_ALIVE;
	root->threads[1].tid = 11;
	dead->state = TASK_DEAD;
	return 0;
}

static int teardown(void **state)
{
	unlinkat(images, "attributes.img", 0);
	close(images);
	rmdir(*state);
	free(*state);
	task_tree_free(&tree);
	return 0;
}

static int read_back(const AttributesEntry *const *entries, size_t nr, struct attributes **ret)
{
	struct image *img = NULL;

	error = (struct cr_error){ 0 };
	assert_int_equal(image_create(images, IMG_ATTRIBUTES, &img), 0);
	for (size_t i = 0; i < nr; i++)
		assert_int_equal(image_write(img, &entries[i]->base), 0);
	assert_int_equal(image_close(&img), 0);
	return attributes_read(&ctx, images, &tree, ret);
}

static void no_image_means_defaults(void **state)
{
	const struct own_attributes own = { .has.timer_slack = ATTRIBUTES_TIMER_SLACK };
	struct attributes *set = NULL;

	assert_int_equal(attributes_read(&ctx, images, &tree, &set), 0);
	assert_int_equal(attributes_of(set, 10)->tid, 0);
	assert_int_equal(attributes_slack_default(attributes_of(set, 11)), ATTRIBUTES_TIMER_SLACK);
	assert_false(attributes_slacks_differ(set, &own));
	attributes_free(&set);
	assert_null(set);
}

static void entries_are_found(void **state)
{
	AttributesEntry a = ATTRIBUTES_ENTRY__INIT, b = ATTRIBUTES_ENTRY__INIT;
	const AttributesEntry *const entries[] = { &a, &b };
	const struct own_attributes own = { .has.timer_slack = ATTRIBUTES_TIMER_SLACK };
	struct attributes *set = NULL;

	a.tid = 11;
	a.has_timer_slack_default = true;
	a.timer_slack_default = 70;
	b.tid = 10;
	b.has_ioprio = true;
	b.ioprio = 0x6000;
	assert_int_equal(read_back(entries, 2, &set), 0);
	assert_int_equal(attributes_of(set, 10)->ioprio, 0x6000);
	assert_int_equal(attributes_slack_default(attributes_of(set, 11)), 70);
	assert_true(attributes_slacks_differ(set, &own));
	attributes_free(&set);
}

static void exit_signals(void **state)
{
	AttributesEntry alive = ATTRIBUTES_ENTRY__INIT, dead = ATTRIBUTES_ENTRY__INIT;
	const AttributesEntry *const entries[] = { &alive, &dead };
	struct attributes *set = NULL;

	alive.tid = 10;
	alive.has_exit_signal = true;
	alive.exit_signal = SIGSTOP;
	dead.tid = 20;
	dead.has_exit_signal = true;
	assert_int_equal(read_back(entries, 2, &set), 0);
	assert_int_equal(attributes_exit_signal(attributes_of(set, 10)), SIGSTOP);
	assert_int_equal(attributes_exit_signal(attributes_of(set, 20)), 0);
	assert_int_equal(attributes_exit_signal(attributes_of(set, 11)), SIGCHLD);
	attributes_free(&set);
}

static void damage_is_refused(void **state)
{
	static uint8_t many[PLAN_NODE_WORDS * 8 + 1];
	MemoryPolicy policy = MEMORY_POLICY__INIT;
	AreaPolicy area = AREA_POLICY__INIT, *areas[] = { &area, &area };
	AttributesEntry bad[17];
	const AttributesEntry *twice[2] = { &bad[0], &bad[0] };
	struct attributes *set = NULL;

	for (size_t i = 0; i < 17; i++) {
		attributes_entry__init(&bad[i]);
		bad[i].tid = 10;
	}
	policy.nodes = (ProtobufCBinaryData){ sizeof(many), many };
	area.policy = &policy;
	assert_int_equal(read_back(twice, 2, &set), -EBADMSG);
	bad[0].tid = 12; /* nobody */
	bad[1].tid = 20; /* dead */
	bad[2].has_cpus = true;
	bad[3].policy = &policy;
	bad[4].has_tsc = true;
	bad[5].has_mce_kill = true;
	bad[5].mce_kill = 3;
	bad[6].has_store_bypass = true;
	bad[6].store_bypass = PR_SPEC_PRCTL;
	bad[7].has_personality = true;
	bad[7].personality = 1;
	bad[8].has_ldt = true;
	bad[8].ldt = (ProtobufCBinaryData){ 7, many };
	bad[9].has_ldt = true;
	bad[10].has_autogroup_nice = true;
	bad[10].autogroup_nice = 20;
	bad[11].n_areas = 1;
	bad[11].areas = areas;
	bad[12].has_timer_slack = true;
	bad[12].timer_slack = UINT64_MAX;
	bad[13].has_ioprio = true;
	bad[13].ioprio = 0x10000;
	bad[14].has_exit_signal = true;
	bad[14].exit_signal = 65;
	bad[15] = bad[16] = bad[14];
	bad[15].tid = bad[16].tid = 20;
	bad[15].exit_signal = SIGKILL;
	bad[16].exit_signal = SIGSTOP;
	for (size_t i = 0; i < 17; i++) {
		const AttributesEntry *const one[] = { &bad[i] };

		assert_int_equal(read_back(one, 1, &set), -EBADMSG);
		assert_null(set);
		assert_non_null(strstr(error.text, "attributes.img"));
	}
	/* Areas in disorder. */
	policy.nodes.len = 8;
	area.start = 0x1000;
	bad[11].n_areas = 2;
	assert_int_equal(read_back(&(const AttributesEntry *){ &bad[11] }, 1, &set), -EBADMSG);
	bad[11].n_areas = 1;
	assert_int_equal(read_back(&(const AttributesEntry *){ &bad[11] }, 1, &set), 0);
	attributes_free(&set);
}

/* modify_ldt(2) takes a struct user_desc and makes 8 bytes of it, which a dump stores. */
static void segments_are_taken_apart(void **state)
{
	/* base 0xfedcba98, limit 0xfffff, pages, 32 bit, contents 2, read only, privilege 3, accessed */
	uint8_t raw[24];
	struct plan_segment got[3];
	const struct user_desc *desc = (const struct user_desc *)&got[0];
	AttributesEntry e = ATTRIBUTES_ENTRY__INIT;
	const uint64_t descriptor =
		0xffffull | 0xba98ull << 16 | 0xdcull << 32 | 0xf9ull << 40 | 0xcfull << 48 | 0xfeull << 56;

	memset(raw, 0, sizeof(raw));
	memcpy(raw + 16, &descriptor, 8);
	e.has_ldt = true;
	e.ldt = (ProtobufCBinaryData){ sizeof(raw), raw };
	assert_int_equal(attributes_ldt_to_plan(&e, got), 1);
	assert_int_equal(sizeof(got[0]), sizeof(*desc));
	assert_int_equal(desc->entry_number, 2);
	assert_int_equal(desc->base_addr, 0xfedcba98);
	assert_int_equal(desc->limit, 0xfffff);
	assert_true(desc->seg_32bit && desc->contents == 2 && desc->read_exec_only && desc->limit_in_pages);
	assert_true(!desc->seg_not_present && !desc->useable);
}

static void only_differences_are_set(void **state)
{
	const struct own_attributes own = {
		.has = { .timer_slack = ATTRIBUTES_TIMER_SLACK,
			 .tsc = PR_TSC_ENABLE,
			 .mce_kill = PR_MCE_KILL_DEFAULT,
			 .speculation = { PR_SPEC_ENABLE, PR_SPEC_FORCE_DISABLE, 0 } },
		.nodes = { 1 },
		.has_nodes = true,
	};
	uint8_t here = 1, elsewhere = 2;
	MemoryPolicy policy = MEMORY_POLICY__INIT;
	AttributesEntry leader = ATTRIBUTES_ENTRY__INIT, thread = ATTRIBUTES_ENTRY__INIT;
	struct plan_attributes got;

	attributes_to_plan(&ctx, &leader, &leader, 0, &own, false, &got);
	assert_int_equal(got.set, 0);
	attributes_to_plan(&ctx, &leader, &leader, 0x40000, &own, true, &got);
	assert_int_equal(got.set, PLAN_SET_SLACK | PLAN_SET_PERSONALITY);

	policy.mode = MPOL_BIND;
	policy.nodes = (ProtobufCBinaryData){ 1, &here };
	leader.policy = &policy;
	attributes_to_plan(&ctx, &leader, &leader, 0, &own, false, &got);
	assert_int_equal(got.set, PLAN_SET_POLICY);
	assert_int_equal(got.policy.nodes[0], 1);
	/* A thread is born with the first one's, and goes back from it. */
	attributes_to_plan(&ctx, &thread, &leader, 0, &own, false, &got);
	assert_int_equal(got.set, PLAN_SET_POLICY);
	assert_int_equal(got.policy.mode, MPOL_DEFAULT);
	thread.policy = &policy;
	attributes_to_plan(&ctx, &thread, &leader, 0, &own, false, &got);
	assert_int_equal(got.set, 0);
	/* On nodes that aren't there it is left out. */
	policy.nodes.data = &elsewhere;
	attributes_to_plan(&ctx, &leader, &leader, 0, &own, false, &got);
	assert_int_equal(got.set, 0);

	/* What is forced on us stays, what can't be controlled isn't tried. */
	thread.policy = NULL;
	leader.policy = NULL;
	thread.has_store_bypass = thread.has_indirect_branch = thread.has_l1d_flush = true;
	thread.store_bypass = PR_SPEC_DISABLE;
	thread.indirect_branch = PR_SPEC_DISABLE;
	thread.l1d_flush = PR_SPEC_ENABLE;
	attributes_to_plan(&ctx, &thread, &leader, 0, &own, false, &got);
	assert_int_equal(got.set, PLAN_SET_SPECULATION);
	assert_int_equal(got.speculation[0], PR_SPEC_DISABLE);
	assert_int_equal(got.speculation[1], 0);
	assert_int_equal(got.speculation[2], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_image_means_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(entries_are_found, setup, teardown),
		cmocka_unit_test_setup_teardown(exit_signals, setup, teardown),
		cmocka_unit_test_setup_teardown(damage_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(segments_are_taken_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(only_differences_are_set, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
