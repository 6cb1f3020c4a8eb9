/* SPDX-License-Identifier: GPL-2.0 */
/* What stands on the medium, right and wrong: superblocks, records, archives, owners, locks. */
#include "fam/fixture.h"

#include "fam/archive.h"
#include "fam/crc32c.h"
#include "fam/lock.h"
#include "fam/record.h"
#include "fam/secure.h"
#include "fam/state.h"

static const uint8_t uuid[FAM_UUID_LEN] = "0123456789abcdef";
static const uint8_t host[FAM_HOST_LEN] = "this one", other[FAM_HOST_LEN] = "other one", nobody[FAM_HOST_LEN];
static uint8_t got[FAM_HOST_LEN];

static void ids(void **state)
{
	static const char *const wrong[] = { "",
					     "0000000000000000",
					     "1",
					     "0123456789abcdeg",
					     "0123456789ABCDEF",
					     "+123456789abcdef",
					     "0123456789abcdef0" };
	char text[FAM_ID_TEXT];
	uint64_t id;

	fam_id_print(0x0123456789abcdef, text);
	assert_string_equal(text, "0123456789abcdef");
	assert_int_equal(fam_id_parse(text, &id), 0);
	assert_int_equal(id, 0x0123456789abcdef);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(fam_id_parse(wrong[i], &id), -EINVAL);
}

static void super_seal(struct fam_super *super)
{
	super->crc = fam_crc32c(0, super, offsetof(struct fam_super, crc));
}

static void superblocks(void **state)
{
	struct fam_super good, bad;

	fam_super_make(&good, uuid, 4 * MIB, 7);
	assert_int_equal(fam_super_check(&good, sizeof(good)), 0);
	for (size_t len = 0; len < sizeof(good); len++)
		assert_int_equal(fam_super_check(&good, len), -EPROTO);
	for (size_t bit = 0; bit < sizeof(good) * 8; bit++) {
		bad = good;
		((uint8_t *)&bad)[bit / 8] ^= 1 << bit % 8;
		assert_int_not_equal(fam_super_check(&bad, sizeof(bad)), 0);
	}
	bad = good;
	bad.version++;
	assert_int_equal(fam_super_check(&bad, sizeof(bad)), -EPROTONOSUPPORT);
	bad = good;
	bad.size = UINT64_MAX & ~(FAM_ALIGN - 1);
	super_seal(&bad);
	assert_int_equal(fam_super_check(&bad, sizeof(bad)), -EPROTO);
	bad.size = 4 * MIB + 1;
	super_seal(&bad);
	assert_int_equal(fam_super_check(&bad, sizeof(bad)), -EPROTO);
}

static void record_seal(struct fam_record *record, size_t len)
{
	record->crc = fam_crc32c(0, record, offsetof(struct fam_record, crc));
	record->crc = fam_crc32c(record->crc, record + 1, len - sizeof(*record));
}

static int record_parse(const void *buf, size_t len)
{
	struct fam_info info = { 0 };
	int r = fam_record_parse(buf, len, uuid, 77, &info, got);

	free(info.images_dir);
	return r;
}

static void records(void **state)
{
	const struct fam_info info = {
		.id = 77, .flags = FAM_KEEP, .size = 6 * MIB, .created = 99, .images_dir = "/images/of a set"
	};
	struct fam_record *record;
	struct fam_info read = { 0 };
	size_t len;

	assert_int_equal(fam_record_make(uuid, host, &info, (void **)&record, &len), 0);
	assert_int_equal(fam_record_parse(record, len, uuid, 77, &read, got), 0);
	assert_int_equal(read.id, 77);
	assert_memory_equal(got, host, sizeof(host));
	assert_int_equal(read.flags, FAM_KEEP);
	assert_int_equal(read.size, 6 * MIB);
	assert_int_equal(read.created, 99);
	assert_string_equal(read.images_dir, info.images_dir);
	free(read.images_dir);
	assert_int_equal(fam_record_parse(record, len, uuid, 78, &read, got), -EPROTO);
	assert_int_equal(fam_record_parse(record, len, (const uint8_t *)"another pool....", 77, &read, got), -EPROTO);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(record_parse(record, i), -EPROTO);
	for (size_t bit = 0; bit < len * 8; bit++) {
		((uint8_t *)record)[bit / 8] ^= 1 << bit % 8;
		assert_int_not_equal(record_parse(record, len), 0);
		((uint8_t *)record)[bit / 8] ^= 1 << bit % 8;
	}
	free(record);
}

