/* SPDX-License-Identifier: GPL-2.0 */
/* A function of this program with a uprobe that counts: the body of uprobes and refuse_uprobes. */
#include <fcntl.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "zdtm.h"

__attribute__((noinline, noclone)) static int probed(int n)
{
	__asm__ volatile("" : "+r"(n));
	return n * 3 + 1;
}

/* Runs with the kernel's tracing files below the directory "tracing". */
static void with_tracing(void (*fn)(void))
{
	mkdir("tracing", 0700);
	if (mount("tracefs", "tracing", "tracefs", 0, NULL))
		skip("no tracefs: %s", strerror(errno));
	fn();
	MUST(umount("tracing"));
	MUST(rmdir("tracing"));
}

static void say(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		skip("the kernel has no uprobes");
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	MUST(close(fd));
}

/* Probes stand in files, for all that run them: goes on in a copy of the program that nobody else runs. */
static void run_own_copy(char **argv)
{
	char exe[PATH_MAX] = "", copy[128], buffer[65536];
	int from, to;
	ssize_t n;

	CHECK(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	if (!strcmp(exe + strlen(exe) - 5, ".copy"))
		return;
	snprintf(copy, sizeof(copy), "./%s.copy", test_name);
	from = MUST(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
	to = MUST(open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755));
	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		CHECK_EQ(write(to, buffer, n), n);
	MUST(close(to));
	execv(copy, argv);
	fail("can't execute %s: %s", copy, strerror(errno));
}

/* Events are the machine's: named after a file that is there only here. */
static const char *event_name(void)
{
	static char name[64];
	struct stat st;

	if (!*name) {
		MUST(stat("/proc/self/exe", &st));
		snprintf(name, sizeof(name), "%s_%lu", test_name, (unsigned long)st.st_ino);
	}
	return name;
}

static void probe_add(void)
{
	char exe[PATH_MAX] = "", line[PATH_MAX + 200], path[200];
	unsigned long start, offset;
	FILE *maps = fopen("/proc/self/maps", "re");

	MUST(readlink("/proc/self/exe", exe, sizeof(exe) - 1));
	for (;;) {
		unsigned long end;

		CHECK(maps && fgets(line, sizeof(line), maps));
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 && (unsigned long)probed >= start &&
		    (unsigned long)probed < end)
			break;
	}
	fclose(maps);
	snprintf(line, sizeof(line), "p:zdtm/%s %s:0x%lx\n", event_name(), exe, (unsigned long)probed - start + offset);
	say("tracing/uprobe_events", line);
	snprintf(path, sizeof(path), "tracing/events/zdtm/%s/enable", event_name());
	say(path, "1\n");
}

static void probe_remove(void)
{
	char text[200];

	snprintf(text, sizeof(text), "tracing/events/zdtm/%s/enable", event_name());
	say(text, "0\n");
	snprintf(text, sizeof(text), "-:zdtm/%s\n", event_name());
	say("tracing/uprobe_events", text);
}

static bool has_uprobes_area(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[PATH_MAX + 200];
	bool found = false;

	while (maps && fgets(line, sizeof(line), maps))
		found = found || strstr(line, "[uprobes]");
	fclose(maps);
	return found;
}
