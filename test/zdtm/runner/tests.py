# SPDX-License-Identifier: GPL-2.0
"""The tests: sources in tests/, whose head comment says how to run them.

Lines in the head, each " * key: value":
  options:          for both dump and restore, as on criu's command line
  dump-options:     restore-options:
  needs:            words that the runner knows (root, avx512f, ...): skipped where one is missing
  huge-pages:       sizes and numbers (2048kB 8) that are added while it runs: skipped where they aren't to be had
  expect: refused REGEX   the dump must fail, say so in its log, and leave the task running
  expect: warned REGEX    the dump must say so in its log
  ignore:           regular expressions of snapshot paths (PID/part/...) that may differ; the text says why
  not-in:           a mode (fam-lazy, ...) in which what it checks isn't so; the text says why
  rounds:           dumps and restores in a row, if the state allows fewer than usual
  timeout:          seconds for one command
  cflags:           for the compiler
  flavour:          shell-job: started by a shell with a terminal, and criu too
                    outside-pair: descriptor 9 is a socket whose other end is outside of the tree
"""
import os
import re
import shlex

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(os.path.dirname(HERE))
KEYS = ("options", "dump-options", "restore-options", "needs", "huge-pages", "expect", "ignore", "not-in", "rounds", "timeout", "cflags",
        "flavour")


class Test:
    def __init__(self, name, source, binary):
        self.name = name
        self.source = source
        self.binary = binary
        self.keys = {}
        self.title = ""
        self.parse()

    def parse(self):
        with open(self.source) as f:
            text = f.read()
        head = text[text.index("/*", text.index("*/")):]
        head = head[:head.index("*/")]
        for line in head.splitlines():
            m = re.match(r" \* ([a-z-]+): (.*)", line)
            if m and m[1] in KEYS:
                self.keys.setdefault(m[1], []).append(m[2].strip())
            elif line.startswith(" * ") and not self.title:
                self.title = line[3:].strip()
        self.sabotage = "test_sabotage" in text

    def words(self, key):
        return [w for line in self.keys.get(key, []) for w in shlex.split(line)]

    def number(self, key, default):
        return int(self.keys[key][0]) if key in self.keys else default

    def options(self, command):
        return self.words("options") + self.words(f"{command}-options")

    def expected(self, what):
        """The regular expression of a line "expect: WHAT ...", or None."""
        for line in self.keys.get("expect", []):
            if line.startswith(what + " "):
                return line[len(what) + 1:]
        return None

    def refused(self):
        """The regular expression of the refusal, or None."""
        return self.expected("refused")

    def warned(self):
        """The regular expression of the warning that each dump has to give, or None."""
        return self.expected("warned")

    def missing(self):
        """The first need that this machine doesn't meet, or None."""
        for word in self.words("needs"):
            if not need_met(word):
                return word
        return None

    def not_in(self, mode):
        """Why it isn't run in this mode, or None."""
        for line in self.keys.get("not-in", []):
            if line.split()[0] == mode:
                return line
        return None

    def ignore(self):
        return [line.split()[0] for line in self.keys.get("ignore", [])]


def need_met(word):
    if word == "root":
        return os.geteuid() == 0
    if word.startswith("cap:"):
        with open("/proc/self/status") as f:
            caps = int(re.search(r"CapEff:\s*(\w+)", f.read())[1], 16)
        return bool(caps >> int(word[4:]) & 1)
    if word.startswith("file:"):
        return os.path.exists(word[5:])
    if word.startswith("cpu:"):
        with open("/proc/cpuinfo") as f:
            return re.search(rf"^flags.*\b{re.escape(word[4:])}\b", f.read(), re.M) is not None
    raise SystemExit(f"unknown need: {word}")


def find(bindir):
    """{name: Test}, sorted by name."""
    folder = os.path.join(HERE, "tests")
    names = sorted(f[:-2] for f in os.listdir(folder) if f.endswith(".c"))
    return {n: Test(n, os.path.join(folder, n + ".c"), os.path.join(bindir, n)) for n in names}