/* Sealed as by who knows how, and still wrong. */
static void hostile_records(void **state)
{
	const struct fam_info info = { .id = 77, .size = 6 * MIB, .created = 99, .images_dir = "/images" };
	struct fam_record *record, good;
	size_t len;

	assert_int_equal(fam_record_make(uuid, host, &info, (void **)&record, &len), 0);
	good = *record;
	record->flags = FAM_KEEP << 1;
	record_seal(record, len);
	assert_int_equal(record_parse(record, len), -EPROTO);
	*record = good;
	record->size = 1;
	record_seal(record, len);
	assert_int_equal(record_parse(record, len), -EPROTO);
	*record = good;
	record->size = UINT64_MAX & ~(FAM_ALIGN - 1);
	record_seal(record, len);
	assert_int_equal(record_parse(record, len), -EPROTO);
	*record = good;
	record->path_len = UINT32_MAX;
	record_seal(record, len);
	assert_int_equal(record_parse(record, len), -EPROTO);
	*record = good;
	record->version = 2;
	record_seal(record, len);
	assert_int_equal(record_parse(record, len), -EPROTONOSUPPORT);
	*record = good;
	((char *)(record + 1))[3] = '\0';
	record_seal(record, len);
	assert_int_equal(record_parse(record, len), -EPROTO);
	memcpy(record + 1, "images/", 7);
	record_seal(record, len);
	assert_int_equal(record_parse(record, len), -EPROTO);
	free(record);
}

struct buffer {
	char data[4096] __attribute__((aligned(8)));
	size_t len;
};

static int put(void *arg, const void *data, size_t len)
{
	struct buffer *b = arg;

	assert_true(len <= sizeof(b->data) - b->len);
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return 0;
}

static void archive_make(struct fixture *f, struct buffer *b)
{
	struct fam_archive_plan plan;

	image_put(f, "core-1.img", "123456789");
	image_put(f, "empty.img", "");
	image_put(f, FAM_INVENTORY_NEW, "new inventory");
	image_put(f, "inventory.img", "of an older set");
	image_put(f, "pages-1.img", "pages");
	image_put(f, "stats-dump", "statistics");
	b->len = 0;
	assert_int_equal(fam_archive_plan(&f->ctx, f->imagesfd, &plan), 0);
	assert_int_equal(plan.nr, 3);
	assert_int_equal(fam_archive_write(&f->ctx, f->imagesfd, &plan, put, b), 0);
	assert_int_equal(b->len, plan.size);
	fam_archive_plan_free(&plan);
}

static int look(void *arg, const char *name, const void *data, size_t len)
{
	unsigned *seen = arg;

	if (!strcmp(name, "core-1.img") && len == 9 && !memcmp(data, "123456789", 9))
		*seen |= 1;
	else if (!strcmp(name, "empty.img") && !len)
		*seen |= 2;
	else if (!strcmp(name, "inventory.img") && len == 13 && !memcmp(data, "new inventory", 13))
		*seen |= 4;
	else
		*seen |= 8;
	return 0;
}

static int stop_at_first(void *arg, const char *name, const void *data, size_t len)
{
	++*(unsigned *)arg;
	return 42;
}

