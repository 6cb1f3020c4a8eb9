/* SPDX-License-Identifier: GPL-2.0 */
/* A blob inside of a process: mapped, called, removed. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch-ops.h"
#include "internal.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

#define PAGE	   4096UL
#define STACK_SIZE (32 * 1024UL)
#define MAX_SLOTS  (1U << 16)
#define MAX_ARGS   (1UL << 30)

/* Offsets of the blob's head. */
struct head {
	unsigned long call_trap, call_trap_end; /* calls the entry, ends in a breakpoint */
	unsigned long call_sys, call_sys_end;	/* … in a system call */
	unsigned long syscall, syscall_end;	/* one system call, then a breakpoint */
};

/* The region: the blob, then the slots, each a stack and its arguments above it. */
struct compel_blob_ctl {
	struct compel_thread *leader;
	struct head head;
	unsigned char *local;
	unsigned long remote;
	size_t size;
	size_t text_size, slots_at, slot_size, args_size;
	unsigned int nr_slots;
	bool trap_ok; /* the process doesn't ignore SIGTRAP */
	bool *slot_busy;
};

static size_t page_up(size_t size)
{
	return (size + PAGE - 1) & ~(PAGE - 1);
}

static int find_head(const struct compel_blob *blob, struct head *head, struct compel_error *error)
{
	unsigned long entry;
	const struct {
		const char *name;
		unsigned long *ret;
	} names[] = {
		{ "compel_head_call_trap", &head->call_trap },
		{ "compel_head_call_trap_end", &head->call_trap_end },
		{ "compel_head_call_sys", &head->call_sys },
		{ "compel_head_call_sys_end", &head->call_sys_end },
		{ "parasite_entry", &entry },
		{ "compel_head_syscall", &head->syscall },
		{ "compel_head_syscall_end", &head->syscall_end },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (compel_blob_symbol(blob, names[i].name, names[i].ret))
			return compel_fail(error, -EINVAL, "The blob lacks the symbol %s", names[i].name);
	return 0;
}

/* A remote call whose own failure is an error. */
static int must_call(struct compel_thread *th, const char *what, long nr, unsigned long *ret_value,
		     const unsigned long args[6])
{
	long value;
	int err = compel_syscall(th, nr, &value, args);

	if (err)
		return err;
	if (value < 0 && value > -4096)
		return compel_fail(&th->error, (int)value, "%s failed in %d: %s", what, th->tid, strerror((int)-value));
	if (ret_value)
		*ret_value = value;
	return 0;
}

static int remote_mmap(struct compel_blob_ctl *ctl, int flags, int fd)
{
	return must_call(ctl->leader, "mmap", SYS_mmap, &ctl->remote,
			 (unsigned long[6]){ 0, ctl->size, PROT_READ | PROT_WRITE, flags, fd, 0 });
}

static int remote_munmap(struct compel_blob_ctl *ctl)
{
	int err = must_call(ctl->leader, "munmap", SYS_munmap, NULL, (unsigned long[6]){ ctl->remote, ctl->size });

	if (!err)
		ctl->remote = 0;
	return err;
}

static int map_local(struct compel_blob_ctl *ctl, const char *path, int set_size)
{
	struct compel_error *error = &ctl->leader->error;
	int fd = open(path, O_RDWR | O_CLOEXEC), err = 0;
	void *at = MAP_FAILED;

	if (fd < 0)
		return compel_fail(error, -errno, "Can't open %s: %s", path, strerror(errno));
	if (!set_size || !ftruncate(fd, ctl->size))
		at = mmap(NULL, ctl->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		err = compel_fail(error, -errno, "Can't map %zu bytes of %s: %s", ctl->size, path, strerror(errno));
	else
		ctl->local = at;
	close(fd);
	return err;
}

/* Memory by a memfd of the task's, which it doesn't keep. */
static int map_memfd(struct compel_blob_ctl *ctl)
{
	struct compel_thread *th = ctl->leader;
	unsigned long fd;
	char path[64];
	int err, close_err;

	err = must_call(th, "memfd_create", SYS_memfd_create, &fd,
			(unsigned long[6]){ th->nul_addr, MFD_CLOEXEC | MFD_NOEXEC_SEAL });
	if (err == -EINVAL) /* before Linux 6.3 */
		err = must_call(th, "memfd_create", SYS_memfd_create, &fd,
				(unsigned long[6]){ th->nul_addr, MFD_CLOEXEC });
	if (err)
		return err;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", th->tid, (int)fd);
	err = map_local(ctl, path, true);
	if (!err)
		err = remote_mmap(ctl, MAP_SHARED, fd);
	/* Not by mprotect(2), which a task may have denied itself: PR_SET_MDWE. */
	if (!err)
		err = must_call(th, "mmap", SYS_mmap, NULL,
				(unsigned long[6]){ ctl->remote, ctl->text_size, PROT_READ | PROT_EXEC,
						    MAP_SHARED | MAP_FIXED, fd, 0 });
	close_err = must_call(th, "close", SYS_close, NULL, (unsigned long[6]){ fd });
	return err ? err : close_err;
}

/* Memory without a descriptor, for a task that can have no more of them. Takes CAP_CHECKPOINT_RESTORE here. */
static int map_anon(struct compel_blob_ctl *ctl)
{
	char path[96];
	int err = remote_mmap(ctl, MAP_SHARED | MAP_ANONYMOUS, -1);

	if (err)
		return err;
	snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", ctl->leader->tid, ctl->remote,
		 ctl->remote + ctl->size);
	err = map_local(ctl, path, false);
	if (err)
		return err;
	return must_call(ctl->leader, "mprotect", SYS_mprotect, NULL,
			 (unsigned long[6]){ ctl->remote, ctl->text_size, PROT_READ | PROT_EXEC });
}

static int map_region(struct compel_blob_ctl *ctl, const struct compel_blob *blob)
{
	struct compel_thread *th = ctl->leader;
	int err = map_memfd(ctl);

	if (err && err != -ESRCH && !ctl->local && !ctl->remote) {
		struct compel_error first = th->error;

		if (map_anon(ctl)) {
			th->error = first;
			return err;
		}
		err = 0;
	}
	if (err)
		return err;
	err = compel_blob_load(blob, ctl->local, ctl->remote);
	if (err)
		return compel_fail(&th->error, err, "The blob's relocations are invalid");
	return 0;
}

static int check_blob(struct compel_thread *th, const struct compel_blob *blob, size_t args_size, unsigned int nr_slots)
{
	if (!nr_slots || nr_slots > MAX_SLOTS || args_size > MAX_ARGS || blob->mem_size > MAX_ARGS)
		return compel_fail(&th->error, -EINVAL, "%u slots of %zu bytes are out of range", nr_slots, args_size);
	if (blob->text_size & (PAGE - 1) || !blob->text_size || blob->text_size > page_up(blob->mem_size))
		return compel_fail(&th->error, -EINVAL, "The blob has %zu bytes of code in %zu", blob->text_size,
				   blob->mem_size);
	return 0;
}

int compel_infect_slots(struct compel_thread *leader, const struct compel_blob *blob, size_t args_size,
			unsigned int nr_slots, struct compel_blob_ctl **ret)
{
	struct compel_blob_ctl *ctl;
	uint64_t ignored;
	int err = check_blob(leader, blob, args_size, nr_slots);

	if (err)
		return err;
	ctl = calloc(1, sizeof(*ctl));
	if (ctl)
		ctl->slot_busy = calloc(nr_slots, sizeof(bool));
	if (!ctl || !ctl->slot_busy) {
		free(ctl);
		return compel_fail(&leader->error, -ENOMEM, "No memory for %u slots", nr_slots);
	}
	ctl->leader = leader;
	ctl->text_size = blob->text_size;
	ctl->slots_at = page_up(blob->mem_size);
	ctl->args_size = args_size;
	ctl->slot_size = STACK_SIZE + page_up(args_size);
	ctl->nr_slots = nr_slots;
	ctl->size = ctl->slots_at + ctl->slot_size * nr_slots;
	err = find_head(blob, &ctl->head, &leader->error);
	if (!err) {
		err = compel_status_signals(leader->tid, "SigIgn:", &ignored);
		if (err)
			compel_fail(&leader->error, err, "Can't read /proc/%d/status: %s", leader->tid, strerror(-err));
		else
			ctl->trap_ok = !(ignored & (uint64_t)1 << (SIGTRAP - 1));
	}
	if (!err)
		err = site_find(leader);
	if (!err)
		err = map_region(ctl, blob);
	if (err) {
		struct compel_error first = leader->error;

		compel_cure(ctl);
		leader->error = first;
		return err;
	}
	*ret = ctl;
	return 0;
}

int compel_infect(struct compel_thread *leader, const struct compel_blob *blob, size_t args_size,
		  struct compel_blob_ctl **ret)
{
	return compel_infect_slots(leader, blob, args_size, 1, ret);
}

static size_t args_at(const struct compel_blob_ctl *ctl, unsigned int slot)
{
	return ctl->slots_at + slot * ctl->slot_size + STACK_SIZE;
}

void *compel_args_of(struct compel_blob_ctl *ctl, unsigned int slot, size_t size)
{
	if (size > ctl->args_size || slot >= ctl->nr_slots)
		return NULL;
	return ctl->local + args_at(ctl, slot);
}

void *compel_args(struct compel_blob_ctl *ctl, size_t size)
{
	return compel_args_of(ctl, 0, size);
}

unsigned long compel_remote_addr(const struct compel_blob_ctl *ctl, const void *local)
{
	return ctl->remote + ((const unsigned char *)local - ctl->local);
}

void *compel_local_addr(struct compel_blob_ctl *ctl, unsigned long blob_offset)
{
	return blob_offset < ctl->slots_at ? ctl->local + blob_offset : NULL;
}

void compel_region(const struct compel_blob_ctl *ctl, unsigned long *ret_start, unsigned long *ret_end)
{
	*ret_start = ctl->remote;
	*ret_end = ctl->remote + ctl->size;
}

/* May a run of this thread end in a breakpoint, see run.c? */
static bool may_trap(const struct compel_blob_ctl *ctl, const struct compel_thread *th)
{
	return ctl->trap_ok && !th->foreign_trap && !(th->sigmask & (uint64_t)1 << (SIGTRAP - 1));
}

int compel_syscall_in(struct compel_blob_ctl *ctl, struct compel_thread *th, long nr, long *ret_value,
		      const unsigned long args[6])
{
	bool trap = may_trap(ctl, th);
	unsigned long ip = ctl->remote + ctl->head.syscall;
	compel_regs_t regs = th->regs;
	int err;

	if (th->running)
		return compel_fail(&th->error, -EBUSY, "Task %d runs a command", th->tid);
	arch_prepare_syscall(&regs, ip, nr, args);
	err = run_start(th, &regs, trap ? ctl->remote + ctl->head.syscall_end : ip + arch_syscall_len,
			trap ? RUN_END_TRAP : RUN_END_SYSCALL);
	if (!err)
		err = run_finish(th, &regs);
	if (err)
		return err;
	*ret_value = arch_syscall_value(&regs);
	return !trap && *ret_value == nr ? run_check_refused(th) : 0;
}

int compel_call_start(struct compel_blob_ctl *ctl, struct compel_thread *th, unsigned int cmd)
{
	const struct head *h = &ctl->head;
	bool trap = may_trap(ctl, th);
	compel_regs_t regs = th->regs;
	unsigned long args;
	int err;

	if (th->slot >= ctl->nr_slots)
		return compel_fail(&th->error, -EINVAL, "Slot %u of %u", th->slot, ctl->nr_slots);
	if (th->running || ctl->slot_busy[th->slot])
		return compel_fail(&th->error, -EBUSY, "Task %d or slot %u is busy", th->tid, th->slot);
	args = ctl->remote + args_at(ctl, th->slot);
	arch_prepare_call(&regs, ctl->remote + (trap ? h->call_trap : h->call_sys), args, cmd, args);
	err = run_start(th, &regs, ctl->remote + (trap ? h->call_trap_end : h->call_sys_end),
			trap ? RUN_END_TRAP : RUN_END_SYSCALL);
	if (err)
		return err;
	th->running = ctl;
	ctl->slot_busy[th->slot] = true;
	return 0;
}

int compel_call_finish(struct compel_blob_ctl *ctl, struct compel_thread *th, int *ret_value)
{
	compel_regs_t regs;
	int err;

	if (th->running != ctl)
		return compel_fail(&th->error, -EINVAL, "Task %d runs no command of this blob", th->tid);
	err = run_finish(th, &regs);
	th->running = NULL;
	ctl->slot_busy[th->slot] = false;
	if (!err)
		*ret_value = arch_call_value(&regs);
	return err;
}

int compel_call(struct compel_blob_ctl *ctl, struct compel_thread *th, unsigned int cmd, int *ret_value)
{
	int err = compel_call_start(ctl, th, cmd);

	return err ? err : compel_call_finish(ctl, th, ret_value);
}

void compel_forget(struct compel_blob_ctl *ctl)
{
	if (ctl->local)
		munmap(ctl->local, ctl->size);
	free(ctl->slot_busy);
	free(ctl);
}

int compel_cure(struct compel_blob_ctl *ctl)
{
	int err = ctl->remote ? remote_munmap(ctl) : 0;

	compel_forget(ctl);
	return err;
}
