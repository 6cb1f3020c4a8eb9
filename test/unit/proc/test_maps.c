/* SPDX-License-Identifier: GPL-2.0 */
#include "tree.h"

#include <sys/mman.h>

#include "proc/list.h"
#include "proc/maps.h"

static const struct proc_map *find_name(const struct proc_map_list *list, const char *name)
{
	for (size_t i = 0; i < list->nr; i++)
		if (!strcmp(list->v[i].name, name))
			return &list->v[i];
	fail_msg("no area is called %s", name);
	return NULL;
}

static const struct proc_map *find_flag(const struct proc_map_list *list, uint64_t flag)
{
	for (size_t i = 0; i < list->nr; i++)
		if (list->v[i].vm_flags & flag)
			return &list->v[i];
	fail_msg("no area has flag %lx", (unsigned long)flag);
	return NULL;
}

static void check_areas(const struct proc_map_list *list)
{
	const struct proc_map *m;

	assert_true(list->nr > 15);
	for (size_t i = 1; i < list->nr; i++)
		assert_true(list->v[i - 1].end <= list->v[i].start);
	assert_string_equal(list->v[0].name, "/tmp/t/subject");
	assert_int_equal(list->v[0].prot, PROT_READ);
	assert_string_equal(list->v[1].name, "/tmp/t/subject");
	assert_int_equal(list->v[1].pgoff, 0x1000);
	assert_int_equal(list->v[1].prot, PROT_READ | PROT_EXEC);
	assert_true(list->v[0].ino != 0);
	m = find_name(list, "/dev/zero");
	assert_true(m->shared && m->deleted && m->ino);
	assert_int_equal(m->dev_major, 0);
	m = find_name(list, "/tmp/with\nnewline and \\backslash");
	assert_true(m->deleted);
	assert_false(m->shared);
	assert_true(m[1].shared && m[1].deleted);
	assert_string_equal(m[1].name, m->name);
	m = find_name(list, "[vsyscall]");
	assert_int_equal(m->start, 0xffffffffff600000);
	assert_int_equal(m->prot, PROT_EXEC);
	assert_true(m == &list->v[list->nr - 1]);
	find_name(list, "[heap]");
	find_name(list, "[vdso]");
	find_name(list, "[stack]");
	find_name(list, "");
}

static void test_maps(void **state __unused_arg)
{
	for (size_t i = 0; i < NR_TREES; i++) {
		int dir = tree_open(trees[i]);
		struct proc_map_list list;

		assert_int_equal(proc_read_maps(dir, &list), 0);
		check_areas(&list);
		for (size_t k = 0; k < list.nr; k++)
			assert_int_equal(list.v[k].vm_flags, 0);
		proc_map_list_free(&list);
		close(dir);
	}
}

static void test_smaps(void **state __unused_arg)
{
	for (size_t i = 0; i < NR_TREES; i++) {
		int dir = tree_open(trees[i]);
		struct proc_map_list list, maps;
		const struct proc_map *m;

		assert_int_equal(proc_read_smaps(dir, &list), 0);
		check_areas(&list);
		for (size_t k = 0; k < list.nr; k++) {
			m = &list.v[k];
			assert_int_equal(!!(m->vm_flags & PROC_VM(RD)), !!(m->prot & PROT_READ));
			assert_int_equal(!!(m->vm_flags & PROC_VM(WR)), !!(m->prot & PROT_WRITE));
			assert_int_equal(!!(m->vm_flags & PROC_VM(MS)), m->shared);
			assert_false(m->vm_flags & PROC_VM(OTHER));
			assert_int_equal(m->pkey, 0);
		}
		m = find_flag(&list, PROC_VM(LO));
		assert_int_equal(m->end - m->start, 1 << 16);
		assert_true(m->vm_flags & PROC_VM(GD));
		assert_true(m->vm_flags & PROC_VM(WF));
		assert_true(m->vm_flags & PROC_VM(DD));
		m = find_flag(&list, PROC_VM(DC));
		assert_true(m->vm_flags & PROC_VM(NH));
		assert_true(m->vm_flags & PROC_VM(NR));
		assert_false(m->vm_flags & PROC_VM(GD));
		assert_true(find_name(&list, "[stack]")->vm_flags & PROC_VM(GD));
		/* The two files were captured one after the other. */
		assert_int_equal(proc_read_maps(dir, &maps), 0);
		assert_int_equal(maps.nr, list.nr);
		for (size_t k = 0; k < list.nr; k++) {
			assert_int_equal(maps.v[k].start, list.v[k].start);
			assert_int_equal(maps.v[k].ino, list.v[k].ino);
			assert_string_equal(maps.v[k].name, list.v[k].name);
		}
		proc_map_list_free(&maps);
		proc_map_list_free(&list);
		close(dir);
	}
}

