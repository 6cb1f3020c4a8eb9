/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A dump and a restore are tables of phases. When one fails, its own undo and those of all before it
 * run in reverse order. CRIU_FAULT_PHASE=NAME makes the phase NAME fail right after it ran;
 * CRIU_FAULT_PHASE=NAME:before fails instead of running it.
 */
#ifndef CRIU_BASE_PHASE_H
#define CRIU_BASE_PHASE_H

#include "base/error.h"

struct phase {
	const char *name;
	int (*run)(void *arg);
	void (*undo)(void *arg); /* may be NULL; must cope with a run() that stopped half-way */
};

/*
 * Runs them all. 0, or what the failing phase returned (-errno, or a positive status of a script) after every undo has
 * run. Before each phase CANCELLED(arg) is asked, if given; when it says other than 0, nothing more runs and what has
 * begun is undone.
 */
int phases_run(struct cr_ctx *ctx, const struct phase *table, size_t nr, void *arg, int (*cancelled)(void *arg));

#endif
