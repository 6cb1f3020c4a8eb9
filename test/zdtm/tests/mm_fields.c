/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fields that describe an address space: code, data, heap, stack, arguments, environment, and the auxiliary vector.
 *
 * The arguments were moved elsewhere with PR_SET_MM_MAP, and the auxiliary vector was changed.
 */
#include <elf.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "zdtm.h"

static void fields(unsigned long long out[12], char *text)
{
	static const int nr[12] = { 26, 27, 28, 45, 46, 47, 48, 49, 50, 51, 0, 0 };
	int field, i;
	char *at;

	test_read_file("/proc/self/stat", text, 4096);
	for (i = 0; nr[i]; i++) {
		at = strrchr(text, ')') + 2;
		for (field = 3; field < nr[i]; field++)
			at = strchr(at, ' ') + 1;
		out[i] = strtoull(at, NULL, 10);
	}
}

static void move(const unsigned long long *f, char *arg_start, char *arg_end, void *auxv, uint32_t size)
{
	struct prctl_mm_map map = {
		.start_code = f[0],
		.end_code = f[1],
		.start_stack = f[2],
		.start_data = f[3],
		.end_data = f[4],
		.start_brk = f[5],
		.brk = (uintptr_t)sbrk(0),
		.arg_start = (uintptr_t)arg_start,
		.arg_end = (uintptr_t)arg_end,
		.env_start = f[8],
		.env_end = f[9],
		.auxv = auxv,
		.auxv_size = size,
		.exe_fd = -1,
	};

	MUST(prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0));
}

int main(int argc, char **argv)
{
	unsigned long long before[12] = { 0 }, after[12] = { 0 };
	char text[4096], *mem, auxv[2][1024];
	Elf64_auxv_t *aux;
	size_t len, i;

	test_init(argc, argv);
	mem = MUST((char *)mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	strcpy(mem, "moved");
	len = test_read_file("/proc/self/auxv", auxv[0], sizeof(auxv[0]));
	aux = (Elf64_auxv_t *)auxv[0];
	for (i = 0; aux[i].a_type != AT_NULL; i++)
		if (aux[i].a_type == AT_CLKTCK)
			aux[i].a_un.a_val = 4711;
	len = (i + 1) * sizeof(*aux);
	fields(before, text);
	move(before, mem, mem + 6, aux, len);
	fields(before, text);

	test_ready();
	test_wait();

	if (test_sabotage())
		move(before, mem, mem + 5, aux, len);
	fields(after, text);
	for (i = 0; i < 12; i++)
		CHECK_EQ(after[i], before[i]);
	test_read_file("/proc/self/auxv", auxv[1], sizeof(auxv[1]));
	CHECK_MEM(auxv[1], auxv[0], len);
	test_read_file("/proc/self/cmdline", text, sizeof(text));
	CHECK(!strcmp(text, "moved"));
	pass();
}
