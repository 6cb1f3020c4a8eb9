#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A dump that fails, is refused or is killed leaves its tasks as they were.

Usage: dump_undo.py [--criu PATH] [--quick] [NAME...]
What /proc tells of every thread of a task is compared before and after. Last line: N passed, N failed, N skipped.
"""

import argparse
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

PHASES = ("prepare freeze check invalidate parasite files memory cores cure sync commit post-dump").split()
STATES = "plain threads tree stopped pending nanosleep poll read futex sigsuspend running".split()
RESTLESS = ("churning", "forking", "execing")
# Every state breaks at these; "plain" at all of them.
SOME_PHASES = ("freeze", "parasite", "memory", "cure:before", "post-dump")
# Of /proc/PID/status: counters (SigQ is of the whole user), and sizes that reading the memory may round otherwise.
COUNTERS = (
    "SigQ voluntary_ctxt_switches nonvoluntary_ctxt_switches VmPeak VmHWM VmRSS RssFile RssAnon VmPTE".split()
)
# Of /proc/PID/stat, numbered as in proc_pid_stat(5): faults, times, rss, CPU.
RESTART_SYSCALL = "219"
STAT_COUNTERS = {10, 11, 12, 13, 14, 15, 16, 17, 24, 39, 42}


class Failure(Exception):
    pass


def read(path):
    try:
        return path.read_text(errors="surrogateescape")
    except (FileNotFoundError, ProcessLookupError):
        return None


def status_of(text, running):
    lines = [line for line in (text or "").splitlines() if line.partition(":")[0] not in COUNTERS]
    return [line for line in lines if not (running and line.startswith("State:"))]


def stat_of(text, running):
    head, _, rest = (text or "").rpartition(")")
    fields = dict(enumerate([head, *rest.split()], 2))
    dropped = STAT_COUNTERS | ({3, 29, 30, 35} if running else set())
    return {number: value for number, value in fields.items() if number not in dropped}


def descriptors(proc):
    try:
        numbers = sorted(os.listdir(proc / "fd"))
        return {n: (os.readlink(proc / "fd" / n), read(proc / "fdinfo" / n)) for n in numbers}
    except OSError:
        return None


def snapshot(pid, running):
    """All that /proc says of a process, but counters."""
    proc = pathlib.Path(f"/proc/{pid}")
    found = {"maps": read(proc / "maps"), "descriptors": descriptors(proc)}
    for task in sorted(proc.glob("task/*")):
        tid = task.name
        found[f"status {tid}"] = status_of(read(task / "status"), running)
        found[f"stat {tid}"] = stat_of(read(task / "stat"), running)
        if not running:
            try:
                found[f"syscall {tid}"] = read(task / "syscall")
            except OSError:
                pass
    return found


def descendants(pid):
    pids = [pid]
    for one in pids:
        for task in pathlib.Path(f"/proc/{one}/task").glob("*"):
            pids += [int(word) for word in (read(task / "children") or "").split()]
    return pids


def snapshot_tree(pid, running=False):
    return {one: snapshot(one, running) for one in descendants(pid)}


def restarted(was, now):
    """One with a timeout goes on as restart_syscall(2): all but the number stays."""
    return was and now and now.partition(" ") == (RESTART_SYSCALL, " ", was.partition(" ")[2])


def differences(before, after):
    found = []
    for pid in sorted(set(before) | set(after)):
        old, new = before.get(pid, {}), after.get(pid, {})
        for key in sorted(set(old) | set(new)):
            was, now = old.get(key), new.get(key)
            if was == now or (key.startswith("syscall") and restarted(was, now)):
                continue
            if isinstance(was, list) and isinstance(now, list):
                was, now = ([line for line in one if line not in other] for one, other in ((was, now), (now, was)))
            found.append(f"process {pid}: {key}: {was!r} became {now!r}")
    return found


class Task:
    """A process of undo_task in one of its states."""

    def __init__(self, program, state):
        self.state = state
        self.running = state == "running"
        self.process = subprocess.Popen([program, state], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise Failure(f"{state} didn't start")
        if state not in RESTLESS:
            self.settle()

    def settle(self):
        """Waits until it looks the same twice."""
        before = self.look()
        while True:
            time.sleep(0.02)
            now = self.look()
            if not differences(before, now):
                return
            before = now

    @property
    def pid(self):
        return self.process.pid

    def look(self):
        return snapshot_tree(self.pid, self.running)

    def check(self, before):
        """It is as it was; a moment is given for threads to get back into their system calls."""
        deadline = time.monotonic() + 10
        while True:
            wrong = differences(before, self.look())
            if not wrong:
                break
            if time.monotonic() > deadline:
                raise Failure("\n    ".join(wrong[:4]))
            time.sleep(0.01)
        if self.process.poll() is not None:
            raise Failure(f"the task ended with {self.process.returncode}")

    def end(self):
        pids = descendants(self.pid)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process.stdout.close()


class Bench:
    def __init__(self, criu, scratch):
        self.criu = str(criu)
        self.scratch = scratch
        self.program = str(scratch / "undo_task")
        self.count = 0
        subprocess.run(
            ["gcc", "-O2", "-D_GNU_SOURCE", "-pthread", "-o", self.program, str(HERE / "undo_task.c")], check=True
        )

    def images(self):
        self.count += 1
        path = self.scratch / f"images-{self.count}"
        path.mkdir()
        return path

    def start_dump(self, pid, *words, fault=None, images=None):
        images = images or self.images()
        env = dict(os.environ)
        env.pop("CRIU_FAULT_PHASE", None)
        if fault:
            env["CRIU_FAULT_PHASE"] = fault
        command = [self.criu, "dump", "-t", str(pid), "-D", str(images), "-o", "dump.log", "-v4", *words]
        return images, subprocess.Popen(command, cwd=images, env=env, stderr=subprocess.DEVNULL)

    def dump(self, pid, *words, **how):
        images, process = self.start_dump(pid, *words, **how)
        code = process.wait(60)
        return code, read(images / "dump.log") or "", images

    def task(self, state):
        return Task(self.program, state)


def expect_undone(bench, task, *words, fault):
    before = task.look()
    code, log, images = bench.dump(task.pid, *words, fault=fault)
    if code == 0:
        raise Failure(f"the dump succeeded although {fault} fails")
    if "is made to fail" not in log:
        raise Failure(f"another reason than the fault: {log[-300:]}")
    if (images / "inventory.img").exists():
        raise Failure("inventory.img was left")
    task.check(before)


def case_faults(bench, state):
    """Every phase of STATE, one dump after another of the same task."""
    phases = [p + s for p in PHASES for s in (":before", "")] if state == "plain" else SOME_PHASES
    task = bench.task(state)
    try:
        for phase in phases:
            try:
                expect_undone(bench, task, fault=phase)
            except Failure as failure:
                raise Failure(f"{phase}: {failure}") from None
        code, log, _ = bench.dump(task.pid, "-R")
        if code:
            raise Failure(f"the dump after all failed: {log[-300:]}")
    finally:
        task.end()


def case_leave_running(bench):
    for state in ("threads", "tree", "stopped", "nanosleep"):
        task = bench.task(state)
        try:
            before = task.look()
            code, log, _ = bench.dump(task.pid, "--leave-running")
            if code:
                raise Failure(f"{state}: {log[-300:]}")
            task.check(before)
        finally:
            task.end()


def all_stopped(pid):
    return all(stat_of(read(pathlib.Path(f"/proc/{one}/stat")), False).get(3) in ("T", "Z") for one in descendants(pid))


def case_leave_stopped(bench):
    for state in ("threads", "tree", "stopped", "running"):
        task = bench.task(state)
        try:
            code, log, _ = bench.dump(task.pid, "--leave-stopped")
            if code:
                raise Failure(f"{state}: {log[-300:]}")
            deadline = time.monotonic() + 10
            while not all_stopped(task.pid):
                if time.monotonic() > deadline:
                    raise Failure(f"{state}: not all are stopped")
                time.sleep(0.01)
            os.kill(task.pid, signal.SIGCONT)
            time.sleep(0.02)
            if stat_of(read(pathlib.Path(f"/proc/{task.pid}/stat")), False)[3] not in ("S", "R"):
                raise Failure(f"{state}: SIGCONT doesn't let it run")
        finally:
            task.end()


MODES = {"file": (), "pmem": ("--use-pmem",), "inject": ("--use-pmem", "--capture", "inject")}


def case_modes(bench, mode):
    """The same of large memory in every way to take and store it: breaks after it, and is cancelled within."""
    task = bench.task("large")
    dice = random.Random(mode)
    try:
        expect_undone(bench, task, *MODES[mode], fault="memory")
        before = task.look()
        for attempt in range(6):
            images, process = bench.start_dump(task.pid, "-R", *MODES[mode])
            time.sleep(dice.uniform(0.01, 0.2))
            process.send_signal(signal.SIGKILL if attempt % 2 else signal.SIGTERM)
            process.wait(60)
            task.check(before)
            shutil.rmtree(images)
        code, log, _ = bench.dump(task.pid, "-R", *MODES[mode])
        if code:
            raise Failure(f"the dump after all failed: {log[-300:]}")
        task.check(before)
    finally:
        task.end()


def case_killed(bench, how):
    """The process that was started gets a signal at any moment: the tasks run on, or the set is complete."""
    dice = random.Random(how)
    for attempt in range(24):
        task = bench.task(("threads", "nanosleep", "tree", "plain")[attempt % 4])
        try:
            before = task.look()
            images, process = bench.start_dump(task.pid)
            time.sleep(dice.uniform(0, 0.06))
            process.send_signal(how)
            process.wait(60)
            deadline = time.monotonic() + 5
            while True:
                complete = (images / "inventory.img").exists()
                gone = task.process.poll() is not None
                wrong = [] if gone else differences(before, task.look())
                if (gone and complete) or (not gone and not complete and not wrong):
                    break
                if time.monotonic() > deadline:
                    raise Failure(f"{task.state}: complete: {complete}, gone: {gone}, {wrong[:2]}")
                time.sleep(0.01)
        finally:
            task.end()


def expect_refused(bench, pid, text, *words):
    code, log, images = bench.dump(pid, *words)
    if code == 0 or text not in log:
        raise Failure(f"process {pid}: status {code}, not “{text}”: {log[-300:]}")
    if (images / "inventory.img").exists():
        raise Failure("inventory.img was left")


def case_refusals(bench):
    expect_refused(bench, os.getpid(), "is an ancestor of criu")
    expect_refused(bench, 1, "is an ancestor of criu")
    expect_refused(bench, 4194303, "There is no process 4194303")
    kthreads = [p for p in pathlib.Path("/proc").glob("[0-9]*") if (stat_of(read(p / "stat"), False).get(4)) == "2"]
    if kthreads:
        expect_refused(bench, int(kthreads[0].name), "is a kernel thread")
    zombie = subprocess.Popen(["true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    expect_refused(bench, zombie.pid, "is a zombie")
    zombie.wait()
    for state, text, words in (
        ("leaderless", "leader thread has exited", ()),
        ("vfork", "waits in vfork", ()),
    ):
        task = bench.task(state)
        try:
            before = task.look()
            expect_refused(bench, task.pid, text, *words)
            task.check(before)
        finally:
            task.end()


def wait_until_traced(pid, by):
    for _ in range(1000):
        with open(f"/proc/{pid}/status") as f:
            if f"TracerPid:\t{by}\n" in f.read():
                return
        time.sleep(0.01)
    raise Failure(f"strace doesn't trace {pid}")


def case_traced(bench):
    task = bench.task("plain")
    if not shutil.which("strace"):
        task.end()
        return "no strace"
    tracer = subprocess.Popen(["strace", "-p", str(task.pid), "-o", "/dev/null"], stderr=subprocess.DEVNULL)
    try:
        wait_until_traced(task.pid, tracer.pid)
        expect_refused(bench, task.pid, f"is traced by process {tracer.pid}")
    finally:
        tracer.terminate()
        tracer.wait()
        task.end()
    return None


def case_churn(bench):
    """Threads and processes that come and go while they are being stopped."""
    for state in RESTLESS:
        task = bench.task(state)
        try:
            for _ in range(15):
                code, log, _ = bench.dump(task.pid, fault="check:before")
                if code == 0 or "is made to fail" not in log:
                    raise Failure(f"{state}: {log[-300:]}")
                if task.process.poll() is not None:
                    raise Failure(f"{state}: it ended with {task.process.returncode}")
        finally:
            task.end()


def case_gone(bench):
    """When a dump has ended its pids are free, but for the root's, which its parent has to take away."""
    task = bench.task("tree")
    try:
        pids = descendants(task.pid)
        code, log, _ = bench.dump(task.pid)
        left = [pid for pid in pids[1:] if pathlib.Path(f"/proc/{pid}").exists()]
        if code or left:
            raise Failure(f"status {code}, {len(left)} of {len(pids)} processes are left: {log[-300:]}")
    finally:
        task.end()


