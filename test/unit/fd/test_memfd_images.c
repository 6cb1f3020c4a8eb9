/* SPDX-License-Identifier: GPL-2.0 */
/* memfd.img and what refers to it: what is made of it, and that damaged ones are refused when they are read. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fd/fd.h"
#include "image/image.h"
#include "mem/memfd.h"
#include "mem/pagemap.h"

#include "fdinfo.pb-c.h"
#include "memfd.pb-c.h"

#define PAGE	4096ul
#define FILE_ID 5
#define SHMID	77

static struct log *test_log;
static struct cr_error error;
static struct cr_ctx ctx;
static const struct cr_opts opts;
static char dir_path[] = "/tmp/test_memfd_images.XXXXXX";
static int dir;

/* One memfd with one open file; two pages of content, of which the second is stored. */
struct set {
	FownEntry fown;
	MemfdFileEntry file;
	FileEntry entry;
	MemfdInodeEntry inode;
	int nr_inodes;
	uint64_t stored_at;
};

static struct set *new_set(void)
{
	static struct set s;

	s = (struct set){ .nr_inodes = 1, .stored_at = PAGE };
	fown_entry__init(&s.fown);
	memfd_file_entry__init(&s.file);
	file_entry__init(&s.entry);
	memfd_inode_entry__init(&s.inode);
	s.file.id = s.entry.id = FILE_ID;
	s.file.flags = O_RDWR;
	s.file.pos = 3;
	s.file.fown = &s.fown;
	s.file.inode_id = s.inode.inode_id = 9;
	s.entry.type = FD_TYPES__MEMFD;
	s.entry.memfd = &s.file;
	s.inode.name = "unit";
	s.inode.size = 2 * PAGE;
	s.inode.shmid = SHMID;
	s.inode.seals = F_SEAL_SEAL | F_SEAL_FUTURE_WRITE;
	s.inode.has_mode = true;
	s.inode.mode = S_IFREG | 0750;
	return &s;
}

static void write_image(enum image_kind kind, const ProtobufCMessage *msg, int count)
{
	struct image *img;

	assert_int_equal(image_create(dir, kind, &img), 0);
	for (int i = 0; i < count; i++)
		assert_int_equal(image_write(img, msg), 0);
	assert_int_equal(image_close(&img), 0);
}

