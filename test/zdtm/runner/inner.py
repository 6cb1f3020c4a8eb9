# SPDX-License-Identifier: GPL-2.0
"""One test from start to end, as the first process of namespaces of its own."""
import json
import os
import signal
import time
import traceback

from . import damage, pools, proc, session, tests

# Of each dump and restore: with --use-pmem?
PLANS = {"files": [(False, False)], "pmem": [(True, True)], "cross": [(True, False), (False, True)],
         "fam": [(False, False)], "fam-lazy": [(False, False)], "fam-cross": [(False, False)]}


class Refused(Exception):
    """A dump or restore ended as it may where the kernel lacks something: with an error, leaving all as it was."""


def note_features(s, job, code):
    """Adds to the outcome what the kernel was asked for; a probe that is switched off must not have been used."""
    for name, answer in s.features().items():
        if answer not in job["features"].setdefault(name, []):
            job["features"][name].append(answer)
        if name in job["without"] and answer != "off":
            raise proc.Failure(f"{name} is switched off, but the log says: {answer}")
    if job["without"] and code == 1:
        with open(s.last_log, errors="replace") as f:
            errors = [line.split(": ", 1)[1].strip() for line in f if "Error (" in line]
        if not errors:
            raise proc.Failure("refused without an Error line in the log")
        raise Refused(errors[0])


def rounds(s, job):
    """Dumps and restores in a row; the state must look the same from outside each time."""
    test, plan = s.test, PLANS[job["mode"]]
    before = s.steady()
    nr = min(job["rounds"], test.number("rounds", 1000))
    for n in range(nr):
        dump_pmem, restore_pmem = plan[n % len(plan)]
        images = s.images(f"images-{n + 1}")
        s.in_pool = bool(s.pool) and (job["mode"] != "fam-cross" or n % 2 == 0)
        code = s.dump(images, dump_pmem, ["-R"] if job["leave_running"] else [])
        if test.refused():
            check_refused(s, code, before)
            continue
        try:
            note_features(s, job, code)
        except Refused:
            s.compare(before, "the refused dump")
            raise
        if job["leave_running"]:
            if code != 0:
                raise proc.Failure(f"dump ended with {'a timeout' if code is None else code}")
            s.compare(before, "the dump")
            continue
        s.check_dumped(code, before)
        if test.warned() and not s.log_has(r"Warn .*" + test.warned()):
            raise proc.Failure(f"no Warn line with {test.warned()!r} in the log")
        if job["mode"] == "fam-cross":
            images = pools.exchange(s, images, n + 1)
        by_faults = s.lazy and n == nr - 1
        code = s.restore(images, restore_pmem, env={"CRIU_PAGER_FILL": "0"} if by_faults else None)
        note_features(s, job, code)
        if by_faults:
            s.check_command(code)  # with its pager, and pages missing, it looks different
        else:
            s.check_restored(code, before)


def check_refused(s, code, before):
    if code is None:
        raise proc.Failure("the dump, which should be refused, takes too long")
    if code <= 0:
        raise proc.Failure(f"the dump should be refused, but ended with {code}")
    if not s.log_has(r"Error \(.*" + s.test.refused()):
        raise proc.Failure(f"no Error line with {s.test.refused()!r} in the log")
    if os.path.exists(os.path.join(os.path.dirname(s.last_log), "inventory.img")):
        raise proc.Failure("the refused dump left an inventory.img")
    s.compare(before, "the refused dump")


def run_test(s, job):
    """("pass" | "fail" | "skip", message)"""
    early = s.start()
    note = ""
    if early is None:
        if job["no_criu"]:
            s.compare(s.steady(), "waiting")
        else:
            try:
                rounds(s, job)
            except Refused as e:
                note = f"refused: {e}"
                if s.has_ended() or not os.path.exists(f"/proc/{s.root}"):
                    left = proc.only_these_left(s.reaper, ())
                    return ("fail", "the refused restore left: " + ", ".join(left)) if left else ("pass", note)
        if job["sabotage"]:
            with open(os.path.join(s.work, s.test.name + ".sabotage"), "w"):
                pass
        s.go()
    verdict, text = s.finish()
    complaints = s.complaints()
    if complaints:
        return "fail", "a sanitizer complained:\n" + complaints
    if early is not None and verdict == "PASS":
        return "fail", "it ended before it was ready"
    return {"PASS": "pass", "FAIL": "fail", "SKIP": "skip"}[verdict], text or note


def report(s, message):
    lines = [message, "  output of the program:", session.tail(s.out, 10).rstrip("\n")]
    if s.last_log:
        folder = os.path.dirname(s.last_log)
        for name in ("dump.log", "restore.log"):
            path = os.path.join(folder, name)
            if os.path.exists(path):
                lines += [f"  end of {os.path.basename(folder)}/{name}:", session.tail(path).rstrip("\n")]
        lines += ["  what criu printed:", session.tail(s.criu_out, 8).rstrip("\n")]
    return "\n".join(lines)


def main(path):
    """Runs the job described in PATH (JSON) and writes the outcome to PATH.out."""
    proc.begin_inside()
    with open(path) as f:
        job = json.load(f)
    if "kind" in job:
        return damage.main(job)
    outcome = {"result": "fail", "message": "", "times": [], "features": {}}
    job["features"] = outcome["features"]
    for name in job["without"]:
        os.environ["CRIU_KERNEL_" + name.upper().replace("-", "_")] = "0"

    def too_long(sig, frame):
        outcome["message"] = "the whole test took too long"
        write(path, outcome)
        os._exit(1)

    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(job["limit"])
    proc.private_devpts()
    test = tests.Test(job["name"], job["source"], job["binary"])
    s = session.Session(test, job["work"], job["criu"], max(test.number("timeout", 0), job["timeout"]),
                        mode=job["mode"])
    began = time.monotonic()
    try:
        outcome["result"], outcome["message"] = run_test(s, job)
        if outcome["result"] == "fail":
            outcome["message"] = report(s, outcome["message"])
    except proc.Failure as e:
        outcome["message"] = report(s, str(e))
    except Exception:
        outcome["message"] = report(s, traceback.format_exc())
    outcome["seconds"] = round(time.monotonic() - began, 3)
    outcome["times"] = s.times
    proc.kill_all(s.reaper)
    write(path, outcome)
    return 0


def write(path, outcome):
    with open(path + ".out", "w") as f:
        json.dump(outcome, f)
