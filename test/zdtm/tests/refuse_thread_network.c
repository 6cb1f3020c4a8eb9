/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A thread in a network namespace of its own is refused.
 *
 * expect: refused network namespace
 */
#include "thread_apart.h"

int main(int argc, char **argv)
{
	run_thread_apart(argc, argv, CLONE_NEWNET);
}
