# SPDX-License-Identifier: GPL-2.0
"""Everything that is done with a pool, once, on the medium where it stands."""
import ctypes
import mmap
import os
import re
import shutil
import stat

from pool import Pool, Program, Steps, empty
from runner import proc, session

PROGRAMS = ("plain", "rich", "mem_anon", "mem_shared_anon")
MODES = ("copy", "lazy")
LARGE = "mem_anon"  # of which no pool has room for FULL_AT
FULL_AT = 30


class Suite(Steps):
    def __init__(self, a):
        super().__init__()
        self.a = a
        self.pool = Pool(a.pool, a.timeout)
        self.work = empty("/dev/shm/fam-suite")
        self.sets = empty(os.path.join(a.images, "fam-sets"))
        self.is_device = os.path.exists(a.pool) and stat.S_ISCHR(os.stat(a.pool).st_mode)

    def program(self, name):
        return Program(name, os.path.join(self.work, name), self.pool, self.a.timeout)

    def fresh(self, name):
        """A program that runs, in an empty work directory, and how it looks."""
        proc.kill_all(proc.Reaper())
        empty(os.path.join(self.work, name))
        s = self.program(name)
        return s, s.begin()

    # The steps.

    def init(self):
        self.pool.init(self.a.size)
        found = self.pool.list()
        if found["checkpoints"]:
            raise proc.Failure(f"a new pool holds {found['checkpoints']}")

    def rounds(self, name):
        """Dumped into the pool and restored, again and again in the same directory."""
        s, before = self.fresh(name)
        images = os.path.join(self.sets, name)
        for how in MODES if self.a.quick else MODES * 2:
            extra = ["--fam-verify"] if how == "copy" else []
            s.fam_dump(images, before, *extra)
            self.medium(s)
            s.fam_restore(images, before, f"--fam-restore={how}", *extra)
            self.pages_near(s)
        s.fam_dump(images, before)
        s.fam_restore(images, before)  # finds the pool by itself
        s.judge()

    def medium(self, s):
        """That the dump knew what it wrote to."""
        if self.a.pmem and (not s.log_has(rf"durable by: {self.a.pmem}$") or s.log_has("durable by: msync")):
            raise proc.Failure(f"its log doesn't say that all is flushed by {self.a.pmem}")
        if self.a.node is not None:
            nodes = set()
            for where, _, names in os.walk(self.pool.path):
                for name in names:
                    nodes |= nodes_of(os.path.join(where, name))
            if nodes != {self.a.node}:
                raise proc.Failure(f"the pool's pages are on nodes {sorted(nodes)}, not on {self.a.node} alone")

    def pages_near(self, s):
        """A restored task's own pages follow its memory policy, wherever the pool is."""
        if self.a.node is None:
            return
        with open(f"/proc/{s.root}/numa_maps") as f:
            for line in f:
                if re.search(rf" anon=.* N{self.a.node}=", line):
                    raise proc.Failure(f"the restored task has pages on the pool's node: {line}")

    def checked(self, nr, state="committed"):
        """All of it is sound, and NR checkpoints are there."""
        self.pool.verify()
        found = self.pool.list()["checkpoints"]
        if len(found) != nr or {c["state"] for c in found} - {state}:
            raise proc.Failure(f"not {nr} {state} checkpoints: {found}")

    def carried(self):
        """Exported: a set that needs no pool. Imported: back again."""
        s, before = self.fresh("plain")
        first, ordinary, again = (os.path.join(self.sets, n) for n in ("first", "ordinary", "again"))
        s.fam_dump(first, before)
        self.pool.must("export", self.pool.path, "-D", first, "--to", ordinary)
        if not os.path.exists(os.path.join(ordinary, "pages-1.img")):
            raise proc.Failure(f"the exported set: {sorted(os.listdir(ordinary))}")
        self.remove(first)
        s.explain(s.restore(ordinary))
        s.files_dump(s.images("files"), before)
        self.pool.must("import", self.pool.path, "-D", os.path.join(s.work, "files"), "--to", again)
        s.fam_restore(again, before)
        s.judge()

    def full(self):
        """A task that finds the pool full runs on, and what is stored stays."""
        had = self.pool.list()["checkpoints"]
        for n in range(FULL_AT):
            s, before = self.fresh(LARGE)
            images = empty(os.path.join(self.sets, f"full-{n}"))
            code = s.dump(images)
            if code != 0:
                break
        if not code or code < 0:
            raise proc.Failure(f"the last dump ended with {code}")
        if not s.log_has(r"Error \(.*(full|room|space)"):
            raise proc.Failure(f"it doesn't say what is wrong:\n{session.tail(s.last_log)}")
        if os.path.exists(os.path.join(images, "inventory.img")):
            raise proc.Failure("it left an inventory.img")
        s.compare(before, "the dump into a full pool")
        s.judge()
        self.pool.verify()
        for n in range(n):
            self.remove(os.path.join(self.sets, f"full-{n}"))
        if self.pool.list()["checkpoints"] != had:
            raise proc.Failure(f"the pool had {had}, and now {self.pool.list()['checkpoints']}")

    def remove(self, images):
        """Deletes a set like a container engine; the pool finds out."""
        shutil.rmtree(images)
        self.pool.must("gc", self.pool.path, "--orphans", "--grace", "0")

    def emptied(self):
        """By its checkpoints' ids and as orphans, until there are none."""
        found = self.pool.list()["checkpoints"]
        self.pool.must("rm", self.pool.path, found[0]["id"])
        for name in os.listdir(self.sets):
            shutil.rmtree(os.path.join(self.sets, name))
        self.pool.must("gc", self.pool.path, "--orphans")  # younger than the grace period
        self.checked(len(found) - 1, "orphan")
        self.pool.must("gc", self.pool.path, "--orphans", "--grace", "0")
        self.checked(0)

    def run(self):
        programs = PROGRAMS[:2] if self.a.quick else PROGRAMS
        if not self.step("init", self.init):
            return
        for name in programs:
            self.step(f"rounds {name}", self.rounds, name)
        self.step("verify", self.checked, len(programs))
        if not self.a.quick:
            self.step("export and import", self.carried)
        if self.a.no_full:
            self.skip("full", "the pool is larger than what runs here")
        else:
            self.step("full", self.full)
        self.step("remove", self.emptied)