static void archives(void **state)
{
	struct fixture *f = *state;
	struct buffer b;
	unsigned seen = 0;

	archive_make(f, &b);
	assert_int_equal(fam_archive_read(b.data, b.len, look, &seen), 0);
	assert_int_equal(seen, 7);
	seen = 0;
	assert_int_equal(fam_archive_read(b.data, b.len, stop_at_first, &seen), 42);
	assert_int_equal(seen, 1);
}

static void damaged_archives(void **state)
{
	struct fixture *f = *state;
	struct buffer b;
	unsigned seen = 0;

	archive_make(f, &b);
	for (size_t len = 0; len < b.len; len++)
		assert_int_equal(fam_archive_read(b.data, len, look, &seen), -EPROTO);
	for (size_t i = 0; i < b.len; i++) {
		b.data[i] ^= 0x40;
		assert_int_not_equal(fam_archive_read(b.data, b.len, look, &seen), 0);
		b.data[i] ^= 0x40;
	}
	assert_int_equal(seen, 0);
	assert_int_equal(fam_archive_read(b.data, b.len, look, &seen), 0);
}

static void hostile_archives(void **state)
{
	static const char *const names[] = { "../etc/x.img", "a/b.img", "", ".", ".hidden", "no\nwonder/" };
	struct fixture *f = *state;
	struct fam_archive *head;
	struct fam_archive_file *file;
	struct buffer b;
	unsigned seen = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		archive_make(f, &b);
		file = (void *)(b.data + sizeof(*head));
		memset(file->name, 0, sizeof(file->name));
		strcpy(file->name, names[i]);
		file->crc = fam_crc32c(fam_crc32c(0, file->name, sizeof(file->name)), &file->size, sizeof(file->size));
		assert_int_equal(fam_archive_read(b.data, b.len, look, &seen), -EPROTO);
	}
	for (unsigned i = 0; i < 4; i++) {
		const uint64_t sizes[] = { UINT64_MAX, UINT64_MAX - 7, b.len, INT64_MAX };

		archive_make(f, &b);
		file = (void *)(b.data + sizeof(*head));
		file->size = sizes[i];
		file->crc = fam_crc32c(fam_crc32c(0, file->name, sizeof(file->name)), &file->size, sizeof(file->size));
		assert_int_equal(fam_archive_read(b.data, b.len, look, &seen), -EPROTO);
	}
	archive_make(f, &b);
	head = (void *)b.data;
	head->nr_files = UINT32_MAX;
	head->crc = fam_crc32c(0, head, offsetof(struct fam_archive, crc));
	assert_int_equal(fam_archive_read(b.data, b.len, look, &seen), -EPROTO);
	assert_int_equal(seen, 0);
}

/* An image that is a link or a FIFO isn't waited for, nor followed. */
static void odd_images(void **state)
{
	struct fixture *f = *state;
	struct fam_archive_plan plan;

	assert_int_equal(symlinkat("/etc/hostname", f->imagesfd, "link.img"), 0);
	assert_int_equal(fam_archive_plan(&f->ctx, f->imagesfd, &plan), -ELOOP);
	assert_int_equal(unlinkat(f->imagesfd, "link.img", 0), 0);
	forget_error(f);
	assert_int_equal(mkfifoat(f->imagesfd, "fifo.img", 0600), 0);
	assert_int_equal(fam_archive_plan(&f->ctx, f->imagesfd, &plan), -EINVAL);
	assert_non_null(strstr(f->error.text, "fifo.img"));
}

static void owners(void **state)
{
	struct stat st = { .st_mode = S_IFREG | 0600, .st_nlink = 1 };
	char text[FAM_FAULT_TEXT];

	assert_null(fam_owner_fault(&st, text));
	st.st_mode = S_IFREG | 0640;
	assert_non_null(strstr(fam_owner_fault(&st, text), "0640"));
	st.st_mode = S_IFREG | 0601;
	assert_non_null(fam_owner_fault(&st, text));
	st.st_mode = S_IFREG | 0600;
	st.st_nlink = 2;
	assert_non_null(fam_owner_fault(&st, text));
	st.st_mode = S_IFDIR | 0700;
	assert_null(fam_owner_fault(&st, text));
	st.st_uid = 1000;
	assert_non_null(strstr(fam_owner_fault(&st, text), "user 1000"));
}

