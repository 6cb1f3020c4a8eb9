# SPDX-License-Identifier: GPL-2.0
"""Scenarios of --fam-dir: memory of a pool used again, pools that are full, moved, foreign or damaged, checksums."""
import os
import shutil
import signal
import subprocess
import time

from . import proc
from .kills import settled
from .scenarios import expect, failed, forget


def checkpoints(s, folder="checkpoints"):
    return sorted(os.listdir(os.path.join(s.pool, folder)))


def memory(path):
    """Bytes that the pool's files take."""
    return sum(os.stat(os.path.join(where, f)).st_blocks * 512 for where, _, files in os.walk(path) for f in files)


def page_file(s):
    found = checkpoints(s)
    expect(len(found) == 1, f"the pool has {len(found)} checkpoints")
    return os.path.join(s.pool, "checkpoints", found[0], "pages")


def pool_needed(program="rich"):
    """For scenarios that dump into a pool."""
    def decorate(scenario):
        def with_pool(s, before):
            s.pool, s.in_pool = s.make_pool(), True
            scenario(s, before)
        with_pool.__name__ = "pool_" + scenario.__name__
        with_pool.__doc__ = scenario.__doc__
        with_pool.program = program
        return with_pool
    return decorate


@pool_needed("mem_anon")
def used_again(s, before):
    """Dumps into the same directory take the memory of the one before: the pool doesn't grow."""
    images = s.images("images-1")
    for n in range(4):
        s.check_dumped(s.dump(images), before)
        expect(len(checkpoints(s)) == 1, f"after dump {n} the pool has {checkpoints(s)}")
        if not n:
            first = memory(s.pool)
        expect(memory(s.pool) <= first * 1.1, f"the pool has grown from {first} to {memory(s.pool)} bytes")
        s.check_restored(s.restore(images), before)


