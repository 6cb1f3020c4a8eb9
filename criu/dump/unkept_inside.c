/* SPDX-License-Identifier: GPL-2.0 */
/* What the parasite has learned of state that no image holds. */
#include <errno.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dump/unkept.h"

/* The flags that we know of PR_SET_THP_DISABLE: disabled, PR_THP_DISABLE_EXCEPT_ADVISED. */
#define THP_KNOWN 3

void baseline_inside(struct baseline *ret)
{
	*ret = (struct baseline){
		.keyring = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0),
	};
}

/* Keys are the kernel's: neither their payloads nor their numbers can be brought back. */
static void warn_of_keyrings(struct dump *d, const struct task *task, const struct baseline *base)
{
	const struct dump_state *s = state_of(task);
	bool session = false, process = false, thread = false;

	for (size_t i = 0; i < task->nr_threads; i++) {
		const struct parasite_thread *in = &s->threads[i];

		session |= in->session_keyring > 0 && in->session_keyring != base->keyring;
		process |= in->process_keyring > 0;
		thread |= in->thread_keyring > 0;
	}
	if (session)
		warn_state(d, task, "its session keyring");
	if (process)
		warn_state(d, task, "its process keyring");
	if (thread)
		warn_state(d, task, "a thread's keyring");
}

int check_answers(struct dump *d, const struct task *task, const struct baseline *base)
{
	const struct parasite_task *in = &state_of(task)->inside;

	if (in->thp_disabled & ~THP_KNOWN)
		return refuse_state(d, task, "transparent huge pages disabled in part, in an unknown way");
	warn_of_keyrings(d, task, base);
	return 0;
}
