/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A deleted file whose name another file has taken: the descriptor must not end up at the new file, and that one stays.
 */
#include <fcntl.h>

#include "zdtm.h"

int main(int argc, char **argv)
{
	char text[16] = "";
	int old, new;

	test_init(argc, argv);
	old = MUST(open("file", O_CREAT | O_RDWR, 0600));
	CHECK(write(old, "old one", 7) == 7);
	MUST(unlink("file"));
	new = MUST(open("file", O_CREAT | O_EXCL | O_RDWR, 0600));
	CHECK(write(new, "new one", 7) == 7);

	test_ready();
	test_wait();

	if (test_sabotage())
		old = new;
	CHECK_EQ(pread(old, text, sizeof(text), 0), 7);
	CHECK_MEM(text, "old one", 7);
	CHECK_EQ(pread(new, text, sizeof(text), 0), 7);
	CHECK_MEM(text, "new one", 7);
	old = MUST(open("file", O_RDONLY));
	CHECK_EQ(pread(old, text, sizeof(text), 0), 7);
	CHECK_MEM(text, "new one", 7);
	pass();
}
