# SPDX-License-Identifier: GPL-2.0
"""Virtual machines that run a command in this tree: run-in-vm (see its --help), followed line by line."""
import atexit
import os
import re
import signal
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
SUMMARY = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", re.M)
STEP = re.compile(r"(?:\[(\d+/\d+)\] )?(PASS|FAIL|SKIP|ok) +(\S+)")
SILENT = 20 * 60  # s without a line: the guest hangs. A test that takes all the time it may ends before

MANY_FILES = "ulimit -n 1048576; "
# The guest's root is an overlay, which lacks things that tests do with files; tmpfs has them.
# So nothing that such a guest shares with this machine may stand below /tmp.
START = MANY_FILES + "mount -t tmpfs tmpfs /tmp; "


class Boot:
    """One virtual machine after the other, with a directory in which the guest's files stay."""

    running = set()  # the process groups of all machines, ours to end

    def __init__(self, kernel, share, verbose):
        self.kernel, self.share, self.verbose = kernel, share, verbose
        self.job = ""

    def run(self, command, device="none", minutes=60, memory=3500, options=(), start=START, hear=None):
        """(exit status, output) of a shell line in the guest, in the tree's top directory.

        OPTIONS: more words for run-in-vm. HEAR(line) is told every line as it comes."""
        argv = [os.path.join(HERE, "run-in-vm"), "-k", self.kernel, "-d", device, "-m", str(memory), "-t",
                str(minutes * 60), "-w", self.share, "-C", TOP, *options, start + command]
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              start_new_session=True) as guest:
            self.running.add(guest.pid)
            timer = Watch(lambda: end(guest.pid))
            try:
                text = self.follow(guest.stdout, timer, hear)
            except BaseException:
                end(guest.pid)
                raise
            finally:
                timer.stop()
        self.running.discard(guest.pid)
        return guest.returncode, text

    def follow(self, stream, timer, hear):
        """All that comes; prints what a person wants to see at once."""
        lines, told, failing, steps = [], time.monotonic(), False, 0
        for raw in stream:
            line = raw.decode(errors="replace")
            lines.append(line)
            timer.again()
            if hear:
                hear(line.rstrip("\n"))
            step = STEP.match(line)
            steps += bool(step)
            if step or SUMMARY.match(line):
                failing = bool(step and step[2] == "FAIL")
            if self.verbose or failing:
                print(line, end="", flush=True)
            elif step and time.monotonic() - told > 60:
                told = time.monotonic()
                print(f"     {self.kernel:5} {self.job:14} {step[1] or steps}: {step[3]}", flush=True)
        if timer.fired:
            lines.append(f"vm: nothing was heard for {SILENT} s\n")
        return "".join(lines)


def end(group):
    """Its own exit trap ends QEMU and removes what it made."""
    os.killpg(group, signal.SIGTERM)


@atexit.register
def end_all():
    for group in Boot.running:
        end(group)


class Watch:
    """Calls ACT when again() hasn't been called for SILENT seconds."""

    def __init__(self, act):
        self.act, self.fired, self.timer = act, False, None
        self.again()

    def fire(self):
        self.fired = True
        self.act()

    def again(self):
        self.stop()
        self.timer = threading.Timer(SILENT, self.fire)
        self.timer.daemon = True
        self.timer.start()

    def stop(self):
        if self.timer:
            self.timer.cancel()
