/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System call user dispatch of a range alone (PR_SYS_DISPATCH_INCLUSIVE_ON): calls from there become SIGSYS, all others
 * are the kernel's.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "zdtm.h"

#define SET_DISPATCH 59
#define OFF	     0
#define INCLUSIVE    2
#define BLOCK	     1

static char selector = BLOCK;
static volatile int caught;

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	caught = info->si_syscall;
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };
	/* mov eax, SYS_getppid; syscall; ret */
	static const unsigned char code[] = { 0xb8, SYS_getppid, 0, 0, 0, 0x0f, 0x05, 0xc3 };
	int (*call)(void);
	char *page;

	test_init(argc, argv);
	page = MUST(mmap(NULL, TEST_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	memcpy(page, code, sizeof(code));
	call = (int (*)(void))page;
	MUST(sigaction(SIGSYS, &action, NULL));
	if (prctl(SET_DISPATCH, INCLUSIVE, page, TEST_PAGE, &selector) < 0)
		skip("no user dispatch of a range: %s", strerror(errno));

	test_ready();
	test_wait();

	if (test_sabotage())
		MUST(prctl(SET_DISPATCH, OFF, 0, 0, 0));
	CHECK_EQ(getppid() > 0, 1);
	CHECK_EQ(caught, 0);
	call();
	CHECK_EQ(caught, SYS_getppid);
	pass();
}
