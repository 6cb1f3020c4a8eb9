# SPDX-License-Identifier: GPL-2.0
"""What needs a session by hand: scenarios, faults, kills, mutate, mutate-pools. Each runs in a pid namespace of its own."""
import json
import os
import shutil
import subprocess
import sys
import traceback

from . import huge_pages, outer, proc, session, tests


class Tally:
    """Prints one line per case; a failing one with how to repeat it and all that is known."""

    def __init__(self, quiet=False):
        self.passed = self.failed = self.skipped = 0
        self.quiet = quiet

    def good(self, what):
        self.passed += 1
        if not self.quiet:
            print(f"PASS {what}", flush=True)

    def bad(self, what, message, again):
        self.failed += 1
        print(f"FAIL {what}\n  run again: {again}\n  {message}", flush=True)

    def skip(self, what):
        self.skipped += 1
        print(f"SKIP {what}", flush=True)

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 1 if self.failed else 0


def report(s, message):
    """MESSAGE and what the logs say."""
    out = [str(message)]
    if s.last_log:
        out += [f"  end of {s.last_log}:", session.tail(s.last_log).rstrip("\n")]
    out += ["  what criu printed:", session.tail(s.criu_out, 5).rstrip("\n"),
            "  output of the program:", session.tail(s.out, 5).rstrip("\n")]
    return "\n".join(out)


def run(a, known):
    """From outside: starts the namespace and waits."""
    from . import scenarios
    named = []
    if a.command == "scenarios":
        named, a.names = scenarios.choose(a.names)
    chosen = a.names or (["plain", "rich"] if a.command == "faults" else
                         ["rich"] if a.command == "kills" else
                         ["plain_static"] if a.command == "mutate-pools" else ["plain_static", "rich"])
    for name in chosen:
        if name not in known:
            sys.exit(f"run.py: no test {name}; see run.py list")
        if not os.path.exists(known[name].binary):
            sys.exit(f"run.py: {known[name].binary} isn't built: make zdtm")
    if not os.access(a.criu, os.X_OK):
        sys.exit(f"run.py: no {a.criu}; build it or give --criu")
    base = outer.base_dir()
    job = {"kind": a.command, "work": base, "criu": a.criu, "timeout": a.timeout, "dumps": a.dumps,
           "restores": a.restores, "count": a.count, "seed": a.seed, "only": a.only, "verbose": a.verbose,
           "modes": a.modes,
           "scenarios": named,
           "tests": [[t.name, t.source, t.binary] for t in (known[n] for n in chosen)]}
    path = os.path.join(base, "job.json")
    huge = 8 if a.command == "mutate-pools" else max(map(scenarios.huge_pages_of, map(scenarios.known().get, named)),
                                                     default=0)
    with huge_pages.reserved(["2048kB", str(huge)] if huge else []) as missing:
        job["huge"] = not missing
        with open(path, "w") as f:
            json.dump(job, f)
        return start(path, base, a.keep)


def start(path, base, keep):
    try:
        return outer.in_namespace([sys.executable, outer.RUN_PY, "--inner", path], check=False).returncode
    except (KeyboardInterrupt, subprocess.SubprocessError) as e:
        print(f"run.py: {e!r}")
        return 1
    finally:
        if keep:
            print(f"work directory: {base}", file=sys.stderr)
        else:
            shutil.rmtree(base, ignore_errors=True)


def sessions(job):
    """A fresh Session per test of the job."""
    for name, source, binary in job["tests"]:
        work = os.path.join(job["work"], name)
        os.makedirs(work, exist_ok=True)
        yield session.Session(tests.Test(name, source, binary), work, job["criu"], job["timeout"],
                              mode=job["modes"][0])


def again(job, names, *options):
    """The command that does it again."""
    modes = [f"--{m}" for m in job["modes"] if m != "files"]
    return " ".join(["test/zdtm/run.py", job["kind"], *names, *modes, *options])


def main(job):
    """Inside the namespace."""
    from . import faults, kills, mutate, mutate_fam, scenarios
    proc.private_devpts()
    tally = Tally(quiet=job["kind"] in ("kills", "mutate", "mutate-pools"))
    work = {"faults": faults.main, "kills": kills.main, "mutate": mutate.main, "mutate-pools": mutate_fam.main,
            "scenarios": scenarios.main}[job["kind"]]
    try:
        work(job, tally)
    except proc.Failure as e:
        tally.bad(job["kind"], str(e), again(job, []))
    except Exception:
        tally.bad(job["kind"], traceback.format_exc(), again(job, []))
    code = tally.end()
    proc.kill_all(proc.Reaper())
    return code
