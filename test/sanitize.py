#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The build with ASan and UBSan (make SANITIZE=1): unit tests, whole dumps and restores, damaged images.

usage: sanitize.py [--count N]     N damaged sets

A report of a sanitizer is a failure, whoever's exit code it was. The last line is "N passed, N failed, N skipped".
"""
import argparse
import glob
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
BUILD = "build-asan"
MARKS = re.compile(r"runtime error:|(Address|Leak|UndefinedBehavior)Sanitizer")
SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)
# Each is run with the sanitized criu; the programs of the tests are as ever.
END_TO_END = (
    ["run", "plain_static", "rich", "threads_100", "tree_ids", "sessions", "zombies", "mem_large", "unix_stream",
     "mem_aio", "memfd", "sysv_shm", "timer_pending", "seccomp_threads", "user_dispatch", "unix_listen", "fd_link_remap"],
    ["run", "--pmem", "plain_static", "rich", "mem_large"],
    ["run", "--fam", "plain_static", "rich", "mem_large", "mem_shared_anon", "sysv_shm", "hugetlb_shared"],
    ["run", "--fam-lazy", "plain_static", "rich", "mem_large", "mem_many_areas", "threads_100"],
    ["run", "--fam-cross", "plain_static", "rich"],
    ["mutate-pools", "--count", "50"],
    ["scenarios", "fam_export_and_restore", "fam_import_and_restore", "fam_orphans", "fam_on_huge_pages"],
)
MUTATED = ["plain_static", "rich", "mem_aio", "memfd_seals", "sysv_shm_pieces", "timer_pending", "seccomp_threads",
           "unix_listen", "tcp_listen", "ldt"]
LIMIT = 400


def unit_tests():
    top = os.path.join(BUILD, "test", "unit")
    return sorted(path for path in glob.glob(os.path.join(top, "*", "test_*"))
                  if "." not in os.path.basename(path) and os.access(path, os.X_OK))


def run(command, place):
    """(exit code, all it printed, what sanitizers wrote)."""
    log = os.path.join(place, "sanitizer")
    env = dict(os.environ)
    env["ASAN_OPTIONS"] = env["UBSAN_OPTIONS"] = f"log_path={log}:print_stacktrace=1"
    try:
        p = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, errors="replace", timeout=LIMIT, check=False)
        status, text = p.returncode, p.stdout
    except subprocess.TimeoutExpired as e:
        status, text = 1, f"{e}\n"
    reports = ""
    for path in glob.glob(log + ".*"):
        with open(path, errors="replace") as f:
            reports += f.read(10000)
        os.unlink(path)
    return status, text, reports


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--count", type=int, default=300, metavar="N")
    count = p.parse_args().count
    os.chdir(ROOT)
    if subprocess.run(["make", "-j2", "SANITIZE=1", f"BUILD={BUILD}", "all", "unit"], check=False).returncode:
        return 1
    zdtm = [sys.executable, "test/zdtm/run.py", "-j", "2", "--criu", f"{BUILD}/criu/criu"]
    commands = [[path] for path in unit_tests()]
    commands += [zdtm + words for words in END_TO_END] + [zdtm + ["mutate", "--count", str(count)] + MUTATED]
    commands += [zdtm + ["mutate", "--fam", "--count", str(count // 3), "plain_static", "rich"]]
    totals = [0, 0, 0]
    with tempfile.TemporaryDirectory() as place:
        for command in commands:
            status, text, reports = run(command, place)
            found = SUMMARY.findall(text)
            numbers = [int(n) for n in found[-1]] if found else [0, 0, 0]
            if status or reports or MARKS.search(text):
                numbers[1] = numbers[1] or 1
                print(f"FAIL {' '.join(command)}: {status}\n{text[-20000:]}\n{reports}", flush=True)
            elif not found:
                numbers[0] = 1
            totals = [a + b for a, b in zip(totals, numbers)]
    print(f"{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main())
