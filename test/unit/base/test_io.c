/* SPDX-License-Identifier: GPL-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"

static char dir[] = "/tmp/test_io.XXXXXX";
static int dirfd_of_test = -1;

static int make_dir(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	dirfd_of_test = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd_of_test < 0 ? -1 : 0;
}

static int remove_dir(void **state)
{
	static const char *const names[] = { "file", "link" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(dirfd_of_test, names[i], 0);
	close(dirfd_of_test);
	return rmdir(dir);
}

static void a_file_that_ends_early_is_an_error(void **state)
{
	_cleanup_close_ int fd = memfd_create("test", MFD_CLOEXEC);
	char buf[8];

	assert_int_equal(write_full(fd, "12345", 5), 0);
	assert_int_equal(pread_full(fd, buf, 5, 0), 0);
	assert_memory_equal(buf, "12345", 5);
	assert_int_equal(pread_full(fd, buf, 5, 1), -EIO);
	assert_int_equal(pwrite_full(fd, "xy", 2, 3), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(read_full(fd, buf, 5), 0);
	assert_memory_equal(buf, "123xy", 5);
	assert_int_equal(read_full(fd, buf, 1), -EIO);
	assert_int_equal(read_full(-1, buf, 1), -EBADF);
	assert_int_equal(write_full(-1, buf, 1), -EBADF);
}

static void pieces_of_a_pipe_are_put_together(void **state)
{
	int fds[2];
	char buf[6];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 6; i++) {
			if (write(fds[1], &"abcdef"[i], 1) != 1)
				_exit(1);
			usleep(1000);
		}
		_exit(0);
	}
	close(fds[1]);
	assert_int_equal(read_full(fds[0], buf, sizeof(buf)), 0);
	assert_memory_equal(buf, "abcdef", 6);
	close(fds[0]);
}

static void whole_files_are_read_up_to_a_limit(void **state)
{
	_cleanup_free_ char *big = malloc(10000), *text = NULL;
	size_t len;

	memset(big, 'x', 10000);
	assert_int_equal(write_file_at(dirfd_of_test, "file", big, 10000), 0);
	assert_int_equal(read_file_at(dirfd_of_test, "file", 10000, &text, &len), 0);
	assert_int_equal(len, 10000);
	assert_int_equal(text[10000], '\0');
	free(take_ptr(text));
	assert_int_equal(read_file_at(dirfd_of_test, "file", 9999, &text, &len), -EFBIG);
	assert_null(text);
	/* written anew, nothing of the old is left */
	assert_int_equal(write_file_at(dirfd_of_test, "file", "", 0), 0);
	assert_int_equal(read_file_at(dirfd_of_test, "file", 0, &text, &len), 0);
	assert_int_equal(len, 0);
	free(take_ptr(text));
	assert_int_equal(read_file_at(dirfd_of_test, "missing", 10, &text, NULL), -ENOENT);
	assert_int_equal(read_file_at(AT_FDCWD, "/proc/self/maps", 1 << 20, &text, &len), 0);
	assert_int_equal(strlen(text), len);
}

static void links_of_any_length_are_read(void **state)
{
	_cleanup_free_ char *target = malloc(1025), *got = NULL;

	for (size_t len = 254; len <= 1024; len = len == 257 ? 1024 : len + 1) {
		memset(target, 'l', len);
		target[len] = '\0';
		unlinkat(dirfd_of_test, "link", 0);
		assert_int_equal(symlinkat(target, dirfd_of_test, "link"), 0);
		assert_int_equal(read_link_at(dirfd_of_test, "link", &got), 0);
		assert_string_equal(got, target);
		free(take_ptr(got));
	}
	assert_int_equal(read_link_at(dirfd_of_test, "missing", &got), -ENOENT);
}

static void descriptors_move_up(void **state)
{
	int fd = memfd_create("test", 0), high = fd_move_high(fd, 100);

	assert_true(high >= 100);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(fcntl(high, F_GETFD), FD_CLOEXEC);
	close(high);
	assert_int_equal(fd_move_high(-1, 100), -EBADF);
}

static void directories_are_synced(void **state)
{
	assert_int_equal(sync_dir(dirfd_of_test), 0);
	assert_int_equal(sync_dir(-1), -EBADF);
}

static void cleanup_gives_values_away(void **state)
{
	int kept, gone;

	{
		_cleanup_close_ int a = memfd_create("a", 0), b = memfd_create("b", 0);

		gone = a;
		kept = take_fd(b);
		assert_int_equal(b, -1);
	}
	assert_int_equal(fcntl(gone, F_GETFD), -1);
	assert_true(fcntl(kept, F_GETFD) >= 0);
	close(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_ends_early_is_an_error),
		cmocka_unit_test(pieces_of_a_pipe_are_put_together),
		cmocka_unit_test(whole_files_are_read_up_to_a_limit),
		cmocka_unit_test(links_of_any_length_are_read),
		cmocka_unit_test(descriptors_move_up),
		cmocka_unit_test(directories_are_synced),
		cmocka_unit_test(cleanup_gives_values_away),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
