/* SPDX-License-Identifier: GPL-2.0 */
/* What sockets haven't received yet: sk-queues.img. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fd/sk.h"

#include "sk-packet.pb-c.h"

#define STREAM_BYTES (64u << 10)
#define RIGHTS_MAX   253 /* unix(7) */
#define PACKETS_MAX  1000000

static int set_peek(int fd, int offset)
{
	return setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof(offset)) < 0 ? -errno : 0;
}

/* Looking at descriptors in flight gives us duplicates. Whether there are any. */
static bool close_rights(struct msghdr *msg)
{
	bool any = msg->msg_flags & MSG_CTRUNC;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t nr = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		any = true;
		for (size_t i = 0; i < nr; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			close(fd);
		}
	}
	return any;
}

static bool is_from(const struct sockaddr_un *from, socklen_t len, const struct sk_sender *sender)
{
	size_t name_len =
		len > offsetof(struct sockaddr_un, sun_path) ? len - offsetof(struct sockaddr_un, sun_path) : 0;

	if (name_len != sender->len)
		return false;
	if (name_len > sizeof(from->sun_path))
		name_len = sizeof(from->sun_path);
	return !name_len || !memcmp(from->sun_path, sender->name, name_len);
}

/* The length of what it got, -EAGAIN at the end of the queue. The next look is behind it. */
static ssize_t peek(struct fd_dump *dump, const struct fd_object *obj, const struct sk_sender *sender, void *buf,
		    size_t size)
{
	struct sockaddr_un from;
	char control[CMSG_SPACE(RIGHTS_MAX * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))]
		__attribute__((aligned(8)));
	struct iovec iov = { buf, size };
	struct msghdr msg = {
		.msg_name = sender ? &from : NULL,
		.msg_namelen = sender ? sizeof(from) : 0,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(obj->fd, &msg, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return -errno;
	if (close_rights(&msg))
		return fd_refuse(dump, obj, "a socket with descriptors in flight (SCM_RIGHTS)");
	if (sender && !is_from(&from, msg.msg_namelen, sender))
		return fd_refuse(dump, obj, "a unix socket with packets from one with a name, which isn't its peer,");
	return n;
}

static int append(struct fd_dump *dump, uint32_t id, const void *data, size_t len)
{
	SkPacketEntry entry = SK_PACKET_ENTRY__INIT;

	entry.id_for = id;
	entry.length = len;
	return fd_dump_append(dump, IMG_SK_QUEUES, &entry.base, data, len);
}

static int dump_stream(struct fd_dump *dump, const struct fd_object *obj)
{
	_cleanup_free_ char *buf = malloc(STREAM_BYTES);

	if (!buf)
		return -ENOMEM;
	for (;;) {
		ssize_t n = peek(dump, obj, NULL, buf, STREAM_BYTES);
		int r;

		if (n <= 0)
			return n == -EAGAIN ? 0 : n;
		r = append(dump, obj->id, buf, n);
		if (r < 0)
			return r;
	}
}

/* AT_END: nothing comes any more, so the end of the queue reads as nothing. */
static int dump_packets(struct fd_dump *dump, const struct fd_object *obj, bool at_end, const struct sk_sender *sender)
{
	for (int i = 0; i < PACKETS_MAX; i++) {
		_cleanup_free_ char *buf = NULL;
		ssize_t len = peek(dump, obj, sender, NULL, 0), n;
		int r;

		if (len < 0)
			return len == -EAGAIN ? 0 : len;
		if (!len && at_end)
			return 0;
		buf = malloc(len ?: 1);
		if (!buf)
			return -ENOMEM;
		n = len ? peek(dump, obj, sender, buf, len) : 0;
		if (n != len)
			return n < 0 ? n : -EAGAIN;
		r = append(dump, obj->id, buf, len);
		if (r < 0)
			return r;
	}
	return -EFBIG;
}

/* What is read around the mark can't be told from what comes before and after it. */
static int check_urgent(struct fd_dump *dump, const struct fd_object *obj)
{
	struct pollfd fd = { obj->fd, POLLPRI, 0 };

	if (poll(&fd, 1, 0) < 0)
		return -errno;
	return fd.revents & POLLPRI ? fd_refuse(dump, obj, "a socket with an out-of-band byte in flight (MSG_OOB)") : 0;
}

/* SO_PEEK_OFF, which a task may use itself, is as before afterwards. */
int sk_queue_dump(struct fd_dump *dump, const struct fd_object *obj, int type, bool at_end,
		  const struct sk_sender *sender)
{
	int r = type == SOCK_STREAM ? check_urgent(dump, obj) : 0, before, reset;

	if (!r)
		r = sk_get_number(obj->fd, SOL_SOCKET, SO_PEEK_OFF, &before);
	if (!r)
		r = set_peek(obj->fd, 0);
	if (!r) {
		r = type == SOCK_STREAM ? dump_stream(dump, obj) : dump_packets(dump, obj, at_end, sender);
		reset = set_peek(obj->fd, before);
		if (!r)
			r = reset;
	}
	return r < 0 ? cr_fail_errno(dump->ctx, r, FD_WHO "Can't read its queue", FD_WHO_ARGS(obj)) : 0;
}

static int packet_compare(const void *x, const void *y)
{
	const struct sk_packet *a = x, *b = y;

	if (a->id_for != b->id_for)
		return a->id_for < b->id_for ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static int read_packet(struct fd_restore *restore, struct image *img, const SkPacketEntry *entry,
		       struct sk_queues *queues)
{
	const struct fd_file *file = fd_file_find(restore, entry->id_for);
	struct sk_packet *p = queues->v;

	if (!file || file->ops->type != FD_TYPES__UNIXSK)
		return cr_fail(restore->ctx, -EBADMSG, "sk-queues.img: there is no socket %u", entry->id_for);
	if (entry->n_scm)
		return cr_fail(restore->ctx, -EOPNOTSUPP,
			       "sk-queues.img: file %u: descriptors in flight (SCM_RIGHTS) "
			       "aren't supported",
			       entry->id_for);
	if (entry->length > image_remaining(img))
		return -EBADMSG;
	if (!(queues->nr & (queues->nr - 1)))
		p = reallocarray(queues->v, queues->nr ? 2 * queues->nr : 1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	queues->v = p;
	p += queues->nr;
	*p = (struct sk_packet){ entry->id_for, queues->nr, malloc(entry->length ?: 1), entry->length };
	if (!p->data)
		return -ENOMEM;
	queues->nr++;
	return entry->length ? image_read_payload(img, p->data, entry->length) : 0;
}

int sk_queues_read(struct fd_restore *restore, struct sk_queues *queues)
{
	_cleanup_image_ struct image *img = NULL;
	int r = image_open(restore->dirfd, IMG_SK_QUEUES, &img);

	if (r == -ENOENT)
		return 0;
	while (r >= 0) {
		_cleanup_image_message_ ProtobufCMessage *msg = NULL;

		r = image_read(img, &msg);
		if (!r)
			break;
		if (r > 0)
			r = read_packet(restore, img, (SkPacketEntry *)msg, queues);
	}
	if (r < 0)
		return cr_fail_errno(restore->ctx, r, "Can't read sk-queues.img");
	if (queues->nr)
		qsort(queues->v, queues->nr, sizeof(*queues->v), packet_compare);
	return 0;
}

/* The first packet for ID; queues->nr if there is none. */
static size_t find_first(const struct sk_queues *queues, uint32_t id)
{
	size_t first = 0, end = queues->nr;

	while (first < end) {
		size_t middle = first + (end - first) / 2;

		if (queues->v[middle].id_for < id)
			first = middle + 1;
		else
			end = middle;
	}
	return first < queues->nr && queues->v[first].id_for == id ? first : queues->nr;
}

bool sk_queue_has(const struct sk_queues *queues, uint32_t id)
{
	return find_first(queues, id) < queues->nr;
}

int sk_queue_fill(struct fd_restore *restore, const struct sk_queues *queues, uint32_t id, int fd)
{
	int large = INT32_MAX / 2;
	size_t first = find_first(queues, id);

	if (first == queues->nr)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof(large)) < 0)
		log_debug(restore->ctx->log, "Can't raise a send buffer: %s", strerror(errno));
	for (size_t i = first; i < queues->nr && queues->v[i].id_for == id; i++) {
		const struct sk_packet *p = &queues->v[i];

		ssize_t n = send(fd, p->data, p->len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n != p->len)
			return cr_fail_errno(restore->ctx, n < 0 ? -errno : -ENOBUFS, "Can't fill the queue of file %u",
					     id);
	}
	return 0;
}

void sk_queues_free(struct sk_queues *queues)
{
	for (size_t i = 0; i < queues->nr; i++)
		free(queues->v[i].data);
	free(queues->v);
}
