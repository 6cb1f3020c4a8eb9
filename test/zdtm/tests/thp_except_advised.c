/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Huge pages disabled except where they are advised (PR_THP_DISABLE_EXCEPT_ADVISED).
 */
#include <sys/prctl.h>

#include "zdtm.h"

#define EXCEPT_ADVISED 2

int main(int argc, char **argv)
{
	test_init(argc, argv);
	if (prctl(PR_SET_THP_DISABLE, 1, EXCEPT_ADVISED, 0, 0) < 0)
		skip("no PR_THP_DISABLE_EXCEPT_ADVISED: %s", strerror(errno));

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1 | EXCEPT_ADVISED);
	pass();
}
