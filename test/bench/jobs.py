# SPDX-License-Identifier: GPL-2.0
"""What is measured: the jobs, their bars, and how a job's rounds become rows."""

import os
import random
import signal
import socket
import statistics
import time
from dataclasses import dataclass, field

from report import make_row
from trees import Failed, Tree, WorkTree, build_program, wait_for

LABELS = {"pmem": "ours pmem", "huge": "ours huge", "file": "ours file", "fam": "ours pool"}
# Without it a lazy restore fills in the background what a measure of single faults needs missing.
NO_FILL = "CRIU_PAGER_FILL"


@dataclass
class Job:
    """Processes that hold memory. MIB: in each; COMMON: MiB that all share besides.

    BARS: (way, what) to ("M", times a memcpy of the job's bytes), ("ms", milliseconds) or ("x", times the median of the
    row (job, by, what)). WAYS: see trees.Tree.
    """

    name: str
    mib: int
    processes: int = 1
    threads: int = 1
    areas: int = 0
    common: int = 0
    bars: dict = field(default_factory=dict)
    ways: tuple = ("pmem", "huge", "file", "fam")
    restores: tuple = ("copy", "lazy")  # out of a pool

    def total_mib(self):
        return (self.mib + self.common) * self.processes

    def run(self, env):
        """Rounds of dump and restore by each contestant, the first one not counted: rows of the table."""
        trees, copies = [], []
        try:
            for label, criu, way in contestants(env, self.ways):
                trees.append((label, WorkTree(env, self, criu, way), {}))
            for number in range(env.rounds + 1):
                copies += [env.memcpy(self.total_mib())] if self.total_mib() <= 1024 else []
                for _, tree, taken in trees:
                    self.one_round(tree, taken if number else {})
            memcpy = statistics.median(copies) if copies else None
            return [row for tree in trees for row in self.rows(env, *tree, memcpy)]
        finally:
            for _, tree, _ in trees:
                tree.end()

    def one_round(self, tree, taken):
        for how in self.restores if tree.way == "fam" else ("restore",):
            taken.setdefault("dump", []).append(tree.dump())
            taken.setdefault("frozen", []).append(tree.frozen)
            more = ["--fam-restore", how] if tree.way == "fam" else []
            taken.setdefault(how, []).append(tree.restore(*more))

    def rows(self, env, label, tree, taken, memcpy):
        ours, rows = label != "peer", []
        for what, times in taken.items():
            if what == "frozen" and tree.way != "fam":
                continue
            bar = self.bars.get((tree.way, what)) if ours else None
            steps = None
            if ours and not env.quick and what in ("dump", "restore", "copy"):  # the restore of what the dump leaves
                steps = tree.where_time_goes("dump" if what == "dump" else "restore")
            rows.append(make_row(self.name, label, what, times, memcpy, bar, steps))
        return rows


def contestants(env, ways):
    """(label, binary, way) of each that does a job."""
    peer = [("peer", env.peer, "file")] if env.peer else []
    return [(LABELS[way], env.criu, way) for way in ways] + peer


class FaultTree(Tree):
    """One process of fault.c."""

    def __init__(self, env, criu, mib, awake, sleeping):
        self.program, self.numbers = build_program("fault"), (mib, awake, sleeping)
        super().__init__(env, criu, "fam", 2 * mib + 64)
        self.environ[NO_FILL] = "0"

    def start(self, env):
        self.spawn([self.program, self.ready, *map(str, self.numbers)])

    def measure(self):
        """{"awake": [seconds, ascending], "sleeping": …} after a lazy restore; pages are missing still."""
        self.command("restore", "-d", "--fam-restore", "lazy")
        self.alive = True
        result = self.ready + ".result"
        os.kill(self.pid, signal.SIGUSR1)
        wait_for(lambda: os.path.exists(result), 60, "the measured faults")
        with open(result, encoding="ascii") as f:
            lines = [line.split() for line in f]
        if any(line[0] == "wrong" for line in lines):
            raise Failed("a fault was answered with a wrong page")
        return {line[0]: [int(word) * 1e-9 for word in line[1:]] for line in lines}


@dataclass
class FaultJob:
    """Single faults of a lazily restored process."""

    name: str
    mib: int
    awake: int
    sleeping: int
    bars: dict = field(default_factory=dict)

    def run(self, env):
        tree = FaultTree(env, env.criu, self.mib, self.awake, self.sleeping)
        try:
            tree.dump()
            found = tree.measure()
        finally:
            tree.end()
        for how, times in found.items():
            if not times:
                raise Failed(f"no page was missing: {how}")
        return [make_row(self.name, LABELS["fam"], how, found[how], None, self.bars.get(how)) for how in found]