def case_sigchld_ignored(bench):
    old = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        images = bench.images()
        task = subprocess.Popen([bench.program, "plain"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        task.stdout.readline()
        command = ["timeout", "-s", "KILL", "10", bench.criu, "dump", "-t", str(task.pid), "-D", str(images)]
        subprocess.run([*command, "-o", "dump.log"], cwd=images, check=False)
        deadline = time.monotonic() + 10
        while pathlib.Path(f"/proc/{task.pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        if pathlib.Path(f"/proc/{task.pid}").exists():
            os.kill(task.pid, signal.SIGKILL)
            raise Failure("the task is still there")
        if not (images / "inventory.img").exists():
            raise Failure("the set isn't complete")
        task.wait()
        task.stdout.close()
    finally:
        signal.signal(signal.SIGCHLD, old)


def cases(bench):
    for state in STATES:
        yield f"faults-{state}", lambda state=state: case_faults(bench, state)
    yield "leave-running", lambda: case_leave_running(bench)
    yield "leave-stopped", lambda: case_leave_stopped(bench)
    for mode in MODES:
        yield f"mode-{mode}", lambda mode=mode: case_modes(bench, mode)
    for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        yield f"killed-{how.name}", lambda how=how: case_killed(bench, how)
    yield "refusals", lambda: case_refusals(bench)
    yield "traced", lambda: case_traced(bench)
    yield "churn", lambda: case_churn(bench)
    yield "gone", lambda: case_gone(bench)
    yield "sigchld-ignored", lambda: case_sigchld_ignored(bench)


def main():
    parser = argparse.ArgumentParser(description="dumps that fail leave tasks as they were")
    parser.add_argument("--criu", default=os.environ.get("CRIU", ROOT / "criu/criu"), type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    if os.geteuid() or not args.criu.exists():
        print(f"skipped: needs root and {args.criu}")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(args.criu.resolve(), pathlib.Path(scratch))
        for name, run in cases(bench):
            if args.names and name not in args.names:
                continue
            try:
                skipped = run()
                verdict = "skipped" if skipped else "passed"
                print(f"{verdict}: {name}{': ' + skipped if skipped else ''}")
            except (Failure, subprocess.TimeoutExpired) as failure:
                verdict = "failed"
                print(f"failed: {name}: {failure}")
            sys.stdout.flush()
            counts[verdict] += 1
    print(", ".join(f"{number} {verdict}" for verdict, number in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
