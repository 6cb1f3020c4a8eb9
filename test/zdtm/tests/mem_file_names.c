/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mappings of files whose names have changed: deleted, renamed, replaced under the same name; private and shared.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "zdtm.h"

#define SIZE (4 * TEST_PAGE)

enum { DELETED, RENAMED, REPLACED, NR };

static const char *const names[NR] = { "names.deleted", "names.renamed", "names.replaced" };

static void make_file(const char *name, int seed)
{
	char content[SIZE];
	int fd = MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0600));

	test_fill(content, SIZE, seed);
	CHECK_EQ(write(fd, content, SIZE), SIZE);
	close(fd);
}

int main(int argc, char **argv)
{
	char *shared[NR], *private[NR], *readonly[NR], *want[NR];

	test_init(argc, argv);
	for (int i = 0; i < NR; i++) {
		int fd;

		make_file(names[i], i);
		fd = MUST(open(names[i], O_RDWR));
		shared[i] = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
		private[i] = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
		close(fd);
		fd = MUST(open(names[i], O_RDONLY));
		readonly[i] = MUST((char *)mmap(NULL, TEST_PAGE, PROT_READ, MAP_SHARED, fd, 2 * TEST_PAGE));
		close(fd);
		private[i][TEST_PAGE + 1] = 'P';
	}
	MUST(unlink(names[DELETED]));
	MUST(rename(names[RENAMED], "names.new"));
	make_file("names.other", 77);
	MUST(rename("names.other", names[REPLACED]));

	test_ready();
	test_wait();

	if (test_sabotage())
	private[RENAMED][0]++;
	for (int i = 0; i < NR; i++) {
		want[i] = MUST((char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		test_fill(want[i], SIZE, i);
		CHECK_MEM(shared[i], want[i], SIZE);
		CHECK_MEM(readonly[i], want[i] + 2 * TEST_PAGE, TEST_PAGE);
		/* All three are of one file. */
		shared[i][3] ^= 0x55;
		shared[i][2 * TEST_PAGE] ^= 0x55;
		CHECK_EQ(private[i][3], shared[i][3]);
		CHECK_EQ(readonly[i][0], shared[i][2 * TEST_PAGE]);
		CHECK(mprotect(readonly[i], TEST_PAGE, PROT_READ | PROT_WRITE) == -1 && errno == EACCES);
		shared[i][3] ^= 0x55;
		shared[i][2 * TEST_PAGE] ^= 0x55;
		want[i][TEST_PAGE + 1] = 'P';
		CHECK_MEM(private[i], want[i], SIZE);
	}
	unlink("names.new");
	unlink(names[REPLACED]);
	pass();
}
