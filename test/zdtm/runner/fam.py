# SPDX-License-Identifier: GPL-2.0
"""`criu fam` in a session: a pool of its own, the commands, what they printed."""
import json
import os
import re

from .proc import Failure


class Pool:
    """An empty directory of session S's work directory, for a pool; PATH: any other one, as it is."""

    def __init__(self, s, name="pool", path=None):
        self.s = s
        self.path = path or os.path.join(s.work, name)
        self.out = self.err = ""
        if not path:
            os.mkdir(self.path, 0o700)

    def run(self, *words, env=None):
        """criu fam WORDS; the exit code (None: it had to be killed). What it printed is in out and err."""
        out, err = (os.path.join(self.s.work, name) for name in ("fam.out", "fam.err"))
        code = self.s.reaper.run(["/bin/sh", "-c", f'exec "$@" >{out} 2>{err}', "sh", self.s.criu, "fam", *words],
                                 self.s.work, self.s.criu_out, self.s.timeout, dict(self.s.env, **(env or {})))
        with open(out, errors="replace") as f:
            self.out = f.read()
        with open(err, errors="replace") as f:
            self.err = f.read()
        return code

    def must(self, *words):
        """The same, and it has to succeed; what it printed."""
        code = self.run(*words)
        if code != 0:
            raise Failure(f"criu fam {' '.join(words)} ended with {code}: {self.out}{self.err}")
        return self.out

    def refuse(self, regex, *words):
        """It has to fail, by an error of this text."""
        code = self.run(*words)
        if code != 1 or not re.search(r"Error \(.*" + regex, self.err):
            raise Failure(f"criu fam {' '.join(words)} ended with {code} and no error like {regex}: "
                          f"{self.out}{self.err}")

    def json(self, *words):
        return json.loads(self.must(*words, "--json"))

    def list(self):
        return self.json("list", self.path)["checkpoints"]

    def ids(self):
        return [c["id"] for c in self.list()]

    def file(self, *parts):
        return os.path.join(self.path, *parts)

    def clean(self):
        """verify finds nothing."""
        self.must("verify", self.path)

    def problems(self, regex):
        """verify finds something like REGEX, and says so by its exit status."""
        code = self.run("verify", self.path)
        if code != 1 or not re.search(regex, self.out + self.err):
            raise Failure(f"verify ended with {code} and didn't tell of {regex}: {self.out}{self.err}")
