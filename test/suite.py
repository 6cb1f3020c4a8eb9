#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs the suites and adds up what they say.

usage: suite.py check     what needs no root, in about a minute: unit tests, image tests
       suite.py all       everything
       suite.py list      the suites of "all", by name
       suite.py NAME...   those

Each suite is a command. Its last line "N passed, N failed[, N skipped]" is counted; one without such a line counts as
one test. The last line printed here has the same form. Of suites that fail everything
is printed but the lines of what passed, and the names of what failed stand once more at the end.
"""

import os
import re
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
BUILD = os.environ.get("BUILD", "build")
SLOWER = int(os.environ.get("TEST_TIME_FACTOR", "1"))  # than usual: this machine; limits grow with it
PYTHON = "/usr/bin/python3"
SUMMARY = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", re.M)
GOOD = re.compile(r"^\[\d+/\d+\] (?:PASS|SKIP) .*\n", re.M)
FAILED = re.compile(r"^(?:\[\d+/\d+\] FAIL|FAIL|FAILED|\[  FAILED  \]) .*", re.M)
CMOCKA = re.compile(r"\[  (PASSED|FAILED|SKIPPED)\s*\] (\d+) test\(s\)")


def unit_suites():
    """One suite per unit test program, and the Python ones."""
    suites = []
    top = os.path.join(BUILD, "test", "unit")
    for directory, _, names in sorted(os.walk(os.path.join(ROOT, top))):
        for name in sorted(names):
            path = os.path.join(directory, name)
            if name.startswith("test_") and "." not in name and os.access(path, os.X_OK):
                suites.append((f"unit/{os.path.basename(directory)}/{name[5:]}", [path], 120))
    suites.append(("unit/python", [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test/unit"], 300))
    return suites


def zdtm(*words):
    return [PYTHON, "test/zdtm/run.py", *words]


def fuzz(mode, episodes):
    return [PYTHON, "test/fam/fuzz/fuzz.py", "--mode", mode, "--episodes", str(episodes)]


def end_to_end_suites():
    return [
        ("zdtm/files-and-pmem", zdtm("run", "--all", "--both", "-j", "4"), 1500),
        ("zdtm/cross", zdtm("run", "--all", "--cross", "-j", "4"), 900),
        ("zdtm/fam", zdtm("run", "--all", "--fam", "-j", "4"), 1500),
        ("zdtm/fam-lazy", zdtm("run", "--all", "--fam-lazy", "-j", "4"), 1500),
        ("zdtm/fam-cross", zdtm("run", "--all", "--fam-cross", "-j", "4"), 900),
        ("zdtm/scenarios", zdtm("scenarios"), 600),
        ("zdtm/selftest", zdtm("selftest"), 900),
        ("clients/dump-undo", [PYTHON, "test/clients/dump_undo.py"], 120),
        ("clients/crit", [PYTHON, "test/clients/crit.py"], 120),
        ("zdtm/faults", zdtm("faults"), 600),
        ("zdtm/kills", zdtm("kills", "--dumps", "200", "--restores", "200"), 900),
        ("zdtm/faults-fam", zdtm("faults", "--fam"), 600),
        ("zdtm/faults-fam-lazy", zdtm("faults", "--fam-lazy"), 600),
        ("zdtm/kills-fam", zdtm("kills", "--fam", "--dumps", "200", "--restores", "100"), 900),
        ("zdtm/kills-fam-lazy", zdtm("kills", "--fam-lazy", "--dumps", "0", "--restores", "100"), 600),
        ("zdtm/mutate-fam", zdtm("mutate", "--fam", "--count", "300"), 600),
        ("zdtm/mutate", zdtm("mutate", "--count", "1000"), 1200),
        ("zdtm/mutate-pools", zdtm("mutate-pools", "--count", "150"), 300),
        ("fam/fuzz", fuzz("lazy", 200), 600),
        ("fam/fuzz-copy", fuzz("copy", 16), 300),
        ("asan", [PYTHON, "test/sanitize.py"], 900),
        ("real", [PYTHON, "test/real/real.py", "run"], 2400),
        ("vm/quick", [PYTHON, "test/vm/vm.py", "quick"], 400),
        ("bench/quick", [PYTHON, "test/bench/run.py", "--quick"], 600),
    ]


def count(text, status):
    """(passed, failed, skipped) of a finished suite."""
    found = SUMMARY.findall(text)
    if found:
        passed, failed, skipped = (int(n or 0) for n in found[-1])
    else:
        totals = {"PASSED": 0, "FAILED": 0, "SKIPPED": 0}
        for word, number in CMOCKA.findall(text):
            totals[word] += int(number)
        passed, failed, skipped = totals["PASSED"], totals["FAILED"], totals["SKIPPED"]
        pytest = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|error)", text)}
        if not any(totals.values()) and pytest:
            passed, skipped = pytest.get("passed", 0), pytest.get("skipped", 0)
            failed = pytest.get("failed", 0) + pytest.get("error", 0)
        elif not any(totals.values()):
            passed, failed = (1, 0) if status == 0 else (0, 1)
    if status != 0 and not failed:
        failed = 1
    return passed, failed, skipped


def run(name, command, limit):
    begin = time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as out:
        try:
            status = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                    timeout=limit * SLOWER, check=False).returncode
        except subprocess.TimeoutExpired:
            out.write(f"\nsuite: took longer than {limit * SLOWER} s\n")
            status = 1
        except OSError as error:
            out.write(f"{error}\n")
            status = 1
        out.seek(0)
        text = out.read()
    passed, failed, skipped = count(text, status)
    seconds = time.monotonic() - begin
    print(f"{'FAIL' if failed else 'ok':4} {name:32} {passed:5} passed {failed:3} failed {skipped:3} skipped"
          f" {seconds:7.1f} s", flush=True)
    if failed:
        print(f"---- again: {' '.join(command)}")
        print(GOOD.sub("", text)[-30000:].rstrip())
        print("----", flush=True)
    return (passed, failed, skipped), [f"{name}: {line}" for line in FAILED.findall(text)] if failed else []


def main(words):
    os.chdir(ROOT)
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    suites = unit_suites()
    if words != ["check"]:
        suites += end_to_end_suites()
    if words == ["list"]:
        print("\n".join(name for name, _, _ in suites))
        return 0
    if not words:
        print(__doc__)
        return 2
    if words not in (["check"], ["all"]):
        unknown = [word for word in words if not any(name == word for name, _, _ in suites)]
        if unknown:
            print(f"suite.py: no suite {' '.join(unknown)}", file=sys.stderr)
            return 2
        suites = [suite for suite in suites if suite[0] in words]
    totals, failures = [0, 0, 0], []
    for name, command, limit in suites:
        counts, lines = run(name, command, limit)
        totals = [a + b for a, b in zip(totals, counts)]
        failures += lines
    print("\n".join(failures[:100]), end="\n" if failures else "")
    print(f"{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
