# SPDX-License-Identifier: GPL-2.0
"""Dump and restore broken in every phase.

CRIU_FAULT_PHASE=list makes criu print its phases, "dump NAME" and "restore NAME"; =NAME fails after that phase
ran, =NAME:before instead of running it. "stage NAME" is one that each task comes to in a restore. A broken dump must leave the tasks as they were; after the point
of no return they may be gone, with a complete set. A broken restore must leave no process and no file."""
import os
import shutil

from . import damage, pools, proc

SOMETIMES = ("task-put", "task-uffd")  # stages that only tasks with much memory come to


def phases(s):
    """{"dump": [...], "restore": [...], "stage": [...]}"""
    out = os.path.join(s.work, "phases")
    s.reaper.run([s.criu, "dump", "-t", "1", "-D", s.work], s.work, out, s.timeout,
                 dict(s.env, CRIU_FAULT_PHASE="list"))
    found = {"dump": [], "restore": [], "stage": []}
    with open(out) as f:
        for line in f:
            words = line.split()
            if len(words) == 2 and words[0] in found:
                found[words[0]].append(words[1])
    if not all(found.values()):
        raise proc.Failure("CRIU_FAULT_PHASE=list printed no phases:\n" + open(out).read())
    return found


def files_of(folder):
    """Every path in the work directory but images, the pool and what the runner writes."""
    out = set()
    for where, dirs, files in os.walk(folder):
        dirs[:] = [d for d in dirs if not d.startswith("images") and d != "pool"]
        out.update(os.path.join(where, f) for f in files + dirs)
    return {p for p in out if not p.endswith((".pid", "criu.out", "phases", ".out"))}


def break_dump(s, fault, before, n, pmem):
    """The tasks run on as before, or are gone with a set from which they come back."""
    images = s.images(f"images-d{n}")
    had, pool = files_of(s.work), pools.look(s)
    code = s.dump(images, pmem, env={"CRIU_FAULT_PHASE": fault})
    if code is None or code < 0:
        raise proc.Failure(f"the dump ended with {'a timeout' if code is None else code}")
    if code == 0:
        raise proc.Failure("the dump ended well")
    if not s.log_has(r"Error \("):
        raise proc.Failure("no Error line in the log")
    whole = os.path.exists(os.path.join(images, "inventory.img"))
    if not os.path.exists(f"/proc/{s.root}") or s.has_ended():
        if not whole:
            raise proc.Failure("the tasks are gone, but there is no inventory.img")
        s.check_dumped(0, before)
        pools.check_sets(s)
        s.check_restored(s.restore(images, pmem), before)
        return "gone with a whole set"
    s.compare(before, "the broken dump")
    pools.check_same(s, pool, "the broken dump")
    if files_of(s.work) - had:
        raise proc.Failure(f"it left files behind: {sorted(files_of(s.work) - had)}")
    if whole:
        raise proc.Failure("the tasks run on, but an inventory.img says that the set is whole")
    return "runs on"


def break_restore(s, fault, before, images, pmem):
    had, pool = files_of(s.work), pools.look(s)
    code = s.restore(images, pmem, env={"CRIU_FAULT_PHASE": fault})
    if code is None or code < 0:
        raise proc.Failure(f"the restore ended with {'a timeout' if code is None else code}")
    if code == 0 and fault in SOMETIMES:
        return s.check_restored(code, before)
    if code == 0:
        raise proc.Failure("the restore ended well")
    if not s.log_has(r"Error \("):
        raise proc.Failure("no Error line in the log")
    left = proc.only_these_left(s.reaper, ())
    if left:
        raise proc.Failure("it left processes behind: " + ", ".join(left))
    if files_of(s.work) - had:
        raise proc.Failure(f"it left files behind: {sorted(files_of(s.work) - had)}")
    pools.check_same(s, pool, "the broken restore")
    s.check_restored(s.restore(images, pmem), before)


def fresh(job, number):
    """The NUMBER-th test's session with its program started, nothing else running."""
    s = list(damage.sessions(job))[number]
    proc.kill_all(s.reaper)
    for name in os.listdir(s.work):
        path = os.path.join(s.work, name)
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    if s.pool:
        s.make_pool()
        pools.make_sized(s)
    if s.start() is not None:
        raise proc.Failure("the program ended at once")
    return s


def main(job, tally):
    for number in range(len(job["tests"])):
        s = fresh(job, number)
        pmem = job["modes"] == ["pmem"]
        found = phases(s)
        for command in ("dump", "restore", "stage"):
            todo = [f for name in found[command] for f in (name, name + ":before")]
            if command == "stage":
                todo = found[command]
            for n, fault in enumerate(todo):
                case = f"{s.test.name}: {command} broken at {fault}"
                try:
                    pools.clear(s)
                    before = s.steady()
                    if command == "dump":
                        tally.good(f"{case}: {break_dump(s, fault, before, n, pmem)}")
                        continue
                    images = s.images(f"images-{command[0]}{n}")
                    s.check_dumped(s.dump(images, pmem), before)
                    break_restore(s, fault, before, images, pmem)
                    tally.good(f"{case}: nothing left, and it works without the fault")
                except proc.Failure as e:
                    tally.bad(case, damage.report(s, e), damage.again(job, [s.test.name]))
                    s = fresh(job, number)
        pools.check_memory(s)
        s.go()
        verdict, text = s.finish()
        if verdict == "PASS":
            tally.good(f"{s.test.name}: passes after all that")
        else:
            tally.bad(f"{s.test.name} after all that", damage.report(s, text), damage.again(job, [s.test.name]))
