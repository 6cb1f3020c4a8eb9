# SPDX-License-Identifier: GPL-2.0
"""Dumps until the power goes, and what must be there when it is back.

Sets 0 to 3 are dumped to, again and again, and removed now and then. Each line "begin dump SET GENERATION" or "begin gone
SET" is followed by the same with "done" once that must survive. From these power.py knows what each set may be at the next
boot: STATE, {set: [the generations that it may be of; null: none]}."""
import json
import os
import random
import shutil
import signal
import time

from pool import BIN, Pool, Program, Steps, empty
from runner import proc, tests

WORK = "/dev/shm/fam-cut"
SETS = 4
PROGRAM = "generations"


class Cut(Steps):
    def __init__(self, a):
        super().__init__()
        self.a = a
        self.pool = Pool(a.pool, a.timeout)
        self.seen = {}  # set: its generation, None

    def images(self, k):
        return os.path.join(self.a.images, f"set-{k}")

    def is_whole(self, k):
        return os.path.exists(os.path.join(self.images(k), "inventory.img"))

    def program(self):
        source = os.path.join(tests.TOP, "test", "fam", "vm", PROGRAM + ".c")
        return Program(PROGRAM, empty(WORK), self.pool, self.a.timeout, os.path.join(BIN, "test/fam/vm", PROGRAM), source)

    # What the last cut left.

    def look(self, k, may):
        """Set K restores, to the last generation; or it isn't there, and nobody takes it for a set."""
        s = self.program()
        open(s.out, "w").close()
        whole = self.is_whole(k)
        if not whole and not os.path.exists(self.images(k)):
            code = None
        else:
            code = s.restore(self.images(k))
        if not whole:
            if None not in may:
                raise proc.Failure(f"set {k} should be of generation {may}, but has no inventory.img")
            if code is not None and code <= 0:
                raise proc.Failure(f"set {k} has no inventory.img, but its restore ended with {code}")
            self.seen[k] = None
            return
        s.explain(code)
        with open(s.pidfile()) as f:
            s.root = int(f.read())
        s.judge()
        with open(s.out) as f:
            self.seen[k] = int(f.read().split()[1])
        if self.seen[k] not in may:
            raise proc.Failure(f"set {k} is of generation {self.seen[k]}, not of {may}")

    def listed(self, states):
        """The pool's checkpoints and the whole sets are the same."""
        found = self.pool.list()["checkpoints"]
        committed = sorted(c["images_dir"] for c in found if c["state"] == "committed")
        whole = sorted(self.images(k) for k in range(SETS) if self.is_whole(k))
        if committed != whole:
            raise proc.Failure(f"committed in the pool: {committed}; sets: {whole}; all: {found}")
        if {c["state"] for c in found} - states:
            raise proc.Failure(f"only {sorted(states)} may be there: {found}")

    def check(self, state):
        self.step("verify", self.pool.verify)
        self.step("list", self.listed, {"committed", "incomplete", "orphan"})
        for k in range(SETS):
            self.step(f"set {k}", self.look, k, state.get(str(k), [None]))
        self.step("gc", self.pool.must, "gc", self.pool.path, "--orphans", "--grace", "0")
        self.step("list again", self.listed, {"committed"})
        self.step("verify again", self.pool.verify)

    # Then it goes on.

    def dumps(self, nr):
        rng = random.Random(self.a.seed)
        s = self.program()
        generation = self.a.seed * 1000
        with open(os.path.join(s.work, "generations.first"), "w") as f:
            f.write(str(generation))
        with open("/proc/sys/kernel/ns_last_pid", "w") as f:
            f.write("20000")  # so that its pid is free at the next boot
        s.begin()
        for _ in range(nr):
            k = rng.randrange(SETS)
            if rng.random() < 0.15 and self.is_whole(k):
                print(f"begin gone {k}", flush=True)
                self.remove(k)
                print(f"done gone {k}", flush=True)
                continue
            generation = self.next(s, generation)
            images = self.images(k)
            os.makedirs(images, exist_ok=True)
            print(f"begin dump {k} {generation}", flush=True)
            s.explain(s.dump(images, extra=["-R"]))
            print(f"done dump {k} {generation}", flush=True)

    def next(self, s, generation):
        os.kill(s.root, signal.SIGUSR1)
        end = time.monotonic() + self.a.timeout
        while time.monotonic() < end:
            with open(f"/proc/{s.root}/comm") as f:
                if f.read() == f"gen {generation + 1}\n":
                    return generation + 1
            time.sleep(0.002)
        raise proc.Failure("the program doesn't change")

    def remove(self, k):
        """As a container engine does; only that the inventory goes first, or half a set would be left."""
        os.unlink(os.path.join(self.images(k), "inventory.img"))
        sync(self.images(k))
        shutil.rmtree(self.images(k))
        sync(self.a.images)
        self.pool.must("gc", self.pool.path, "--orphans", "--grace", "0")


def sync(folder):
    fd = os.open(folder, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def main(a):
    cut = Cut(a)
    with open(a.state) as f:
        state = json.load(f)
    try:
        if state:
            cut.check(state)
        else:
            cut.step("init", cut.pool.init, a.size)
        print("sets: " + " ".join(str(cut.seen.get(k)) for k in range(SETS)), flush=True)
        bad = cut.end()
        if not bad:
            cut.dumps(a.dumps)
        return bad
    except proc.Failure as e:
        print(f"FAIL dumps\n  {e}", flush=True)
        return 1
    finally:
        proc.kill_all(proc.Reaper())
        shutil.rmtree(WORK, ignore_errors=True)
