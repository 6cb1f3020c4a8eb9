/* SPDX-License-Identifier: GPL-2.0 */
/* Unix sockets with names for tests: paths in the work directory, or abstract ones ("@name"). */
#ifndef UNIX_TEST_H
#define UNIX_TEST_H

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "zdtm.h"

static inline socklen_t unix_name(const char *name, struct sockaddr_un *ret)
{
	size_t len = strlen(name) + (name[0] != '@');

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	CHECK(len <= sizeof(ret->sun_path));
	memcpy(ret->sun_path, name, len);
	if (name[0] == '@')
		ret->sun_path[0] = '\0';
	return offsetof(struct sockaddr_un, sun_path) + len;
}

static inline int unix_socket(int type, const char *name)
{
	int fd = MUST(socket(AF_UNIX, type, 0));
	struct sockaddr_un addr;
	socklen_t len;

	if (name) {
		len = unix_name(name, &addr);
		MUST(bind(fd, (struct sockaddr *)&addr, len));
	}
	return fd;
}

static inline int unix_connect(int type, const char *name)
{
	int fd = MUST(socket(AF_UNIX, type, 0));
	struct sockaddr_un addr;
	socklen_t len = unix_name(name, &addr);

	MUST(connect(fd, (struct sockaddr *)&addr, len));
	return fd;
}

/* NAME as given to bind(2); NULL: none. */
static inline void check_name(int fd, bool of_peer, const char *name)
{
	struct sockaddr_un is, wanted;
	socklen_t len = sizeof(is), wanted_len = name ? unix_name(name, &wanted) : sizeof(sa_family_t);

	if (of_peer)
		MUST(getpeername(fd, (struct sockaddr *)&is, &len));
	else
		MUST(getsockname(fd, (struct sockaddr *)&is, &len));
	CHECK_EQ(len, wanted_len);
	if (name)
		CHECK_MEM(&is, &wanted, len);
}

static inline void check_passes(int from, int to, const char *text)
{
	char buf[64];
	ssize_t len = strlen(text);

	CHECK_EQ(send(from, text, len, MSG_NOSIGNAL), len);
	CHECK_EQ(recv(to, buf, sizeof(buf), 0), len);
	CHECK_MEM(buf, text, len);
}

/* A new client is served, and sees CRED. */
static inline void check_serves(int listener, int type, const char *name, const struct ucred *cred)
{
	int client = unix_connect(type, name), served = MUST(accept(listener, NULL, NULL));
	struct ucred seen;
	socklen_t len = sizeof(seen);

	check_passes(client, served, "question");
	check_passes(served, client, "answer");
	MUST(getsockopt(client, SOL_SOCKET, SO_PEERCRED, &seen, &len));
	CHECK_EQ(seen.pid, cred->pid);
	CHECK_EQ(seen.uid, cred->uid);
	CHECK_EQ(seen.gid, cred->gid);
	close(client);
	close(served);
}

#endif
