/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Golden image sets: every image is read and written back to the same bytes, and read with bytes changed without
 * more than an error. Sets: test/unit/image/golden, and all of $GOLDEN_DIR or ../shared/golden where that is there.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/str.h"
#include "image/image.h"

#include "bpfmap-data.pb-c.h"
#include "ipc-sem.pb-c.h"
#include "ipc-shm.pb-c.h"
#include "pipe-data.pb-c.h"
#include "sk-packet.pb-c.h"
#include "tcp-stream.pb-c.h"

#define LOCAL_SETS "test/unit/image/golden"

static char scratch[] = "/tmp/test_golden.XXXXXX";
static int scratch_dir = -1;
static char current[PATH_MAX]; /* the image that a failed test stopped at */

/* The row that a file name belongs to, and the id in the name. */
static bool find_kind(const char *name, enum image_kind *ret, unsigned long *ret_id)
{
	char made[IMAGE_NAME_MAX];

	for (int k = 0; k < IMG_KINDS; k++) {
		const char *pattern = image_kind_info(k)->pattern;
		const char *mark = strchr(pattern, '%');

		*ret = k;
		*ret_id = 0;
		if (!mark && !strcmp(pattern, name))
			return true;
		if (!mark || strncmp(pattern, name, mark - pattern))
			continue;
		*ret_id = strtoul(name + (mark - pattern), NULL, mark[2] == 'x' ? 16 : 10);
		if (!image_name(k, made, sizeof(made), *ret_id) && !strcmp(made, name))
			return true;
	}
	return false;
}

static struct image_ids ids_of(enum image_kind kind, const unsigned long id[2])
{
	return (struct image_ids){ id, strchr(image_kind_info(kind)->pattern, '%') ? 1 : 0 };
}

/* Bytes that follow an entry; all the rest for the kinds that hold framed messages or run to the end. */
static uint64_t payload_size(enum image_kind kind, struct image *img, const ProtobufCMessage *msg)
{
	switch (kind) {
	case IMG_PIPES_DATA:
	case IMG_FIFO_DATA:
		return ((const PipeDataEntry *)msg)->bytes;
	case IMG_SK_QUEUES:
		return ((const SkPacketEntry *)msg)->length;
	case IMG_TCP_STREAM:
		return (uint64_t)((const TcpStreamEntry *)msg)->inq_len + ((const TcpStreamEntry *)msg)->outq_len;
	case IMG_BPFMAP_DATA:
		return (uint64_t)((const BpfmapDataEntry *)msg)->keys_bytes +
		       ((const BpfmapDataEntry *)msg)->values_bytes;
	case IMG_IPCNS_SEM:
		return (((const IpcSemEntry *)msg)->nsems * 2ull + 7) & ~7ull;
	case IMG_IPCNS_SHM:
		return ((const IpcShmEntry *)msg)->in_pagemaps ? 0 : (((const IpcShmEntry *)msg)->size + 3) & ~3ull;
	case IMG_IPCNS_MSG:
	case IMG_GHOST_FILE:
		return image_remaining(img);
	default:
		return 0;
	}
}

/* Reads all of IMG, and writes it to COPY where there is one: 0 or what the store said. */
static int walk(enum image_kind kind, struct image *img, struct image *copy)
{
	const struct image_kind_info *info = image_kind_info(kind);
	const ProtobufCMessageDescriptor *desc = info->head ? info->head : info->message;
	int r;

	if (info->framing == IMAGE_RAW)
		return 0;
	for (;; desc = info->message) {
		_cleanup_image_message_ ProtobufCMessage *msg = NULL;
		_cleanup_free_ char *data = NULL;
		uint64_t size;

		r = image_read_as(img, desc, &msg);
		if (r <= 0)
			return r;
		size = payload_size(kind, img, msg);
		if (size > image_remaining(img))
			return -EBADMSG;
		data = malloc(size + 1);
		assert_non_null(data);
		r = image_read_payload(img, data, size);
		if (r < 0)
			return r;
		if (copy) {
			assert_int_equal(image_write(copy, msg), 0);
			assert_int_equal(image_write_payload(copy, data, size), 0);
		}
	}
}

