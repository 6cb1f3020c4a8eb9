# SPDX-License-Identifier: GPL-2.0
"""Runs tests in parallel, each in namespaces of its own (pid, mount, ipc, net), and reports."""
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading

from . import huge_pages

RUN_PY = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "run.py")


def base_dir():
    """A directory on tmpfs if there is one."""
    place = os.environ.get("TMPDIR") or ("/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp")
    return tempfile.mkdtemp(prefix="zdtm-", dir=place)


def in_namespace(argv, **kw):
    """Runs a command as the first process of a new pid namespace; everything in it ends with it."""
    return subprocess.run(["unshare", "--pid", "--mount", "--ipc", "--net", "--propagation", "private", "--fork",
                           "--kill-child=SIGKILL", "--mount-proc"] + argv, stdin=subprocess.DEVNULL, **kw)


def inner_job(job, work, script=RUN_PY):
    """Runs SCRIPT --inner with a job, in a namespace; the outcome it writes."""
    path = os.path.join(work, "job.json")
    with open(path, "w") as f:
        json.dump(job, f)
    done = in_namespace([sys.executable, script, "--inner", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                        timeout=job["limit"] + 30, check=False)
    try:
        with open(path + ".out") as f:
            return json.load(f)
    except (OSError, ValueError):
        return {"result": "fail", "seconds": 0, "times": [],
                "message": f"the runner ended with {done.returncode}: {done.stdout.decode(errors='replace')}"}


def again(a, test, mode):
    """The command that runs it again."""
    words = [os.path.relpath(RUN_PY), a.command, test.name]
    if a.no_criu:
        words.append("--no-criu")
    elif a.command == "run":
        words += [f"--{mode}", "--rounds", str(a.rounds)] + (["--leave-running"] if a.leave_running else [])
        words += [f"--without={feature}" for feature in a.without]
    return " ".join(words + ["--keep"])


class Results:
    def __init__(self, total):
        self.lock = threading.Lock()
        self.total = total
        self.rows = []

    def add(self, test, mode, outcome, how):
        with self.lock:
            self.rows.append(dict(outcome, name=test.name, mode=mode, title=test.title, again=how))
            result = outcome["result"]
            note = f" ({outcome['message']})" if result != "fail" and outcome["message"] else ""
            print(f"[{len(self.rows)}/{self.total}] {result.upper():4} {test.name} {mode} "
                  f"{outcome.get('seconds', 0):.2f} s{note}", flush=True)
            if result == "fail":
                print(f"  run again: {how}\n  " + outcome["message"].rstrip("\n"), flush=True)

    def count(self, result):
        return sum(r["result"] == result for r in self.rows)

    def summary(self):
        return f"{self.count('pass')} passed, {self.count('fail')} failed, {self.count('skip')} skipped"


def run_one(a, base, test, mode, results):
    work = os.path.join(base, f"{test.name}.{mode}")
    os.mkdir(work)
    os.chmod(work, 0o777)
    missing = test.missing()
    not_in = test.not_in(mode)
    how = again(a, test, mode)
    if not_in:
        results.add(test, mode, {"result": "skip", "message": f"not in {not_in}"}, how)
        return
    if missing:
        results.add(test, mode, {"result": "skip", "message": f"needs {missing}"}, how)
        return
    if not os.path.exists(test.binary):
        results.add(test, mode, {"result": "fail", "message": f"{test.binary} isn't built: make zdtm"}, how)
        return
    limit = (max(test.number("timeout", 0), a.timeout) + 5) * (2 * a.rounds + 2)
    job = {"name": test.name, "source": test.source, "binary": test.binary, "work": work, "criu": a.criu,
           "timeout": a.timeout, "limit": limit, "mode": mode, "rounds": a.rounds,
           "no_criu": a.no_criu or a.command == "selftest", "leave_running": a.leave_running,
           "without": a.without, "sabotage": a.command == "selftest"}
    with huge_pages.reserved(test.words("huge-pages")) as missing:
        try:
            outcome = {"result": "skip", "message": f"needs {missing}"} if missing else inner_job(job, work)
        except subprocess.TimeoutExpired:
            outcome = {"result": "fail", "message": "the runner itself took too long"}
    if a.command == "selftest":
        outcome = judge_selftest(outcome)
    results.add(test, mode, outcome, how)
    if not a.keep:
        shutil.rmtree(work, ignore_errors=True)


def judge_selftest(outcome):
    """A spoiled state must be noticed."""
    if outcome["result"] == "fail":
        return dict(outcome, result="pass", message="")
    if outcome["result"] == "pass":
        return dict(outcome, result="fail", message="the test didn't notice that its state was spoiled")
    return outcome


def run(a, chosen):
    modes = ["alone"] if a.no_criu or a.command == "selftest" else a.modes
    if a.command == "selftest":
        chosen = [t for t in chosen if t.sabotage]
    if modes != ["alone"] and not os.access(a.criu, os.X_OK):
        sys.exit(f"run.py: no {a.criu}; build it or give --criu")
    base = base_dir()
    os.chmod(base, 0o755)
    jobs = [(t, m) for t in chosen for m in modes]
    results = Results(len(jobs))
    try:
        with concurrent.futures.ThreadPoolExecutor(max(1, a.jobs)) as pool:
            for f in [pool.submit(run_one, a, base, t, m, results) for t, m in jobs]:
                f.result()
    finally:
        if a.keep:
            print(f"work directories: {base}")
        else:
            shutil.rmtree(base, ignore_errors=True)
    write_reports(a, results)
    for row in results.rows:
        if row["result"] == "fail":
            print(f"failed: {row['name']} {row['mode']}: {row['again']}")
    print(results.summary())
    return 1 if results.count("fail") else 0


def write_reports(a, results):
    if a.report:
        with open(a.report, "w") as f:
            json.dump({"summary": {k: results.count(k) for k in ("pass", "fail", "skip")}, "tests": results.rows}, f,
                      indent=1)
    if a.tap:
        with open(a.tap, "w") as f:
            print(f"TAP version 13\n1..{len(results.rows)}", file=f)
            for n, row in enumerate(results.rows, 1):
                ok = "not ok" if row["result"] == "fail" else "ok"
                skip = f" # SKIP {row['message']}" if row["result"] == "skip" else ""
                print(f"{ok} {n} - {row['name']} {row['mode']}{skip}", file=f)
                if row["result"] == "fail":
                    print("\n".join("# " + line for line in row["message"].splitlines()), file=f)