class RedisTree(Tree):
    """A Redis server with KEYS values of 4,000 bytes."""

    def __init__(self, env, criu, way, keys):
        self.keys = keys
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
        # 4,000 bytes are an allocation of 4 KiB, and each key has entries in tables: 5 KiB with room to spare.
        super().__init__(env, criu, way, 2 * (keys * 5 // 1024 + 64))

    def start(self, env):
        self.spawn(
            ["/usr/bin/redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly"]
            + ["no", "--enable-debug-command", "yes", "--dir", self.dir]
        )
        with self.connect() as sock:
            answer = ask(sock, f"DEBUG POPULATE {self.keys} key 4000", 120)
            if answer != b"OK":
                raise Failed(f"Redis can't be filled: {answer}")
        self.let_connections_go()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def is_ready(self):
        try:
            with self.connect() as sock:
                return ask(sock, "PING") == b"PONG"
        except OSError:
            return False

    def let_connections_go(self):
        """The server has closed its end, too: no connection is part of a dump."""
        wait_for(self.is_alone, 10, "the end of Redis's connections")

    def is_alone(self):
        port = f":{self.port:04X}"
        with open("/proc/net/tcp", encoding="ascii") as f:
            lines = [line.split() for line in f]
        # The local address and the state of proc_net_tcp: 0A listens, 06 waits after the end.
        return not any(line[1].endswith(port) and line[3] not in ("0A", "06") for line in lines[1:])

    def measure(self, gets, *more):
        """Seconds from the start of the restore: until PONG, and until GETS random keys were answered."""
        began = time.monotonic()
        self.command("restore", "-d", *more)
        self.alive = True
        wait_for(self.is_ready, 10, "PONG")
        pong = time.monotonic() - began
        choose = random.Random(self.keys)
        with self.connect() as sock:
            for key in (choose.randrange(self.keys) for _ in range(gets)):
                answer = ask(sock, f"GET key:{key}")
                if answer is None or not answer.startswith(b"value:%d" % key) or len(answer) != 4000:
                    raise Failed(f"key:{key} is {answer[:40] if answer else answer}")
        answered = time.monotonic() - began
        self.let_connections_go()
        self.settle()
        return pong, answered


def ask(sock, command, seconds=10):
    """One command of the Redis protocol: the answer, None for none. An error is an answer, too."""
    sock.settimeout(seconds)
    sock.sendall(command.encode() + b"\r\n")
    got = sock.recv(65536)
    while got and not is_whole(got):
        got += sock.recv(65536)
    head, _, rest = got.partition(b"\r\n")
    if head.startswith(b"$"):
        return rest[:-2] if head != b"$-1" else None
    return head[1:]


def is_whole(got):
    head, end, rest = got.partition(b"\r\n")
    if not end or not head.startswith(b"$") or head == b"$-1":
        return bool(end)
    return len(rest) >= int(head[1:]) + 2


@dataclass
class RedisJob:
    """A Redis server; the peer is the same binary with page files, and the other binary if there is one."""

    name: str
    keys: int
    gets: int = 2000
    bars: dict = field(default_factory=dict)

    def run(self, env):
        trees = []
        try:
            for label, criu, way in contestants(env, ("fam", "file")):
                trees.append((label, RedisTree(env, criu, way, self.keys), []))
            for number in range(env.rounds + 1):
                for _, tree, taken in trees:
                    tree.dump()
                    times = tree.measure(self.gets, *(["--fam-restore", "lazy"] if tree.way == "fam" else []))
                    if number:
                        taken.append(times)
        finally:
            for _, tree, _ in trees:
                tree.end()
        rows = []
        # The reference of a bar is a row before.
        for label, tree, taken in reversed(trees):
            for what, times in zip(("PONG", "GETs"), zip(*taken)):
                rows.append(make_row(self.name, label, what, times, None, self.bars.get((tree.way, what))))
        return rows


REDIS_FILE = {what: ("Redis, 1 GB", LABELS["file"], what) for what in ("PONG", "GETs")}
JOBS = (
    Job(
        "1 GiB",
        1024,
        bars={
            ("pmem", "dump"): ("M", 2.5),
            ("huge", "dump"): ("M", 2.5),
            ("pmem", "restore"): ("M", 3),
            ("huge", "restore"): ("M", 3),
            ("file", "restore"): ("M", 3),
            ("fam", "frozen"): ("M", 1.5),
            ("fam", "dump"): ("M", 2),
            ("fam", "copy"): ("M", 2),
            ("fam", "lazy"): ("M", 0.3),
        },
    ),
    Job(
        "16 MiB",
        16,
        bars={(way, what): ("ms", ms) for way in ("pmem", "huge") for what, ms in (("dump", 20), ("restore", 15))},
    ),
    Job("64 MiB", 64, ways=("fam",), restores=("lazy",)),
    Job(
        "4 GiB",
        4096,
        ways=("fam",),
        restores=("lazy",),
        bars={("fam", "lazy"): ("x", 1.3, ("64 MiB", LABELS["fam"], "lazy"))},
    ),
    Job(
        "64 x 16 MiB",
        16,
        processes=64,
        ways=("fam", "file"),
        bars={("fam", "dump"): ("M", 2.5), ("fam", "copy"): ("M", 2.5), ("fam", "lazy"): ("M", 2.5)},
    ),
    FaultJob("1 GiB, fault", 1024, 1000, 100, bars={"awake": ("ms", 0.01), "sleeping": ("ms", 0.1)}),
    RedisJob(
        "Redis, 1 GB",
        250_000,
        bars={("fam", "PONG"): ("x", 0.15, REDIS_FILE["PONG"]), ("fam", "GETs"): ("x", 0.4, REDIS_FILE["GETs"])},
    ),
    Job("64 processes", 1, processes=64),
    Job("100 threads", 1, threads=100),
    Job("1,000 VMAs", 1, areas=1000),
    Job("5 share 256 MiB", 1, processes=5, common=256),
)
QUICK = (
    Job("64 MiB", 64),
    Job("4 processes", 1, processes=4),
    Job("8 threads", 1, threads=8),
    Job("100 VMAs", 1, areas=100),
    Job("5 share 16 MiB", 1, processes=5, common=16),
    FaultJob("16 MiB, fault", 16, 20, 3),
    RedisJob("Redis, 20 MB", 5_000, gets=200),
)
