/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/kernel.h"

#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "kernel/probes.h"

#define UNKNOWN 1

struct kernel {
	atomic_int results[KERNEL_FEATURES]; /* 0, -errno or UNKNOWN */
};

/* clang-format off */
const struct kernel_probe kernel_probes[KERNEL_FEATURES] = {
	[KERNEL_MNT_ID] = { "mnt_id", probe_mnt_id, NEED_ALWAYS },
	[KERNEL_MEM_DIRTY_TRACK] = { "mem_dirty_track", probe_mem_dirty_track, NEED_EXTRA },
	[KERNEL_AIO_REMAP] = { "aio_remap", probe_aio_remap, NEED_EXTRA },
	[KERNEL_TIMERFD] = { "timerfd", probe_timerfd, NEED_EXTRA },
	[KERNEL_TUN] = { "tun", probe_tun, NEED_EXTRA },
	[KERNEL_TUN_NS] = { "tun_ns", probe_tun_ns, NEED_EXTRA },
	[KERNEL_USERNS] = { "userns", probe_userns, NEED_EXTRA },
	[KERNEL_FDINFO_LOCK] = { "fdinfo_lock", probe_fdinfo_lock, NEED_EXTRA },
	[KERNEL_SECCOMP_SUSPEND] = { "seccomp_suspend", probe_seccomp_suspend, NEED_EXTRA },
	[KERNEL_SECCOMP_FILTERS] = { "seccomp_filters", probe_seccomp_filters, NEED_EXTRA },
	[KERNEL_LOGINUID] = { "loginuid", probe_loginuid, NEED_EXTRA },
	[KERNEL_CGROUPNS] = { "cgroupns", probe_cgroupns, NEED_EXTRA },
	[KERNEL_AUTOFS] = { "autofs", probe_autofs, NEED_EXPERIMENTAL },
	[KERNEL_TCP_HALF_CLOSED] = { "tcp_half_closed", probe_tcp_half_closed, NEED_EXTRA },
	[KERNEL_COMPAT_CR] = { "compat_cr", NULL, NEED_EXPERIMENTAL, "32-bit tasks aren't supported yet" },
	[KERNEL_UFFD] = { "uffd", probe_uffd, NEED_EXTRA },
	[KERNEL_UFFD_NONCOOP] = { "uffd-noncoop", probe_uffd_noncoop, NEED_EXTRA },
	[KERNEL_CAN_MAP_VDSO] = { "can_map_vdso", probe_can_map_vdso, NEED_EXTRA },
	[KERNEL_SK_NS] = { "sk_ns", probe_sk_ns, NEED_EXTRA },
	[KERNEL_SK_UNIX_FILE] = { "sk_unix_file", probe_sk_unix_file, NEED_EXTRA },
	[KERNEL_NET_DIAG_RAW] = { "net_diag_raw", probe_net_diag_raw, NEED_EXTRA },
	[KERNEL_NSID] = { "nsid", probe_nsid, NEED_EXTRA },
	[KERNEL_LINK_NSID] = { "link_nsid", probe_link_nsid, NEED_EXTRA },
	[KERNEL_KCMP_EPOLL] = { "kcmp_epoll", probe_kcmp_epoll, NEED_ALWAYS },
	[KERNEL_TIMENS] = { "timens", probe_timens, NEED_EXTRA },
	[KERNEL_EXTERNAL_NET_NS] = { "external_net_ns", NULL, NEED_EXPERIMENTAL,
				     "network namespaces aren't supported yet" },
	[KERNEL_CLONE3_SET_TID] = { "clone3_set_tid", probe_clone3_set_tid, NEED_ALWAYS },
	[KERNEL_NEWIFINDEX] = { "newifindex", probe_newifindex, NEED_EXTRA },
	[KERNEL_NFTABLES] = { "nftables", probe_nftables, NEED_EXTRA },
	[KERNEL_HAS_IPT_LEGACY] = { "has_ipt_legacy", probe_has_ipt_legacy, NEED_EXPERIMENTAL },
	[KERNEL_PIDFD_STORE] = { "pidfd_store", probe_pidfd_getfd, NEED_EXTRA },
	[KERNEL_NS_PID] = { "ns_pid", probe_ns_pid, NEED_ALWAYS },
	[KERNEL_APPARMOR_STACKING] = { "apparmor_stacking", probe_apparmor_stacking, NEED_EXPERIMENTAL },
	[KERNEL_NETWORK_LOCK_NFTABLES] = { "network_lock_nftables", NULL, NEED_EXPERIMENTAL,
					   "network locking isn't supported yet" },
	[KERNEL_SOCKOPT_BUF_LOCK] = { "sockopt_buf_lock", probe_sockopt_buf_lock, NEED_EXTRA },
	[KERNEL_MEMFD_HUGETLB] = { "memfd_hugetlb", probe_memfd_hugetlb, NEED_EXTRA },
	[KERNEL_MOVE_MOUNT_SET_GROUP] = { "move_mount_set_group", probe_move_mount_set_group, NEED_EXTRA },
	[KERNEL_OPENAT2] = { "openat2", probe_openat2, NEED_EXTRA },
	[KERNEL_GET_RSEQ_CONF] = { "get_rseq_conf", probe_get_rseq_conf, NEED_EXTRA },
	[KERNEL_IPV6_FREEBIND] = { "ipv6_freebind", probe_ipv6_freebind, NEED_EXTRA },
	[KERNEL_PAGEMAP_SCAN] = { "pagemap_scan", probe_pagemap_scan, NEED_EXTRA },
	[KERNEL_TIMER_CR_IDS] = { "timer_cr_ids", probe_timer_cr_ids, NEED_EXTRA },
	[KERNEL_OVERLAYFS_MAPS] = { "overlayfs_maps", probe_overlayfs_maps, NEED_EXTRA },
	[KERNEL_BREAKPOINTS] = { "breakpoints", probe_breakpoints, NEED_EXTRA },
	[KERNEL_PAGEMAP_SCAN_GUARD_PAGES] = { "pagemap_scan_guard_pages", probe_pagemap_scan_guard_pages, NEED_EXTRA },
	[KERNEL_KCMP] = { "kcmp", probe_kcmp, NEED_ALWAYS },
	[KERNEL_MAP_FILES] = { "map_files", probe_map_files, NEED_ALWAYS },
	[KERNEL_MEMFD] = { "memfd", probe_memfd, NEED_ALWAYS },
	[KERNEL_PIDFD_GETFD] = { "pidfd_getfd", probe_pidfd_getfd, NEED_ALWAYS },
	[KERNEL_PROCESS_VM_READV] = { "process_vm_readv", probe_process_vm_readv, NEED_ALWAYS },
	[KERNEL_PTRACE_PEEKSIGINFO] = { "ptrace_peeksiginfo", probe_ptrace_peeksiginfo, NEED_ALWAYS },
	[KERNEL_PRCTL_MM_MAP] = { "prctl_mm_map", probe_prctl_mm_map, NEED_ALWAYS },
	[KERNEL_MADV_POPULATE] = { "madv_populate", probe_madv_populate, NEED_EXTRA },
};
/* clang-format on */

