/* SPDX-License-Identifier: GPL-2.0 */
/* Internet sockets: what needs no socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "fd/inet.h"
#include "fd/sk_filter.h"

static void test_groups_v4(void **state)
{
	char text[] = "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"
		      "1\tlo        :     2      V3\n"
		      "\t\t\t\t030201EF     1 0:00000000\t\t0\n"
		      "\t\t\t\t010000E0     1 0:00000000\t\t0\n"
		      "12\teth0      :     1      V3\n"
		      "\t\t\t\t010000E0     1 0:00000000\t\t0\n";
	static const struct {
		unsigned int index;
		const char *group;
	} wanted[] = { { 1, "239.1.2.3" }, { 1, "224.0.0.1" }, { 12, "224.0.0.1" } };
	union inet_addr group;
	unsigned int index = 0;
	char *cursor = text;

	for (int i = 0; i < 3; i++) {
		assert_true(inet_groups_next(&cursor, AF_INET, &index, &group));
		assert_int_equal(index, wanted[i].index);
		assert_int_equal(group.v4.sin_family, AF_INET);
		assert_string_equal(inet_ntoa(group.v4.sin_addr), wanted[i].group);
	}
	assert_false(inet_groups_next(&cursor, AF_INET, &index, &group));
}

static void test_groups_v6(void **state)
{
	char text[] = "1    lo              ff020000000000000000000000000001     1 0000000C 0\n"
		      "garbage\n"
		      "7    eth0            ff050000000000000000000000000002     1 00000004 0\n";
	struct in6_addr wanted;
	union inet_addr group;
	unsigned int index = 0;
	char *cursor = text;

	assert_true(inet_groups_next(&cursor, AF_INET6, &index, &group));
	assert_int_equal(index, 1);
	inet_pton(AF_INET6, "ff02::1", &wanted);
	assert_memory_equal(&group.v6.sin6_addr, &wanted, sizeof(wanted));
	assert_true(inet_groups_next(&cursor, AF_INET6, &index, &group));
	assert_int_equal(index, 7);
	inet_pton(AF_INET6, "ff05::2", &wanted);
	assert_memory_equal(&group.v6.sin6_addr, &wanted, sizeof(wanted));
	assert_false(inet_groups_next(&cursor, AF_INET6, &index, &group));
}

static void check_address(int family, const char *host, const char *text)
{
	union inet_addr addr = { .any.sa_family = family }, back;
	uint32_t words[4] = {}, port;
	char buf[INET_ADDR_TEXT];

	if (family == AF_INET6) {
		inet_pton(family, host, &addr.v6.sin6_addr);
		addr.v6.sin6_port = htons(8080);
	} else {
		inet_pton(family, host, &addr.v4.sin_addr);
		addr.v4.sin_port = htons(8080);
	}
	inet_addr_pack(&addr, words, &port);
	assert_int_equal(port, 8080);
	inet_addr_unpack(family, words, port, &back);
	assert_memory_equal(&back, &addr, inet_addr_len(family));
	inet_addr_text(&back, buf);
	assert_string_equal(buf, text);
}

static void test_addresses(void **state)
{
	check_address(AF_INET, "10.1.2.3", "10.1.2.3:8080");
	check_address(AF_INET6, "fe80::1", "[fe80::1]:8080");
	assert_true(inet_addr_is_any(AF_INET, (uint32_t[]){ 0, 1 }));
	assert_false(inet_addr_is_any(AF_INET6, (uint32_t[]){ 0, 0, 0, 1 }));
}

/* As CRIU 4.2 stores a "return 65535". */
static void test_filter(void **state)
{
	const struct sock_filter ret = { 6, 0, 0, 0xffff }, jump = { 0x15, 3, 200, 0x80000001 };
	struct sock_filter back = sk_filter_unpack(sk_filter_pack(&jump));

	assert_true(sk_filter_pack(&ret) == 1688849860329471);
	assert_memory_equal(&back, &jump, sizeof(back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups_v4),
		cmocka_unit_test(test_groups_v6),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
