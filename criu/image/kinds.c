/* SPDX-License-Identifier: GPL-2.0 */
/* One row per image kind: everything that the store knows about it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "image/image.h"

#include "apparmor.pb-c.h"
#include "attributes.pb-c.h"
#include "autofs.pb-c.h"
#include "binfmt-misc.pb-c.h"
#include "bpfmap-data.pb-c.h"
#include "bpfmap-file.pb-c.h"
#include "cgroup.pb-c.h"
#include "core.pb-c.h"
#include "cpuinfo.pb-c.h"
#include "creds.pb-c.h"
#include "eventfd.pb-c.h"
#include "eventpoll.pb-c.h"
#include "ext-file.pb-c.h"
#include "fam.pb-c.h"
#include "fdinfo.pb-c.h"
#include "fh.pb-c.h"
#include "fifo.pb-c.h"
#include "file-lock.pb-c.h"
#include "fs.pb-c.h"
#include "fsnotify.pb-c.h"
#include "ghost-file.pb-c.h"
#include "inventory.pb-c.h"
#include "ipc-msg.pb-c.h"
#include "ipc-sem.pb-c.h"
#include "ipc-shm.pb-c.h"
#include "ipc-var.pb-c.h"
#include "memfd.pb-c.h"
#include "mm-extra.pb-c.h"
#include "mm.pb-c.h"
#include "mnt.pb-c.h"
#include "netdev.pb-c.h"
#include "ns.pb-c.h"
#include "packet-sock.pb-c.h"
#include "pagemap.pb-c.h"
#include "pidfd.pb-c.h"
#include "pidns.pb-c.h"
#include "pipe.pb-c.h"
#include "pipe-data.pb-c.h"
#include "pstree.pb-c.h"
#include "regfile.pb-c.h"
#include "remap-file-path.pb-c.h"
#include "rlimit.pb-c.h"
#include "sa.pb-c.h"
#include "seccomp.pb-c.h"
#include "siginfo.pb-c.h"
#include "signalfd.pb-c.h"
#include "sk-extra.pb-c.h"
#include "sk-inet.pb-c.h"
#include "sk-netlink.pb-c.h"
#include "sk-packet.pb-c.h"
#include "sk-unix.pb-c.h"
#include "stats.pb-c.h"
#include "tcp-stream.pb-c.h"
#include "timens.pb-c.h"
#include "timer.pb-c.h"
#include "timerfd-time.pb-c.h"
#include "timerfd.pb-c.h"
#include "tty.pb-c.h"
#include "tun.pb-c.h"
#include "userns.pb-c.h"
#include "utsns.pb-c.h"
#include "vma.pb-c.h"

/* clang-format off */
/* Most kinds: the common header, entries of one message. */
#define ROW(kind_, pattern_, magic_, flags_, message_)                                  \
	[IMG_##kind_] = { .kind = #kind_, .pattern = pattern_, .magic = magic_,         \
		.framing = IMAGE_COMMON, .flags = flags_, .message = &message_##__descriptor }
#define RAW_ROW(kind_, pattern_)                                                        \
	[IMG_##kind_] = { .kind = #kind_, .pattern = pattern_, .framing = IMAGE_RAW, .flags = IMAGE_OPTIONAL }

static const struct image_kind_info kinds[IMG_KINDS] = {
	[IMG_INVENTORY] = { .kind = "INVENTORY", .pattern = "inventory.img", .magic = 0x58313116, .framing = IMAGE_PLAIN,
		.message = &inventory_entry__descriptor },
	ROW(FDINFO, "fdinfo-%lu.img", 0x56213732, 0, fdinfo_entry),
	[IMG_PAGEMAP] = { .kind = "PAGEMAP", .pattern = "pagemap-%lu.img", .magic = 0x56084025,
		.framing = IMAGE_COMMON, .message = &pagemap_entry__descriptor, .head = &pagemap_head__descriptor },
	[IMG_SHMEM_PAGEMAP] = { .kind = "SHMEM_PAGEMAP", .pattern = "pagemap-shmem-%lu.img", .magic = 0x56084025,
		.framing = IMAGE_COMMON, .flags = IMAGE_OPTIONAL,
		.message = &pagemap_entry__descriptor, .head = &pagemap_head__descriptor },
	ROW(REG_FILES, "reg-files.img", 0x50363636, IMAGE_OPTIONAL, reg_file_entry),
	ROW(EXT_FILES, "ext-files.img", 0x59255641, IMAGE_OPTIONAL, ext_file_entry),
	ROW(NS_FILES, "ns-files.img", 0x61394011, IMAGE_OPTIONAL, ns_file_entry),
	ROW(EVENTFD_FILE, "eventfd.img", 0x44523722, IMAGE_OPTIONAL, eventfd_file_entry),
	ROW(EVENTPOLL_FILE, "eventpoll.img", 0x45023858, IMAGE_OPTIONAL, eventpoll_file_entry),
	ROW(EVENTPOLL_TFD, "eventpoll-tfd.img", 0x44433746, IMAGE_OPTIONAL, eventpoll_tfd_entry),
	ROW(SIGNALFD, "signalfd.img", 0x57323820, IMAGE_OPTIONAL, signalfd_entry),
	ROW(INOTIFY_FILE, "inotify.img", 0x48424431, IMAGE_OPTIONAL, inotify_file_entry),
	ROW(INOTIFY_WD, "inotify-wd.img", 0x54562009, IMAGE_OPTIONAL, inotify_wd_entry),
	ROW(FANOTIFY_FILE, "fanotify.img", 0x55096122, IMAGE_OPTIONAL, fanotify_file_entry),
	ROW(FANOTIFY_MARK, "fanotify-mark.img", 0x56506035, IMAGE_OPTIONAL, fanotify_mark_entry),
	ROW(CORE, "core-%lu.img", 0x55053847, 0, core_entry),
	ROW(IDS, "ids-%lu.img", 0x54432030, 0, task_kobj_ids_entry),
	ROW(MM, "mm-%lu.img", 0x57492820, 0, mm_entry),
	ROW(VMAS, "vmas-%lu.img", 0x54123737, IMAGE_OLD, vma_entry),
	ROW(PIPES, "pipes.img", 0x56513555, IMAGE_OPTIONAL, pipe_entry),
	ROW(PIPES_DATA, "pipes-data.img", 0x56453709, IMAGE_OPTIONAL, pipe_data_entry),
	ROW(FIFO, "fifo.img", 0x58364939, IMAGE_OPTIONAL, fifo_entry),
	ROW(FIFO_DATA, "fifo-data.img", 0x59333054, IMAGE_OPTIONAL, pipe_data_entry),
	ROW(PSTREE, "pstree.img", 0x50273030, 0, pstree_entry),
	ROW(SIGACT, "sigacts-%lu.img", 0x55344201, IMAGE_OLD, sa_entry),
	ROW(UNIXSK, "unixsk.img", 0x54373943, IMAGE_OPTIONAL, unix_sk_entry),
	ROW(INETSK, "inetsk.img", 0x56443851, IMAGE_OPTIONAL, inet_sk_entry),
	ROW(PACKETSK, "packetsk.img", 0x60454618, IMAGE_OPTIONAL, packet_sock_entry),
	ROW(NETLINK_SK, "netlinksk.img", 0x58005614, IMAGE_OPTIONAL, netlink_sk_entry),
	ROW(SK_QUEUES, "sk-queues.img", 0x56264026, IMAGE_OPTIONAL, sk_packet_entry),
	ROW(ITIMERS, "itimers-%lu.img", 0x57464056, IMAGE_OLD, itimer_entry),
	ROW(POSIX_TIMERS, "posix-timers-%lu.img", 0x52603957, IMAGE_OLD, posix_timer_entry),
	ROW(CREDS, "creds-%lu.img", 0x54023547, IMAGE_OLD, creds_entry),
	ROW(UTSNS, "utsns-%lu.img", 0x54473203, IMAGE_OPTIONAL, utsns_entry),
	ROW(IPC_VAR, "ipcns-var-%lu.img", 0x53115007, IMAGE_OPTIONAL, ipc_var_entry),
	ROW(IPCNS_SHM, "ipcns-shm-%lu.img", 0x46283044, IMAGE_OPTIONAL, ipc_shm_entry),
	[IMG_IPCNS_MSG] = { .kind = "IPCNS_MSG", .pattern = "ipcns-msg-%lu.img", .magic = 0x55453737,
		.framing = IMAGE_COMMON, .flags = IMAGE_OPTIONAL,
		.message = &ipc_msg_entry__descriptor, .inner = &ipc_msg__descriptor },
	ROW(IPCNS_SEM, "ipcns-sem-%lu.img", 0x59573019, IMAGE_OPTIONAL, ipc_sem_entry),
	ROW(FS, "fs-%lu.img", 0x51403912, 0, fs_entry),
	ROW(REMAP_FPATH, "remap-fpath.img", 0x59133954, IMAGE_OPTIONAL, remap_file_path_entry),
	[IMG_GHOST_FILE] = { .kind = "GHOST_FILE", .pattern = "ghost-file-%lx.img", .magic = 0x52583605,
		.framing = IMAGE_COMMON, .flags = IMAGE_OPTIONAL,
		.message = &ghost_file_entry__descriptor, .inner = &ghost_chunk_entry__descriptor },
	ROW(MEMFD_INODE, "memfd.img", 0x48453499, IMAGE_OPTIONAL, memfd_inode_entry),
	ROW(TCP_STREAM, "tcp-stream-%lx.img", 0x51465506, IMAGE_OPTIONAL, tcp_stream_entry),
	ROW(MNTS, "mountpoints-%lu.img", 0x55563928, IMAGE_OPTIONAL, mnt_entry),
	ROW(NETDEV, "netdev-%lu.img", 0x57373951, IMAGE_OPTIONAL, net_device_entry),
	ROW(NETNS, "netns-%lu.img", 0x55933752, IMAGE_OPTIONAL, netns_entry),
	RAW_ROW(IFADDR, "ifaddr-%lu.img"),
	RAW_ROW(ROUTE, "route-%lu.img"),
	RAW_ROW(ROUTE6, "route6-%lu.img"),
	RAW_ROW(RULE, "rule-%lu.img"),
	RAW_ROW(IPTABLES, "iptables-%lu.img"),
	RAW_ROW(IP6TABLES, "ip6tables-%lu.img"),
	RAW_ROW(NFTABLES, "nftables-%lu.img"),
	RAW_ROW(TMPFS_IMG, "tmpfs-%lu.tar.gz.img"),
	RAW_ROW(TMPFS_DEV, "tmpfs-dev-%lu.tar.gz.img"),
	ROW(AUTOFS, "autofs-%lu.img", 0x49353943, IMAGE_OPTIONAL, autofs_entry),
	ROW(BINFMT_MISC_OLD, "binfmt-misc-%lu.img", 0x67343323, IMAGE_OLD, binfmt_misc_entry),
	ROW(BINFMT_MISC, "binfmt-misc.img", 0x67343323, IMAGE_OPTIONAL, binfmt_misc_entry),
	ROW(TTY_FILES, "tty.img", 0x59433025, IMAGE_OPTIONAL, tty_file_entry),
	ROW(TTY_INFO, "tty-info.img", 0x59453036, IMAGE_OPTIONAL, tty_info_entry),
	ROW(TTY_DATA, "tty-data.img", 0x59413026, IMAGE_OPTIONAL, tty_data_entry),
	ROW(FILE_LOCKS, "filelocks.img", 0x54323616, IMAGE_OPTIONAL, file_lock_entry),
	ROW(RLIMIT, "rlimit-%lu.img", 0x57113925, IMAGE_OLD, rlimit_entry),
	RAW_ROW(PAGES, "pages-%lu.img"),
	ROW(SIGNAL, "signal-s-%lu.img", 0x59255647, IMAGE_OLD, signal_queue_entry),
	ROW(PSIGNAL, "signal-p-%lu.img", 0x59255647, IMAGE_OLD, signal_queue_entry),
	ROW(TUNFILE, "tunfile.img", 0x57143751, IMAGE_OPTIONAL, tunfile_entry),
	ROW(CGROUP, "cgroup.img", 0x59383330, IMAGE_OPTIONAL, cgroup_entry),
	ROW(TIMERFD, "timerfd.img", 0x50493712, IMAGE_OPTIONAL, timerfd_entry),
	ROW(CPUINFO, "cpuinfo.img", 0x61404013, IMAGE_OPTIONAL, cpuinfo_entry),
	ROW(SECCOMP, "seccomp.img", 0x64413049, IMAGE_OPTIONAL, seccomp_entry),
	ROW(USERNS, "userns-%lu.img", 0x55474906, IMAGE_OPTIONAL, userns_entry),
	RAW_ROW(NETNF_CT, "netns-ct-%lu.img"),
	RAW_ROW(NETNF_EXP, "netns-exp-%lu.img"),
	ROW(FILES, "files.img", 0x56303138, 0, file_entry),
	ROW(TIMENS, "timens-%lu.img", 0x43114433, IMAGE_OPTIONAL, timens_entry),
	ROW(PIDNS, "pidns-%lu.img", 0x61157326, IMAGE_OPTIONAL, pidns_entry),
	ROW(BPFMAP_FILE, "bpfmap-file.img", 0x57506142, IMAGE_OPTIONAL, bpfmap_file_entry),
	ROW(BPFMAP_DATA, "bpfmap-data.img", 0x64324033, IMAGE_OPTIONAL, bpfmap_data_entry),
	ROW(APPARMOR, "apparmor.img", 0x59423047, IMAGE_OPTIONAL, apparmor_entry),
	ROW(PIDFD, "pidfd.img", 0x54435556, IMAGE_OPTIONAL, pidfd_entry),
	[IMG_STATS_DUMP] = { .kind = "STATS", .pattern = "stats-dump", .magic = 0x57093306, .framing = IMAGE_SERVICE,
		.flags = IMAGE_OPTIONAL, .message = &stats_entry__descriptor },
	[IMG_STATS_RESTORE] = { .kind = "STATS", .pattern = "stats-restore", .magic = 0x57093306, .framing = IMAGE_SERVICE,
		.flags = IMAGE_OPTIONAL, .message = &stats_entry__descriptor },
	[IMG_IRMAP_CACHE] = { .kind = "IRMAP_CACHE", .pattern = "irmap-cache", .magic = 0x57004059, .framing = IMAGE_SERVICE,
		.flags = IMAGE_OPTIONAL, .message = &irmap_cache_entry__descriptor },
	ROW(ATTRIBUTES, "attributes.img", 0x50414346, IMAGE_OPTIONAL, attributes_entry),
	ROW(FAM, "fam.img", 0x46414d50, IMAGE_OPTIONAL, fam_entry),
	ROW(MM_EXTRA, "mm-extra.img", 0x4d4d4558, IMAGE_OPTIONAL, mm_extra_entry),
	ROW(SK_EXTRA, "sk-extra.img", 0x50414b53, IMAGE_OPTIONAL, sk_extra_entry),
	ROW(TIMERFD_TIME, "timerfd-time.img", 0x54464454, IMAGE_OPTIONAL, timerfd_time_entry),
};
/* clang-format on */

const struct image_kind_info *image_kind_info(enum image_kind kind)
{
	return (unsigned int)kind < IMG_KINDS ? &kinds[kind] : NULL;
}

int image_name_ids(enum image_kind kind, char *buf, size_t size, struct image_ids ids)
{
	const struct image_kind_info *info = image_kind_info(kind);
	int len;

	if (!info || ids.nr != (strchr(info->pattern, '%') ? 1 : 0))
		return -EINVAL;
	len = snprintf(buf, size, info->pattern, ids.nr ? ids.v[1] : 0);
	return len >= 0 && (size_t)len < size ? 0 : -ENAMETOOLONG;
}