static void test_zombie_has_none(void **state __unused_arg)
{
	int dir = tree_open("6.18/zombie");
	struct proc_map_list list;

	assert_int_equal(proc_read_maps(dir, &list), 0);
	assert_int_equal(list.nr, 0);
	proc_map_list_free(&list);
	assert_int_equal(proc_read_smaps(dir, &list), 0);
	assert_int_equal(list.nr, 0);
	proc_map_list_free(&list);
	close(dir);
}

static int parse(const char *text, bool smaps)
{
	struct proc_map_list list;
	int err = proc_parse_maps(text, strlen(text), smaps, &list);

	if (!err)
		proc_map_list_free(&list);
	return err;
}

#define AREA "1000-2000 rw-p 00000000 00:00 0 \n"

static void test_lines(void **state __unused_arg)
{
	static const char *const bad[] = {
		"\n",
		"1000-2000 rw-p 00000000 00:00 0",
		"1000-2000 rw-p 00000000 00:00\n",
		"1000-2000 rw-z 00000000 00:00 0 \n",
		"1000-2000 rwp 00000000 00:00 0 \n",
		"2000-1000 rw-p 00000000 00:00 0 \n",
		"1000-1000 rw-p 00000000 00:00 0 \n",
		"1001-2000 rw-p 00000000 00:00 0 \n",
		"1000-2000 rw-p 00000001 00:00 0 \n",
		"1000-2000 rw-p 00000000 100000000:00 0 \n",
		"1000-2000 rw-p 00000000 00:00 99999999999999999999 \n",
		"11111111111111000-2000 rw-p 00000000 00:00 0 \n",
		"0x1000-2000 rw-p 00000000 00:00 0 \n",
		AREA AREA,
		"2000-3000 rw-p 00000000 00:00 0 \n" AREA,
		AREA "VmFlags: rd \n",
	};
	static const char *const bad_smaps[] = {
		AREA,
		"VmFlags: rd \n",
		AREA "VmFlags: rd\n",
		AREA "VmFlags: r d \n",
		AREA "VmFlags: rd \nVmFlags: rd \n",
		AREA "Size: 4 kB\n2000-3000 rw-p 00000000 00:00 0 \nVmFlags: rd \n",
		AREA "Size 4\nVmFlags: rd \n",
		AREA "ProtectionKey: x\nVmFlags: rd \n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i], false), -EBADMSG);
	for (size_t i = 0; i < sizeof(bad_smaps) / sizeof(bad_smaps[0]); i++)
		assert_int_equal(parse(bad_smaps[i], true), -EBADMSG);
	assert_int_equal(parse("", false), 0);
	assert_int_equal(parse(AREA, false), 0);
	assert_int_equal(parse(AREA "VmFlags: \n", true), 0);
}

static void test_names(void **state __unused_arg)
{
	static const char text[] = "1000-2000 rw-s 00000000 fe:10 7                  /a b  c\\012d \\134 (deleted)\n"
				   "2000-3000 r--p 00000000 103:0100 7              /x (deleted) (deleted)\n"
				   "3000-4000 r--p 00000000 00:00 0                  [anon:some name]\n"
				   "4000-5000 --xp 00000000 00:00 0 \n";
	struct proc_map_list list;

	assert_int_equal(proc_parse_maps(text, strlen(text), false, &list), 0);
	assert_int_equal(list.nr, 4);
	assert_string_equal(list.v[0].name, "/a b  c\nd \\134");
	assert_true(list.v[0].deleted);
	assert_int_equal(list.v[0].dev_major, 0xfe);
	assert_string_equal(list.v[1].name, "/x (deleted)");
	assert_int_equal(list.v[1].dev_major, 0x103);
	assert_int_equal(list.v[1].dev_minor, 0x100);
	assert_string_equal(list.v[2].name, "[anon:some name]");
	assert_false(list.v[2].deleted);
	assert_string_equal(list.v[3].name, "");
	assert_int_equal(list.v[3].prot, PROT_EXEC);
	proc_map_list_free(&list);
}

static void test_flags(void **state __unused_arg)
{
	static const char text[] =
		"1000-2000 rw-p 00000000 00:00 0 \nProtectionKey:         3\n"
		"AnonHugePages:      2048 kB\nAnonymous:       24 kB\nSwapPss:     4 kB\nSwap:     8 kB\n"
		"VmFlags: rd wr sf um uw ui ss sl dp ht mg hg lf io pf mm sr rr \n"
		"2000-3000 rw-p 00000000 00:00 0 \nVmFlags: rd ?? zz \n"
		"3000-4000 rw-p 00000000 00:00 0 \nVmFlags: rd lo ?? \n";
	struct proc_map_list list;

	assert_int_equal(proc_parse_maps(text, strlen(text), true, &list), 0);
	assert_int_equal(list.v[0].pkey, 3);
	assert_int_equal(list.v[0].own_kib, 32);
	assert_int_equal(list.v[2].vm_flags, PROC_VM(RD) | PROC_VM(LO) | PROC_VM(LF));
	assert_int_equal(list.v[0].vm_flags,
			 PROC_VM(RD) | PROC_VM(WR) | PROC_VM(SF) | PROC_VM(UM) | PROC_VM(UW) | PROC_VM(UI) |
				 PROC_VM(SS) | PROC_VM(SL) | PROC_VM(DP) | PROC_VM(HT) | PROC_VM(MG) | PROC_VM(HG) |
				 PROC_VM(LF) | PROC_VM(IO) | PROC_VM(PF) | PROC_VM(MM) | PROC_VM(SR) | PROC_VM(RR));
	assert_int_equal(list.v[1].vm_flags, PROC_VM(RD) | PROC_VM(OTHER));
	proc_map_list_free(&list);
}

static int parse_maps(const char *text, size_t len)
{
	struct proc_map_list list;
	int err = proc_parse_maps(text, len, false, &list);

	if (!err)
		proc_map_list_free(&list);
	return err;
}

static int parse_smaps(const char *text, size_t len)
{
	struct proc_map_list list;
	int err = proc_parse_maps(text, len, true, &list);

	if (!err)
		proc_map_list_free(&list);
	return err;
}

static void test_mutated(void **state __unused_arg)
{
	int dir = tree_open("6.18");
	size_t len;
	char *text = tree_text(dir, "maps", &len);

	mutate(text, len, parse_maps);
	free(text);
	text = tree_text(dir, "smaps", &len);
	mutate(text, len < 4096 ? len : 4096, parse_smaps);
	free(text);
	close(dir);
}

/* As many as a process may have, more than fit into one read. */
static void test_many(void **state __unused_arg)
{
	char *text = malloc(65530 * 128), *p = text;
	struct proc_map_list list;

	assert_non_null(text);
	for (unsigned long i = 0; i < 65530; i++)
		p += sprintf(p, "%lx-%lx r--p 00000000 fe:00 %lu      /some/where/%lu\n", (i + 1) << 13,
			     ((i + 1) << 13) + 4096, i, i / 3);
	assert_int_equal(proc_parse_maps(text, p - text, false, &list), 0);
	assert_int_equal(list.nr, 65530);
	assert_string_equal(list.v[65529].name, "/some/where/21843");
	assert_ptr_equal(list.v[3].name, list.v[4].name);
	proc_map_list_free(&list);
	free(text);
}

static void test_self(void **state __unused_arg)
{
	char *p = mmap(NULL, 600 * 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int dir = proc_open_pid(getpid());
	struct proc_map_list maps, smaps;

	assert_true(p != MAP_FAILED);
	for (size_t i = 0; i < 600; i++)
		assert_int_equal(mprotect(p + i * 8192, 4096, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(proc_read_maps(dir, &maps), 0);
	assert_int_equal(proc_read_smaps(dir, &smaps), 0);
	assert_true(maps.nr > 1200 && smaps.nr > 1200);
	for (size_t i = 0; i < smaps.nr; i++)
		assert_false(smaps.v[i].vm_flags & PROC_VM(OTHER));
	proc_map_list_free(&maps);
	proc_map_list_free(&smaps);
	munmap(p, 600 * 8192);
	close(dir);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps),	cmocka_unit_test(test_smaps), cmocka_unit_test(test_zombie_has_none),
		cmocka_unit_test(test_lines),	cmocka_unit_test(test_names), cmocka_unit_test(test_flags),
		cmocka_unit_test(test_mutated), cmocka_unit_test(test_many),  cmocka_unit_test(test_self),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
