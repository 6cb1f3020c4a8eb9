#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Tests that are dumped on one machine and restored on another; vm.py starts it in the guests.

  elsewhere.py dump TAR NAME...    starts the programs and dumps them; TAR takes their directories
  elsewhere.py restore TAR         on the other machine: restores them all
"""
import json
import os
import subprocess
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "zdtm"))
sys.dont_write_bytecode = True

from runner import outer, proc, session, snapshot, tests  # noqa: E402

PLACE = "/dev/shm/elsewhere"  # the same on both, as the programs' directories
CRIU = os.path.join(tests.TOP, "criu", "criu")


def the_session(name, work):
    test = tests.find(os.path.join(tests.TOP, os.environ.get("BUILD", "build"), "zdtm"))[name]
    return session.Session(test, work, CRIU, 240)


def dump(s):
    with open("/proc/sys/kernel/ns_last_pid", "w") as f:
        f.write("1000")  # so that the pids are free where criu is started
    if s.start() is not None:
        raise proc.Failure("the program ended early")
    before = s.steady()
    s.check_dumped(s.dump(s.images("images")), before)
    with open(os.path.join(s.work, "before.json"), "w") as f:
        json.dump({"root": s.root, "before": before}, f)


def restore(s):
    with open(os.path.join(s.work, "before.json")) as f:
        saved = json.load(f)
    s.root = saved["root"]
    code = s.restore(os.path.join(s.work, "images"))
    if code != 0:
        raise proc.Failure(f"restore ended with {code}:\n{session.tail(s.last_log)}")
    after = snapshot.take(s.root)
    if set(saved["before"]) != set(map(str, after)):
        raise proc.Failure(f"processes {sorted(after)} instead of {sorted(saved['before'])}")
    s.go()
    verdict, text = s.finish()
    if verdict != "PASS":
        raise proc.Failure(f"{verdict} {text}\n{session.tail(s.out)}")


def inside(command, work):
    """As the first process of a pid namespace."""
    proc.begin_inside()
    proc.private_devpts()
    s = the_session(os.path.basename(work), work)
    try:
        {"dump": dump, "restore": restore}[command](s)
        return 0
    except Exception:
        print(traceback.format_exc(), session.tail(s.last_log) if s.last_log else "", flush=True)
        return 1
    finally:
        proc.kill_all(s.reaper)


def main():
    if sys.argv[1] == "--inner":
        return inside(sys.argv[2], sys.argv[3])
    command, tar, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    os.mkdir(PLACE)
    if command == "restore":
        subprocess.run(["tar", "-C", PLACE, "-xSpf", tar], check=True)
        names = sorted(os.listdir(PLACE))
    failed = 0
    for name in names:
        work = os.path.join(PLACE, name)
        os.makedirs(work, exist_ok=True)
        done = outer.in_namespace([sys.executable, os.path.abspath(__file__), "--inner", command, work], timeout=600)
        print(f"{'FAIL' if done.returncode else 'PASS'} {command} {name}", flush=True)
        failed += done.returncode != 0
    if command == "dump":
        subprocess.run(["tar", "-C", PLACE, "-cSf", tar, "."], check=True)
    print(f"{len(names) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.TimeoutExpired as e:
        sys.exit(f"elsewhere.py: {e}")
