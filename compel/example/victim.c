/* SPDX-License-Identifier: GPL-2.0 */
/* Any program: it sleeps a second, and says so if the sleep was cut short. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	printf("victim %d\n", getpid());
	fflush(stdout);
	for (;;) {
		struct timespec second = { .tv_sec = 1 };

		if (nanosleep(&second, NULL))
			perror("nanosleep");
	}
}
