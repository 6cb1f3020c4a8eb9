/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A POSIX message queue is refused.
 *
 * expect: refused (message queue|refuse_mq|hidden mount|another file)
 */
#include <fcntl.h>
#include <mqueue.h>

#include "zdtm.h"

#define NAME "/refuse_mq"

int main(int argc, char **argv)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 8 };
	mqd_t queue;

	test_init(argc, argv);
	queue = mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	if (queue < 0)
		skip("no message queues: %s", strerror(errno));
	MUST(mq_unlink(NAME));

	test_ready();
	test_wait();

	MUST(mq_getattr(queue, &attr));
	CHECK_EQ(attr.mq_msgsize, 8);
	pass();
}
