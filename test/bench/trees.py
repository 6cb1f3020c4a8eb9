# SPDX-License-Identifier: GPL-2.0
"""Trees of processes that are dumped and restored by one criu binary, and what times the commands."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
LOG_TIME = re.compile(r"^\((\d+)\.(\d{6})\) (.*)")


class Failed(Exception):
    """A command or a check failed; the message says which."""


def build_program(name):
    """The path of a program of this directory, compiled when it is older than its source."""
    source = os.path.join(ROOT, "test", "bench", name + ".c")
    program = os.path.join(ROOT, os.environ.get("BUILD", "build"), "test", "bench", name)
    if not os.path.exists(program) or os.path.getmtime(program) < os.path.getmtime(source):
        os.makedirs(os.path.dirname(program), exist_ok=True)
        cc = os.environ.get("CC", "gcc")
        subprocess.run([cc, "-O2", "-Wall", "-D_GNU_SOURCE", "-o", program, source, "-lpthread"], check=True)
    return program


def timed(argv, output, environ):
    """The seconds and the status of a command; its output goes to the file OUTPUT."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, output, flags, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    start = time.monotonic()
    pid = os.posix_spawn(argv[0], argv, environ, file_actions=actions)
    try:
        _, status = os.waitpid(pid, 0)
    except BaseException:
        # We are to end: so is the command, which gives back what it has begun.
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
        raise
    return time.monotonic() - start, os.waitstatus_to_exitcode(status)


def wait_for(condition, seconds, what):
    """Polls until CONDITION() is true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(0.002)


def reap():
    """Collects every child that has ended: killed trees, whose processes became ours."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def criu_children():
    """Whether a criu that outlived its command is still our child: it frees killed tasks' memory, or is a pager."""
    with open("/proc/thread-self/children", encoding="ascii") as f:
        children = f.read().split()
    for pid in children:
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii", errors="replace") as f:
                if f.read().startswith("criu"):
                    return True
        except OSError:
            pass
    return False


def frozen_seconds(directory):
    """How long the tasks were stopped, by the stats-dump that a dump has written."""
    sys.path.insert(0, os.path.join(ROOT, "lib", "py"))
    try:
        from pycriu import images  # pylint: disable=import-outside-toplevel
    finally:
        sys.path.pop(0)
    with open(os.path.join(directory, "stats-dump"), "rb") as f:
        return images.load(f)["entries"][0]["dump"]["frozen_time"] * 1e-6


