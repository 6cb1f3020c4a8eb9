/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <linux/keyctl.h>
#include <linux/mempolicy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "dump/unkept.h"
#include "proc/parse.h"

#ifndef PR_GET_IO_FLUSHER
#define PR_GET_IO_FLUSHER 58
#endif
#ifndef PR_GET_MDWE
#define PR_GET_MDWE 66
#endif
#ifndef PR_GET_MEMORY_MERGE
#define PR_GET_MEMORY_MERGE 68
#endif
#ifndef PR_GET_THP_DISABLE
#define PR_GET_THP_DISABLE 42
#endif

#define GET_CPUID    0x1011 /* arch_prctl(2) */
#define OF_AREAS_MAX (64 << 20)

/* Below the red zone of the System V ABI nothing of the task's is kept. */
#define RED_ZONE 128
#define PAGE	 4096

static bool positive(long value, const struct baseline *base)
{
	return value > 0;
}

/* Either disabled as a whole, which is kept, or in part. */
static bool partly(long value, const struct baseline *base)
{
	return value > 1;
}

static bool early_or_late(long value, const struct baseline *base)
{
	return value == PR_MCE_KILL_EARLY || value == PR_MCE_KILL_LATE;
}

static bool other_keyring(long value, const struct baseline *base)
{
	return value > 0 && value != base->keyring;
}

#if defined(__x86_64__)
static bool zero(long value, const struct baseline *base)
{
	return value == 0;
}

/* There is something to copy, to where nothing can be copied. */
static bool faults(long value, const struct baseline *base)
{
	return (int)value == -EFAULT; /* modify_ldt(2) doesn't extend the sign */
}
#endif

/* System calls that answer by their value, and write nothing. */
static const struct question {
	long nr;
	unsigned long args[6];
	bool (*lost)(long value, const struct baseline *base);
	const char *name;
	bool warn;
} questions[] = {
	{ SYS_prctl, { PR_GET_MDWE }, positive, "denied executable memory (PR_SET_MDWE)", false },
	{ SYS_prctl, { PR_GET_IO_FLUSHER }, positive, "being an I/O flusher (PR_SET_IO_FLUSHER)", false },
	{ SYS_prctl, { PR_GET_THP_DISABLE }, partly, "transparent huge pages disabled in part", false },
	{ SYS_prctl, { PR_GET_MEMORY_MERGE }, positive, "merging of all future memory (PR_SET_MEMORY_MERGE)", true },
	{ SYS_prctl, { PR_MCE_KILL_GET }, early_or_late, "its policy on broken memory (PR_MCE_KILL)", true },
	{ SYS_keyctl, { KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING }, other_keyring, "its session keyring", true },
#if defined(__x86_64__)
	{ SYS_arch_prctl, { GET_CPUID }, zero, "a disabled CPUID instruction (ARCH_SET_CPUID)", false },
	{ SYS_modify_ldt, { 0, -(unsigned long)PAGE, 1 }, faults, "a local descriptor table (modify_ldt)", false },
#endif
};

static int ask(struct dump *d, const struct task *task, long nr, long *ret, const unsigned long args[6])
{
	struct compel_thread *leader = &task->dump->threads[0];
	int r = compel_syscall(leader, nr, ret, args);

	if (r < 0)
		return cr_fail(d->ctx, r, "Can't ask in task %d (%s): %s", task->pid, task->dump->stat.comm,
			       compel_strerror_detail(leader));
	return 0;
}

static int check_questions(struct dump *d, const struct task *task, const struct baseline *base)
{
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		const struct question *q = &questions[i];
		long value = 0;
		int r = ask(d, task, q->nr, &value, q->args);

		if (r < 0)
			return r;
		if (!q->lost(value, base))
			continue;
		if (!q->warn)
			return refuse_state(d, task, q->name);
		warn_state(d, task, q->name);
	}
	return 0;
}

