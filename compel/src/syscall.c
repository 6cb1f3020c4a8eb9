/* SPDX-License-Identifier: GPL-2.0 */
/* Remote system calls by an instruction that the task has anyway. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch-ops.h"
#include "internal.h"

#define SITE_PAGE 4096UL

/* Look through one page of executable memory. The zero byte serves as an empty string. */
static bool search_page(struct compel_thread *th, unsigned long page)
{
	uint8_t code[SITE_PAGE];
	const uint8_t *nul;
	long off;

	if (compel_peek(th->tid, page, code, sizeof(code)))
		return false;
	off = arch_find_syscall(code, sizeof(code));
	nul = memchr(code, 0, sizeof(code));
	if (off < 0 || !nul)
		return false;
	th->syscall_ip = page + off;
	th->nul_addr = page + (nul - code);
	return true;
}

static bool search_vdso(struct compel_thread *th)
{
	Elf64_auxv_t av;
	char path[64];
	bool found = false;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/auxv", th->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (!found && read(fd, &av, sizeof(av)) == sizeof(av)) {
		char magic[SELFMAG];
		unsigned long vdso = av.a_un.a_val & ~(SITE_PAGE - 1);

		if (av.a_type != AT_SYSINFO_EHDR)
			continue;
		/* The vector may be out of date: the vDSO can be moved. */
		if (compel_peek(th->tid, vdso, magic, sizeof(magic)) || memcmp(magic, ELFMAG, SELFMAG))
			break;
		found = search_page(th, vdso) || search_page(th, vdso + SITE_PAGE);
		break;
	}
	close(fd);
	return found;
}

static bool search_all(struct compel_thread *th)
{
	char path[64], *line = NULL;
	size_t size = 0;
	bool found = false;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", th->tid);
	maps = fopen(path, "re");
	if (!maps)
		return false;
	while (!found && getline(&line, &size, maps) > 0) {
		unsigned long start, end;
		char r, w, x;

		if (sscanf(line, "%lx-%lx %c%c%c", &start, &end, &r, &w, &x) != 5 || r != 'r' || x != 'x')
			continue;
		for (unsigned long page = start; page < end && !found; page += SITE_PAGE)
			found = search_page(th, page);
	}
	free(line);
	fclose(maps);
	return found;
}

/* The place found before may be gone: a task can be made to unmap it. */
static bool still_there(const struct compel_thread *th)
{
	uint8_t code[8];

	return th->syscall_ip && !compel_peek(th->tid, th->syscall_ip, code, arch_syscall_len) &&
	       arch_find_syscall(code, arch_syscall_len) == 0;
}

int site_find(struct compel_thread *th)
{
	unsigned long ip = compel_regs_ip(&th->regs) - arch_syscall_len;

	if (still_there(th))
		return 0;
	/* A task that sleeps in a system call stands right behind an instruction. */
	if (search_page(th, ip & ~(SITE_PAGE - 1)) || search_vdso(th) || search_all(th))
		return 0;
	if (compel_is_dead(th->tid))
		return compel_fail(&th->error, -ESRCH, "Task %d has exited", th->tid);
	return compel_fail(&th->error, -ENOEXEC, "No system call instruction in the memory of %d", th->tid);
}

int compel_syscall(struct compel_thread *th, long nr, long *ret_value, const unsigned long args[6])
{
	compel_regs_t regs = th->regs;
	int err;

	if (th->running)
		return compel_fail(&th->error, -EBUSY, "Task %d runs a command", th->tid);
	err = site_find(th);
	if (err)
		return err;
	arch_prepare_syscall(&regs, th->syscall_ip, nr, args);
	err = run_start(th, &regs, th->syscall_ip + arch_syscall_len, RUN_END_SYSCALL);
	if (!err)
		err = run_finish(th, &regs);
	if (err)
		return err;
	*ret_value = arch_syscall_value(&regs);
	return *ret_value == nr ? run_check_refused(th) : 0;
}