class Tree:
    """Processes, a criu binary and WAY, which says where it puts their pages:

    file    page files, written; pmem: mapped files of 4 KiB pages; huge: of 2 MiB pages
    fam     a pool in --fam-dir, allocated before the first dump
    """

    def __init__(self, env, criu, way, pool_mib=0):
        self.criu, self.way = criu, way
        self.environ = dict(os.environ, CRIU_PAGES_HUGE="1" if way == "huge" else "0")
        self.dir = tempfile.mkdtemp(prefix="criu-bench-", dir=env.dir)
        self.images = os.path.join(self.dir, "images")
        self.pool = os.path.join(self.dir, "pool")
        self.ready = os.path.join(self.dir, "ready")
        self.output = os.path.join(self.dir, "output")
        self.log, self.pid, self.alive = None, None, False
        self.freed = 0.0  # seconds from the end of the last dump until the killed tasks' memory was free
        self.frozen = 0.0  # seconds, in the last dump
        try:
            os.mkdir(self.images)
            if way == "fam":
                del self.environ["CRIU_PAGES_HUGE"]
                self.run([criu, "fam", "init", "--size", f"{pool_mib}M", self.pool])
            self.start(env)
        except BaseException:
            self.end()
            raise

    def start(self, env):
        """Starts the processes, by self.spawn(), and returns when they may be dumped."""
        raise NotImplementedError

    def spawn(self, argv, seconds=120):
        """Starts ARGV in a session of its own, and waits until it has made the file self.ready."""
        null = subprocess.DEVNULL
        task = subprocess.Popen(
            argv, stdin=null, stdout=null, stderr=null, start_new_session=True, cwd="/", close_fds=True
        )
        task.returncode = 0  # it is reaped here, not by subprocess
        self.pid, self.alive = task.pid, True
        wait_for(lambda: self.is_ready() or self.is_gone(), seconds, "the job's processes")
        if not self.is_ready():
            raise Failed("the job's processes ended")

    def is_ready(self):
        return os.path.exists(self.ready)

    def check(self):
        """After a restore: what is there must be right."""

    def run(self, argv):
        """A command that must end well; the seconds it took."""
        seconds, status = timed(argv, self.output, self.environ)
        if status:
            with open(self.output, encoding="utf-8", errors="replace") as f:
                said = f.read()
            if self.log and os.path.exists(self.log):
                with open(self.log, encoding="utf-8", errors="replace") as f:
                    said += "".join(line for line in f if line.startswith(("Error", "Warn")) or "Error (" in line)
            raise Failed(f"{' '.join(argv)}: status {status}\n{said[-2000:]}")
        return seconds

    def command(self, what, *more):
        """Runs criu; the seconds it took."""
        self.log = os.path.join(self.images, what + ".log")
        return self.run([self.criu, what, "-D", self.images, "-o", what + ".log", *more])

    def dump(self, *more):
        """Dumps the tree, which is gone then."""
        where = {"file": [], "fam": ["--fam-dir", self.pool]}.get(self.way, ["--use-pmem"])
        seconds = self.command("dump", "-t", str(self.pid), *where, *more)
        self.alive = False
        self.frozen = frozen_seconds(self.images)
        start = time.monotonic()
        wait_for(self.is_gone, 10, "the end of the dumped processes")
        wait_for(lambda: reap() or not criu_children(), 10, "the end of criu")
        self.freed = time.monotonic() - start
        return seconds

    def restore(self, *more):
        """Restores it; it checks its memory."""
        seconds = self.command("restore", "-d", *more)
        self.alive = True
        self.check()
        self.settle()
        return seconds

    def settle(self):
        """After a lazy restore: everything is there, the pager has left."""
        wait_for(lambda: reap() or not criu_children(), 60, "the end of the pager")

    def is_gone(self):
        reap()
        try:
            os.killpg(self.pid, 0)
            return False
        except ProcessLookupError:
            return True

    def where_time_goes(self, what, lines=6):
        """One more, logged in full: the largest steps between two log lines."""
        getattr(self, what)("-v4")
        steps, before = [], None
        with open(self.log, encoding="utf-8", errors="replace") as f:
            for line in f:
                match = LOG_TIME.match(line)
                if not match:
                    continue
                now = int(match[1]) + int(match[2]) * 1e-6
                if before is not None:
                    steps.append((now - before[0], before[1]))
                before = (now, match[3].strip())
        steps.sort(key=lambda step: -step[0])
        if what == "dump":
            steps = steps[: lines - 1] + [(self.freed, "the end of the command: memory of killed tasks")]
        return [{"ms": round(s * 1000, 2), "after": text[:80]} for s, text in steps[:lines]]

    def end(self):
        """Kills what runs and removes every file; the pool, too."""
        if self.pid and (self.alive or not self.is_gone()):
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            wait_for(self.is_gone, 10, "the end of the processes")
            self.alive = False
        shutil.rmtree(self.dir, ignore_errors=True)


class WorkTree(Tree):
    """Processes of work.c that hold a job's memory and compare it when they are asked."""

    def __init__(self, env, job, criu, way):
        self.job = job
        # One checkpoint gets half of a new pool; and extents, and the copy of the images, are rounded up.
        super().__init__(env, criu, way, 2 * job.total_mib() + 64 + 8 * job.processes)

    def start(self, env):
        job = self.job
        numbers = (job.mib, job.processes, job.threads, job.areas, job.common)
        self.spawn([env.work, "hold", self.ready, *map(str, numbers)])

    def check(self):
        os.kill(self.pid, signal.SIGUSR1)
        good, bad = self.ready + ".ok", self.ready + ".bad"
        wait_for(lambda: os.path.exists(good) or os.path.exists(bad), 60, "the restored process's answer")
        if os.path.exists(bad):
            raise Failed("the restored process has wrong memory")
        os.unlink(good)
