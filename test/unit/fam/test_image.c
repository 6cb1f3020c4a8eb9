/* SPDX-License-Identifier: GPL-2.0 */
/* fam.img: what is written is read again, and every kind of damage is refused. */
#include "pages/fixture.h"

#include <limits.h>

#include "fam.pb-c.h"
#include "fam/image.h"
#include "image/image.h"

static int end(void **state)
{
	unlinkat(((struct fixture *)*state)->dirfd, "fam.img", 0);
	return fixture_end(state);
}

static void test_round_trip(void **state)
{
	struct fixture *f = *state;
	struct fam_extent extents[] = {
		{ 1, 0x10000, 3 * PAGE, 0, 0, false },
		{ 1, 0x7f0000000000, 4ul << 20, 2ul << 20, 0xdeadbeef, true },
		{ 3, 0, PAGE, 3 * PAGE, 7, true },
	};
	struct fam_image image = {
		.uuid = { 1, 2, 3, 0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
		.checkpoint = 0xfedcba9876543210,
		.pool_dir = "/dev/shm/pool",
		.layout = { .v = extents, .nr = 3, .size = 6ul << 20 },
	};
	struct fam_image got;

	assert_int_equal(fam_image_read(&f->ctx, f->dirfd, &got), -ENOENT);
	assert_int_equal(f->error.taken, 0);
	assert_int_equal(fam_image_write(&f->ctx, f->dirfd, &image), 0);
	assert_int_equal(fam_image_read(&f->ctx, f->dirfd, &got), 0);
	assert_memory_equal(got.uuid, image.uuid, sizeof(got.uuid));
	assert_int_equal(got.checkpoint, image.checkpoint);
	assert_string_equal(got.pool_dir, image.pool_dir);
	assert_int_equal(got.layout.size, image.layout.size);
	assert_int_equal(got.layout.nr, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct fam_extent *a = &got.layout.v[i], *b = &extents[i];

		assert_int_equal(a->pages_id, b->pages_id);
		assert_int_equal(a->vaddr, b->vaddr);
		assert_int_equal(a->len, b->len);
		assert_int_equal(a->offset, b->offset);
		assert_int_equal(a->has_crc, b->has_crc);
		assert_int_equal(a->crc32c, b->crc32c);
	}
	fam_image_free(&got);
}

/* A sound message of two extents, to be spoilt. */
struct message {
	FamEntry e;
	FamExtentEntry extents[2], *pointers[2];
	uint8_t uuid[FAM_UUID_LEN];
	char path[PATH_MAX + 1];
};

static void message_init(struct message *m)
{
	memset(m, 0, sizeof(*m));
	fam_entry__init(&m->e);
	strcpy(m->path, "/pool");
	for (size_t i = 0; i < 2; i++) {
		fam_extent_entry__init(&m->extents[i]);
		m->extents[i].pages_id = 1;
		m->extents[i].vaddr = (i + 1) * 0x10000;
		m->extents[i].length = 2 * PAGE;
		m->extents[i].offset = i * 2 * PAGE;
		m->pointers[i] = &m->extents[i];
	}
	m->e.pool_uuid = (ProtobufCBinaryData){ FAM_UUID_LEN, m->uuid };
	m->e.checkpoint = 1;
	m->e.pool_dir = m->path;
	m->e.size = FAM_ALIGN;
	m->e.n_extents = 2;
	m->e.extents = m->pointers;
}

static int read_message(struct fixture *f, const struct message *m)
{
	struct fam_image got;
	int r;

	fixture_forget_error(f);
	assert_int_equal(image_write_single(f->dirfd, IMG_FAM, &m->e.base), 0);
	r = fam_image_read(&f->ctx, f->dirfd, &got);
	if (!r)
		fam_image_free(&got);
	assert_int_equal(!!f->error.taken, !!r);
	return r;
}

#define SPOILT(change)                                                                                                 \
	do {                                                                                                           \
		message_init(&m);                                                                                      \
		assert_int_equal(read_message(f, &m), 0);                                                              \
		change;                                                                                                \
		assert_int_equal(read_message(f, &m), -EBADMSG);                                                       \
	} while (0)

static void test_damage(void **state)
{
	struct fixture *f = *state;
	static struct message m;

	SPOILT(m.e.pool_uuid.len = FAM_UUID_LEN - 1);
	SPOILT(m.e.pool_uuid.len = 0);
	SPOILT(m.e.checkpoint = 0);
	SPOILT(strcpy(m.path, "pool"));
	SPOILT(strcpy(m.path, ""));
	SPOILT(memset(m.path, '/', PATH_MAX));
	SPOILT(m.e.size = FAM_ALIGN + PAGE);
	SPOILT(m.e.size = 0);
	SPOILT(m.e.size = 1ull << 63);
	SPOILT(m.extents[0].length = 0);
	SPOILT(m.extents[0].length = 100);
	SPOILT(m.extents[0].vaddr = 0x10008);
	SPOILT(m.extents[0].offset = 1);
	SPOILT(m.extents[1].offset = FAM_ALIGN - PAGE);
	SPOILT(m.extents[1].offset = -PAGE);
	SPOILT(m.extents[1].offset = PAGE); /* shared */
	SPOILT(m.extents[1].offset = 0);
	SPOILT(m.extents[1].vaddr = 0x11000); /* overlaps */
	SPOILT(m.extents[1].vaddr = 0x1000);
	SPOILT(m.extents[1].vaddr = -PAGE);
	SPOILT(m.extents[1].length = -PAGE);
	SPOILT(m.extents[0].pages_id = 2);
}

static void test_cut(void **state)
{
	struct fixture *f = *state;
	struct fam_image got;
	static struct message m;
	int fd;

	message_init(&m);
	assert_int_equal(read_message(f, &m), 0);
	for (off_t size = 30; size >= 0; size -= 3) {
		fixture_forget_error(f);
		fd = openat(f->dirfd, "fam.img", O_RDWR);
		assert_int_equal(ftruncate(fd, size), 0);
		close(fd);
		assert_int_equal(fam_image_read(&f->ctx, f->dirfd, &got), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, fixture_begin, end),
		cmocka_unit_test_setup_teardown(test_damage, fixture_begin, end),
		cmocka_unit_test_setup_teardown(test_cut, fixture_begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
