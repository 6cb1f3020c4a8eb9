/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A thread with a descriptor table of its own is refused.
 *
 * expect: refused descriptor table
 */
#include "thread_apart.h"

int main(int argc, char **argv)
{
	run_thread_apart(argc, argv, CLONE_FILES);
}
