/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs a function inside of a running program and shows what it found there.
 *
 *	make compel-example
 *	build/compel/example/victim &
 *	build/compel/example/inject $!
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <compel/compel.h>

#include "blob.h"
#include "example.blob.h"

static int ask(struct compel_thread *th)
{
	struct compel_blob_ctl *ctl;
	struct example_args *args;
	int err, result;

	err = compel_infect(th, &example_blob, sizeof(*args), &ctl);
	if (err)
		return err;
	args = compel_args(ctl, sizeof(*args));
	err = compel_call(ctl, th, EXAMPLE_TELL, &result);
	if (!err)
		printf("result %d: pid %d, tid %d, working directory %s\n", result, args->pid, args->tid, args->cwd);
	compel_cure(ctl);
	return err;
}

int main(int argc, char **argv)
{
	struct compel_stop stop;
	struct compel_thread th;
	pid_t pid = argc == 2 ? atoi(argv[1]) : 0;
	int err, detach_err;

	if (pid <= 0) {
		fprintf(stderr, "usage: inject PID\n");
		return 2;
	}
	err = compel_seize(pid, 0);
	if (!err)
		err = compel_interrupt(pid);
	if (err) {
		fprintf(stderr, "Can't stop %d: %s\n", pid, strerror(-err));
		return 1;
	}
	err = compel_wait_stop(pid, &stop);
	if (err) {
		fprintf(stderr, "%s\n", stop.error.text);
		return 1;
	}
	/* If this fails the task is let go by our exit, as it was. */
	err = compel_thread_save(&th, pid, &stop);
	if (err) {
		fprintf(stderr, "%s\n", compel_strerror_detail(&th));
		return 1;
	}
	err = ask(&th);
	if (err)
		fprintf(stderr, "%s\n", compel_strerror_detail(&th));
	detach_err = compel_detach(&th);
	if (detach_err)
		fprintf(stderr, "%s\n", compel_strerror_detail(&th));
	return err || detach_err ? 1 : 0;
}
