# SPDX-License-Identifier: LGPL-2.1
"""One row per image kind. Raw kinds (pages, tables of the network tools, archives) have no header and no row."""

from dataclasses import dataclass
from typing import Any

from . import payload
from . import (
    apparmor_pb2,
    attributes_pb2,
    autofs_pb2,
    binfmt_misc_pb2,
    bpfmap_data_pb2,
    bpfmap_file_pb2,
    cgroup_pb2,
    core_pb2,
    cpuinfo_pb2,
    creds_pb2,
    eventfd_pb2,
    eventpoll_pb2,
    ext_file_pb2,
    fam_pb2,
    fdinfo_pb2,
    fh_pb2,
    fifo_pb2,
    file_lock_pb2,
    fs_pb2,
    fsnotify_pb2,
    ghost_file_pb2,
    inventory_pb2,
    ipc_msg_pb2,
    ipc_sem_pb2,
    ipc_shm_pb2,
    ipc_var_pb2,
    memfd_pb2,
    mm_extra_pb2,
    mm_pb2,
    mnt_pb2,
    netdev_pb2,
    ns_pb2,
    packet_sock_pb2,
    pagemap_pb2,
    pidfd_pb2,
    pidns_pb2,
    pipe_data_pb2,
    pipe_pb2,
    pstree_pb2,
    regfile_pb2,
    remap_file_path_pb2,
    rlimit_pb2,
    sa_pb2,
    seccomp_pb2,
    siginfo_pb2,
    signalfd_pb2,
    sk_extra_pb2,
    sk_inet_pb2,
    sk_netlink_pb2,
    sk_packet_pb2,
    sk_unix_pb2,
    stats_pb2,
    tcp_stream_pb2,
    timens_pb2,
    timer_pb2,
    timerfd_pb2,
    timerfd_time_pb2,
    tty_pb2,
    tun_pb2,
    userns_pb2,
    utsns_pb2,
    vma_pb2,
)

# The word before the kind's own.
COMMON = 0x54564319
SERVICE = 0x55105940
PLAIN = None


@dataclass(frozen=True)
class Kind:
    """How files of one kind are marked and filled."""

    name: str
    magic: int
    message: Any
    framing: int | None = COMMON
    head: Any = None  # the first entry's message, where it differs
    payload: Any = None  # what follows an entry