def nodes_of(path):
    """The NUMA nodes of the pages of a file, those that are there."""
    size = os.stat(path).st_size & ~(mmap.PAGESIZE - 1)
    if not size:
        return set()
    found, fd = set(), os.open(path, os.O_RDWR)
    try:
        for start, end in data(fd, size):
            with mmap.mmap(fd, end - start, offset=start) as m:
                held = ctypes.c_char.from_buffer(m)
                at, nr = ctypes.addressof(held), (end - start) // mmap.PAGESIZE
                for page in range(nr):
                    m[page * mmap.PAGESIZE]  # pylint: disable=pointless-statement
                pages = (ctypes.c_void_p * nr)(*(at + n * mmap.PAGESIZE for n in range(nr)))
                status = (ctypes.c_int * nr)()
                if proc.LIBC.syscall(279, 0, ctypes.c_ulong(nr), pages, None, status, 0):  # move_pages(2)
                    raise proc.Failure(f"move_pages: {os.strerror(ctypes.get_errno())}")
                found |= set(status)
                del held
    finally:
        os.close(fd)
    return found


def data(fd, size):
    """The ranges that aren't holes."""
    at = 0
    while at < size:
        try:
            at = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            return
        end = os.lseek(fd, at, os.SEEK_HOLE)
        yield at & ~(mmap.PAGESIZE - 1), min(end, size)
        at = end


def main(a):
    suite = Suite(a)
    try:
        suite.run()
    finally:
        proc.kill_all(proc.Reaper())
        shutil.rmtree(suite.work, ignore_errors=True)
        shutil.rmtree(suite.sets, ignore_errors=True)
    return suite.end()

