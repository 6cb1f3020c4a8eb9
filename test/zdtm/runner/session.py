# SPDX-License-Identifier: GPL-2.0
"""One running test program: started, dumped, restored, told to go on, judged."""
import glob
import os
import re
import shutil
import signal
import time

from . import flavour, snapshot
from .proc import Failure, Reaper, describe, only_these_left


def tail(path, lines=25):
    """The end of a text file, for a failure's report."""
    try:
        with open(path, errors="replace") as f:
            return "".join("    " + line for line in f.readlines()[-lines:])
    except OSError as e:
        return f"    ({e.strerror})\n"


class Session:
    """Whether --use-pmem is given is told per call; MODE "fam", "fam-lazy": every set has its pages in a pool."""

    def __init__(self, test, work, criu, timeout, reaper=None, env=None, mode="files"):
        self.test, self.work, self.criu, self.timeout = test, work, criu, timeout
        self.reaper = reaper or Reaper()
        self.env = dict(os.environ if env is None else env)
        # A restored task's standard error is the program's: sanitizers have files of their own.
        self.sanitizer = os.path.join(work, "sanitizer")
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            self.env[name] = f"{self.env.get(name, '')}:log_path={self.sanitizer}:print_stacktrace=1".lstrip(":")
        self.out = os.path.join(work, test.name + ".out")
        self.criu_out = os.path.join(work, "criu.out")
        self.root = None
        self.last_log = None
        self.pool = self.make_pool() if mode.startswith("fam") else None
        self.in_pool = bool(self.pool)  # that is where dumps go
        self.lazy = mode == "fam-lazy"
        self.given = None  # what the program inherited, until it is started
        self.times = []

    def make_pool(self):
        pool = os.path.join(self.work, "pool")
        os.makedirs(pool, 0o700, exist_ok=True)
        return pool

    # The program.

    def start(self):
        give = self.surroundings()
        self.root = self.reaper.spawn([self.test.binary], self.work, self.out, give=give, env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C", "TEST": self.test.name})
        self.given = None
        ready = os.path.join(self.work, self.test.name + ".ready")
        end = time.monotonic() + self.timeout
        while not os.path.exists(ready):
            self.reaper.poll()
            if self.root in self.reaper.ended:
                return self.reaper.ended[self.root]
            if time.monotonic() > end:
                raise Failure("the program isn't ready")
            time.sleep(0.003)
        return None

    def surroundings(self):
        """What the test's flavour asks for; the descriptors to pass to the program."""
        if "shell-job" in self.test.words("flavour"):
            self.reaper.shell = flavour.Shell()
            self.reaper.helpers.add(self.reaper.shell.pid)
        if "outside-pair" in self.test.words("flavour"):
            pid, sock = flavour.echo_partner()
            self.reaper.helpers.add(pid)
            self.given = sock
            return {9: sock.fileno()}
        return None

    def may_wait_soon(self):
        """Does the program still block the signal that it waits for? On a busy machine that can last."""
        status = snapshot.status(f"/proc/{self.root}/status", ("SigCgt", "SigBlk"))
        both = int(status.get("SigCgt", "0"), 16) & int(status.get("SigBlk", "0"), 16)
        return both >> (signal.SIGTERM - 1) & 1

    def steady(self):
        """The tree seen from outside, once it looks the same twice."""
        last = None
        for nr in range(100):
            time.sleep(0.01)
            now = snapshot.take(self.root)
            if nr < 30 and self.may_wait_soon():
                continue
            if last is not None and not snapshot.differences(last, now, self.test.ignore()):
                return now
            last = now
        raise Failure("the state isn't steady:\n" + "\n".join(
            "    " + d for d in snapshot.differences(last, snapshot.take(self.root), self.test.ignore())))

    def go(self):
        with open(os.path.join(self.work, self.test.name + ".go"), "w"):
            pass
        if not self.has_ended():
            # Only to those that wait for it: the default action would end the others.
            status = snapshot.status(f"/proc/{self.root}/status", ("SigCgt",))
            if int(status.get("SigCgt", "0"), 16) >> (signal.SIGTERM - 1) & 1:
                os.kill(self.root, signal.SIGTERM)

    def has_ended(self):
        self.reaper.poll()
        return self.root in self.reaper.ended

    def finish(self):
        """The verdict of the program: ("PASS" | "FAIL" | "SKIP", text)."""
        code = self.reaper.wait(self.root, self.timeout)
        with open(self.out, errors="replace") as f:
            lines = f.read().splitlines()
        if code is None:
            return "FAIL", "it doesn't end: " + describe(self.root)
        if code == 77 and lines and lines[-1].startswith("SKIP"):
            return "SKIP", lines[-1][5:]
        if code != 0:
            return "FAIL", f"it ended with {code}"
        if any(line.startswith("FAIL") for line in lines) or not lines or lines[-1] != "PASS":
            return "FAIL", "its output isn't a PASS"
        left = only_these_left(self.reaper, ())
        if left:
            return "FAIL", "it left processes behind: " + ", ".join(left)
        return "PASS", ""

    # criu.

    def criu_run(self, argv, env=None):
        began = time.monotonic()
        code = self.reaper.run([self.criu] + argv, self.work, self.criu_out, self.timeout,
                               dict(self.env, **(env or {})))
        self.times.append((argv[0], round(time.monotonic() - began, 4)))
        return code

    def dump_argv(self, images, pmem, extra=()):
        return (["dump", "-t", str(self.root), "-D", images, "-o", "dump.log", "-v4"]
                + (["--use-pmem"] if pmem else []) + (["--fam-dir", self.pool] if self.in_pool else [])
                + self.test.options("dump") + list(extra))

    def restore_argv(self, images, pmem, extra=()):
        if os.path.exists(self.pidfile()):
            os.unlink(self.pidfile())  # criu creates it, and nothing else
        return (["restore", "-D", images, "-d", "-o", "restore.log", "-v4", "--pidfile", self.pidfile()]
                + (["--use-pmem"] if pmem else []) + (["--fam-restore=lazy"] if self.lazy else [])
                + self.test.options("restore") + list(extra))

    def pidfile(self):
        return os.path.join(self.work, "restored.pid")

    def images(self, name):
        """A directory for a set; empty, or in a pool still with an older set, so that its memory is used again."""
        path = os.path.join(self.work, name)
        if not self.in_pool:
            shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path, exist_ok=True)
        return path

    def dump(self, images, pmem=False, extra=(), env=None):
        """Runs the dump; its exit code (None: it had to be killed)."""
        self.last_log = os.path.join(images, "dump.log")
        return self.criu_run(self.dump_argv(images, pmem, extra), env)

    def restore(self, images, pmem=False, extra=(), env=None):
        self.last_log = os.path.join(images, "restore.log")
        return self.criu_run(self.restore_argv(images, pmem, extra), env)

    def check_dumped(self, code, before):
        if code != 0:
            raise Failure(f"dump ended with {'a timeout' if code is None else code}")
        left = only_these_left(self.reaper, ())
        if left:
            raise Failure("after the dump these are left: " + ", ".join(left))
        self.reaper.ended.pop(self.root, None)

    def check_command(self, code):
        if code != 0:
            raise Failure(f"restore ended with {'a timeout' if code is None else code}")
        with open(self.pidfile()) as f:
            pid = f.read().strip()
        if pid != str(self.root):
            raise Failure(f"the pidfile says {pid!r}, not {self.root}")

    def check_restored(self, code, before):
        self.check_command(code)
        self.compare(before, "the restore")

    def compare(self, before, what):
        """The tree must look as BEFORE, and nothing else may be left."""
        left = only_these_left(self.reaper, set(map(int, before)))
        if left:
            raise Failure(f"{what} left processes behind: " + ", ".join(left))
        end = time.monotonic() + 5
        while True:
            diff = snapshot.differences(before, snapshot.take(self.root), self.test.ignore())
            if not diff:
                return
            if time.monotonic() > end:
                break
            time.sleep(0.01)
        raise Failure(f"{what} changed what one sees from outside (-: missing, +: new):\n"
                      + "\n".join("    " + d for d in diff))

    def complaints(self):
        """What sanitizers wrote (for a build with them), once. That a stack isn't the thread's first one is no complaint."""
        text = ""
        for path in sorted(glob.glob(self.sanitizer + ".*")):
            with open(path, errors="replace") as f:
                lines = f.readlines()
            if not any("ASan is ignoring requested __asan_handle_no_return" in line for line in lines[:1]) or len(lines) > 3:
                text += "".join(lines[:30])
            os.unlink(path)
        return text

    def features(self):
        """What the kernel was asked for by the last command, with the answers: {name: "yes" | "no" | "off"}."""
        try:
            with open(self.last_log, errors="replace") as f:
                found = re.search(r"Kernel features asked: (.*)", f.read())
        except OSError:
            return {}
        return dict(word.split() for word in found[1].split(", ") if " " in word) if found else {}

    def log_has(self, regex):
        try:
            with open(self.last_log, errors="replace") as f:
                return re.search(regex, f.read(), re.M | re.I) is not None
        except OSError:
            return False
