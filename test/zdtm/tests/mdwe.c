/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A task that denied itself executable memory (PR_SET_MDWE) stays without; its child with PR_MDWE_NO_INHERIT had none.
 */
#include <sys/mman.h>
#include <sys/prctl.h>

#include "zdtm.h"

#define PR_SET_MDWE_ 65
#define PR_GET_MDWE_ 66
#define REFUSE_GAIN  1
#define NO_INHERIT   2

static void check_mdwe(int value)
{
	char *page = MUST(mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	CHECK_EQ(prctl(PR_GET_MDWE_, 0, 0, 0, 0), value);
	CHECK_EQ(mprotect(page, TEST_PAGE, PROT_READ | PROT_EXEC), value ? -1 : 0);
	CHECK(!value || errno == EACCES);
}

int main(int argc, char **argv)
{
	pid_t kids[2];
	int with_inherit;

	test_init(argc, argv);
	kids[0] = MUST(fork());
	if (kids[0] == 0) {
		if (prctl(PR_SET_MDWE_, REFUSE_GAIN, 0, 0, 0) < 0)
			_exit(1);
		test_wait_polling();
		check_mdwe(REFUSE_GAIN + test_sabotage());
		_exit(0);
	}
	if (prctl(PR_SET_MDWE_, REFUSE_GAIN | NO_INHERIT, 0, 0, 0) < 0)
		skip("no PR_SET_MDWE: %s", strerror(errno));
	with_inherit = prctl(PR_GET_MDWE_, 0, 0, 0, 0);
	kids[1] = MUST(fork());
	if (kids[1] == 0) {
		test_wait_polling();
		check_mdwe(0);
		_exit(0);
	}

	test_ready();
	test_wait();

	check_mdwe(with_inherit);
	test_reap(kids[0]);
	test_reap(kids[1]);
	pass();
}
