/* SPDX-License-Identifier: GPL-2.0 */
/* Internet sockets: what their dump and restore share. ip(7), ipv6(7), tcp(7), udp(7), raw(7). */
#ifndef CRIU_FD_INET_H
#define CRIU_FD_INET_H

#include <netinet/in.h>

#include "fd/sk.h"

#include "sk-inet.pb-c.h"

union inet_addr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

#define INET_ICMP_FILTER 1 /* ICMP_FILTER of linux/icmp.h, which doesn't go with net/if.h */
#define INET_ADDR_TEXT	 (INET6_ADDRSTRLEN + 10)

/* inet_addr.c: an address of FAMILY between sockaddr(3type) and the image: words in network order, a port. */

/* 1 or 4. */
size_t inet_addr_words(int family);
/* Room for 4 words in WORDS. */
void inet_addr_pack(const union inet_addr *addr, uint32_t *words, uint32_t *port);
void inet_addr_unpack(int family, const uint32_t *words, uint32_t port, union inet_addr *ret);
socklen_t inet_addr_len(int family);
bool inet_addr_is_any(int family, const uint32_t *words);
/* "127.0.0.1:80", "[::1]:80" */
void inet_addr_text(const union inet_addr *addr, char text[INET_ADDR_TEXT]);

/* sk_multicast.c */

/*
 * The next group in *CURSOR, the text of /proc/net/igmp or igmp6 (it is changed), and the number of its device in
 * *INDEX, which starts as 0. False: no more.
 */
bool inet_groups_next(char **cursor, int family, unsigned int *index, union inet_addr *ret);
/* Is the socket FD of FAMILY a member of any group? 1, 0 or -errno. */
int inet_is_multicast_member(int fd, int family);

/* inet_restore.c */
int inet_check(struct fd_restore *restore, struct fd_file *file);
void inet_key(const struct fd_restore *restore, const struct fd_file *file, char *key);
int inet_open(struct fd_restore *restore, struct fd_file *file, int *ret);

#endif
