#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Measures whole dump and restore commands, with ratios to a memcpy of the same bytes in the same rounds.

Each job's processes are started once; then dumps and restores alternate, so that every dump but the first finds the
image file of the one before: its pages exist. The first round is not counted. Every restored tree checks its memory.
With --peer the other binary does the same job, round by round beside ours.
"""

import argparse
import ctypes
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PR_SET_CHILD_SUBREAPER = 36
LOG_TIME = re.compile(r"^\((\d+)\.(\d{6})\) (.*)")

# name: (MiB in each process, processes, threads, areas, bars of dump and restore, MiB that all share)
# A bar is ("M", times a memcpy of the job's bytes) or ("ms", milliseconds).
JOBS = {
    "1 GiB": (1024, 1, 1, 0, (("M", 2.5), ("M", 3)), 0),
    "16 MiB": (16, 1, 1, 0, (("ms", 20), ("ms", 15)), 0),
    "64 processes": (1, 64, 1, 0, (None, None), 0),
    "100 threads": (1, 1, 100, 0, (None, None), 0),
    "1,000 VMAs": (1, 1, 1, 1000, (None, None), 0),
    "5 share 256 MiB": (1, 5, 1, 0, (None, None), 256),
}
QUICK = {
    "64 MiB": (64, 1, 1, 0, (None, None), 0),
    "4 processes": (1, 4, 1, 0, (None, None), 0),
    "8 threads": (1, 1, 8, 0, (None, None), 0),
    "100 VMAs": (1, 1, 1, 100, (None, None), 0),
    "5 share 16 MiB": (1, 5, 1, 0, (None, None), 16),
}


class Failed(Exception):
    """A command or a check failed; the message says which."""


def build_work(build):
    """The workload program, compiled when it is older than its source."""
    source = os.path.join(ROOT, "test", "bench", "work.c")
    program = os.path.join(build, "test", "bench", "work")
    if not os.path.exists(program) or os.path.getmtime(program) < os.path.getmtime(source):
        os.makedirs(os.path.dirname(program), exist_ok=True)
        cc = os.environ.get("CC", "gcc")
        subprocess.run([cc, "-O2", "-D_GNU_SOURCE", "-o", program, source, "-lpthread"], check=True)
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
    _, status = os.waitpid(pid, 0)
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
    """Whether a criu that outlived its command, to free the memory of killed tasks, is still our child."""
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


class Tree:
    """The processes of one job, under one criu binary, and the directory of their images."""

    def __init__(self, env, shape, criu, pages):
        self.env, self.criu, self.pmem = env, criu, pages != "file"
        self.environ = dict(os.environ, CRIU_PAGES_HUGE="1" if pages == "huge" else "0")
        self.dir = tempfile.mkdtemp(prefix="criu-bench-", dir=env.dir)
        self.images = os.path.join(self.dir, "images")
        os.mkdir(self.images)
        self.ready = os.path.join(self.dir, "ready")
        self.output = os.path.join(self.dir, "output")
        self.log = None
        self.freed = 0.0  # seconds from the end of the last dump until the killed tasks' memory was free
        mib, processes, threads, areas, _, common = shape
        argv = [env.work, "hold", self.ready, str(mib), str(processes), str(threads), str(areas), str(common)]
        null = [subprocess.DEVNULL] * 3
        task = subprocess.Popen(
            argv, stdin=null[0], stdout=null[1], stderr=null[2], start_new_session=True, cwd="/", close_fds=True
        )
        task.returncode = 0  # it is reaped here, not by subprocess
        self.pid, self.alive = task.pid, True
        try:
            wait_for(lambda: os.path.exists(self.ready) or self.is_gone(), 120, "the job's processes")
            if not os.path.exists(self.ready):
                raise Failed("the job's processes ended")
        except Failed:
            self.end()
            raise

    def command(self, what, *more):
        """Runs criu; the seconds it took."""
        self.log = os.path.join(self.images, what + ".log")
        argv = [self.criu, what, "-D", self.images, "-o", what + ".log", *more]
        seconds, status = timed(argv, self.output, self.environ)
        if status:
            with open(self.output, encoding="utf-8", errors="replace") as f:
                said = f.read()
            if os.path.exists(self.log):
                with open(self.log, encoding="utf-8", errors="replace") as f:
                    said += "".join(line for line in f if line.startswith(("Error", "Warn")) or "Error (" in line)
            raise Failed(f"{' '.join(argv)}: status {status}\n{said[-2000:]}")
        return seconds

    def dump(self, *more):
        """Dumps the tree, which is gone then."""
        pmem = ["--use-pmem"] if self.pmem else []
        seconds = self.command("dump", "-t", str(self.pid), *pmem, *more)
        self.alive = False
        start = time.monotonic()
        wait_for(self.is_gone, 10, "the end of the dumped processes")
        wait_for(lambda: reap() or not criu_children(), 10, "the end of criu")
        self.freed = time.monotonic() - start
        return seconds

    def restore(self, *more):
        """Restores it; it checks its memory."""
        seconds = self.command("restore", "-d", *more)
        self.alive = True
        os.kill(self.pid, signal.SIGUSR1)
        good, bad = self.ready + ".ok", self.ready + ".bad"
        wait_for(lambda: os.path.exists(good) or os.path.exists(bad), 60, "the restored process's answer")
        if os.path.exists(bad):
            raise Failed("the restored process has wrong memory")
        os.unlink(good)
        return seconds

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
        if self.alive:
            try:
                os.killpg(self.pid, signal.SIGKILL)
                wait_for(self.is_gone, 10, "the end of the processes")
            except ProcessLookupError:
                pass
        shutil.rmtree(self.dir, ignore_errors=True)


class Env:
    """What every job shares."""

    def __init__(self, args):
        self.dir = args.dir
        self.rounds = args.rounds
        self.work = build_work(os.path.join(ROOT, os.environ.get("BUILD", "build")))

    def memcpy(self, mib):
        """Seconds for a warm copy of MIB."""
        out = subprocess.run([self.work, "memcpy", str(mib)], check=True, capture_output=True, text=True)
        return float(out.stdout)

    def warm(self, mib):
        subprocess.run([self.work, "warm", str(mib)], check=True)


def available_mib():
    with open("/proc/meminfo", encoding="ascii") as f:
        for line in f:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) // 1024
    return 0


def run_job(env, name, shape, contestants):
    """Rounds of dump and restore by each contestant: rows of the table."""
    mib = (shape[0] + shape[5]) * shape[1]
    trees, rows, copies = [], [], []
    try:
        for label, criu, pages in contestants:
            trees.append((label, Tree(env, shape, criu, pages), [], []))
        for number in range(env.rounds + 1):
            copies.append(env.memcpy(mib))
            for _, tree, dumps, restores in trees:
                dump, restore = tree.dump(), tree.restore()
                if number:
                    dumps.append(dump)
                    restores.append(restore)
        memcpy = statistics.median(copies)
        for label, tree, dumps, restores in trees:
            ours = label.startswith("ours")
            steps = {what: tree.where_time_goes(what) for what in ("dump", "restore")} if ours else {}
            for what, taken, bar in (("dump", dumps, shape[4][0]), ("restore", restores, shape[4][1])):
                # The first bar is that of mapped images; a plain file has none.
                bar = bar if ours and (tree.pmem or what == "restore") else None
                rows.append(make_row(name, label, what, taken, memcpy, bar, steps.get(what)))
    finally:
        for _, tree, _, _ in trees:
            tree.end()
    return rows


def make_row(job, label, what, taken, memcpy, bar, steps):
    median = statistics.median(taken)
    row = {
        "job": job,
        "by": label,
        "what": what,
        "median_ms": round(median * 1000, 2),
        "best_ms": round(min(taken) * 1000, 2),
        "worst_ms": round(max(taken) * 1000, 2),
        "memcpy_ms": round(memcpy * 1000, 3),
        "ratio": round(median / memcpy, 2),
        "bar": None,
        "met": None,
        "where_time_goes": steps,
    }
    if bar:
        row["bar"] = f"{bar[1]} {bar[0]}"
        row["met"] = (median / memcpy if bar[0] == "M" else median * 1000) <= bar[1]
    return row


def print_row(row):
    verdict = "" if row["met"] is None else f"{'within' if row['met'] else 'OVER'} {row['bar']}"
    print(
        f"{row['job']:<13} {row['by']:<10} {row['what']:<8} {row['median_ms']:>9.2f} {row['best_ms']:>9.2f} "
        f"{row['worst_ms']:>9.2f} {row['memcpy_ms']:>9.2f} {row['ratio']:>8.2f}  {verdict}",
        flush=True,
    )


def print_steps(rows):
    rows = [row for row in rows if row["where_time_goes"]]
    if rows:
        print("\nWhere the time goes: the longest steps between two lines of the log (one run with -v4, ms)")
    for row in rows:
        steps = "; ".join(f"{step['ms']} {step['after']}" for step in row["where_time_goes"])
        print(f"{row['job']}, {row['by']}, {row['what']}: {steps}")


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--criu", default=os.path.join(ROOT, "criu", "criu"), help="the binary that is measured")
    parser.add_argument("--peer", help="another binary that does the same, without --use-pmem")
    parser.add_argument("--dir", default="/dev/shm", help="where images go: %(default)s")
    parser.add_argument("--rounds", type=int, default=7, help="counted rounds of each job: %(default)s")
    parser.add_argument("--job", action="append", help="only this job; may be repeated")
    parser.add_argument("--quick", action="store_true", help="small jobs, two rounds: does it work at all")
    parser.add_argument("--json", metavar="FILE", help="write the results there too, - for standard output")
    parser.add_argument("--strict", action="store_true", help="fail when a bar isn't met")
    args = parser.parse_args()
    if args.quick:
        args.rounds = 2
    return args


def main():
    args = parse_args()
    jobs = QUICK if args.quick else JOBS
    unknown = set(args.job or []) - set(jobs)
    if unknown:
        sys.exit(f"no such job: {', '.join(sorted(unknown))}; there are: {', '.join(jobs)}")
    # Restored trees become our children when criu has ended, so that we can wait for them.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    env = Env(args)
    # The image file that exists already has small pages or, made so by the first dump, pages of 2 MiB.
    contestants = [("ours pmem", args.criu, "pmem"), ("ours huge", args.criu, "huge"), ("ours file", args.criu, "file")]
    if args.peer:
        contestants.append(("peer", os.path.realpath(shutil.which(args.peer) or args.peer), "file"))
    if not args.quick:
        env.warm(min(7 * 1024, available_mib() * 6 // 10))
    print(f"{os.cpu_count()} CPUs, {os.uname().release}, load average {os.getloadavg()[0]:.2f} (should be near 0)")
    print(f"{'job':<13} {'by':<10} {'what':<8} {'median ms':>9} {'best':>9} {'worst':>9} {'memcpy M':>9} {'median/M':>8}")
    rows, passed, failed = [], 0, 0
    for name, shape in jobs.items():
        if args.job and name not in args.job:
            continue
        try:
            done = run_job(env, name, shape, contestants)
        except Failed as e:
            print(f"{name}: FAILED: {e}", flush=True)
            failed += 1
            continue
        for row in done:
            print_row(row)
            if args.strict and row["met"] is False:
                failed += 1
            else:
                passed += 1
        rows += done
    if not args.quick:
        print_steps(rows)
    if args.json == "-":
        print(json.dumps(rows, indent=1))
    elif args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(rows, f, indent=1)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
