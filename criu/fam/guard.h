/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Looking at mapped memory whose medium may be bad, or whose file somebody may cut: what would be SIGBUS (mmap(2)) is
 * an error. System calls that are given such memory need no guard: they answer EFAULT or EIO.
 */
#ifndef CRIU_FAM_GUARD_H
#define CRIU_FAM_GUARD_H

/*
 * Returns WORK(ARG), or -EIO as soon as a memory access in it raises SIGBUS: it takes no locks and allocates nothing,
 * since it may end anywhere. Any thread may call it; SIGBUS is handled by us from the first call on.
 */
int fam_guarded(int (*work)(void *arg), void *arg);

#endif
