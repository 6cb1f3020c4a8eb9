/* SPDX-License-Identifier: GPL-2.0 */
#include "restore/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const stage_names[] = {
	[STAGE_NONE] = "task-none",	  [STAGE_BORN] = "task-born",	    [STAGE_PUT] = "task-put",
	[STAGE_FORKED] = "task-forked",	  [STAGE_GROUPED] = "task-grouped", [STAGE_FILES] = "task-files",
	[STAGE_BLOB] = "task-blob",	  [STAGE_UFFD] = "task-uffd",	    [STAGE_MEMORY] = "task-memory",
	[STAGE_THREADS] = "task-threads", [STAGE_PARKED] = "task-parked",
};

#define NR_STAGES (sizeof(stage_names) / sizeof(stage_names[0]))

const char *stage_name(enum restore_stage stage)
{
	return stage < NR_STAGES ? stage_names[stage] : "task-unknown";
}

enum restore_stage stage_fault(void)
{
	const char *fault = getenv("CRIU_FAULT_PHASE");

	for (size_t i = STAGE_NONE + 1; fault && i < NR_STAGES; i++)
		if (!strcmp(fault, stage_names[i]))
			return i;
	return STAGE_NONE;
}

/* A form with two numbers, of which those it doesn't need are left out. */
static const char *const op_forms[OP_NR] = {
	[OP_NONE] = "it failed",
	[OP_FAULT] = "a stage is made to fail by CRIU_FAULT_PHASE",
	[OP_MOVE_VDSO] = "can't move the vDSO from %#llx to %#llx",
	[OP_UNMAP] = "can't unmap %#llx-%#llx",
	[OP_MAP] = "can't map %#llx-%#llx",
	[OP_INHERIT] = "can't move the area that it inherited from %#llx to %#llx",
	[OP_MADVISE] = "can't advise the area at %#llx with %llu",
	[OP_UFFD_CREATE] = "can't make a userfaultfd",
	[OP_UFFD_REGISTER] = "can't register %#llx-%#llx with a userfaultfd",
	[OP_FILL] = "its memory could not be filled",
	[OP_READ_PAGES] = "can't read the pages at %#llx from offset %llu",
	[OP_PROTECT] = "can't protect %#llx-%#llx",
	[OP_LOCK] = "can't lock %#llx-%#llx",
	[OP_GUARD] = "can't install guard pages at %#llx-%#llx",
	[OP_AIO] = "can't make the AIO context at %#llx for %llu requests with a ring as long as it was",
	[OP_SEAL] = "can't seal %#llx-%#llx (mseal)",
	[OP_LOCK_FUTURE] = "can't lock all its future memory (mlockall)",
	[OP_ATTACH] = "can't attach System V shared memory %llu at %#llx",
	[OP_MM_MAP] = "can't set the bounds of its memory and its executable",
	[OP_THP] = "can't disable huge pages",
	[OP_PERSONALITY] = "can't set personality %#llx",
	[OP_SUBREAPER] = "can't be a subreaper",
	[OP_MEMBARRIER] = "can't register for membarrier command %#llx",
	[OP_CLOSE_FDS] = "can't close descriptors from %llu on",
	[OP_CLONE] = "can't create thread %llu",
	[OP_SECCOMP] = "can't install seccomp filter %llu of %llu instructions",
	[OP_RLIMIT] = "can't set limit %llu to %#llx",
	[OP_SIGACTION] = "can't set the action of signal %llu",
	[OP_SIGNAL] = "can't queue signal %llu",
	[OP_ITIMER] = "can't set interval timer %llu",
	[OP_TIMER_CREATE] = "can't create timer %llu of clock %lld",
	[OP_TIMER_ID] = "can't create timer %llu: the kernel gives number %llu",
	[OP_TIMER_SET] = "can't set timer %llu",
	[OP_TIMER_FIRE] = "timer %llu doesn't send its signal",
	[OP_RSEQ] = "can't register restartable sequences at %#llx, size %llu",
	[OP_ROBUST_LIST] = "can't set the robust list %#llx, size %llu",
	[OP_ALTSTACK] = "can't set the signal stack %#llx, size %llu",
	[OP_COMM] = "can't set its name",
	[OP_GROUPS] = "can't set its %llu groups",
	[OP_IDS] = "can't set its ids to %llu and %llu",
	[OP_BOUNDING] = "can't drop capability %llu from the bounding set",
	[OP_CAPS] = "can't set its capabilities to %#llx, %#llx",
	[OP_AMBIENT] = "can't set the ambient capability %llu",
	[OP_SECUREBITS] = "can't set securebits %#llx",
	[OP_NO_NEW_PRIVS] = "can't set no_new_privs",
	[OP_PDEATH] = "can't set the parent-death signal %llu",
	[OP_DUMPABLE] = "can't set dumpable to %llu",
	[OP_POLICY] = "can't set memory policy %#llx",
	[OP_AREA_POLICY] = "can't set the memory policy of the area at %#llx to %#llx",
	[OP_SPECULATION] = "can't set speculation control %llu to %#llx",
	[OP_TSC] = "can't disable the time-stamp counter",
	[OP_CPUID] = "can't disable the CPUID instruction",
	[OP_MCE_KILL] = "can't set its policy on broken memory to %llu",
	[OP_IO_FLUSHER] = "can't be an I/O flusher (CAP_SYS_RESOURCE)",
	[OP_MDWE] = "can't deny itself executable memory: %#llx",
	[OP_MEMORY_MERGE] = "can't have all its memory merged",
	[OP_SEGMENT] = "can't set entry %llu of its local descriptor table",
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
void blob_error_text(const struct restore_slot *slot, char *buf, unsigned long size)
{
	/* The slot is memory that a task wrote. */
	uint32_t op = slot->op < OP_NR ? slot->op : OP_NONE;

	snprintf(buf, size, op_forms[op], (unsigned long long)slot->arg[0], (unsigned long long)slot->arg[1]);
}
#pragma GCC diagnostic pop
