/* SPDX-License-Identifier: GPL-2.0 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "fd/inet.h"

size_t inet_addr_words(int family)
{
	return family == AF_INET6 ? 4 : 1;
}

socklen_t inet_addr_len(int family)
{
	return family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

void inet_addr_pack(const union inet_addr *addr, uint32_t *words, uint32_t *port)
{
	if (addr->any.sa_family == AF_INET6) {
		memcpy(words, &addr->v6.sin6_addr, sizeof(addr->v6.sin6_addr));
		*port = ntohs(addr->v6.sin6_port);
	} else {
		words[0] = addr->v4.sin_addr.s_addr;
		*port = ntohs(addr->v4.sin_port);
	}
}

void inet_addr_unpack(int family, const uint32_t *words, uint32_t port, union inet_addr *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->any.sa_family = family;
	if (family == AF_INET6) {
		memcpy(&ret->v6.sin6_addr, words, sizeof(ret->v6.sin6_addr));
		ret->v6.sin6_port = htons(port);
	} else {
		ret->v4.sin_addr.s_addr = words[0];
		ret->v4.sin_port = htons(port);
	}
}

bool inet_addr_is_any(int family, const uint32_t *words)
{
	for (size_t i = 0; i < inet_addr_words(family); i++)
		if (words[i])
			return false;
	return true;
}

void inet_addr_text(const union inet_addr *addr, char text[INET_ADDR_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (addr->any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &addr->v6.sin6_addr, host, sizeof(host));
		snprintf(text, INET_ADDR_TEXT, "[%s]:%u", host, ntohs(addr->v6.sin6_port));
	} else {
		inet_ntop(AF_INET, &addr->v4.sin_addr, host, sizeof(host));
		snprintf(text, INET_ADDR_TEXT, "%s:%u", host, ntohs(addr->v4.sin_port));
	}
}
