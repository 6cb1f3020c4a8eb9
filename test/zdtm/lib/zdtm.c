/* SPDX-License-Identifier: GPL-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "zdtm.h"

const char *test_name;
char test_dir[PATH_MAX];
volatile sig_atomic_t test_go_flag;

static pid_t first_pid;
static bool by_file;

static void on_sigterm(int sig)
{
	test_go_flag = 1;
}

static bool have_file(const char *suffix)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s.%s", test_dir, test_name, suffix);
	return access(path, F_OK) == 0;
}

void test_init_nosignal(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');

	test_name = slash ? slash + 1 : argv[0];
	if (!getcwd(test_dir, sizeof(test_dir)))
		fail("getcwd: %s", strerror(errno));
	first_pid = getpid();
	by_file = true;
	setvbuf(stdout, NULL, _IOLBF, 0);
}

void test_init(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_sigterm };
	sigset_t set;

	test_init_nosignal(argc, argv);
	by_file = false;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
	MUST(sigaction(SIGTERM, &act, NULL));
}

void test_ready_by_child(void)
{
	char path[PATH_MAX + 64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s.ready", test_dir, test_name);
	fd = MUST(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	close(fd);
}

void test_ready(void)
{
	if (getpid() != first_pid)
		fail("test_ready() is for the first task");
	test_ready_by_child();
}

bool test_go(void)
{
	return test_go_flag || have_file("go");
}

void test_wait(void)
{
	sigset_t set;

	if (by_file) {
		test_wait_polling();
		return;
	}
	MUST(sigprocmask(SIG_SETMASK, NULL, &set));
	sigdelset(&set, SIGTERM);
	while (!test_go_flag)
		sigsuspend(&set);
}

void test_wait_polling(void)
{
	/* Less often after a while: many tasks that poll are all that a slow machine does, else. */
	for (int n = 0; !have_file("go"); n++)
		test_msleep(n < 40 ? 5 : 50);
}

bool test_sabotage(void)
{
	return have_file("sabotage");
}

static void say(const char *verdict, const char *file, int line, const char *fmt, va_list args)
{
	char buf[1024];
	int n = 0;

	n += snprintf(buf, sizeof(buf), "%s", verdict);
	if (file)
		n += snprintf(buf + n, sizeof(buf) - n, " %s:%d: pid %d: ", file, line, getpid());
	n += vsnprintf(buf + n, sizeof(buf) - n, fmt, args);
	if (n > (int)sizeof(buf) - 2)
		n = sizeof(buf) - 2;
	buf[n++] = '\n';
	if (write(STDOUT_FILENO, buf, n) != n)
		_exit(2);
}

void test_fail_at(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("FAIL", file, line, fmt, args);
	va_end(args);
	_exit(1);
}

static void say_plain(const char *verdict, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(verdict, NULL, 0, fmt, args);
	va_end(args);
}

void pass(void)
{
	say_plain("PASS", "%s", "");
	_exit(0);
}

void skip(const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	say_plain("SKIP", " %s", text);
	_exit(77);
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= 0x9e3779b97f4a7c15ull;
	x ^= x >> 29;
	return x;
}

void test_fill(void *mem, size_t size, uint32_t seed)
{
	unsigned char *p = mem;
	uint64_t base = (uint64_t)seed << 32 | 0x5a5a5a5a, word;
	size_t at;

	for (at = 0; at + 8 <= size; at += 8) {
		word = mix(base + at) | 1;
		memcpy(p + at, &word, 8);
	}
	word = mix(base + at) | 1;
	memcpy(p + at, &word, size - at);
}

void test_verify_at(const char *file, int line, const void *mem, size_t size, uint32_t seed)
{
	const unsigned char *p = mem;
	uint64_t base = (uint64_t)seed << 32 | 0x5a5a5a5a, word, got;
	size_t at, part;

	for (at = 0; at < size; at += 8) {
		part = size - at < 8 ? size - at : 8;
		word = mix(base + at) | 1;
		got = 0;
		memcpy(&got, p + at, part);
		if (memcmp(&got, &word, part))
			test_fail_at(file, line, "memory at %p + %#zx is %#llx, not %#llx", mem, at,
				     (unsigned long long)got, (unsigned long long)word);
	}
}

