/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The probes that the table of kernel/kernel.c names, each: 0, or -errno where the kernel can't. They leave nothing
 * behind: what would stay is tried in a child, and in namespaces of its own.
 */
#ifndef CRIU_KERNEL_PROBES_H
#define CRIU_KERNEL_PROBES_H

#include <sys/types.h>

/* Runs FN in a child: what it returns. */
int probe_in_child(int (*fn)(void));
/* Runs FN on a stopped, seized child (with ptrace OPTIONS) that ran PREPARE first, if given. */
int probe_tracee(int (*prepare)(void), unsigned long options, int (*fn)(pid_t pid));
/* Has the small file a line that begins so? 0, -ENOENT or another -errno. */
int probe_file_line(const char *path, const char *start);

int probe_mnt_id(void);
int probe_timerfd(void);
int probe_fdinfo_lock(void);
int probe_autofs(void);
int probe_openat2(void);
int probe_move_mount_set_group(void);
int probe_overlayfs_maps(void);
int probe_apparmor_stacking(void);
int probe_has_ipt_legacy(void);
int probe_loginuid(void);
int probe_ns_pid(void);
int probe_cgroupns(void);
int probe_userns(void);
int probe_timens(void);
int probe_mem_dirty_track(void);
int probe_aio_remap(void);
int probe_uffd(void);
int probe_uffd_noncoop(void);
int probe_can_map_vdso(void);
int probe_pagemap_scan(void);
int probe_pagemap_scan_guard_pages(void);
int probe_memfd(void);
int probe_memfd_hugetlb(void);
int probe_madv_populate(void);
int probe_process_vm_readv(void);
int probe_map_files(void);
int probe_prctl_mm_map(void);
int probe_seccomp_suspend(void);
int probe_seccomp_filters(void);
int probe_clone3_set_tid(void);
int probe_get_rseq_conf(void);
int probe_breakpoints(void);
int probe_pidfd_getfd(void);
int probe_kcmp(void);
int probe_kcmp_epoll(void);
int probe_timer_cr_ids(void);
int probe_ptrace_peeksiginfo(void);
int probe_tun(void);
int probe_tun_ns(void);
int probe_tcp_half_closed(void);
int probe_sk_ns(void);
int probe_sk_unix_file(void);
int probe_net_diag_raw(void);
int probe_nsid(void);
int probe_link_nsid(void);
int probe_newifindex(void);
int probe_nftables(void);
int probe_sockopt_buf_lock(void);
int probe_ipv6_freebind(void);

#endif
