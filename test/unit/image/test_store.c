/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The image store: framings, payloads, and what it has to refuse.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "image/check.h"
#include "image/image.h"

#include "apparmor.pb-c.h"
#include "fdinfo.pb-c.h"
#include "inventory.pb-c.h"
#include "pagemap.pb-c.h"
#include "pipe-data.pb-c.h"
#include "stats.pb-c.h"
#include "utsns.pb-c.h"

struct state {
	char path[64];
	int dir;
};

static int setup(void **statep)
{
	struct state *s = calloc(1, sizeof(*s));

	if (!s)
		return -1;
	strcpy(s->path, "/tmp/test_store.XXXXXX");
	if (!mkdtemp(s->path))
		return -1;
	s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*statep = s;
	return s->dir < 0 ? -1 : 0;
}

static int teardown(void **statep)
{
	struct state *s = *statep;
	DIR *d = fdopendir(s->dir);
	struct dirent *e;

	if (!d)
		return -1;
	while ((e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(s->path);
	free(s);
	return 0;
}

static void store(int dir, const char *name, const void *data, size_t len)
{
	assert_int_equal(write_file_at(dir, name, data, len), 0);
}

static size_t fetch(int dir, const char *name, char **ret)
{
	size_t len;

	assert_int_equal(read_file_at(dir, name, 16 << 20, ret, &len), 0);
	return len;
}

static void fill_uts(UtsnsEntry *e)
{
	*e = (UtsnsEntry)UTSNS_ENTRY__INIT;
	e->nodename = "node";
	e->domainname = "example.org";
}

static void test_common(void **statep)
{
	static const uint8_t header[] = { 0x19, 0x43, 0x56, 0x54, 0x03, 0x32, 0x47, 0x54 };
	struct state *s = *statep;
	_cleanup_free_ char *data = NULL;
	struct image *img = NULL;
	ProtobufCMessage *msg;
	UtsnsEntry e;
	size_t len;

	fill_uts(&e);
	assert_int_equal(image_write_single(s->dir, IMG_UTSNS, &e.base, 7), 0);
	len = fetch(s->dir, "utsns-7.img", &data);
	assert_int_equal(len, 12 + 6 + 13);
	assert_memory_equal(data, header, sizeof(header));
	assert_int_equal(data[8], 19);

	assert_int_equal(image_open(s->dir, IMG_UTSNS, &img, 7), 0);
	assert_int_equal(image_remaining(img), len - 8);
	assert_int_equal(image_read(img, &msg), 1);
	assert_string_equal(((UtsnsEntry *)msg)->domainname, "example.org");
	protobuf_c_message_free_unpacked(msg, NULL);
	assert_int_equal(image_read(img, &msg), 0);
	assert_int_equal(image_write(img, &e.base), -EINVAL);
	assert_int_equal(image_close(&img), 0);
	assert_null(img);
	assert_int_equal(image_close(&img), 0);

	assert_int_equal(image_read_single(s->dir, IMG_UTSNS, &msg, 8), -ENOENT);
	assert_int_equal(image_read_single(s->dir, IMG_UTSNS, &msg), -EINVAL);
	assert_int_equal(image_read_single(s->dir, IMG_FILES, &msg, 1), -EINVAL);
}

static void test_service_and_plain(void **statep)
{
	static const uint8_t service[] = { 0x40, 0x59, 0x10, 0x55, 0x06, 0x33, 0x09, 0x57 };
	static const uint8_t plain[] = { 0x16, 0x31, 0x31, 0x58, 2, 0, 0, 0, 8, 2 };
	InventoryEntry inv = INVENTORY_ENTRY__INIT;
	RestoreStatsEntry restore = RESTORE_STATS_ENTRY__INIT;
	StatsEntry stats = STATS_ENTRY__INIT;
	struct state *s = *statep;
	_cleanup_free_ char *a = NULL, *b = NULL;
	ProtobufCMessage *msg;

	stats.restore = &restore;
	restore.restore_time = 5;
	assert_int_equal(image_write_single(s->dir, IMG_STATS_RESTORE, &stats.base), 0);
	fetch(s->dir, "stats-restore", &a);
	assert_memory_equal(a, service, sizeof(service));
	assert_int_equal(image_read_single(s->dir, IMG_STATS_RESTORE, &msg), 0);
	assert_int_equal(((StatsEntry *)msg)->restore->restore_time, 5);
	protobuf_c_message_free_unpacked(msg, NULL);

	inv.img_version = 2;
	assert_int_equal(image_write_single(s->dir, IMG_INVENTORY, &inv.base), 0);
	assert_int_equal(fetch(s->dir, "inventory.img", &b), sizeof(plain));
	assert_memory_equal(b, plain, sizeof(plain));
	assert_int_equal(image_read_single(s->dir, IMG_INVENTORY, &msg), 0);
	assert_int_equal(((InventoryEntry *)msg)->img_version, 2);
	protobuf_c_message_free_unpacked(msg, NULL);
}

static void test_first_generation(void **statep)
{
	static const uint8_t old[] = { 0x03, 0x32, 0x47, 0x54, 5, 0, 0, 0, 0x0a, 1, 'n', 0x12, 0 };
	struct state *s = *statep;
	ProtobufCMessage *msg;

	store(s->dir, "utsns-1.img", old, sizeof(old));
	assert_int_equal(image_read_single(s->dir, IMG_UTSNS, &msg, 1), 0);
	assert_string_equal(((UtsnsEntry *)msg)->nodename, "n");
	assert_string_equal(((UtsnsEntry *)msg)->domainname, "");
	protobuf_c_message_free_unpacked(msg, NULL);
}

static void test_head_and_many(void **statep)
{
	PagemapHead head = PAGEMAP_HEAD__INIT;
	PagemapEntry e = PAGEMAP_ENTRY__INIT;
	struct state *s = *statep;
	UtsnsEntry wrong = UTSNS_ENTRY__INIT;
	struct image *img;
	ProtobufCMessage *msg;
	const int nr = 20000; /* many buffers */
	uint32_t pid = 12;

	assert_int_equal(image_create(s->dir, IMG_PAGEMAP, &img, pid), 0);
	head.pages_id = 3;
	assert_int_equal(image_write(img, &head.base), 0);
	assert_int_equal(image_write(img, &wrong.base), -EINVAL);
	e.has_nr_pages = true;
	for (int i = 0; i < nr; i++) {
		e.vaddr = 4096ull * i;
		e.nr_pages = i;
		assert_int_equal(image_write(img, &e.base), 0);
	}
	assert_int_equal(image_fsync(img), 0);
	assert_int_equal(image_remaining(img), 0);
	assert_int_equal(image_close(&img), 0);

	assert_int_equal(image_open(s->dir, IMG_PAGEMAP, &img, pid), 0);
	assert_int_equal(image_read_as(img, image_kind_info(IMG_PAGEMAP)->head, &msg), 1);
	assert_int_equal(((PagemapHead *)msg)->pages_id, 3);
	protobuf_c_message_free_unpacked(msg, NULL);
	for (int i = 0; i < nr; i++) {
		assert_int_equal(image_read(img, &msg), 1);
		assert_int_equal(((PagemapEntry *)msg)->nr_pages, i);
		protobuf_c_message_free_unpacked(msg, NULL);
	}
	assert_int_equal(image_read(img, &msg), 0);
	image_close(&img);
	assert_int_equal(image_read_single(s->dir, IMG_PAGEMAP, &msg, pid), -EBADMSG);
}

/* Payloads of every size, in turns through the store and through the lent descriptor. */
static void test_payload(void **statep)
{
	static uint8_t out[100000], in[100000];
	PipeDataEntry e = PIPE_DATA_ENTRY__INIT;
	struct state *s = *statep;
	struct image *img;
	ProtobufCMessage *msg;

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = i * 7;
	assert_int_equal(image_create(s->dir, IMG_PIPES_DATA, &img), 0);
	for (uint32_t len = 1; len < sizeof(out); len = len * 3 + 1) {
		e.pipe_id = e.bytes = len;
		assert_int_equal(image_write(img, &e.base), 0);
		if (len % 2)
			assert_int_equal(image_write_payload(img, out, len), 0);
		else
			assert_int_equal(write_full(image_fd(img), out, len), 0);
	}
	assert_int_equal(image_close(&img), 0);

	assert_int_equal(image_open(s->dir, IMG_PIPES_DATA, &img), 0);
	for (uint32_t len = 1; len < sizeof(out); len = len * 3 + 1) {
		assert_int_equal(image_read(img, &msg), 1);
		assert_int_equal(((PipeDataEntry *)msg)->bytes, len);
		protobuf_c_message_free_unpacked(msg, NULL);
		assert_true(image_remaining(img) >= len);
		memset(in, 0, len);
		if (len % 3)
			assert_int_equal(image_read_payload(img, in, len), 0);
		else
			assert_int_equal(read_full(image_fd(img), in, len), 0);
		assert_memory_equal(in, out, len);
	}
	assert_int_equal(image_remaining(img), 0);
	assert_int_equal(image_read_payload(img, in, 1), -EBADMSG);
	assert_int_equal(image_read(img, &msg), 0);
	image_close(&img);
}

static void test_raw(void **statep)
{
	struct state *s = *statep;
	UtsnsEntry e = UTSNS_ENTRY__INIT;
	struct image *img;
	ProtobufCMessage *msg;
	char buf[4];

	assert_int_equal(image_create(s->dir, IMG_PAGES, &img, 1), 0);
	assert_int_equal(image_write(img, &e.base), -EINVAL);
	assert_int_equal(image_write_payload(img, "abc", 3), 0);
	assert_int_equal(image_close(&img), 0);
	assert_int_equal(image_open(s->dir, IMG_PAGES, &img, 1), 0);
	assert_int_equal(image_read(img, &msg), -EINVAL);
	assert_int_equal(image_remaining(img), 3);
	assert_int_equal(image_read_payload(img, buf, 3), 0);
	assert_memory_equal(buf, "abc", 3);
	image_close(&img);
}

static void test_names(void **statep)
{
	char buf[IMAGE_NAME_MAX], small[8];

	assert_int_equal(image_name(IMG_GHOST_FILE, buf, sizeof(buf), 0x8000001fu), 0);
	assert_string_equal(buf, "ghost-file-8000001f.img");
	assert_int_equal(image_name(IMG_FILES, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "files.img");
	assert_int_equal(image_name(IMG_CORE, small, sizeof(small), 1), -ENAMETOOLONG);
	assert_int_equal(image_name(IMG_CORE, buf, sizeof(buf)), -EINVAL);
	assert_null(image_kind_info(IMG_KINDS));
	assert_null(image_kind_info((enum image_kind) - 1));
	for (int k = 0; k < IMG_KINDS; k++) {
		const struct image_kind_info *info = image_kind_info(k);

		assert_non_null(info->kind);
		assert_non_null(info->pattern);
		assert_int_equal(!info->magic, info->framing == IMAGE_RAW);
		assert_int_equal(!info->message, info->framing == IMAGE_RAW);
		if (strchr(info->pattern, '%'))
			assert_int_equal(image_name(k, buf, sizeof(buf), ~0ul), 0);
		else
			assert_int_equal(image_name(k, buf, sizeof(buf)), 0);
	}
}

static int read_uts(struct state *s, const void *data, size_t len)
{
	ProtobufCMessage *msg;
	int r;

	store(s->dir, "utsns-1.img", data, len);
	r = image_read_single(s->dir, IMG_UTSNS, &msg, 1);
	if (!r)
		protobuf_c_message_free_unpacked(msg, NULL);
	return r;
}

static void test_truncated_everywhere(void **statep)
{
	struct state *s = *statep;
	_cleanup_free_ char *data = NULL;
	UtsnsEntry e;
	size_t len;

	fill_uts(&e);
	assert_int_equal(image_write_single(s->dir, IMG_UTSNS, &e.base, 1), 0);
	len = fetch(s->dir, "utsns-1.img", &data);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(read_uts(s, data, cut), -EBADMSG);
	assert_int_equal(read_uts(s, data, len), 0);
}

static void test_refused(void **statep)
{
#define HEADER "\x19\x43\x56\x54\x03\x32\x47\x54"
	static const struct {
		const char *what;
		const char *data;
		size_t len;
	} t[] = {
#define T(what, bytes) { what, bytes, sizeof(bytes) - 1 }
		T("another kind's magic", "\x19\x43\x56\x54\x38\x31\x30\x56\x05\0\0\0\x0a\x01n\x12\0"),
		T("service header", "\x40\x59\x10\x55\x03\x32\x47\x54\x05\0\0\0\x0a\x01n\x12\0"),
		T("size beyond the file", HEADER "\x06\0\0\0\x0a\x01n\x12\0"),
		T("size of 4 GiB", HEADER "\xff\xff\xff\xff\x0a\x01n\x12\0"),
		T("size beyond the maximum", HEADER "\x01\0\0\x10\x0a\x01n\x12\0"),
		T("required field missing", HEADER "\x03\0\0\0\x0a\x01n"),
		T("empty entry", HEADER "\0\0\0\0"),
		T("string with a NUL", HEADER "\x06\0\0\0\x0a\x02n\0\x12\0"),
		T("field number 0", HEADER "\x07\0\0\0\x0a\x01n\x12\0\x00\x00"),
		T("group", HEADER "\x06\0\0\0\x0a\x01n\x12\0\x1b"),
		T("endless varint", HEADER "\x10\0\0\0\x0a\x01n\x12\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		T("length beyond the entry", HEADER "\x05\0\0\0\x0a\x7fn\x12\0"),
		T("trailing byte", HEADER "\x05\0\0\0\x0a\x01n\x12\0\x01"),
		T("second entry", HEADER "\x05\0\0\0\x0a\x01n\x12\0\x05\0\0\0\x0a\x01n\x12\0"),
	};
	struct state *s = *statep;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (read_uts(s, t[i].data, t[i].len) != -EBADMSG)
			fail_msg("not refused: %s", t[i].what);
	}
	assert_int_equal(mkdirat(s->dir, "utsns-2.img", 0700), 0);
	assert_int_equal(image_read_single(s->dir, IMG_UTSNS, &(ProtobufCMessage *){ NULL }, 2), -EBADMSG);
	assert_int_equal(unlinkat(s->dir, "utsns-2.img", AT_REMOVEDIR), 0);
	assert_int_equal(mkfifoat(s->dir, "utsns-3.img", 0600), 0);
	assert_int_equal(image_read_single(s->dir, IMG_UTSNS, &(ProtobufCMessage *){ NULL }, 3), -EBADMSG);
}

static void test_check(void **statep)
{
	/* fdinfo_entry.type is an enum: REG, one that the schema lacks, and one of 64 bits. */
	static const uint8_t reg[] = { 0x18, 1 }, unknown[] = { 0x18, 99 };
	static const uint8_t negative[] = { 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1 };
	uint8_t nested[2 * (IMAGE_NESTING_MAX + 2)], *p = nested + sizeof(nested);

	assert_int_equal(image_check_message(&fdinfo_entry__descriptor, reg, sizeof(reg)), 0);
	assert_int_equal(image_check_message(&fdinfo_entry__descriptor, unknown, sizeof(unknown)), -EBADMSG);
	assert_int_equal(image_check_message(&fdinfo_entry__descriptor, negative, sizeof(negative)), -EBADMSG);
	/* aa_namespace.namespaces is an aa_namespace. */
	for (int i = 0; i < IMAGE_NESTING_MAX; i++) {
		size_t inner = nested + sizeof(nested) - p;

		if (inner > 127)
			break;
		*--p = inner;
		*--p = 0x1a;
	}
	assert_int_equal(image_check_message(&aa_namespace__descriptor, p, nested + sizeof(nested) - p), 0);
}

static void test_too_deep(void **statep)
{
	struct state *s = *statep;
	const size_t levels = 100000, unit = 4;
	size_t len = levels * unit;
	uint8_t *data = malloc(len), *p = data + len;
	ProtobufCMessage *msg;
	uint32_t word = len;
	struct image *img;

	assert_non_null(data);
	while (p > data) {
		size_t inner = data + len - p;

		p -= unit;
		p[0] = 0x1a;
		p[1] = 0x80 | (inner & 0x7f);
		p[2] = 0x80 | ((inner >> 7) & 0x7f);
		p[3] = (inner >> 14) & 0x7f;
	}
	/* The outermost message is apparmor_entry, whose namespaces are field 1. */
	p[0] = 0x0a;
	assert_int_equal(image_create(s->dir, IMG_APPARMOR, &img), 0);
	assert_int_equal(image_write_payload(img, &word, 4), 0);
	assert_int_equal(image_write_payload(img, data, len), 0);
	assert_int_equal(image_close(&img), 0);
	assert_int_equal(image_read_single(s->dir, IMG_APPARMOR, &msg), -EBADMSG);
	free(data);
}

/* 24 MiB of empty messages would take more than the bound. */
static void test_memory_bound(void **statep)
{
	struct state *s = *statep;
	const size_t len = 24 << 20;
	uint8_t *data = malloc(len);
	ProtobufCMessage *msg;
	uint32_t word = len;
	struct image *img;

	assert_non_null(data);
	for (size_t i = 0; i < len; i += 2) {
		data[i] = 0x0a;
		data[i + 1] = 0;
	}
	assert_int_equal(image_create(s->dir, IMG_CGROUP, &img), 0);
	assert_int_equal(image_write_payload(img, &word, 4), 0);
	assert_int_equal(image_write_payload(img, data, len), 0);
	assert_int_equal(image_close(&img), 0);
	assert_int_equal(image_read_single(s->dir, IMG_CGROUP, &msg), -EBADMSG);
	free(data);
}

static void test_write_error(void **statep)
{
	struct image *img = NULL;
	int dir, r;
	UtsnsEntry e;

	assert_int_equal(image_create(AT_FDCWD, IMG_UTSNS, &img), -EINVAL);
	dir = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fill_uts(&e);
	r = image_write_single(dir, IMG_UTSNS, &e.base, 1);
	assert_true(r < 0);
	close(dir);

	/* The store keeps the first error until the close. */
	dir = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(image_create(((struct state *)*statep)->dir, IMG_UTSNS, &img, 5), 0);
	assert_true(dup3(dir, image_fd(img), O_CLOEXEC) >= 0);
	close(dir);
	assert_int_equal(image_write(img, &e.base), 0);
	assert_true(image_close(&img) < 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_common, setup, teardown),
		cmocka_unit_test_setup_teardown(test_service_and_plain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_generation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_head_and_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_payload, setup, teardown),
		cmocka_unit_test_setup_teardown(test_raw, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_truncated_everywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_check, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_deep, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write_error, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
