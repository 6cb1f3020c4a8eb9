#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Real programs, dumped and restored in a row; after each restore they must work on.

  real.py list
  real.py run [NAME...]     --help for how

The last line is "N passed, N failed, N skipped".
"""
import argparse
import json
import os
import shutil
import signal
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import heaps  # noqa: E402
import programs  # noqa: E402
import servers  # noqa: E402
from runner import inner, outer, proc, session, snapshot, tests  # noqa: E402

# These programs are at work, so only what stays is compared.
STEADY = ("ppid", "pgrp", "session", "tty", "nice", "policy")


def all_programs():
    return {p.name: p for p in (*programs.all_programs(), *heaps.all_heaps(), *servers.all_servers())}


class Likeness:
    """What session.Session asks of a test."""

    def __init__(self, program):
        self.name, self.program = program.name, program

    def options(self, command):
        return list(self.program.options)

    def ignore(self):
        return []


def portrait(root):
    """The part of a snapshot that doesn't change while a program works."""
    out = {}
    for pid, task in snapshot.take(root).items():
        if "exe" not in task:
            continue
        out[pid] = {k: task[k] for k in ("exe", "cwd", "root", "cmdline", "environ", "limits")}
        out[pid]["stat"] = {k: task["stat"][k] for k in STEADY}
        out[pid]["status"] = {k: v for k, v in task["status"].items() if k.startswith(("Uid", "Gid", "Cap", "SigIgn"))}
        out[pid]["fds"] = {fd: text.split(" | ")[0].split("#")[0] for fd, text in task["fds"].items()}
    return out


def same_root(before, after, shell_job):
    """Differences of the first task (others come and go)."""
    root = next(iter(before))
    ignore = ["stat/ppid", "stat/tty"] if shell_job else []
    ignore += [r"fds/\d+$"] if set(before[root]["fds"]) != set(after.get(root, before[root])["fds"]) else []
    return snapshot.differences({root: before[root]}, {root: after.get(root, {})}, ignore)


def cycle(s, program, job, n):
    pmem = job["mode"] == "pmem"
    before = portrait(s.root)
    images = s.images(f"images-{n + 1}")
    code = s.dump(images, pmem)
    if code != 0:
        raise proc.Failure(f"dump ended with {'a timeout' if code is None else code}")
    if os.path.exists(f"/proc/{s.root}") and not s.has_ended():
        raise proc.Failure("after the dump the program still exists")
    left = proc.only_these_left(s.reaper, ())
    if left:
        raise proc.Failure("after the dump these are left: " + ", ".join(left))
    s.reaper.ended.pop(s.root, None)
    code = program.restore(s, images, pmem)
    if code != 0:
        raise proc.Failure(f"restore ended with {'a timeout' if code is None else code}")
    diff = same_root(before, portrait(s.root), bool(program.options))
    if diff:
        raise proc.Failure("the restore changed:\n" + "\n".join("    " + d for d in diff))


def run_inside(path):
    proc.begin_inside()
    with open(path) as f:
        job = json.load(f)
    outcome = {"result": "fail", "message": "", "times": []}
    program = all_programs()[job["name"]]
    s = session.Session(Likeness(program), job["work"], job["criu"], job["timeout"])

    def too_long(sig, frame):
        raise proc.Failure("the whole test took too long")

    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(job["limit"])
    proc.private_devpts()
    began = time.monotonic()
    try:
        program.start(s)
        program.check(s)
        for n in range(0 if job["no_criu"] else job["rounds"]):
            cycle(s, program, job, n)
            program.check(s)
        program.finish(s)
        outcome["result"] = "pass"
    except proc.Failure as e:
        outcome["message"] = inner.report(s, str(e))
    except Exception:
        outcome["message"] = inner.report(s, traceback.format_exc())
    signal.alarm(0)
    outcome["seconds"] = round(time.monotonic() - began, 3)
    outcome["times"] = s.times
    proc.kill_all(s.reaper)
    inner.write(path, outcome)
    return 0


def run_one(a, base, program, mode, results):
    how = f"test/real/real.py run {program.name} --{mode} --keep"
    missing = program.missing()
    if missing and program.name != "threads":
        results.add(program, mode, {"result": "skip", "message": f"no {missing}"}, how)
        return
    work = os.path.join(base, f"{program.name}.{mode}")
    os.mkdir(work)
    rounds = a.rounds or program.rounds
    job = {"name": program.name, "work": work, "criu": a.criu, "timeout": a.timeout, "mode": mode, "rounds": rounds,
           "no_criu": a.no_criu, "limit": 60 + rounds * 2 * (a.timeout + 20)}
    results.add(program, mode, outer.inner_job(job, work, os.path.abspath(__file__)), how)
    if not a.keep:
        shutil.rmtree(work, ignore_errors=True)


def main():
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # not so under nohup(1)
    if len(sys.argv) == 3 and sys.argv[1] == "--inner":
        return run_inside(sys.argv[2])
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("command", choices=["list", "run"])
    p.add_argument("names", nargs="*", metavar="NAME")
    p.add_argument("--files", dest="modes", action="store_const", const=["files"])
    p.add_argument("--pmem", dest="modes", action="store_const", const=["pmem"])
    p.add_argument("--both", dest="modes", action="store_const", const=["files", "pmem"])
    p.add_argument("--no-criu", action="store_true", help="only the programs themselves")
    p.add_argument("--criu", default=os.path.join(tests.TOP, "criu", "criu"), metavar="PATH")
    p.add_argument("--rounds", type=int, metavar="N")
    p.add_argument("--timeout", type=int, default=60, metavar="SECONDS", help="for one criu command")
    p.add_argument("--report", metavar="FILE", help="write JSON")
    p.add_argument("--tap", metavar="FILE", help="write TAP")
    p.add_argument("--keep", action="store_true", help="keep the work directories")
    a = p.parse_intermixed_args()
    known = all_programs()
    unknown = [n for n in a.names if n not in known]
    if unknown:
        sys.exit(f"real.py: no program {unknown[0]}; see real.py list")
    if a.command == "list":
        for program in known.values():
            print(f"{program.name:12} {program.title}")
        return 0
    a.criu = os.path.abspath(a.criu)
    if os.geteuid() != 0:
        sys.exit("real.py: needs root")
    if not a.no_criu and not os.access(a.criu, os.X_OK):
        sys.exit(f"real.py: no {a.criu}; build it or give --criu")
    chosen = [known[n] for n in a.names] or list(known.values())
    jobs = [(program, mode) for program in chosen
            for mode in (["files"] if a.no_criu else a.modes or program.modes)]
    base = outer.base_dir()
    os.chmod(base, 0o755)
    results = outer.Results(len(jobs))
    try:
        for program, mode in jobs:
            run_one(a, base, program, mode, results)
    finally:
        if a.keep:
            print(f"work directories: {base}")
        else:
            shutil.rmtree(base, ignore_errors=True)
    outer.write_reports(a, results)
    print(results.summary())
    return 1 if results.count("fail") else 0


if __name__ == "__main__":
    sys.exit(main())