void test_verify_bytes_at(const char *file, int line, const void *mem, size_t size, unsigned char value)
{
	const unsigned char *p = mem;
	size_t at;

	for (at = 0; at < size; at++)
		if (p[at] != value)
			test_fail_at(file, line, "memory at %p + %#zx is %#x, not %#x", mem, at, p[at], value);
}

void test_reap_at(const char *file, int line, pid_t pid, int want)
{
	int status;
	pid_t got;

	do {
		got = waitpid(pid, &status, 0);
	} while (got == -1 && errno == EINTR);
	if (got != pid)
		test_fail_at(file, line, "waitpid(%d): %s", pid, strerror(errno));
	if (status != want)
		test_fail_at(file, line, "child %d ended with status %#x, not %#x", pid, status, want);
}

void test_sync_init(struct test_sync *sync)
{
	MUST(pipe(sync->fd));
}

void test_sync_done(struct test_sync *sync)
{
	CHECK(write(sync->fd[1], "x", 1) == 1);
	close(sync->fd[0]);
	close(sync->fd[1]);
}

void test_sync_wait(struct test_sync *sync, int nr)
{
	ssize_t got;
	char c;

	close(sync->fd[1]);
	while (nr) {
		got = read(sync->fd[0], &c, 1);
		if (got == 0)
			fail("%d children ended before they were ready", nr);
		if (got == -1 && errno != EINTR)
			fail("read: %s", strerror(errno));
		if (got == 1)
			nr--;
	}
	close(sync->fd[0]);
}

size_t test_read_file(const char *path, char *buf, size_t size)
{
	size_t used = 0;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail("can't open %s: %s", path, strerror(errno));
	while (used + 1 < size) {
		got = read(fd, buf + used, size - 1 - used);
		if (got < 0)
			fail("can't read %s: %s", path, strerror(errno));
		if (got == 0)
			break;
		used += got;
	}
	buf[used] = 0;
	close(fd);
	return used;
}

void test_status(pid_t pid, const char *key, char *buf, size_t size)
{
	char path[64], text[8192], *at;
	size_t len = strlen(key);

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/status", pid);
	else
		snprintf(path, sizeof(path), "/proc/thread-self/status");
	test_read_file(path, text, sizeof(text));
	for (at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (!strncmp(at, key, len) && at[len] == ':')
			break;
	}
	if (!at)
		fail("no line %s in %s", key, path);
	at += len + 1;
	at += strspn(at, "\t ");
	at[strcspn(at, "\n")] = 0;
	snprintf(buf, size, "%s", at);
}

void test_wait_state(pid_t pid, const char *states)
{
	uint64_t end = test_now() + 20000000000ull;
	char state[64];

	for (;;) {
		test_status(pid, "State", state, sizeof(state));
		if (strchr(states, state[0]))
			return;
		if (test_now() > end)
			fail("the state of %d is %s", pid, state);
		test_msleep(2);
	}
}

static void read_frames(pid_t pid, const void *mem, size_t nr, uint64_t *ret)
{
	const uint64_t present = 1ull << 63, frame = (1ull << 55) - 1;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid ? pid : getpid());
	fd = MUST(open(path, O_RDONLY | O_CLOEXEC));
	CHECK_EQ(pread(fd, ret, nr * 8, (uintptr_t)mem / TEST_PAGE * 8), nr * 8);
	close(fd);
	for (size_t i = 0; i < nr; i++) {
		if ((ret[i] & present) && !(ret[i] & frame))
			skip("frame numbers can't be seen");
		ret[i] = ret[i] & present ? ret[i] & frame : 0;
	}
}

void test_frames(const pid_t *pids, size_t nr_pids, const void *mem, size_t nr, uint64_t *ret)
{
	size_t size = nr_pids * nr * sizeof(*ret);
	uint64_t *again = malloc(size);

	CHECK(again);
	for (int tries = 0; tries < 1000; tries++) {
		for (size_t i = 0; i < nr_pids; i++)
			read_frames(pids[i], mem, nr, ret + i * nr);
		for (size_t i = 0; i < nr_pids; i++)
			read_frames(pids[i], mem, nr, again + i * nr);
		if (!memcmp(ret, again, size)) {
			free(again);
			return;
		}
		test_msleep(2);
	}
	fail("pages move all the time");
}

void test_msleep(unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l };

	while (nanosleep(&ts, &ts) == -1 && errno == EINTR)
		;
}

uint64_t test_now(void)
{
	struct timespec ts;

	MUST(clock_gettime(CLOCK_MONOTONIC, &ts));
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}
