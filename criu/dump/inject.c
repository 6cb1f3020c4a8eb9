/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The page image's descriptor gets into the task over a socket pair that the parasite makes; we take one end with
 * pidfd_getfd(2). Nothing needs a path or /proc inside the task.
 */
#include "dump/inject.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pages/run.h"
#include "seize/supervisor.h"

static int send_descriptor(int socket, int fd)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(socket, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int hand_over_image(struct inject *in, int fd)
{
	_cleanup_close_ int socket = -1;
	struct parasite_store *store = &parasite_args(in->task)->store;
	int r;

	store->image = store->socket[0] = store->socket[1] = -1; /* should the command not even start */
	r = parasite_run(in->ctx, in->task, 0, PARASITE_STORE_OPEN);
	if (r < 0)
		return r;
	socket = syscall(SYS_pidfd_getfd, in->task->dump->pidfd, store->socket[1], 0);
	if (socket < 0)
		return cr_fail_errno(in->ctx, -errno, "Can't take the parasite's socket");
	r = send_descriptor(socket, fd);
	if (r < 0)
		return cr_fail_errno(in->ctx, r, "Can't send the page image to the parasite");
	return parasite_run(in->ctx, in->task, 0, PARASITE_STORE_RECV);
}

/* As many runs as one command takes; a run that is longer than a window is cut. */
#define WINDOW (256ul << 20)

struct store_position {
	size_t run;
	uint64_t done; /* bytes of that run */
};

static void fill_window(struct parasite_store *s, const struct page_run_at *runs, size_t nr, struct store_position *at)
{
	uint64_t end = 0;

	s->nr_runs = 0;
	while (at->run < nr && s->nr_runs < PARASITE_MAX_RUNS) {
		const struct page_run_at *run = &runs[at->run];
		uint64_t length = run->nr_pages * RUN_PAGE_SIZE - at->done;
		uint64_t offset = run->offset + at->done;

		if (!s->nr_runs)
			s->map_offset = offset;
		if (offset - s->map_offset >= WINDOW)
			break;
		if (length > WINDOW - (offset - s->map_offset))
			length = WINDOW - (offset - s->map_offset);
		s->runs[s->nr_runs++] = (struct parasite_run){ run->vaddr + at->done, offset, length };
		end = offset + length;
		at->done += length;
		if (at->done == run->nr_pages * RUN_PAGE_SIZE)
			*at = (struct store_position){ at->run + 1, 0 };
	}
	s->map_length = end - s->map_offset;
}

static int inject_store(void *arg, int fd, uint64_t size, const struct page_run_at *runs, size_t nr)
{
	struct store_position at = { 0, 0 };
	struct inject *in = arg;
	int r, closed;

	r = hand_over_image(in, fd);
	while (!r && at.run < nr) {
		if (supervise_cancelled()) {
			r = cr_fail(in->ctx, -EINTR, "Cancelled");
			break;
		}
		fill_window(&parasite_args(in->task)->store, runs, nr, &at);
		r = parasite_run(in->ctx, in->task, 0, PARASITE_STORE_PAGES);
	}
	/* Whatever went wrong: the task may not keep our descriptors. */
	closed = parasite_run(in->ctx, in->task, 0, PARASITE_STORE_CLOSE);
	return r < 0 ? r : closed;
}

const struct capture_inject_ops inject_ops = { .store = inject_store };