static int read_set(const struct set *s, struct fd_restore **ret)
{
	__cleanup(page_run_list_free) struct page_run_list runs = {};
	char page[PAGE];
	int fd;

	write_image(IMG_FILES, &s->entry.base, 1);
	write_image(IMG_MEMFD_INODE, &s->inode.base, s->nr_inodes);
	assert_int_equal(page_run_add(&runs, s->stored_at, 1, PE_PRESENT, true), 0);
	assert_int_equal(pagemap_write(&ctx, dir, IMG_SHMEM_PAGEMAP, SHMID, 1, &runs), 0);
	fd = openat(dir, "pages-1.img", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	memset(page, 'm', PAGE);
	assert_int_equal(write_full(fd, page, PAGE), 0);
	close(fd);
	memset(&error, 0, sizeof(error));
	return fd_restore_read(&ctx, &opts, dir, NULL, ret);
}

static void refused(const struct set *s, const char *why)
{
	struct fd_restore *restore = NULL;
	int r = read_set(s, &restore);

	assert_true(r < 0);
	assert_null(restore);
	if (!strstr(error.text, why))
		fail_msg("\"%s\" instead of \"%s\"", error.text, why);
}

static void test_made(void **state __unused_arg)
{
	struct fd_restore *restore;
	char page[PAGE], name[64];
	struct stat st;
	int rw, ro;

	if (read_set(new_set(), &restore))
		fail_msg("%s", error.text);
	assert_true(fd_restore_has_memfd(restore, FILE_ID));
	assert_false(fd_restore_has_path(restore, FILE_ID));
	assert_int_equal(fd_restore_plan_memfd(restore, FILE_ID + 1, true), -ENOENT);
	assert_int_equal(fd_restore_plan_memfd(restore, FILE_ID, true), 0);
	assert_int_equal(fd_restore_get_memfd(restore, FILE_ID, true, &rw), -ENOENT);
	if (fd_restore_make_memfds(restore, 100))
		fail_msg("%s", error.text);
	assert_int_equal(fd_restore_get_memfd(restore, FILE_ID, true, &rw), 0);
	assert_int_equal(fd_restore_get_memfd(restore, FILE_ID, false, &ro), 0);
	assert_true(rw >= 100 && ro >= 100);
	assert_int_equal(fcntl(rw, F_GETFL) & O_ACCMODE, O_RDWR);
	assert_int_equal(fcntl(ro, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(fstat(ro, &st), 0);
	assert_int_equal(st.st_size, 2 * PAGE);
	assert_int_equal(st.st_mode, S_IFREG | 0750);
	assert_int_equal(lseek(ro, 0, SEEK_DATA), PAGE);
	assert_int_equal(pread(ro, page, PAGE, PAGE), PAGE);
	assert_true(page[0] == 'm' && !memcmp(page, page + 1, PAGE - 1));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", ro);
	assert_true(memfd_is("/memfd:unit (deleted)", &st, NULL));
	/* It can still be mapped for writing, until all is sealed. */
	assert_int_equal(fcntl(ro, F_GET_SEALS), 0);
	ro = open(name, O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd_restore_seal_memfds(restore), 0);
	assert_int_equal(fcntl(ro, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_FUTURE_WRITE);
	assert_int_equal(fcntl(rw, F_GETFD), -1);
	close(ro);
	fd_restore_free(&restore);
}

static void test_empty(void **state __unused_arg)
{
	struct set *s = new_set();
	struct fd_restore *restore;
	struct stat st;
	int ro;

	/* Nothing is looked for that can't be there. */
	s->inode.size = 0;
	s->inode.shmid = SHMID + 1;
	assert_int_equal(read_set(s, &restore), 0);
	assert_int_equal(fd_restore_make_memfds(restore, 100), 0);
	assert_int_equal(fd_restore_get_memfd(restore, FILE_ID, false, &ro), 0);
	assert_int_equal(fstat(ro, &st), 0);
	assert_int_equal(st.st_size, 0);
	fd_restore_free(&restore);
	assert_int_equal(fcntl(ro, F_GETFD), -1);
}

/* Room is taken only for what is stored. */
static void test_sparse(void **state __unused_arg)
{
	struct set *s = new_set();
	struct fd_restore *restore;
	struct stat st;
	int ro;

	s->inode.size = INT64_MAX & ~(PAGE - 1);
	assert_int_equal(read_set(s, &restore), 0);
	assert_int_equal(fd_restore_make_memfds(restore, 100), 0);
	assert_int_equal(fd_restore_get_memfd(restore, FILE_ID, false, &ro), 0);
	assert_int_equal(fstat(ro, &st), 0);
	assert_int_equal(st.st_blocks, PAGE / 512);
	fd_restore_free(&restore);
}

static void test_damaged(void **state __unused_arg)
{
	char name[MEMFD_NAME_MAX + 2] = "";
	struct set *s = new_set();

	s->file.inode_id = 10;
	refused(s, "an inode that isn't in memfd.img");
	s = new_set();
	s->nr_inodes = 2;
	refused(s, "the id of another");
	s = new_set();
	s->file.pos = UINT64_MAX;
	refused(s, "an impossible offset");
	s = new_set();
	s->inode.size = 1ull << 63;
	refused(s, "an impossible size");
	s = new_set();
	s->inode.size = PAGE;
	refused(s, "pages behind its end");
	s = new_set();
	s->inode.seals = 1 << 30;
	refused(s, "unknown seals");
	s = new_set();
	s->inode.mode = S_IFDIR | 0700;
	refused(s, "an impossible mode");
	s = new_set();
	s->inode.shmid = SHMID + 1;
	refused(s, "pagemap-shmem-78.img");
	s = new_set();
	memset(name, 'x', MEMFD_NAME_MAX + 1);
	s->inode.name = name;
	refused(s, "a name that is too long");
}

static int setup(void **state __unused_arg)
{
	if (log_open("/dev/null", LOG_WARN, &test_log) || !mkdtemp(dir_path))
		return -1;
	ctx = (struct cr_ctx){ test_log, &error };
	dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0;
}

static int teardown(void **state __unused_arg)
{
	static const char *const names[] = { "files.img", "memfd.img", "pagemap-shmem-77.img", "pages-1.img" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(dir, names[i], 0);
	close(dir);
	log_close(&test_log);
	return rmdir(dir_path);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