# Two kinds may have one magic: what a file of them is called tells them apart, and the first stands for both.
_ROWS = (
    Kind("INVENTORY", 0x58313116, inventory_pb2.inventory_entry, framing=PLAIN),
    Kind("FDINFO", 0x56213732, fdinfo_pb2.fdinfo_entry),
    Kind("PAGEMAP", 0x56084025, pagemap_pb2.pagemap_entry, head=pagemap_pb2.pagemap_head),
    Kind("SHMEM_PAGEMAP", 0x56084025, pagemap_pb2.pagemap_entry, head=pagemap_pb2.pagemap_head),
    Kind("REG_FILES", 0x50363636, regfile_pb2.reg_file_entry),
    Kind("EXT_FILES", 0x59255641, ext_file_pb2.ext_file_entry),
    Kind("NS_FILES", 0x61394011, ns_pb2.ns_file_entry),
    Kind("EVENTFD_FILE", 0x44523722, eventfd_pb2.eventfd_file_entry),
    Kind("EVENTPOLL_FILE", 0x45023858, eventpoll_pb2.eventpoll_file_entry),
    Kind("EVENTPOLL_TFD", 0x44433746, eventpoll_pb2.eventpoll_tfd_entry),
    Kind("SIGNALFD", 0x57323820, signalfd_pb2.signalfd_entry),
    Kind("INOTIFY_FILE", 0x48424431, fsnotify_pb2.inotify_file_entry),
    Kind("INOTIFY_WD", 0x54562009, fsnotify_pb2.inotify_wd_entry),
    Kind("FANOTIFY_FILE", 0x55096122, fsnotify_pb2.fanotify_file_entry),
    Kind("FANOTIFY_MARK", 0x56506035, fsnotify_pb2.fanotify_mark_entry),
    Kind("CORE", 0x55053847, core_pb2.core_entry),
    Kind("IDS", 0x54432030, core_pb2.task_kobj_ids_entry),
    Kind("MM", 0x57492820, mm_pb2.mm_entry),
    Kind("VMAS", 0x54123737, vma_pb2.vma_entry),
    Kind("PIPES", 0x56513555, pipe_pb2.pipe_entry),
    Kind("PIPES_DATA", 0x56453709, pipe_data_pb2.pipe_data_entry, payload=payload.Bytes("bytes")),
    Kind("FIFO", 0x58364939, fifo_pb2.fifo_entry),
    Kind("FIFO_DATA", 0x59333054, pipe_data_pb2.pipe_data_entry, payload=payload.Bytes("bytes")),
    Kind("PSTREE", 0x50273030, pstree_pb2.pstree_entry),
    Kind("SIGACT", 0x55344201, sa_pb2.sa_entry),
    Kind("UNIXSK", 0x54373943, sk_unix_pb2.unix_sk_entry),
    Kind("INETSK", 0x56443851, sk_inet_pb2.inet_sk_entry),
    Kind("PACKETSK", 0x60454618, packet_sock_pb2.packet_sock_entry),
    Kind("NETLINK_SK", 0x58005614, sk_netlink_pb2.netlink_sk_entry),
    Kind("SK_QUEUES", 0x56264026, sk_packet_pb2.sk_packet_entry, payload=payload.Bytes("length")),
    Kind("ITIMERS", 0x57464056, timer_pb2.itimer_entry),
    Kind("POSIX_TIMERS", 0x52603957, timer_pb2.posix_timer_entry),
    Kind("CREDS", 0x54023547, creds_pb2.creds_entry),
    Kind("UTSNS", 0x54473203, utsns_pb2.utsns_entry),
    Kind("IPC_VAR", 0x53115007, ipc_var_pb2.ipc_var_entry),
    Kind("IPCNS_SHM", 0x46283044, ipc_shm_pb2.ipc_shm_entry, payload=payload.SharedMemory()),
    Kind("IPCNS_MSG", 0x55453737, ipc_msg_pb2.ipc_msg_entry, payload=payload.MessageQueue()),
    Kind("IPCNS_SEM", 0x59573019, ipc_sem_pb2.ipc_sem_entry, payload=payload.Semaphores()),
    Kind("FS", 0x51403912, fs_pb2.fs_entry),
    Kind("REMAP_FPATH", 0x59133954, remap_file_path_pb2.remap_file_path_entry),
    Kind("GHOST_FILE", 0x52583605, ghost_file_pb2.ghost_file_entry, payload=payload.GhostFile()),
    Kind("MEMFD_INODE", 0x48453499, memfd_pb2.memfd_inode_entry),
    Kind("TCP_STREAM", 0x51465506, tcp_stream_pb2.tcp_stream_entry, payload=payload.TcpQueues()),
    Kind("MNTS", 0x55563928, mnt_pb2.mnt_entry),
    Kind("NETDEV", 0x57373951, netdev_pb2.net_device_entry),
    Kind("NETNS", 0x55933752, netdev_pb2.netns_entry),
    Kind("AUTOFS", 0x49353943, autofs_pb2.autofs_entry),
    Kind("BINFMT_MISC_OLD", 0x67343323, binfmt_misc_pb2.binfmt_misc_entry),
    Kind("BINFMT_MISC", 0x67343323, binfmt_misc_pb2.binfmt_misc_entry),
    Kind("TTY_FILES", 0x59433025, tty_pb2.tty_file_entry),
    Kind("TTY_INFO", 0x59453036, tty_pb2.tty_info_entry),
    Kind("TTY_DATA", 0x59413026, tty_pb2.tty_data_entry),
    Kind("FILE_LOCKS", 0x54323616, file_lock_pb2.file_lock_entry),
    Kind("RLIMIT", 0x57113925, rlimit_pb2.rlimit_entry),
    Kind("SIGNAL", 0x59255647, siginfo_pb2.signal_queue_entry),
    Kind("PSIGNAL", 0x59255647, siginfo_pb2.signal_queue_entry),
    Kind("TUNFILE", 0x57143751, tun_pb2.tunfile_entry),
    Kind("CGROUP", 0x59383330, cgroup_pb2.cgroup_entry),
    Kind("TIMERFD", 0x50493712, timerfd_pb2.timerfd_entry),
    Kind("CPUINFO", 0x61404013, cpuinfo_pb2.cpuinfo_entry),
    Kind("SECCOMP", 0x64413049, seccomp_pb2.seccomp_entry),
    Kind("USERNS", 0x55474906, userns_pb2.userns_entry),
    Kind("FILES", 0x56303138, fdinfo_pb2.file_entry),
    Kind("TIMENS", 0x43114433, timens_pb2.timens_entry),
    Kind("PIDNS", 0x61157326, pidns_pb2.pidns_entry),
    Kind("BPFMAP_FILE", 0x57506142, bpfmap_file_pb2.bpfmap_file_entry),
    Kind(
        "BPFMAP_DATA",
        0x64324033,
        bpfmap_data_pb2.bpfmap_data_entry,
        payload=payload.Bytes("keys_bytes", "values_bytes"),
    ),
    Kind("APPARMOR", 0x59423047, apparmor_pb2.apparmor_entry),
    Kind("PIDFD", 0x54435556, pidfd_pb2.pidfd_entry),
    Kind("STATS", 0x57093306, stats_pb2.stats_entry, framing=SERVICE),
    Kind("IRMAP_CACHE", 0x57004059, fh_pb2.irmap_cache_entry, framing=SERVICE),
    Kind("ATTRIBUTES", 0x50414346, attributes_pb2.attributes_entry),
    Kind("FAM", 0x46414D50, fam_pb2.fam_entry),
    Kind("MM_EXTRA", 0x4D4D4558, mm_extra_pb2.mm_extra_entry),
    Kind("SK_EXTRA", 0x50414B53, sk_extra_pb2.sk_extra_entry),
    Kind("TIMERFD_TIME", 0x54464454, timerfd_time_pb2.timerfd_time_entry),
)

KINDS = {kind.name: kind for kind in _ROWS}
BY_MAGIC = {kind.magic: kind for kind in reversed(_ROWS)}
