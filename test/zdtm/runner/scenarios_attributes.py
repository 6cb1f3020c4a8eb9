# SPDX-License-Identifier: GPL-2.0
"""What criu was started with isn't what the tasks get."""
import contextlib
import ctypes
import os

# prctl(2), and x86-64's numbers of system calls.
PR_SET_TIMERSLACK, PR_GET_TIMERSLACK, PR_MCE_KILL, PR_MCE_KILL_SET = 29, 30, 33, 1
PR_SET_THP_DISABLE, PR_GET_THP_DISABLE = 41, 42
MCE_EARLY, MCE_DEFAULT = 1, 2
SYS_PERSONALITY, SYS_SET_MEMPOLICY, SYS_IOPRIO_SET = 135, 238, 251
ADDR_COMPAT_LAYOUT, MPOL_DEFAULT, MPOL_BIND, NODES = 0x0200000, 0, 2, 1024
FILTER = "/proc/self/coredump_filter"

libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def other_attributes():
    """This thread, and so what it starts, has attributes that no task of the tests has."""
    node0 = (ctypes.c_ulong * (NODES // 64))(1)
    slack = libc.prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0)
    cpus = os.sched_getaffinity(0)
    thp = libc.prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0)
    persona = libc.syscall(SYS_PERSONALITY, 0xffffffff)
    with open(FILTER, encoding="ascii") as f:
        filter_before = f.read().strip()

    def put(new_slack, prio, kill, new_persona, mode, new_filter, new_cpus, new_thp):
        os.sched_setaffinity(0, new_cpus)
        libc.prctl(PR_SET_THP_DISABLE, new_thp, 0, 0, 0)
        libc.prctl(PR_SET_TIMERSLACK, new_slack, 0, 0, 0)
        libc.syscall(SYS_IOPRIO_SET, 1, 0, prio)
        libc.prctl(PR_MCE_KILL, PR_MCE_KILL_SET, kill, 0, 0)
        libc.syscall(SYS_PERSONALITY, new_persona)
        libc.syscall(SYS_SET_MEMPOLICY, mode, node0 if mode else None, NODES)
        with open(FILTER, "w", encoding="ascii") as out:
            out.write("0x" + new_filter)

    try:
        put(777, 3 << 13, MCE_EARLY, persona | ADDR_COMPAT_LAYOUT, MPOL_BIND, "1", {min(cpus)}, 1)
        yield
    finally:
        put(slack, 0, MCE_DEFAULT, persona, MPOL_DEFAULT, filter_before, cpus, thp)


def attributes_default(s, before):
    """A criu with other attributes dumps and restores: the tasks keep theirs."""
    images = s.images("images-1")
    with other_attributes():
        s.check_dumped(s.dump(images), before)
        s.check_restored(s.restore(images), before)


attributes_default.program = "attributes_default"

SCENARIOS = {f.__name__: f for f in (attributes_default,)}
