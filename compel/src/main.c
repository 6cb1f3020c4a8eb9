/* SPDX-License-Identifier: GPL-2.0 */
/* compel(1) */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch-ops.h"
#include "hgen.h"

static int usage(FILE *out, int status)
{
	fprintf(out, "Usage:\n"
		     "  compel cflags                             flags to compile a blob's sources\n"
		     "  compel includes                           its include directories\n"
		     "  compel ldflags                            flags to link it\n"
		     "  compel libs                               what else to link into it\n"
		     "  compel hgen -f FILE -o HEADER -p PREFIX   make a C header of a linked blob\n"
		     "See compel(1).\n");
	return status;
}

/* The directory that holds what belongs to us: compel/ of the source tree, or PREFIX/lib/compel. */
static int data_dir(char *ret, size_t size)
{
	char exe[PATH_MAX], probe[PATH_MAX + 64];
	static const char *const places[] = { ".", "../lib/compel" };
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	const char *dir;

	if (len < 0)
		return -errno;
	exe[len] = '\0';
	dir = dirname(exe);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(probe, sizeof(probe), "%s/%s/arch/%s/blob.lds", dir, places[i], arch_name);
		if (access(probe, R_OK))
			continue;
		snprintf(ret, size, "%s%s%s", dir, i ? "/" : "", i ? places[i] : "");
		return 0;
	}
	return -ENOENT;
}

/* Made files stand beside the others once installed, and in build/ of the source tree. */
static const char *made_dir(const char *dir, char *buf, size_t size)
{
	snprintf(buf, size, "%s/libcompel-std.a", dir);
	if (!access(buf, R_OK))
		snprintf(buf, size, "%s", dir);
	else
		snprintf(buf, size, "%s/../build/compel", dir);
	return buf;
}

static int print_flags(const char *what)
{
	char dir[PATH_MAX], made[PATH_MAX + 64];
	int err;

	if (!strcmp(what, "cflags")) {
		puts(arch_cflags);
		return 0;
	}
	err = data_dir(dir, sizeof(dir));
	if (err) {
		fprintf(stderr, "compel: can't find its own files: %s\n", strerror(-err));
		return 1;
	}
	made_dir(dir, made, sizeof(made));
	if (!strcmp(what, "includes"))
		printf("-I%s/include -I%s/arch/%s/include -I%s/include\n", dir, dir, arch_name, made);
	else if (!strcmp(what, "ldflags"))
		printf("%s -Wl,-T,%s/arch/%s/blob.lds\n", arch_ldflags, dir, arch_name);
	else
		printf("-Wl,--whole-archive,%s/libcompel-std.a,--no-whole-archive\n", made);
	return 0;
}

static bool is_flags(const char *command)
{
	static const char *const names[] = { "cflags", "includes", "ldflags", "libs" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(command, names[i]))
			return true;
	return false;
}

static int map_file(const char *path, const uint8_t **ret, size_t *ret_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	struct stat st;
	void *file;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		err = -errno;
	} else if (!S_ISREG(st.st_mode) || !st.st_size) {
		err = -EINVAL;
	} else {
		file = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		err = file == MAP_FAILED ? -errno : 0;
		*ret = file;
		*ret_size = st.st_size;
	}
	close(fd);
	return err;
}

/* The header appears whole or not at all. */
static int write_header(const struct hgen_blob *blob, const char *prefix, const char *path)
{
	char tmp[PATH_MAX];
	FILE *out;
	int err;

	if (snprintf(tmp, sizeof(tmp), "%s.%d", path, getpid()) >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	out = fopen(tmp, "we");
	if (!out)
		return -errno;
	err = hgen_write(blob, prefix, out);
	if (fclose(out) && !err)
		err = -errno;
	if (!err && rename(tmp, path))
		err = -errno;
	if (err)
		unlink(tmp);
	return err;
}

static int hgen(const char *from, const char *to, const char *prefix)
{
	struct hgen_error error = { "" };
	struct hgen_blob blob;
	const uint8_t *file = NULL;
	size_t size = 0;
	int err = map_file(from, &file, &size);

	if (err) {
		fprintf(stderr, "compel: can't read %s: %s\n", from, strerror(-err));
		return 1;
	}
	err = hgen_parse(file, size, &blob, &error);
	if (err) {
		fprintf(stderr, "compel: %s: %s\n", from, error.text);
		munmap((void *)file, size);
		return 1;
	}
	err = write_header(&blob, prefix, to);
	if (err)
		fprintf(stderr, "compel: can't write %s with prefix %s: %s\n", to, prefix, strerror(-err));
	hgen_free(&blob);
	munmap((void *)file, size);
	return err ? 1 : 0;
}

int main(int argc, char **argv)
{
	const char *from = NULL, *to = NULL, *prefix = NULL, *command = argc > 1 ? argv[1] : "";
	int opt;

	if (!strcmp(command, "-h") || !strcmp(command, "--help"))
		return usage(stdout, 0);
	if (argc == 2 && is_flags(command))
		return print_flags(command);
	if (strcmp(command, "hgen"))
		return usage(stderr, 2);
	optind = 2;
	while ((opt = getopt(argc, argv, "f:o:p:")) != -1) {
		if (opt == 'f')
			from = optarg;
		else if (opt == 'o')
			to = optarg;
		else if (opt == 'p')
			prefix = optarg;
		else
			return usage(stderr, 2);
	}
	if (!from || !to || !prefix || optind != argc)
		return usage(stderr, 2);
	return hgen(from, to, prefix);
}
