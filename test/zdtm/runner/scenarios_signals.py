# SPDX-License-Identifier: GPL-2.0
"""Signals from outside while tasks are being restored."""
import base64
import os
import signal
import struct
import sys
import time

from . import tests
from .scenarios import expect, signal_all, states, wait_state


def stopped_meanwhile(s, before):
    """SIGSTOP that comes all the time isn't taken for the tasks' own, by which they tell that they are done."""
    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    pid = s.reaper.spawn([s.criu] + s.restore_argv(images, False), s.work, s.criu_out, s.env)
    s.last_log = os.path.join(images, "restore.log")
    end = time.monotonic() + s.timeout
    while pid not in s.reaper.ended and time.monotonic() < end:
        for task in map(int, before):
            try:
                os.kill(task, signal.SIGSTOP)
            except ProcessLookupError:
                pass
        s.reaper.poll()
    code = s.reaper.wait(pid, 0)
    expect(code == 0, f"the restore ended with {code}")
    signal_all(before, signal.SIGSTOP)  # the last one may have come before the end
    wait_state(s, before, "T")
    signal_all(before, signal.SIGCONT)
    s.compare(before, "stopping and going on")


stopped_meanwhile.program = "rich"

def stop_pending(s, before):
    """A SIGSTOP among the pending signals of a set: the task comes back complete, and stopped."""
    sys.path.insert(0, os.path.join(tests.TOP, "lib/py"))
    from pycriu import images as pycriu

    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    path = os.path.join(images, f"core-{s.root}.img")
    with open(path, "rb") as f:
        content = pycriu.load(f)
    info = struct.pack("iii", signal.SIGSTOP, 0, 0).ljust(128, b"\0")
    queue = content["entries"][0]["tc"].setdefault("signals_s", {})
    queue.setdefault("signals", []).append({"siginfo": base64.b64encode(info).decode()})
    with open(path, "wb") as f:
        pycriu.dump(content, f)
    code = s.restore(images)
    expect(code == 0, f"the restore ended with {code}")
    wait_state(s, before, "TS")
    expect("T" in states(s, before), "the task isn't stopped")
    signal_all(before, signal.SIGCONT)
    s.compare(before, "stopping and going on")


stop_pending.program = "itimer_virtual"

SCENARIOS = {f.__name__: f for f in (stopped_meanwhile, stop_pending)}