static void lock_lines(void **state)
{
	static const char locks[] = "1: POSIX  ADVISORY  READ  11 00:1a:13 0 EOF\n"
				    "2: FLOCK  ADVISORY  WRITE 12 00:1a:14 0 EOF\n"
				    "2: -> FLOCK  ADVISORY  WRITE 13 00:1a:15 0 EOF\n"
				    "nonsense\n\n"
				    "3: FLOCK  ADVISORY  READ 14 fd:1a:15 0 EOF\n"
				    "4: FLOCK  ADVISORY  READ 15 00:1a:15 0 EOF";

	assert_int_equal(fam_lock_find(locks, 0, 0x1a, 13), 0);
	assert_int_equal(fam_lock_find(locks, 0, 0x1a, 14), 12);
	assert_int_equal(fam_lock_find(locks, 0, 0x1a, 15), 15);
	assert_int_equal(fam_lock_find("", 0, 0, 0), 0);
}

static void image_states(void **state)
{
	struct fixture *f = *state;
	struct fam_pool pool = { 0 };
	char path[128];

	memcpy(pool.uuid, uuid, sizeof(uuid));
	assert_int_equal(fam_images_state(uuid, 7, f->images, host, host), FAM_ORPHAN);
	images_make(f, &pool, 7);
	assert_int_equal(fam_images_state(uuid, 7, f->images, host, host), FAM_INCOMPLETE);
	assert_int_equal(fam_images_state(uuid, 7, f->images, other, host), FAM_COMMITTED);
	/* A good set, half copied. */
	assert_int_equal(unlinkat(f->imagesfd, FAM_INVENTORY_NEW, 0), 0);
	assert_int_equal(fam_images_state(uuid, 7, f->images, host, host), FAM_ORPHAN);
	assert_int_equal(fam_images_state(uuid, 7, f->images, other, host), FAM_COMMITTED);
	image_put(f, FAM_INVENTORY_NEW, "inventory");
	inventory_commit(f);
	assert_int_equal(fam_images_state(uuid, 7, f->images, host, host), FAM_COMMITTED);
	assert_int_equal(fam_images_state(uuid, 8, f->images, host, host), FAM_ORPHAN);
	assert_int_equal(fam_images_state((const uint8_t *)"another pool....", 7, f->images, host, host), FAM_ORPHAN);
	snprintf(path, sizeof(path), "%s/none", f->images);
	assert_int_equal(fam_images_state(uuid, 7, path, host, host), FAM_ORPHAN);
	snprintf(path, sizeof(path), "%s/inventory.img", f->images);
	assert_int_equal(fam_images_state(uuid, 7, path, host, host), FAM_ORPHAN);
	/* Directories of another host aren't looked into. */
	assert_int_equal(fam_images_state(uuid, 7, path, other, host), FAM_COMMITTED);
	assert_int_equal(fam_images_state(uuid, 7, path, nobody, host), FAM_ORPHAN);
	image_put(f, "fam.img", "no image at all");
	assert_int_equal(fam_images_state(uuid, 7, f->images, host, host), FAM_ORPHAN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids),
		cmocka_unit_test(superblocks),
		cmocka_unit_test(records),
		cmocka_unit_test(hostile_records),
		cmocka_unit_test_setup_teardown(archives, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(damaged_archives, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(hostile_archives, fixture_begin, fixture_end),
		cmocka_unit_test_setup_teardown(odd_images, fixture_begin, fixture_end),
		cmocka_unit_test(owners),
		cmocka_unit_test(lock_lines),
		cmocka_unit_test_setup_teardown(image_states, fixture_begin, fixture_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
