/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What pager and guardian share: their memory and their table of descriptors (CLONE_VM, CLONE_FILES). Only the pager
 * changes it. Whatever happens to it between two instructions, the guardian can go on from here: recover.c. So nothing
 * is allocated by malloc(3), whose locks a killed process would leave behind. Inner to pager/.
 */
#ifndef CRIU_PAGER_STATE_H
#define CRIU_PAGER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pager/memory.h"
#include "pager/switch.h"

#define PAGER_STACK	  (256ul << 10)
#define PAGER_SCRATCH	  (64ul << 10)
#define PAGER_CGROUP_PATH 128
#define PAGER_CLIENTS	  8

/* What an event of epoll(7) is about: one of these, or the address of a memory. */
enum pager_event {
	EVENT_GO = 1,
	EVENT_GUARDIAN,
	EVENT_LISTEN,
	EVENT_CLIENT,
	EVENT_LAST = EVENT_CLIENT + PAGER_CLIENTS
};

struct pager_stats {
	uint64_t faults;    /* that were served */
	uint64_t served;    /* pages that a fault brought, its neighbours too */
	uint64_t filled;    /* pages that came in the background */
	uint64_t zeroed;    /* faults on pages that the images don't have, or that were dropped */
	uint64_t dropped;   /* missing pages that the tasks dropped or unmapped, or that were gone */
	uint64_t forks;	    /* of memories with missing pages */
	uint64_t takeovers; /* by a guardian */
	uint64_t started_us;
};

struct pager {
	struct pager_memory *memories;
	struct kill_switch kill_switch;
	pid_t pid, guardian;
	int self;    /* pidfd of the pager, for its guardian */
	int watched; /* pidfd of the guardian; -1: there is none */
	int epoll;
	int listen;		   /* -1: nobody can ask */
	int go;			   /* pipe; -1: it was told, or who could tell is gone */
	const uint32_t *committed; /* shared with the engine */
	bool going;		   /* the tasks run: memories may be let go */
	bool fills;		   /* in the background */
	bool hurried;		   /* somebody waits for the end */
	bool leaving, failed;
	char *scratch; /* for answers */
	int clients[PAGER_CLIENTS];
	bool waits[PAGER_CLIENTS]; /* for the end */
	char *stacks[2];
	unsigned generation; /* of guardians */
	unsigned in_vain;    /* guardians in a row that have done nothing */
	uint64_t done_before;
	uint64_t last_fault_us, last_look_us, last_sweep_us;
	struct pager_memory *turn; /* whom the filler serves; may be stale: compare only */
	uint64_t populated;	   /* of its source, up to this address of the memory */
	struct pager_stats stats;
	char socket_path[64];
	char cgroup[PAGER_CGROUP_PATH]; /* our own; empty: there is none */
};

/* ---- serve.c ---- */
/* Reads what the kernel has to tell about M and answers. */
void serve_messages(struct pager *p, struct pager_memory *m);
/* What could not be answered then. */
void serve_deferred(struct pager *p, struct pager_memory *m);
/* Brings up to MAX bytes of the neighbours of M's last fault, all of them if MAX is so large; false: there are none. */
bool near_some(struct pager *p, struct pager_memory *m, uint64_t max);
/* Copies some missing pages; false: there was nothing to be done just now. */
bool fill_some(struct pager *p, struct pager_memory *m);
/* Closes M's descriptor: its areas are ordinary memory from then on. */
void end_memory(struct pager *p, struct pager_memory *m);
/* Nobody runs there any more? */
bool is_dead(const struct pager_memory *m);
/* After the pager was killed: finishes what it was about, and has all waiting tasks ask again. */
void recover_memory(struct pager *p, struct pager_memory *m);

/* ---- children.c ---- */
/* Finds the processes of memories that came by fork, and arms the switch for them. */
void find_children(struct pager *p);

/* ---- loop.c ---- */
/* As the pager, until there is nothing left to do. Doesn't return. */
__attribute__((noreturn)) void pager_run(struct pager *p);
/* Pages can't be had: kills the tasks, says WHY in the kernel's log, ends. */
__attribute__((noreturn)) void pager_fail(struct pager *p, const char *why, int err);

/* ---- asked.c ---- */
/* Makes the socket; without it (no /run) nobody can ask, nothing else. */
void asked_listen(struct pager *p);
void asked_accept(struct pager *p);
void asked_client(struct pager *p, unsigned nr);
/* The socket goes, whoever waits is told. */
void asked_end(struct pager *p);

/* ---- detach.c ---- */
/* Makes a cgroup for a pager, where that can be had: its directory, to be closed, and PATH; or -1. */
int own_cgroup_make(char path[PAGER_CGROUP_PATH]);
void own_cgroup_leave(struct pager *p);

#endif
