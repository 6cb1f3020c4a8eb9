/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A POSIX message queue is refused.
 *
 * expect: refused (message queue|refuse_mq|hidden mount|another file)
 */
#include <fcntl.h>
#include <mqueue.h>
#include <time.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 8 };
	char name[64];
	mqd_t queue;

	test_init(argc, argv);
	/* Tests that run beside this one have the same namespace of names, and the same pid. */
	snprintf(name, sizeof(name), "/refuse_mq.%llx", (unsigned long long)&attr ^ time(NULL));
	queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	if (queue < 0)
		skip("no message queues: %s", strerror(errno));
	MUST(mq_unlink(name));

	test_ready();
	test_wait();

	MUST(mq_getattr(queue, &attr));
	CHECK_EQ(attr.mq_msgsize, 8);
	pass();
}
