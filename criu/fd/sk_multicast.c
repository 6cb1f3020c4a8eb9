/* SPDX-License-Identifier: GPL-2.0 */
/* Is a socket a member of a multicast group? The kernel lists the groups of devices, and answers for each. ip(7) */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fd/inet.h"

#define FILE_MAX (16u << 20)

static bool is_member(int fd, int level, unsigned int index, const union inet_addr *group)
{
	struct group_filter filter = { .gf_interface = index };
	socklen_t len = sizeof(filter);

	memcpy(&filter.gf_group, group, sizeof(*group));
	return !getsockopt(fd, level, MCAST_MSFILTER, &filter, &len);
}

static bool parse_hex(const char *text, uint8_t bytes[16])
{
	for (int i = 0; i < 16; i++)
		if (sscanf(text + 2 * i, "%2hhx", &bytes[i]) != 1)
			return false;
	return true;
}

bool inet_groups_next(char **cursor, int family, unsigned int *index, union inet_addr *ret)
{
	for (char *line; (line = strsep(cursor, "\n"));) {
		char hex[33];
		unsigned int word;
		int nr;

		memset(ret, 0, sizeof(*ret));
		ret->any.sa_family = family;
		if (family == AF_INET6) { /* "1    lo              ff02...0001     1 0000000C 0" */
			if (sscanf(line, "%u %*s %32[0-9a-f]", index, hex) == 2 && strlen(hex) == 32 &&
			    parse_hex(hex, ret->v6.sin6_addr.s6_addr))
				return true;
		} else if (line[0] != '\t') { /* "2	eth0      :     2      V3", then its groups */
			if (sscanf(line, "%u", &nr) == 1)
				*index = nr;
		} else if (sscanf(line, " %8x", &word) ==
			   1) { /* "				FB0000E0     1 0:00000000		0" */
			ret->v4.sin_addr.s_addr = word;
			return true;
		}
	}
	return false;
}

int inet_is_multicast_member(int fd, int family)
{
	_cleanup_free_ char *text = NULL;
	union inet_addr group;
	unsigned int index = 0;
	char *cursor;
	int r = read_file_at(AT_FDCWD,
			     family == AF_INET6 ? "/proc/thread-self/net/igmp6" : "/proc/thread-self/net/igmp",
			     FILE_MAX, &text, NULL);

	if (r == -ENOENT) /* a kernel without multicast */
		return 0;
	if (r < 0)
		return r;
	cursor = text;
	while (inet_groups_next(&cursor, family, &index, &group))
		if (is_member(fd, family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP, index, &group))
			return 1;
	return 0;
}