int kernel_new(struct kernel **ret)
{
	struct kernel *kernel = malloc(sizeof(*kernel));

	if (!kernel)
		return -ENOMEM;
	for (size_t i = 0; i < KERNEL_FEATURES; i++)
		atomic_init(&kernel->results[i], UNKNOWN);
	*ret = kernel;
	return 0;
}

void kernel_free(struct kernel **kernel)
{
	free(*kernel);
	*kernel = NULL;
}

static bool switched_off(const char *name)
{
	char variable[64];
	const char *value;
	size_t len = snprintf(variable, sizeof(variable), "CRIU_KERNEL_%s", name);

	for (size_t i = 0; i < len; i++)
		variable[i] = variable[i] == '-' ? '_' : (char)toupper((unsigned char)variable[i]);
	value = getenv(variable);
	return value && !strcmp(value, "0");
}

int kernel_ask(struct kernel *kernel, enum kernel_feature feature)
{
	const struct kernel_probe *probe = &kernel_probes[feature];
	int result = atomic_load(&kernel->results[feature]);

	if (result != UNKNOWN)
		return result;
	if (probe->later)
		result = -EOPNOTSUPP;
	else if (switched_off(probe->name))
		result = -ECANCELED;
	else
		result = probe->probe();
	atomic_store(&kernel->results[feature], result);
	return result;
}

bool kernel_has(struct kernel *kernel, enum kernel_feature feature)
{
	return !kernel_ask(kernel, feature);
}

void kernel_log(const struct kernel *kernel, struct log *log)
{
	char text[1024] = "none";
	size_t len = 0;

	for (int i = 0; i < KERNEL_FEATURES; i++) {
		int result = atomic_load(&kernel->results[i]);

		if (result != UNKNOWN && len < sizeof(text))
			len += snprintf(text + len, sizeof(text) - len, "%s%s %s", len ? ", " : "",
					kernel_probes[i].name,
					!result		       ? "yes"
					: result == -ECANCELED ? "off"
							       : "no");
	}
	log_debug(log, "Kernel features asked: %s", text);
}

int kernel_find(const char *name)
{
	for (int i = 0; i < KERNEL_FEATURES; i++)
		if (!strcmp(kernel_probes[i].name, name))
			return i;
	return -ENOENT;
}
