# SPDX-License-Identifier: GPL-2.0
"""kill -9 of the started criu at random moments.

Of a dump: the tasks run as before, or they are gone and the set is whole. Of a restore: nothing is left, or the
whole tree is there. No helper process stays in either case."""
import os
import random
import signal
import time

from . import damage, pools, proc, snapshot
from .faults import files_of, fresh

SETTLE = 15.0  # seconds after which what still changes is a failure


def kill_after(s, argv, delay):
    """Starts criu, kills it after DELAY seconds. Its exit code: -9, or what it ended with before."""
    pid = s.reaper.spawn([s.criu] + argv, s.work, s.criu_out, s.env)
    code = s.reaper.wait(pid, delay)
    if code is None:
        os.kill(pid, signal.SIGKILL)
        code = s.reaper.wait(pid, 5)
    return code


def settled(s, before):
    """"alive" (as BEFORE) or "gone" (no process left); a Failure when it is neither after SETTLE seconds."""
    pids = set(map(int, before))
    end = time.monotonic() + SETTLE
    diff = []
    while time.monotonic() < end:
        left = proc.only_these_left(s.reaper, (), 0)
        now = {int(line.split()[0]) for line in left}
        if not now:
            return "gone"
        if now == pids:
            diff = snapshot.differences(before, snapshot.take(s.root), s.test.ignore())
            if not diff:
                return "alive"
        time.sleep(0.005)
    raise proc.Failure(f"{SETTLE} s later: " + ", ".join(left) + "\n" + "\n".join("    " + d for d in diff))


def inventory(images):
    """Which one it is; None: the set isn't whole."""
    try:
        st = os.stat(os.path.join(images, "inventory.img"))
    except FileNotFoundError:
        return None
    return st.st_ino, st.st_mtime_ns


def one_dump(s, before, delay, pmem, n):
    images = s.images("images-k")
    older = inventory(images)
    s.last_log = os.path.join(images, "dump.log")
    code = kill_after(s, s.dump_argv(images, pmem), delay)
    if code > 0:
        raise proc.Failure(f"the dump ended with {code}")
    state = settled(s, before)
    pools.check_sets(s)
    whole = inventory(images) not in (None, older)
    if state == "alive":
        if code == 0:
            raise proc.Failure("the dump ended well, but the tasks run on")
        if whole:
            raise proc.Failure("the tasks run on, but an inventory.img says that the set is whole")
        return "killed, tasks run on"
    if not whole:
        raise proc.Failure("the tasks are gone, but there is no inventory.img")
    s.reaper.ended.pop(s.root, None)
    s.check_restored(s.restore(images, pmem), before)
    return "ended before" if code == 0 else "killed, set whole"


def one_restore(s, before, delay, pmem, images):
    s.last_log = os.path.join(images, "restore.log")
    had, pool = files_of(s.work), pools.look(s)
    code = kill_after(s, s.restore_argv(images, pmem), delay)
    if code > 0:
        raise proc.Failure(f"the restore ended with {code}")
    if settled(s, before) == "gone":
        s.reaper.ended.pop(s.root, None)
        if code == 0:
            raise proc.Failure("the restore ended well, but nothing is there")
        litter = files_of(s.work) - had
        if os.path.exists(s.pidfile()):
            litter.add(s.pidfile())
        if litter:
            for path in litter:
                os.unlink(path)
            raise proc.Failure(f"it left files behind: {sorted(litter)}")
        pools.check_same(s, pool, "the killed restore")
        return "killed, nothing left"
    s.check_dumped(s.dump(s.images("images-x"), pmem), before)
    return "ended before" if code == 0 else "killed, tree whole"


def main(job, tally):
    rng = random.Random(job["seed"])
    pmem = job["modes"] == ["pmem"]
    again = damage.again(job, [t[0] for t in job["tests"]], "--seed", str(job["seed"]), "--dumps", str(job["dumps"]),
                         "--restores", str(job["restores"]))
    for number in range(len(job["tests"])):
        s = fresh(job, number)
        before = s.steady()
        span = {"dump": 0.0, "restore": 0.0}
        for n in range(3):
            images = s.images("images-warm")
            s.check_dumped(s.dump(images, pmem), before)
            s.check_restored(s.restore(images, pmem), before)
        for command, took in s.times[-4:]:
            span[command] = took if not span[command] else min(span[command], took)
        for command in ("dump", "restore"):
            counts = {}
            images = s.images("images-base")
            if command == "restore":
                s.check_dumped(s.dump(images, pmem), before)
            for n in range(job[command + "s"]):
                delay = rng.uniform(0, span[command] * 1.1)
                try:
                    how = (one_dump(s, before, delay, pmem, n) if command == "dump"
                           else one_restore(s, before, delay, pmem, images))
                    counts[how] = counts.get(how, 0) + 1
                    tally.good("")
                except proc.Failure as e:
                    tally.bad(f"{command} {n}, killed after {delay * 1000:.2f} ms", damage.report(s, e), again)
                    s = fresh(job, number)
                    before = s.steady()
                    if command == "restore":
                        images = s.images("images-base")
                        s.check_dumped(s.dump(images, pmem), before)
            print(f"{s.test.name}: {command}s ({span[command] * 1000:.0f} ms each): "
                  + ", ".join(f"{v} {k}" for k, v in sorted(counts.items())), flush=True)
            if command == "restore":
                s.check_restored(s.restore(images, pmem), before)
            pools.check_memory(s)
        s.go()
        verdict, text = s.finish()
        if verdict != "PASS":
            tally.bad(f"{s.test.name} after all that", damage.report(s, text), again)
