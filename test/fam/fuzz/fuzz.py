#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Fuzzes memory that was restored from a pool: it must behave as memory that was never dumped (fuzz.c).

  fuzz.py --mode lazy --episodes 100        --help for more

An episode restores a program, which then does random operations to the restored memory and to a twin of it, and
compares. Episodes with even seeds run without the pager's background fill (CRIU_PAGER_FILL=0), so that pages stay
missing for longer. An episode that fails names the command that repeats it; which pages are there when an operation
comes depends on timing, so it may take some tries. Two more episodes are spoiled, and must fail.

The last line is "N passed, N failed".
"""
import argparse
import concurrent.futures
import json
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(TOP, "test", "zdtm"))
sys.dont_write_bytecode = True

from runner import outer, proc, session, tests  # noqa: E402

PER_DUMP = 8  # episodes that restore the same set
SPOILS = {1: "a byte that changes", 2: "a page that isn't dropped"}


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--mode", default="lazy", metavar="MODE",
                   help="of criu restore --fam-restore (default: lazy); none: without dump and restore")
    p.add_argument("--episodes", type=int, default=40, metavar="N")
    p.add_argument("--seed", type=int, default=0, metavar="S", help="of the first episode; the next has S + 1")
    p.add_argument("--ops", type=int, default=100, metavar="N", help="operations of an episode")
    p.add_argument("-j", "--jobs", type=int, default=os.cpu_count(), metavar="N", help="at once")
    p.add_argument("--repeat", type=int, default=1, metavar="N", help="do each episode so often")
    p.add_argument("--spoil", type=int, choices=SPOILS, help="spoil all episodes, so that they fail")
    p.add_argument("--no-spoiled", action="store_true", help="without the two that must fail")
    p.add_argument("--verbose", action="store_true", help="print each operation, also of episodes that pass")
    p.add_argument("--timeout", type=int, default=60, metavar="SECONDS", help="for an episode, or one criu command")
    p.add_argument("--criu", default=os.path.join(TOP, "criu", "criu"), metavar="PATH")
    p.add_argument("--binary", default=os.path.join(TOP, os.environ.get("BUILD", "build"), "test/fam/fuzz/fuzz"),
                   metavar="PATH", help="fuzz.c, built by make zdtm")
    a = p.parse_args()
    a.criu, a.binary = os.path.abspath(a.criu), os.path.abspath(a.binary)
    return a


class Fuzzed:
    """The program of one shape, dumped once (with a mode other than none) and restored for each episode."""

    def __init__(self, job, shape, name):
        self.job, self.shape = job, shape
        work = os.path.join(job["work"], name)
        os.mkdir(work)
        test = tests.Test("fuzz", os.path.join(HERE, "fuzz.c"), job["binary"])
        self.s = session.Session(test, work, job["criu"], job["timeout"], mode="fam")
        self.images = None
        self.plan(0, 0)
        self.start()

    def plan(self, seed, spoil):
        job = self.job
        with open(os.path.join(self.s.work, "plan"), "w") as f:
            f.write(f"shape={self.shape} seed={seed} ops={job['ops']} spoil={spoil} verbose={int(job['verbose'])} "
                    f"direct={job['direct']}\n")

    def start(self):
        early = self.s.start()
        if early is not None:
            raise proc.Failure(f"the program ended with {early} before it was ready")
        if self.job["mode"] != "none":
            images = self.s.images("images")
            self.s.check_dumped(self.s.dump(images), None)
            self.images = images

    def episode(self, seed, spoil=0):
        """None, or what went wrong."""
        s = self.s
        at = os.path.getsize(s.out)
        try:
            self.plan(seed, spoil)
            if self.images:
                s.check_command(s.restore(self.images, extra=[f"--fam-restore={self.job['mode']}"],
                                          env={"CRIU_PAGER_FILL": "0"} if seed % 2 == 0 else None))
            s.go()
            code = s.reaper.wait(s.root, s.timeout)
            if code is None:
                raise proc.Failure("it doesn't end: " + "; ".join(map(proc.describe, proc.all_pids())))
            s.reaper.ended.pop(s.root, None)
            left = proc.only_these_left(s.reaper, ())
            if code == 0 and left:
                raise proc.Failure("left: " + ", ".join(left))
            message = "" if code == 0 else f"it ended with {code}"
        except proc.Failure as e:
            message = f"{e}\n  end of {s.last_log}:\n{session.tail(s.last_log)}" if s.last_log else str(e)
        with open(s.out, errors="replace") as f:
            f.seek(at)
            text = f.read()
        if not message and (not text.endswith("PASS\n") or "FAIL" in text):
            message = "its output isn't a PASS"
        if message and proc.all_pids():
            proc.kill_all(s.reaper)
        for name in ("fuzz.go", "fuzz.ready"):
            if os.path.exists(os.path.join(s.work, name)):
                os.unlink(os.path.join(s.work, name))
        if self.job["verbose"] and not message:
            print(text, end="")
        if not self.images:
            self.start()
        return f"{message}\n" + "".join(f"    {line}\n" for line in text.splitlines()) if message else None

    def end(self):
        proc.kill_all(self.s.reaper)
        shutil.rmtree(self.s.work, ignore_errors=True)


def again(job, seed):
    return (f"test/fam/fuzz/fuzz.py --mode {job['mode']} --seed {seed} --episodes 1 --ops {job['ops']} --no-spoiled"
            " --repeat 20")


def inner(path):
    """In a namespace: the episodes of one shape; [passed, failed] goes to PATH.out."""
    proc.begin_inside()
    with open(path) as f:
        job = json.load(f)
    proc.private_devpts()
    passed = failed = 0
    fuzzed = Fuzzed(job, job["shape"], "work")
    for seed in job["seeds"]:
        for _ in range(job["repeat"]):
            message = fuzzed.episode(seed, job["spoil"] or 0)
            if not message:
                passed += 1
                continue
            failed += 1
            print(f"FAIL seed {seed}: {message}  run again: {again(job, seed)}", flush=True)
    for spoil in job["spoiled"]:
        if fuzzed.episode(job["seeds"][0], spoil):
            passed += 1
        else:
            failed += 1
            print(f"FAIL {SPOILS[spoil]} wasn't noticed", flush=True)
    fuzzed.end()
    with open(path + ".out", "w") as f:
        json.dump([passed, failed], f)
    return 0


def run_shape(job):
    """(passed, failed) of a job."""
    os.mkdir(job["work"])
    path = os.path.join(job["work"], "job.json")
    with open(path, "w") as f:
        json.dump(job, f)
    nr = len(job["seeds"]) * job["repeat"] + len(job["spoiled"])
    done = outer.in_namespace([sys.executable, os.path.abspath(__file__), "--inner", path], check=False)
    try:
        with open(path + ".out") as f:
            passed, failed = json.load(f)
    except (OSError, ValueError):
        passed, failed = 0, nr
        print(f"FAIL shape {job['shape']}: the runner ended with {done.returncode}", flush=True)
    shutil.rmtree(job["work"], ignore_errors=True)
    return passed, failed


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--inner":
        return inner(sys.argv[2])
    a = arguments()
    for program in (a.criu, a.binary):
        if not os.access(program, os.X_OK):
            sys.exit(f"fuzz.py: no {program}: make all zdtm")
    base = outer.base_dir()
    shapes = {}
    for seed in range(a.seed, a.seed + a.episodes):
        shapes.setdefault(seed // PER_DUMP, []).append(seed)
    with tempfile.NamedTemporaryFile(dir="/var/tmp", prefix="fuzz-") as direct:
        direct.write(os.urandom(1 << 16))
        direct.flush()
        jobs = [dict(vars(a), shape=shape, seeds=seeds, work=os.path.join(base, str(shape)), direct=direct.name,
                     spoiled=[]) for shape, seeds in shapes.items()]
        if not a.no_spoiled and not a.spoil:
            jobs[0]["spoiled"] = list(SPOILS)
        try:
            with concurrent.futures.ThreadPoolExecutor(max(1, a.jobs)) as pool:
                counts = list(pool.map(run_shape, jobs))
        finally:
            shutil.rmtree(base, ignore_errors=True)
    passed, failed = (sum(column) for column in zip(*counts))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
