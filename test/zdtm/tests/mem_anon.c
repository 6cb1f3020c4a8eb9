/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Private anonymous memory, every byte, in patterns of touched and untouched pages.
 *
 * Areas with all pages, with every second, third and seventeenth one, with only the first and last,
 * and with none; untouched pages read zero.
 */
#include <sys/mman.h>

#include "zdtm.h"

#define PAGES 700

static const int step[] = { 1, 2, 3, 17, PAGES - 1, PAGES * 2 };
#define AREAS (int)(sizeof(step) / sizeof(step[0]))

static bool touched(int area, int page)
{
	return step[area] < PAGES * 2 && page % step[area] == 0;
}

int main(int argc, char **argv)
{
	char *mem[AREAS];
	int a, p;

	test_init(argc, argv);
	for (a = 0; a < AREAS; a++) {
		mem[a] = MUST((char *)mmap(NULL, PAGES * TEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
					   -1, 0));
		for (p = 0; p < PAGES; p++)
			if (touched(a, p))
				test_fill(mem[a] + p * TEST_PAGE, TEST_PAGE, a * PAGES + p);
	}

	test_ready();
	test_wait();

	if (test_sabotage())
		mem[3][18 * TEST_PAGE + 9] = 1;
	for (a = 0; a < AREAS; a++)
		for (p = 0; p < PAGES; p++) {
			if (touched(a, p))
				test_verify(mem[a] + p * TEST_PAGE, TEST_PAGE, a * PAGES + p);
			else
				test_verify_bytes(mem[a] + p * TEST_PAGE, TEST_PAGE, 0);
		}
	/* And it can be written everywhere. */
	for (a = 0; a < AREAS; a++) {
		test_fill(mem[a], PAGES * TEST_PAGE, 5);
		test_verify(mem[a], PAGES * TEST_PAGE, 5);
	}
	pass();
}
