# SPDX-License-Identifier: GPL-2.0
"""Scenarios of tasks that store their pages into a pool themselves: when they do, and when others do it for them."""
import os
import re
import resource
import subprocess

from . import snapshot
from .scenarios import expect
from .scenarios_pool import pool_needed

# Pages of tmpfs become large ones by MADV_COLLAPSE only there: madvise(2).
CAN_COLLAPSE = tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) >= (6, 1)


def by_task(s, wanted):
    """Whether the log tells that tasks have stored pages is as it should be."""
    found = s.log_has(r"\([1-9]\d* by the tasks")
    expect(found == (wanted and CAN_COLLAPSE), f"pages were {'' if found else 'not '}stored by the task")


def make_pool(s):
    subprocess.run([s.criu, "fam", "init", "--size", "600M", s.pool], check=True, stdout=subprocess.DEVNULL)


@pool_needed("mem_large")
def by_task_itself(s, before):
    """Large pages in the pool, a task that is killed: it stores. One that runs on, or with checksums: others do."""
    make_pool(s)
    images = s.images("images-1")
    expect(s.dump(images, extra=["-R"]) == 0, "the dump failed")
    by_task(s, False)
    s.compare(before, "the dump")
    for extra, wanted in ((["--fam-verify"], False), (["--capture", "vmread"], False), ([], True)):
        s.check_dumped(s.dump(images, extra=extra), before)
        by_task(s, wanted)
        s.check_restored(s.restore(images), before)


@pool_needed("mem_large")
def by_task_no_longer(s, before):
    """A limit of CPU time lets others store; one of address space makes them go on where the task can't."""
    make_pool(s)
    images = s.images("images-1")
    size = int(snapshot.status(f"/proc/{s.root}/status", ("VmSize",))["VmSize"].split()[0]) << 10
    for limit, value in ((resource.RLIMIT_CPU, 10**6), (resource.RLIMIT_AS, size + (4 << 20))):
        old = resource.prlimit(s.root, limit)
        resource.prlimit(s.root, limit, (value, old[1]))
        before = s.steady()
        s.check_dumped(s.dump(images), before)
        by_task(s, False)
        refused = s.log_has(r"can't carry out command \d+ in task \d+: Cannot allocate memory")
        expect(refused == (limit == resource.RLIMIT_AS and CAN_COLLAPSE), "the task wasn't asked as it should be")
        s.check_restored(s.restore(images), before)
        resource.prlimit(s.root, limit, old)


SCENARIOS = {f.__name__: f for f in (by_task_itself, by_task_no_longer)}
