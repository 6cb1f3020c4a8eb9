/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses for what is inherited, kept free in the engine so that the root task has them. */
#ifndef CRIU_RESTORE_COW_WINDOW_H
#define CRIU_RESTORE_COW_WINDOW_H

#include "restore/cow.h"

/*
 * Gives every segment a place: its own addresses where nothing of ours is there; else in one window, which is free in
 * the memory of all tasks. A segment for which there is none gets place 0. 0 or -errno.
 */
int cow_window_reserve(struct restore *r);
/* Gives up the place of one segment. */
void cow_window_drop(const struct cow *cow, struct cow_segment *segment);
/* Ours are free again; the segments keep their places. */
void cow_window_release(struct cow *cow);

#endif