static void same_bytes(int dir, const char *name, enum image_kind kind, unsigned long id)
{
	_cleanup_free_ char *a = NULL, *b = NULL;
	struct image *img, *copy;
	unsigned long v[2] = { 0, id };
	size_t alen, blen;

	assert_int_equal(image_open_ids(dir, kind, &img, ids_of(kind, v)), 0);
	assert_int_equal(image_create_ids(scratch_dir, kind, &copy, ids_of(kind, v)), 0);
	assert_int_equal(walk(kind, img, copy), 0);
	image_close(&img);
	assert_int_equal(image_close(&copy), 0);
	assert_int_equal(read_file_at(dir, name, 16 << 20, &a, &alen), 0);
	assert_int_equal(read_file_at(scratch_dir, name, 16 << 20, &b, &blen), 0);
	assert_int_equal(alen, blen);
	assert_memory_equal(a, b, alen);
}

/* Changes every STEPth byte in turn, in the scratch directory's copy that same_bytes() left. */
static void changed_bytes(const char *name, enum image_kind kind, unsigned long id, size_t step)
{
	static const uint8_t masks[] = { 0x01, 0x80, 0xff };
	unsigned long v[2] = { 0, id };
	_cleanup_close_ int fd = openat(scratch_dir, name, O_RDWR | O_CLOEXEC);
	off_t len = lseek(fd, 0, SEEK_END);
	struct image *img = NULL;
	uint8_t was, is;
	int r;

	for (off_t at = 0; at < len; at += step) {
		assert_int_equal(pread(fd, &was, 1, at), 1);
		for (size_t m = 0; m < sizeof(masks); m++) {
			is = was ^ masks[m];
			assert_int_equal(pwrite(fd, &is, 1, at), 1);
			r = image_open_ids(scratch_dir, kind, &img, ids_of(kind, v));
			if (!r)
				r = walk(kind, img, NULL);
			image_close(&img);
			if (r != 0 && r != -EBADMSG)
				fail_msg("%s, byte %lld changed: %d", name, (long long)at, r);
		}
		assert_int_equal(pwrite(fd, &was, 1, at), 1);
	}
}

/* The number of images found under PATH/<set>/. */
static int each_image(const char *path, size_t step)
{
	_cleanup_closedir_ DIR *sets = opendir(path);
	struct dirent *s, *e;
	int nr = 0;

	while (sets && (s = readdir(sets))) {
		_cleanup_closedir_ DIR *set = NULL;
		int fd = openat(dirfd(sets), s->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			continue;
		if (s->d_name[0] == '.' || !(set = fdopendir(fd))) {
			close(fd);
			continue;
		}
		while ((e = readdir(set))) {
			enum image_kind kind;
			unsigned long id;

			if (e->d_name[0] == '.' || str_ends(e->d_name, ".json"))
				continue;
			if (!find_kind(e->d_name, &kind, &id))
				fail_msg("%s/%s is no image", s->d_name, e->d_name);
			if (image_kind_info(kind)->framing == IMAGE_RAW)
				continue;
			snprintf(current, sizeof(current), "%s/%s/%s", path, s->d_name, e->d_name);
			same_bytes(fd, e->d_name, kind, id);
			changed_bytes(e->d_name, kind, id, step);
			unlinkat(scratch_dir, e->d_name, 0);
			current[0] = 0;
			nr++;
		}
	}
	return nr;
}

static void test_own_sets(void **state __unused_arg)
{
	assert_true(each_image(LOCAL_SETS, 1) > 20);
}

static void test_all_sets(void **state __unused_arg)
{
	const char *path = getenv("GOLDEN_DIR");

	if (!path)
		path = "../shared/golden";
	if (access(path, R_OK) < 0) {
		print_message("SKIP: no golden sets at %s; set GOLDEN_DIR\n", path);
		skip();
	}
	assert_true(each_image(path, 97) > 0);
}

static int setup(void **state __unused_arg)
{
	if (!mkdtemp(scratch))
		return -1;
	scratch_dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return scratch_dir < 0 ? -1 : 0;
}

static int teardown(void **state __unused_arg)
{
	if (current[0])
		print_error("stopped at %s\n", current);
	close(scratch_dir);
	return rmdir(scratch);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_sets),
		cmocka_unit_test(test_all_sets),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
