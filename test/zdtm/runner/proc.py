# SPDX-License-Identifier: GPL-2.0
"""Processes of a pid namespace whose first process is this one: starting, reaping, looking around."""
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
MS_RDONLY, MS_NOSUID, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 8, 32, 4096
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


class Failure(Exception):
    """A test failed; the text says how."""


class Reaper:
    """Starts commands and collects every child, also those that were given to us as orphans."""

    def __init__(self):
        self.ended = {}
        self.shell = None  # starts the commands instead, if set
        self.helpers = set()  # processes of ours that aren't part of the test

    def spawn(self, argv, cwd, out, env=None, setsid=True, stdin="/dev/null", give=None):
        """Starts ARGV with stdin from a file and stdout and stderr appended to OUT. Returns its pid.

        GIVE: {number: descriptor} to pass on."""
        if self.shell:
            return self.shell.spawn(argv, cwd, out, os.environ if env is None else env)
        here = os.getcwd()
        actions = [(os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
                   (os.POSIX_SPAWN_OPEN, 1, out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
                   (os.POSIX_SPAWN_DUP2, 1, 2)]
        actions += [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in (give or {}).items()]
        os.chdir(cwd)
        try:
            return os.posix_spawn(argv[0], argv, os.environ if env is None else env, file_actions=actions,
                                  setsid=setsid, setsigmask=[], setsigdef=[signal.SIGPIPE, signal.SIGXFSZ])
        finally:
            os.chdir(here)

    def poll(self):
        if self.shell:
            self.ended.update(self.shell.poll())
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.ended[pid] = os.waitstatus_to_exitcode(status)

    def wait(self, pid, timeout):
        """The exit code (negative: signal) of PID, or None when it still runs after TIMEOUT seconds."""
        end = time.monotonic() + timeout
        pause = 0.0005
        while True:
            self.poll()
            if pid in self.ended:
                return self.ended.pop(pid)
            if time.monotonic() > end:
                return None
            time.sleep(pause)
            pause = min(pause * 1.5, 0.01)

    def run(self, argv, cwd, out, timeout, env=None):
        """Runs a command to its end. Its exit code; None after it had to be killed."""
        pid = self.spawn(argv, cwd, out, env)
        code = self.wait(pid, timeout)
        if code is None:
            os.kill(pid, signal.SIGKILL)
            self.wait(pid, 5)
        return code


def begin_inside():
    """In the first process of the namespaces that outer.in_namespace() makes.

    We end every process that we see: only where all are ours. No test meets the addresses and ports of another."""
    if os.getpid() != 1:
        sys.exit("run.py: --inner is for a pid namespace of its own")
    name = struct.pack("16sH14x", b"lo", IFF_UP)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, name)


def all_pids():
    """Every process of the namespace but ourselves."""
    return sorted(int(n) for n in os.listdir("/proc") if n.isdigit() and int(n) != os.getpid())


def describe(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            text = f.read()
        return f"{pid} {text[text.index('('):text.rindex(')') + 3]}"
    except OSError:
        return f"{pid} (gone)"


def only_these_left(reaper, expected, timeout=10.0):
    """Waits until no process but EXPECTED exists. The others that stay, described."""
    end = time.monotonic() + timeout
    while True:
        reaper.poll()
        others = [p for p in all_pids() if p not in expected and p not in reaper.helpers]
        if not others or time.monotonic() > end:
            return [describe(p) for p in others]
        time.sleep(0.005)


def kill_all(reaper):
    """Ends every process of this namespace (all were started below us)."""
    reaper.shell = None
    for _ in range(200):
        pids = all_pids()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        reaper.poll()
        if not pids:
            return
        time.sleep(0.005)


def private_devpts():
    """Terminals of our own, so that tests don't disturb each other's numbers."""
    if LIBC.mount(b"devpts", b"/dev/pts", b"devpts", MS_NOSUID | MS_NOEXEC, b"newinstance,ptmxmode=0666,mode=0620"):
        raise Failure(f"can't mount devpts: {os.strerror(ctypes.get_errno())}")


def read_only_but(folder):
    """Makes every file system read-only for this namespace, except kernel ones and FOLDER.

    A damaged image may name any file, with any flags."""
    def mount(source, target, flags):
        if LIBC.mount(source, target, None, flags, None):
            raise Failure(f"can't mount {target.decode()}: {os.strerror(ctypes.get_errno())}")

    here = os.fsencode(folder)
    with open("/proc/self/mountinfo") as f:
        points = [line.split()[4].encode().decode("unicode_escape") for line in f]
    mount(here, here, MS_BIND)
    for point in points:
        if not point.startswith(("/proc", "/sys", "/dev/pts")):
            mount(None, os.fsencode(point), MS_REMOUNT | MS_BIND | MS_RDONLY)
