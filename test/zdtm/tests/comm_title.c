/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What ps shows: a name set by prctl with odd characters, and a command line and environment rewritten in place.
 */
#include <sys/prctl.h>

#include "zdtm.h"

extern char **environ;

int main(int argc, char **argv)
{
	char name[16], text[8192];
	size_t len;

	test_init(argc, argv);
	test_name = strdup(test_name);
	MUST(prctl(PR_SET_NAME, "a (b) \n\x80 c"));
	len = strlen(argv[0]);
	memset(argv[0], 'x', len);
	memcpy(argv[0], "title", 5);
	len = strlen(environ[0]);
	memset(environ[0], 'E', len);
	test_read_file("/proc/self/cmdline", text, sizeof(text));

	test_ready();
	test_wait();

	if (test_sabotage())
		argv[0][0] = 'T';
	MUST(prctl(PR_GET_NAME, name));
	CHECK(!strcmp(name, "a (b) \n\x80 c"));
	test_read_file("/proc/self/cmdline", text, sizeof(text));
	CHECK(!strncmp(text, "titlex", 6));
	test_read_file("/proc/self/environ", text, sizeof(text));
	CHECK(!strncmp(text, "EEE", 3));
	pass();
}
