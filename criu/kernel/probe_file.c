/* SPDX-License-Identifier: GPL-2.0 */
/* Files, mounts, namespaces and small facts of /proc and /sys: proc(5), mount(2), move_mount(2), openat2(2). */
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "kernel/probes.h"

/* <sys/mount.h> and <linux/mount.h> don't go together. */
static int do_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)
{
	return syscall(SYS_mount, source, target, type, flags, data) < 0 ? -errno : 0;
}

static int fdinfo_has(int fd, const char *start)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return probe_file_line(path, start);
}

int probe_mnt_id(void)
{
	_cleanup_close_ int fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fdinfo_has(fd, "mnt_id:");
}

int probe_fdinfo_lock(void)
{
	_cleanup_close_ int fd = memfd_create("probe", MFD_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return -errno;
	return fdinfo_has(fd, "lock:");
}

int probe_timerfd(void)
{
	_cleanup_close_ int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	uint64_t ticks = 1;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, _IOW('T', 0, uint64_t), &ticks) < 0) /* TFD_IOC_SET_TICKS */
		return -errno;
	return fdinfo_has(fd, "clockid:");
}

int probe_ns_pid(void)
{
	return probe_file_line("/proc/self/status", "NSpid:");
}

static int try_loginuid(void)
{
	_cleanup_close_ int fd = open("/proc/self/loginuid", O_RDWR | O_CLOEXEC);
	char value[16];
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = pread(fd, value, sizeof(value), 0);
	if (len < 0 || pwrite(fd, value, len, 0) < 0)
		return -errno;
	return 0;
}

int probe_loginuid(void)
{
	return probe_in_child(try_loginuid);
}

static int unshare_user(void)
{
	return unshare(CLONE_NEWUSER) < 0 ? -errno : 0;
}

int probe_userns(void)
{
	return probe_in_child(unshare_user);
}

static int unshare_cgroup(void)
{
	return unshare(CLONE_NEWCGROUP) < 0 ? -errno : 0;
}

int probe_cgroupns(void)
{
	return probe_in_child(unshare_cgroup);
}

int probe_timens(void)
{
	return access("/proc/self/ns/time_for_children", F_OK) < 0 || access("/proc/self/timens_offsets", W_OK) < 0
		       ? -errno
		       : 0;
}

int probe_openat2(void)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	_cleanup_close_ int fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));

	return fd < 0 ? -errno : 0;
}

/* Flags are looked at before descriptors: only a kernel that knows this one gets as far as them. */
int probe_move_mount_set_group(void)
{
	unsigned int flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH | MOVE_MOUNT_SET_GROUP;

	return syscall(SYS_move_mount, -1, "", -1, "", flags) < 0 && errno != EBADF ? -errno : 0;
}

static int own_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	return do_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

/* Mount options tell the pipe's inode. */
static int try_autofs(void)
{
	_cleanup_close_ int mountinfo = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	char options[96], info[64];
	int pipe_fds[2], err;

	err = own_mounts();
	if (err)
		return err;
	if (mountinfo < 0 || pipe(pipe_fds) < 0)
		return -errno;
	snprintf(options, sizeof(options), "fd=%d,pgrp=%d,minproto=5,maxproto=5,direct", pipe_fds[1], getpgrp());
	err = do_mount("probe", "/proc/sys", "autofs", 0, options);
	if (err)
		return err;
	snprintf(info, sizeof(info), "/proc/self/fd/%d", mountinfo);
	err = read_file_at(AT_FDCWD, info, 1 << 20, &text, NULL);
	if (err)
		return err;
	return strstr(text, "pipe_ino=") ? 0 : -ENOENT;
}

int probe_autofs(void)
{
	return probe_in_child(try_autofs);
}

/* The device and inode that a mapping of FD shows in /proc/PID/maps. */
static int mapping_identity(int fd, dev_t *ret_dev, ino_t *ret_ino)
{
	_cleanup_free_ char *text = NULL;
	unsigned int major_nr, minor_nr;
	unsigned long ino;
	char start[24], *line;
	void *at = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
	int err;

	if (at == MAP_FAILED)
		return -errno;
	err = read_file_at(AT_FDCWD, "/proc/self/maps", 1 << 22, &text, NULL);
	if (err)
		return err;
	snprintf(start, sizeof(start), "%lx-", (unsigned long)at);
	line = strstr(text, start);
	if (!line || sscanf(line, "%*s %*s %*s %x:%x %lu", &major_nr, &minor_nr, &ino) != 3)
		return -EIO;
	*ret_dev = makedev(major_nr, minor_nr);
	*ret_ino = ino;
	return 0;
}

static int try_overlayfs(void)
{
	static const char *const dirs[] = { "lower", "upper", "work", "merged" };
	_cleanup_close_ int fd = -1;
	struct stat st;
	dev_t dev = 0;
	ino_t ino = 0;
	int err = own_mounts();

	if (!err)
		err = do_mount("probe", "/tmp", "tmpfs", 0, NULL);
	if (err)
		return err;
	if (chdir("/tmp") < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (mkdir(dirs[i], 0700) < 0)
			return -errno;
	err = write_file_at(AT_FDCWD, "lower/file", "x", 1);
	if (!err)
		err = do_mount("probe", "merged", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work");
	if (err)
		return err;
	fd = open("merged/file", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	err = mapping_identity(fd, &dev, &ino);
	if (err)
		return err;
	return dev == st.st_dev && ino == st.st_ino ? 0 : -EOPNOTSUPP;
}

int probe_overlayfs_maps(void)
{
	return probe_in_child(try_overlayfs);
}

int probe_apparmor_stacking(void)
{
	return probe_file_line("/sys/kernel/security/apparmor/features/domain/stack", "yes");
}

int probe_has_ipt_legacy(void)
{
	_cleanup_free_ char *dirs = strdup(getenv("PATH") ?: "/usr/sbin:/sbin");
	char *rest = dirs, *dir;

	while (dirs && (dir = strsep(&rest, ":"))) {
		_cleanup_free_ char *path = str_printf("%s/iptables-legacy", dir);

		if (path && !access(path, X_OK))
			return 0;
	}
	return -ENOENT;
}