/* Answers that are written to memory: for a moment below the stack. */
static int check_written(struct dump *d, const struct task *task)
{
	struct compel_thread *leader = &task->dump->threads[0];
	unsigned long at = (compel_regs_sp(&leader->regs) - RED_ZONE - 16) & ~15ul;
	const unsigned long get_policy[6] = { at }, get_tsc[6] = { PR_GET_TSC, at + 8 };
	int32_t kept[4], got[4] = { 0 };
	long policy = -1, tsc = -1;
	int r;

	/* A stack that isn't there has no room for it. */
	if (compel_peek(task->pid, at, kept, sizeof(kept)) < 0)
		return 0;
	r = ask(d, task, SYS_get_mempolicy, &policy, get_policy);
	if (!r)
		r = ask(d, task, SYS_prctl, &tsc, get_tsc);
	if (!r && compel_peek(task->pid, at, got, sizeof(got)) < 0)
		r = cr_fail(d->ctx, -EFAULT, "Can't read the stack of task %d", task->pid);
	if (compel_poke(task->pid, at, kept, sizeof(kept)) < 0 && !r)
		r = cr_fail(d->ctx, -EFAULT, "Can't write the stack of task %d", task->pid);
	if (r < 0)
		return r;
	if (!policy && got[0] != MPOL_DEFAULT)
		warn_state(d, task, "its memory policy (set_mempolicy)");
	if (!tsc && got[2] != PR_TSC_ENABLE)
		return refuse_state(d, task, "a disabled RDTSC instruction (PR_SET_TSC)");
	return 0;
}

/* A line is "START POLICY ...", the policy of the task itself where an area has none. */
static int check_area_policies(struct dump *d, const struct task *task, const struct baseline *base)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	/* Where there is one node only it makes no difference, and the file is costly. */
	if (!base->several_nodes)
		return 0;
	r = proc_read_text(task->dump->procfd, "numa_maps", OF_AREAS_MAX, &text, &len);
	if (r < 0)
		return r == -ENOENT ? 0
				    : cr_fail_errno(d->ctx, r, "Can't read the memory policies of task %d", task->pid);
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		const char *policy;

		line += *line == '\n';
		policy = strchr(line, ' ');
		if (!policy || !strncmp(policy, " default", strlen(" default")))
			continue;
		warn_state(d, task, "the memory policy of areas (mbind)");
		return 0;
	}
	return 0;
}

static int read_locked(struct dump *d, const struct task *task, long *ret)
{
	_cleanup_free_ char *text = NULL;
	const char *line;
	size_t len;
	int r = proc_read_text(task->dump->procfd, "status", 1 << 20, &text, &len);

	if (r < 0)
		return cr_fail_errno(d->ctx, r, "Can't read the status of task %d", task->pid);
	line = strstr(text, "\nVmLck:");
	*ret = line ? atol(line + strlen("\nVmLck:")) : 0;
	return 0;
}

/* mlockall(MCL_FUTURE) shows by what it does to a new area. */
static int check_future_locks(struct dump *d, const struct task *task)
{
	const unsigned long map[6] = { 0, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1ul, 0 };
	unsigned long unmap[6] = { 0, PAGE };
	long before = 0, after = 0, at = 0, result;
	int r, back;

	r = read_locked(d, task, &before);
	if (!r)
		r = ask(d, task, SYS_mmap, &at, map);
	if (r < 0)
		return r;
	if (at < 0 && at > -PAGE)
		return at == -EAGAIN ? refuse_state(d, task, "locking of all future memory (mlockall)") : 0;
	r = read_locked(d, task, &after);
	unmap[0] = at;
	back = ask(d, task, SYS_munmap, &result, unmap);
	if (!r)
		r = back;
	if (!r && after > before)
		r = refuse_state(d, task, "locking of all future memory (mlockall)");
	return r;
}

int check_inside(struct dump *d, const struct task *task, const struct baseline *base)
{
	int r = check_questions(d, task, base);

	if (!r)
		r = check_written(d, task);
	if (!r)
		r = check_area_policies(d, task, base);
	if (!r)
		r = check_future_locks(d, task);
	return r;
}
