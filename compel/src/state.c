/* SPDX-License-Identifier: GPL-2.0 */
/* Reading and writing the state of a stopped task. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <unistd.h>

#include "arch-ops.h"
#include "internal.h"

#ifndef PTRACE_GET_RSEQ_CONFIGURATION
#define PTRACE_GET_RSEQ_CONFIGURATION 0x420f
#endif

static int getregset(pid_t tid, unsigned long type, void *buf, size_t *size)
{
	struct iovec iov = { .iov_base = buf, .iov_len = *size };

	if (ptrace(PTRACE_GETREGSET, tid, type, &iov) < 0)
		return -errno;
	*size = iov.iov_len;
	return 0;
}

static int setregset(pid_t tid, unsigned long type, const void *buf, size_t size)
{
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = size };

	return ptrace(PTRACE_SETREGSET, tid, type, &iov) < 0 ? -errno : 0;
}

int compel_get_regs(pid_t tid, compel_regs_t *ret)
{
	size_t size = sizeof(*ret);
	int err = getregset(tid, NT_PRSTATUS, ret, &size);

	if (err)
		return err;
	return size == sizeof(*ret) ? 0 : -ENOTSUP;
}

int compel_set_regs(pid_t tid, const compel_regs_t *regs)
{
	return setregset(tid, NT_PRSTATUS, regs, sizeof(*regs));
}

int compel_get_xstate(pid_t tid, void *buf, size_t size, size_t *ret_size)
{
	size_t room = size & ~(size_t)7, got = room; /* the kernel takes whole words */
	int err = getregset(tid, arch_xstate_note, buf, &got);

	if (err)
		return err;
	/* What doesn't fit is cut without a word. */
	if (got == room) {
		*ret_size = size ? 2 * size : 4096;
		return -ENOSPC;
	}
	*ret_size = got;
	return 0;
}

int compel_set_xstate(pid_t tid, const void *buf, size_t size)
{
	return setregset(tid, arch_xstate_note, buf, size);
}

int compel_get_sigmask(pid_t tid, uint64_t *ret)
{
	return ptrace(PTRACE_GETSIGMASK, tid, sizeof(*ret), ret) < 0 ? -errno : 0;
}

int compel_set_sigmask(pid_t tid, uint64_t mask)
{
	return ptrace(PTRACE_SETSIGMASK, tid, sizeof(mask), &mask) < 0 ? -errno : 0;
}

int compel_get_rseq(pid_t tid, struct compel_rseq *ret)
{
	struct {
		uint64_t addr;
		uint32_t size, signature, flags, pad;
	} conf;

	if (ptrace((enum __ptrace_request)PTRACE_GET_RSEQ_CONFIGURATION, tid, sizeof(conf), &conf) < 0)
		return -errno;
	*ret = (struct compel_rseq){
		.addr = conf.addr, .size = conf.size, .signature = conf.signature, .flags = conf.flags
	};
	return 0;
}

int compel_get_syscall_info(pid_t tid, struct compel_syscall_info *ret)
{
	struct __ptrace_syscall_info info = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) < 0)
		return -errno;
	*ret = (struct compel_syscall_info){
		.op = info.op, .arch = info.arch, .ip = info.instruction_pointer, .sp = info.stack_pointer
	};
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY || info.op == PTRACE_SYSCALL_INFO_SECCOMP) {
		ret->nr = info.entry.nr;
		memcpy(ret->args, info.entry.args, sizeof(ret->args));
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
		ret->rval = info.exit.rval;
		ret->is_error = info.exit.is_error;
	}
	return 0;
}

int compel_peek(pid_t tid, unsigned long addr, void *buf, size_t len)
{
	struct iovec local = { .iov_base = buf, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)addr, .iov_len = len };
	ssize_t got = process_vm_readv(tid, &local, 1, &remote, 1, 0);

	if (got < 0)
		return -errno;
	return (size_t)got == len ? 0 : -EFAULT;
}

int compel_poke(pid_t tid, unsigned long addr, const void *buf, size_t len)
{
	char path[64];
	ssize_t put;
	int fd, err = 0;

	snprintf(path, sizeof(path), "/proc/%d/mem", tid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	put = pwrite(fd, buf, len, (off_t)addr);
	if (put < 0)
		err = errno == EIO ? -EFAULT : -errno;
	else if ((size_t)put != len)
		err = -EFAULT;
	close(fd);
	return err;
}