@pool_needed("mem_large")
def full(s, before):
    """A pool that is too small: an error before anything is copied, the task runs on; into a larger one it works."""
    large, s.pool = s.pool, os.path.join(s.work, "pool", "small")
    os.mkdir(s.pool, 0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64M,mode=700", "tmpfs", s.pool], check=True)
    try:
        failed(s, s.dump(s.images("images-1")), "the dump into a full pool")
        expect(s.log_has(r"Error \(.*(No space|full)"), "the error doesn't tell that there is no room")
        s.compare(before, "the dump into a full pool")
        expect(not checkpoints(s) and not checkpoints(s, "new"), "the failed dump left something in the pool")
    finally:
        subprocess.run(["umount", s.pool], check=True)
    os.rmdir(s.pool)
    s.pool = large
    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    s.check_restored(s.restore(images), before)


@pool_needed()
def leave_running(s, before):
    images = s.images("images-1")
    expect(s.dump(images, extra=["-R"]) == 0, "the dump failed")
    s.compare(before, "the dump")
    forget(s, before)
    s.check_restored(s.restore(images), before)


@pool_needed("mem_large")
def killed_dump(s, before):
    """criu is killed while it fills a checkpoint: the tasks run on, and the next dump has the pool as it was."""
    images = s.images("images-1")
    s.last_log = os.path.join(images, "dump.log")
    pid = s.reaper.spawn([s.criu] + s.dump_argv(images, False), s.work, s.criu_out, s.env)
    end = time.monotonic() + s.timeout
    while not os.path.isdir(os.path.join(s.pool, "new")) or not checkpoints(s, "new"):
        expect(time.monotonic() < end and s.reaper.wait(pid, 0.0005) is None, "the dump was over too early")
    os.kill(pid, signal.SIGKILL)
    expect(s.reaper.wait(pid, 5) == -signal.SIGKILL, "criu wasn't killed")
    if settled(s, before) == "gone":
        raise proc.Failure("the killed dump ended the task")
    expect(not os.path.exists(os.path.join(images, "inventory.img")), "the killed dump left an inventory.img")
    images = s.images("images-2")
    s.check_dumped(s.dump(images), before)
    expect(len(checkpoints(s)) == 1 and not checkpoints(s, "new"), "the killed dump's checkpoint is there")
    s.check_restored(s.restore(images), before)


@pool_needed("mem_zero_pages")
def zero_pages(s, before):
    """Pages that were written with zeros take no room."""
    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    expect(s.log_has(r" (12[89]|1[3-9]\d|\d{4,}) zero ones left out"), "the zero pages were stored")
    s.check_restored(s.restore(images), before)


@pool_needed()
def verify(s, before):
    """--fam-verify: a byte that has changed in the pool is found before anything is made."""
    images = s.images("images-1")
    s.check_dumped(s.dump(images, extra=["--fam-verify"]), before)
    with open(page_file(s), "r+b") as f:
        f.seek(-1, os.SEEK_END)
        while not f.read(1).strip(b"\0"):
            f.seek(-2, os.SEEK_CUR)
        at = f.tell() - 1
        old = os.pread(f.fileno(), 1, at)
        os.pwrite(f.fileno(), bytes([old[0] ^ 0x10]), at)
        failed(s, s.restore(images, extra=["--fam-verify"]), "the restore of a changed page")
        expect(s.log_has(r"Error \(.*another checksum"), "the error doesn't tell of the checksum")
        os.pwrite(f.fileno(), old, at)
    s.check_restored(s.restore(images, extra=["--fam-verify"]), before)
    s.check_dumped(s.dump(images), before)
    failed(s, s.restore(images, extra=["--fam-verify"]), "verifying without checksums")
    expect(s.log_has(r"Error \(.*no checksums"), "the error doesn't tell that there are no checksums")
    s.check_restored(s.restore(images), before)


@pool_needed()
def elsewhere(s, before):
    """A pool that is gone, another one's, and one that has moved; a checkpoint that is cut or gone."""
    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    home, moved = s.pool, os.path.join(s.work, "pool-moved")
    os.rename(home, moved)

    def must_fail(what, text, extra=()):
        failed(s, s.restore(images, extra=extra), what)
        expect(s.log_has(rf"Error \(.*{text}"), f"{what}: the error doesn't say {text!r}")

    must_fail("the restore without its pool", "Can't open the pool .*/pool: No such file")
    s.make_pool()
    must_fail("the restore from no pool", "isn't a pool")
    subprocess.run([s.criu, "fam", "init", "--size", "2M", home], check=True, stdout=subprocess.DEVNULL)
    must_fail("the restore from another pool", "isn't the one that the set was dumped into")
    shutil.rmtree(home)
    s.pool = moved
    pages = page_file(s)
    size = os.path.getsize(pages)
    with open(pages, "rb") as f:
        content = f.read()
    os.truncate(pages, size - 4096)
    must_fail("the restore from a cut checkpoint", "damaged", ["--fam-dir", moved])
    with open(pages, "r+b") as f:
        f.write(content)
    s.check_restored(s.restore(images, extra=["--fam-dir", moved]), before)
    s.check_dumped(s.dump(images), before)
    checkpoint, aside = os.path.dirname(page_file(s)), os.path.join(s.work, "images-checkpoint")
    os.rename(checkpoint, aside)
    must_fail("the restore without its checkpoint", "has no checkpoint", ["--fam-dir", moved])
    os.rename(aside, checkpoint)
    s.check_restored(s.restore(images, extra=["--fam-dir", moved]), before)
    shutil.rmtree(moved)


@pool_needed()
def or_files(s, before):
    """A set in a pool is followed by one in files in the same directory, and the other way round: nothing stays."""
    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    s.check_restored(s.restore(images), before)
    s.in_pool = False
    s.check_dumped(s.dump(images), before)
    expect(not os.path.exists(os.path.join(images, "fam.img")), "fam.img of the old set is there")
    s.check_restored(s.restore(images), before)
    s.in_pool = True
    s.check_dumped(s.dump(images), before)
    expect(not [f for f in os.listdir(images) if f.startswith("pages-")], "pages of the old set are there")
    s.check_restored(s.restore(images), before)


@pool_needed()
def options(s, before):
    """--fam-threads, --capture inject and --use-pmem beside a pool."""
    s.pool = "pool"  # relative to where criu is started
    for n, (extra, told) in enumerate(((["--fam-threads", "3"], r", 3 threads\)"), (["--use-pmem"], r"\(0 by the tasks"),
                                       (["--capture", "inject"], r"\([1-9]\d* by the tasks"),
                                       (["--capture", "inject", "--fam-verify"], r"\([1-9]\d* by the tasks"))):
        images = s.images(f"images-{n}")
        s.check_dumped(s.dump(images, extra=extra), before)
        expect(s.log_has(r"Pool .* pages stored.*" + told), f"the log of a dump with {extra} doesn't tell of {told}")
        s.check_restored(s.restore(images, extra=extra if "--capture" not in extra else extra[2:]), before)


# Which reach what restored tasks read themselves: private files, huge pages, AIO rings, shared pages.
ON_HUGETLBFS = ("rich", "mem_file_private", "mem_aio", "mem_cow_tree", "mem_fork_cow", "mem_shared_anon", "memfd", "sysv_shm",
                "mem_prot_none", "mem_thp_advised")


def on_hugetlbfs(program):
    """A pool that is memory, but no file that pages can be read from."""
    def scenario(s, before):
        s.pool, s.in_pool = s.make_pool(), True
        subprocess.run(["mount", "-t", "hugetlbfs", "-o", "pagesize=2M,mode=700", "hugetlbfs", s.pool], check=True)
        try:
            subprocess.run([s.criu, "fam", "init", "--size", "64M", s.pool], check=True, stdout=subprocess.DEVNULL)
            for n in (1, 2):
                images = s.images(f"images-{n}")
                s.check_dumped(s.dump(images, extra=["--fam-verify"]), before)
                s.check_restored(s.restore(images, extra=["--fam-verify"]), before)
            s.check_dumped(s.dump(images), before)
            s.check_restored(s.restore(images, env={"CRIU_KERNEL_UFFD": "0"}), before)
        finally:
            subprocess.run(["umount", s.pool], check=True)
    scenario.__name__ = f"pool_on_hugetlbfs_{program}"
    scenario.program = program
    scenario.huge_pages = 48  # of 2 MiB
    return scenario


SCENARIOS = {f.__name__: f for f in (used_again, full, leave_running, killed_dump, zero_pages, verify, elsewhere, or_files,
                                     options, *map(on_hugetlbfs, ON_HUGETLBFS))}
