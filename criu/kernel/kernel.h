/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the running kernel can do. One table of probes (kernel/kernel.c) serves `criu check`, its --feature and the
 * code that has two ways. Each feature can be switched off by the environment: CRIU_KERNEL_NAME=0, NAME in capitals
 * and '_' for '-'. Documentation/howto/add-a-probe.md.
 */
#ifndef CRIU_KERNEL_KERNEL_H
#define CRIU_KERNEL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

struct log; /* base/log.h */

/* In the order of the table. */
enum kernel_feature {
	KERNEL_MNT_ID,
	KERNEL_MEM_DIRTY_TRACK,
	KERNEL_AIO_REMAP,
	KERNEL_TIMERFD,
	KERNEL_TUN,
	KERNEL_TUN_NS,
	KERNEL_USERNS,
	KERNEL_FDINFO_LOCK,
	KERNEL_SECCOMP_SUSPEND,
	KERNEL_SECCOMP_FILTERS,
	KERNEL_LOGINUID,
	KERNEL_CGROUPNS,
	KERNEL_AUTOFS,
	KERNEL_TCP_HALF_CLOSED,
	KERNEL_COMPAT_CR,
	KERNEL_UFFD,
	KERNEL_UFFD_NONCOOP,
	KERNEL_CAN_MAP_VDSO,
	KERNEL_SK_NS,
	KERNEL_SK_UNIX_FILE,
	KERNEL_NET_DIAG_RAW,
	KERNEL_NSID,
	KERNEL_LINK_NSID,
	KERNEL_KCMP_EPOLL,
	KERNEL_TIMENS,
	KERNEL_EXTERNAL_NET_NS,
	KERNEL_CLONE3_SET_TID,
	KERNEL_NEWIFINDEX,
	KERNEL_NFTABLES,
	KERNEL_HAS_IPT_LEGACY,
	KERNEL_PIDFD_STORE,
	KERNEL_NS_PID,
	KERNEL_APPARMOR_STACKING,
	KERNEL_NETWORK_LOCK_NFTABLES,
	KERNEL_SOCKOPT_BUF_LOCK,
	KERNEL_MEMFD_HUGETLB,
	KERNEL_MOVE_MOUNT_SET_GROUP,
	KERNEL_OPENAT2,
	KERNEL_GET_RSEQ_CONF,
	KERNEL_IPV6_FREEBIND,
	KERNEL_PAGEMAP_SCAN,
	KERNEL_TIMER_CR_IDS,
	KERNEL_OVERLAYFS_MAPS,
	KERNEL_BREAKPOINTS,
	KERNEL_PAGEMAP_SCAN_GUARD_PAGES,
	/* not among CRIU's names */
	KERNEL_KCMP,
	KERNEL_MAP_FILES,
	KERNEL_MEMFD,
	KERNEL_PIDFD_GETFD,
	KERNEL_PROCESS_VM_READV,
	KERNEL_PTRACE_PEEKSIGINFO,
	KERNEL_PRCTL_MM_MAP,
	KERNEL_MADV_POPULATE,
	KERNEL_FEATURES,
};

/* Who misses it where it isn't. */
enum kernel_need {
	NEED_ALWAYS,	   /* every dump or restore */
	NEED_EXTRA,	   /* trees that hold certain resources */
	NEED_EXPERIMENTAL, /* what is new or seldom */
};

struct kernel_probe {
	const char *name;   /* as `criu check --feature` takes it */
	int (*probe)(void); /* tries it: 0, or -errno where it isn't there; NULL: see LATER */
	enum kernel_need need;
	const char *later; /* why the kernel's answer is of no use yet; the feature counts as missing */
};

extern const struct kernel_probe kernel_probes[KERNEL_FEATURES];

/* Results, each found when it is first asked for. Any thread may ask. */
struct kernel;

/* 0 or -ENOMEM; free with kernel_free(). Nothing is probed yet. */
int kernel_new(struct kernel **ret);
void kernel_free(struct kernel **kernel);
/* Probes fork short-lived children; the answer is kept. */
bool kernel_has(struct kernel *kernel, enum kernel_feature feature);
/* The same with the reason: 0; -errno of what was tried; -ECANCELED: switched off; -EOPNOTSUPP for LATER. */
int kernel_ask(struct kernel *kernel, enum kernel_feature feature);
/* Writes what was asked for, and the answers, to LOG: "Kernel features asked: pagemap_scan yes, uffd off". */
void kernel_log(const struct kernel *kernel, struct log *log);
/* The feature of that name: its number, or -ENOENT. */
int kernel_find(const char *name);

static inline void kernel_freep(struct kernel **kernel)
{
	kernel_free(kernel);
}
#define _cleanup_kernel_ __attribute__((cleanup(kernel_freep)))

#endif
