#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Measures whole dump and restore commands, with ratios to a memcpy of the same bytes in the same rounds.

Each job's processes are started once; then dumps and restores alternate, so that every dump but the first finds the
image file or pool of the one before: its pages exist. The first round is not counted. Every restored tree checks its
memory. With --peer another binary does the same job, round by round beside ours.
"""

import argparse
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time

import jobs
import report
from trees import ROOT, Failed, build_program

PR_SET_CHILD_SUBREAPER = 36
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Env:
    """What every job shares."""

    def __init__(self, args):
        self.dir, self.rounds, self.quick = args.dir, args.rounds, args.quick
        self.criu = os.path.realpath(args.criu)
        self.peer = args.peer and os.path.realpath(shutil.which(args.peer) or args.peer)
        self.work = build_program("work")

    def memcpy(self, mib):
        """Seconds for a warm copy of MIB."""
        out = subprocess.run([self.work, "memcpy", str(mib)], check=True, capture_output=True, text=True)
        return float(out.stdout)

    def warm(self, mib):
        subprocess.run([self.work, "warm", str(mib)], check=True)


def meminfo_mib(name):
    with open("/proc/meminfo", encoding="ascii") as f:
        for line in f:
            if line.startswith(name + ":"):
                return int(line.split()[1]) // 1024
    return 0


def about_machine(env):
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        models = [line.split(":", 1)[1].strip() for line in f if line.startswith("model name")]
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always"], capture_output=True, text=True, check=False)
    return {
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit.stdout.strip() or "unknown",
        "cpus": os.cpu_count(),
        "cpu": models[0] if models else os.uname().machine,
        "memory_gib": round(meminfo_mib("MemTotal") / 1024),
        "kernel": os.uname().release,
        "directory": env.dir,
        "load": round(os.getloadavg()[0], 2),
        "rounds": env.rounds,
    }


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--criu", default=os.path.join(ROOT, "criu", "criu"), help="the binary that is measured")
    parser.add_argument("--peer", help="another criu that does the same with page files")
    parser.add_argument("--dir", default="/dev/shm", help="where images and pools go: %(default)s")
    parser.add_argument("--rounds", type=int, default=7, help="counted rounds of each job: %(default)s")
    parser.add_argument("--job", action="append", help="only this job; may be repeated")
    parser.add_argument("--quick", action="store_true", help="small jobs, two rounds: does it work at all")
    parser.add_argument("--json", metavar="FILE", help="write the results there too, - for standard output")
    parser.add_argument("--svg", metavar="FILE", help="plot what has a bar")
    parser.add_argument("--doc", metavar="DIR", help="write performance.json and .svg there and into performance.md")
    parser.add_argument("--strict", action="store_true", help="fail when a bar isn't met")
    args = parser.parse_args()
    if args.quick:
        args.rounds = 2
    return args


def end_early(number, frame):
    """Whoever ends us early gets everything cleaned up, too; who does it twice, as timeout(1), changes nothing."""
    for ending in ENDING:
        signal.signal(ending, signal.SIG_IGN)
    sys.exit("ended by a signal")


def run_jobs(env, chosen, strict):
    """The rows, and how many passed and failed."""
    rows, passed, failed = [], 0, 0
    for job in chosen:
        try:
            done = job.run(env)
        except Failed as e:
            print(f"{job.name}: FAILED: {e}", flush=True)
            failed += 1
            continue
        for row in done:
            report.judge(row, rows)
            report.print_row(row)
            rows.append(row)
            if strict and row["met"] is False:
                failed += 1
            else:
                passed += 1
    return rows, passed, failed


def main():
    args = parse_args()
    every = jobs.QUICK if args.quick else jobs.JOBS
    unknown = set(args.job or []) - {job.name for job in every}
    if unknown:
        sys.exit(f"no such job: {', '.join(sorted(unknown))}; there are: {', '.join(job.name for job in every)}")
    # Restored trees become our children when criu has ended, so that we can wait for them.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in ENDING:
        signal.signal(number, end_early)
    env = Env(args)
    machine = about_machine(env)
    if not args.quick:
        env.warm(min(9 * 1024, meminfo_mib("MemAvailable") * 6 // 10))
    print(f"{machine['cpus']} CPUs, {machine['kernel']}, load average {machine['load']} (should be near 0)")
    report.print_head()
    chosen = [job for job in every if not args.job or job.name in args.job]
    rows, passed, failed = run_jobs(env, chosen, args.strict)
    if not args.quick:
        report.print_steps(rows)
    if args.json:
        report.write_json(args.json, machine, rows)
    if args.svg:
        with open(args.svg, "w", encoding="utf-8") as f:
            f.write(report.svg(machine, rows))
    if args.doc:
        report.write_documentation(args.doc, machine, rows)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
