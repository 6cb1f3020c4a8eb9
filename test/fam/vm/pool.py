# SPDX-License-Identifier: GPL-2.0
"""A pool and the programs whose memory goes there, for tests. Runs as the first process of a pid namespace."""
import json
import os
import shutil
import subprocess
import traceback

from runner import proc, session, tests

CRIU = os.path.join(tests.TOP, "criu", "criu")
BIN = os.path.join(tests.TOP, os.environ.get("BUILD", "build"))


class Pool:
    """criu's commands on the pool at PATH."""

    def __init__(self, path, timeout):
        self.path, self.timeout = path, timeout

    def run(self, *words):
        """A criu fam command's exit status, standard output and standard error."""
        done = subprocess.run([CRIU, "fam", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=self.timeout, check=False)
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def must(self, *words):
        code, out, err = self.run(*words)
        if code:
            raise proc.Failure(f"criu fam {' '.join(words)} ended with {code}:\n{out}{err}")
        return out

    def refused(self, text, *words):
        """It must fail, with an error that has TEXT in it."""
        code, out, err = self.run(*words)
        if code <= 0:
            raise proc.Failure(f"criu fam {' '.join(words)} ended with {code}:\n{out}{err}")
        if text.lower() not in err.lower():
            raise proc.Failure(f"criu fam {' '.join(words)} fails without {text!r}:\n{err}")

    def init(self, size=None):
        self.must("init", self.path, *(["--size", size] if size else []))

    def list(self):
        """What `criu fam list --json` says."""
        return json.loads(self.must("list", self.path, "--json"))

    def verify(self):
        self.must("verify", self.path)


class Program(session.Session):
    """A test program, dumped into a pool and restored from it."""

    def __init__(self, name, work, pool, timeout, binary=None, source=None):
        known = tests.find(os.path.join(BIN, "zdtm"))
        test = known[name] if name in known else tests.Test(name, source, binary)
        os.makedirs(work, exist_ok=True)
        self.path = pool.path
        super().__init__(test, work, CRIU, timeout, mode="fam")

    def make_pool(self):
        return self.path

    def begin(self):
        if self.start() is not None:
            raise proc.Failure(f"{self.test.name} ended early:\n{session.tail(self.out)}")
        return self.steady()

    def fam_dump(self, images, before, *extra):
        """Dumps into the pool; DIR may hold an older set. The tasks are gone then."""
        os.makedirs(images, exist_ok=True)
        code = self.dump(images, extra=extra)
        self.explain(code)
        self.check_dumped(code, before)
        there = os.listdir(images)
        if "fam.img" not in there or "inventory.img" not in there or [n for n in there if n.startswith("pages-")]:
            raise proc.Failure(f"not what a set with --fam-dir is: {sorted(there)}")

    def files_dump(self, images, before):
        """The same without the pool."""
        self.in_pool = False
        code = self.dump(images)
        self.in_pool = True
        self.explain(code)
        self.check_dumped(code, before)

    def fam_restore(self, images, before, *extra):
        code = self.restore(images, extra=extra)
        self.explain(code)
        self.check_restored(code, before)

    def explain(self, code):
        if code != 0:
            raise proc.Failure(f"criu ended with {code}; its log ends:\n{session.tail(self.last_log)}")

    def judge(self):
        """Tells the program to look at itself."""
        self.go()
        verdict, text = self.finish()
        if verdict != "PASS":
            raise proc.Failure(f"{verdict} {text}\n{session.tail(self.out)}")


class Steps:
    """Prints what passes and what doesn't."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def step(self, name, act, *args):
        """Whether ACT(*ARGS) came through."""
        try:
            act(*args)
        except Exception as e:
            self.failed += 1
            print(f"FAIL {name}\n  {e if isinstance(e, proc.Failure) else traceback.format_exc()}", flush=True)
            return False
        self.passed += 1
        print(f"PASS {name}", flush=True)
        return True

    def skip(self, name, why):
        self.skipped += 1
        print(f"SKIP {name} ({why})", flush=True)

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 1 if self.failed or not self.passed else 0


def empty(path):
    """PATH as a new directory."""
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path
