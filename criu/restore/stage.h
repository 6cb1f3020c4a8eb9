/* SPDX-License-Identifier: GPL-2.0 */
/* Names of what happens inside tasks: for messages and for CRIU_FAULT_PHASE. */
#ifndef CRIU_RESTORE_STAGE_H
#define CRIU_RESTORE_STAGE_H

#include "pie/plan.h"

/* "task-forked" and so on. */
const char *stage_name(enum restore_stage stage);
/* The stage that CRIU_FAULT_PHASE names, or STAGE_NONE. */
enum restore_stage stage_fault(void);
/* "can't map memory at %#lx-%#lx" and so on, of what the blob wrote into its slot. BUF holds SIZE bytes. */
void blob_error_text(const struct restore_slot *slot, char *buf, unsigned long size);

#endif
