/* SPDX-License-Identifier: GPL-2.0 */
/* All that a freestanding blob has instead of a C library. */
#ifndef COMPEL_PLUGINS_STD_H
#define COMPEL_PLUGINS_STD_H

#include <compel/plugins/std/log.h>
#include <compel/plugins/std/string.h>
#include <compel/plugins/std/syscalls.h>
#include <compel/plugins/std/task.h>

/* What an injected blob defines: a command runs in the task; what it returns goes to the tracer. */
int parasite_entry(unsigned int cmd, void *args);

#endif
