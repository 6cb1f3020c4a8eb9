# SPDX-License-Identifier: GPL-2.0
"""Two machines, one pool: what one dumps the other restores; one writes at a time.

A file in SHARE tells that a step is done. Programs' directories go there as archives, as a file server would have them."""
import os
import signal
import subprocess
import time

from pool import CRIU, Pool, Program, Steps, empty
from runner import proc

PLACE = "/dev/shm/fam-hosts"  # the same on both
PROGRAMS = ("plain", "rich", "mem_anon")
LARGE = "mem_large"  # its dump takes a while


class Host(Steps):
    def __init__(self, a, name):
        super().__init__()
        self.a, self.name = a, name
        os.environ["CRIU_FAM_HOST"] = name
        self.pool = Pool(a.pool, a.timeout)
        with open("/proc/sys/kernel/ns_last_pid", "w") as f:
            f.write("1000" if name == "one" else "2000")  # so that the pids are free where criu is started

    def tell(self, word):
        with open(os.path.join(self.a.share, word), "w"):
            pass

    def wait(self, word):
        end = time.monotonic() + self.a.timeout
        while not os.path.exists(os.path.join(self.a.share, word)):
            if time.monotonic() > end or os.path.exists(os.path.join(self.a.share, "broken")):
                raise proc.Failure(f"the other machine doesn't come to {word!r}")
            time.sleep(0.1)

    def tar(self, how, name):
        subprocess.run(["tar", "-C", PLACE, *how, os.path.join(self.a.share, f"{name}.tar"), name], check=True)

    def lend(self, name):
        """Dumps a program into the pool, for the other one."""
        s = Program(name, empty(os.path.join(PLACE, name)), self.pool, self.a.timeout)
        s.fam_dump(os.path.join(s.work, "images"), s.begin())
        with open(os.path.join(s.work, "root"), "w") as f:
            f.write(str(s.root))
        self.tar(["-cSf"], name)
        self.tell(f"{name} {self.name}")

    def borrow(self, name, other):
        """Restores what the other one dumped."""
        self.wait(f"{name} {other}")
        os.makedirs(PLACE, exist_ok=True)
        self.tar(["-xSpf"], name)
        s = Program(name, os.path.join(PLACE, name), self.pool, self.a.timeout)
        with open(os.path.join(s.work, "root")) as f:
            s.root = int(f.read())
        s.explain(s.restore(os.path.join(s.work, "images")))
        s.judge()

    def hold(self):
        """Begins a dump and stops it while it has the lease."""
        s = Program(LARGE, empty(os.path.join(PLACE, LARGE)), self.pool, self.a.timeout)
        s.begin()
        images = s.images("images")
        s.last_log = os.path.join(images, "dump.log")
        pid = s.reaper.spawn([CRIU, *s.dump_argv(images, False)], s.work, s.criu_out, s.env)
        end = time.monotonic() + self.a.timeout
        while pid not in s.reaper.ended and time.monotonic() < end:
            if s.log_has("Phase: pages"):
                for p in proc.all_pids():
                    if p != s.root:
                        os.kill(p, signal.SIGSTOP)
                if not s.log_has("Phase: cure"):
                    self.pool.refused("in use", "gc", self.pool.path, "--timeout", "1")
                    return
            time.sleep(0.002)
            s.reaper.poll()
        raise proc.Failure("the dump ended before it could be stopped")

    def keeps_out(self):
        """While the other one writes, or seems to: no writing, by name; reading goes on."""
        self.wait("held")
        self.pool.refused("one", "gc", self.pool.path, "--timeout", "1")
        s = Program("plain", empty(os.path.join(PLACE, "refused")), self.pool, self.a.timeout)
        before = s.begin()
        images = s.images("images")
        code = s.dump(images, extra=["--timeout", "2"])
        if not code or code < 0 or not s.log_has(r"Error \(.*\bone\b"):
            raise proc.Failure(f"the dump beside another host's ended with {code}")
        s.compare(before, "the refused dump")
        s.judge()
        self.pool.must("list", self.pool.path)

    def takes_over(self):
        """The other one is dead. Who knows that may say so."""
        self.wait("dead")
        self.pool.refused("--force", "gc", self.pool.path, "--timeout", "1")
        self.pool.must("gc", self.pool.path, "--force")
        self.pool.must("gc", self.pool.path)
        self.pool.verify()
        states = {c["state"] for c in self.pool.list()["checkpoints"]}
        if "incomplete" in states:
            raise proc.Failure(f"in the pool are still checkpoints that are {states}")


def first(a):
    host = Host(a, "one")
    host.step("one: init", host.pool.init)
    for name in PROGRAMS:
        host.step(f"one: dump {name}", host.lend, name)
    host.step("one: restore sessions", host.borrow, "sessions", "two")
    if host.step("one: hold", host.hold):
        host.tell("held")
    if host.end():
        host.tell("broken")
        return 1
    time.sleep(a.timeout)  # until the power is cut
    return 1


def second(a):
    host = Host(a, "two")
    for name in PROGRAMS:
        host.step(f"two: restore {name}", host.borrow, name, "one")
    host.step("two: dump sessions", host.lend, "sessions")
    host.step("two: kept out", host.keeps_out)
    print("two: now cut the other one's power", flush=True)
    host.step("two: takes over", host.takes_over)
    host.step("two: dump mem_anon", host.lend, "mem_anon")
    host.step("two: restore mem_anon", host.borrow, "mem_anon", "two")
    proc.kill_all(proc.Reaper())
    return host.end()
