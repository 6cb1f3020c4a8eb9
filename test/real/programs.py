# SPDX-License-Identifier: GPL-2.0
"""The real programs: how each is started, how one sees that it works on, how it ends."""
import os
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "zdtm"))

from runner import flavour, proc  # noqa: E402

ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", "TERM": "xterm"}


def wait_for(what, condition, timeout=30.0, reaper=None):
    """The value of CONDITION() once it is true."""
    end = time.monotonic() + timeout
    while True:
        if reaper:
            reaper.poll()
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise proc.Failure(f"{what}: nothing in {timeout:.0f} s")
        time.sleep(0.01)


class Program:
    """Writes a growing number to the file "progress" and, once "go" is there, its verdict to standard output."""

    options = ()
    needs = ()
    rounds, modes = 2, ("files",)

    def __init__(self, name, argv, title):
        self.name, self.argv, self.title = name, argv, title
        self.needs = (argv[0],)

    def missing(self):
        return next((n for n in self.needs if not os.path.exists(n)), None)

    def prepare(self, work):
        """Before the start: builds what is needed."""

    def start(self, s):
        """Starts it; sets s.root."""
        self.prepare(s.work)
        s.root = s.reaper.spawn([a.format(work=s.work) for a in self.argv], s.work, s.out, env=ENV)
        wait_for("the start", lambda: self.number(s) > 3, reaper=s.reaper)

    def number(self, s):
        try:
            with open(os.path.join(s.work, "progress")) as f:
                return int(f.read())
        except (OSError, ValueError):
            return 0

    def check(self, s):
        """Works on: the number grows, from where it was."""
        was = self.number(s)
        if was < getattr(s, "last_number", 0):
            raise proc.Failure(f"it counted {s.last_number} before and {was} now")
        wait_for("progress", lambda: self.number(s) > was + 5, 20, s.reaper)
        s.last_number = self.number(s)

    def restore(self, s, images, pmem):
        return s.restore(images, pmem)

    def finish(self, s):
        with open(os.path.join(s.work, "go"), "w"):
            pass
        code = s.reaper.wait(s.root, 60)
        with open(s.out, errors="replace") as f:
            text = f.read()
        if code != 0 or text.split()[-1:] != ["PASS"]:
            raise proc.Failure(f"it ended with {code} and said: {text[-500:]!r}")


class Threads(Program):
    def prepare(self, work):
        subprocess.run(["/usr/bin/cc", "-O1", "-pthread", "-o", os.path.join(work, "threads"),
                        os.path.join(HERE, "threads.c")], check=True)

    def missing(self):
        return None if os.path.exists("/usr/bin/cc") else "cc"


class Java(Program):
    def __init__(self, name, main, options, title):
        super().__init__(name, ["/usr/bin/java", *options, "-cp", "{work}", main], title)
        self.main = main

    def prepare(self, work):
        subprocess.run(["/usr/bin/javac", "-d", work, os.path.join(HERE, self.main + ".java")], check=True)


class Sqlite(Program):
    """Its commands come through a FIFO that it holds open itself; an in-memory database stays what it was."""

    def start(self, s):
        self.fifo = os.path.join(s.work, "commands")
        os.mkfifo(self.fifo)
        s.root = s.reaper.spawn(["/bin/sh", "-c", "exec /usr/bin/sqlite3 -batch :memory: <>commands"], s.work, s.out,
                                env=ENV)
        wait_for("sqlite3", lambda: os.path.basename(os.readlink(f"/proc/{s.root}/exe")) == "sqlite3")
        self.rows = 0
        self.say(s, "create table t (n integer primary key, text text);")
        self.check(s)

    def say(self, s, text):
        with open(self.fifo, "w") as f:
            f.write(text + "\n")

    def check(self, s):
        self.rows += 1000
        self.say(s, "with recursive c(x) as (select 1 union all select x+1 from c where x<1000) "
                    "insert into t(text) select 'row ' || x from c;\n"
                    "select 'rows=' || count(*) || ' sum=' || sum(n) || '.' from t;")
        want = f"rows={self.rows} sum={self.rows * (self.rows + 1) // 2}."
        wait_for(want, lambda: want in open(s.out, errors="replace").read(), 20, s.reaper)

    def finish(self, s):
        self.say(s, "pragma integrity_check;\n.quit")
        if s.reaper.wait(s.root, 20) != 0 or open(s.out).read().split()[-1] != "ok":
            raise proc.Failure("it didn't end well: " + open(s.out).read()[-300:])


class Top(Program):
    """On a terminal, as a job of a shell: dumped and restored with -j; goes on drawing there and obeys its keys."""

    options = ("--shell-job",)

    def start(self, s):
        s.reaper.shell = flavour.Shell()
        s.reaper.helpers.add(s.reaper.shell.pid)
        self.master = s.reaper.shell.master
        os.set_blocking(self.master, False)
        s.root = s.reaper.shell.spawn(["/usr/bin/top", "-d", "0.3"], s.work, None, ENV)
        self.check(s)

    def screen(self):
        try:
            return os.read(self.master, 65536)
        except BlockingIOError:
            return b""

    def check(self, s):
        while self.screen():
            pass
        seen = [b""]

        def drawn():
            seen[0] += self.screen()
            return b"load average" in seen[0] or b"top -" in seen[0]
        wait_for("a drawing", drawn, 20, s.reaper)

    def finish(self, s):
        os.kill(s.root, signal.SIGTERM)
        if s.reaper.wait(s.root, 10) is None:
            raise proc.Failure("it doesn't end")


class InTmux(Program):
    """A job of a shell in tmux, dumped with -j; restored by a command typed into that shell."""

    options = ("--shell-job",)

    def tmux(self, s, *words):
        out = os.path.join(s.work, "tmux.out")
        if os.path.exists(out):
            os.unlink(out)
        code = s.reaper.run(["/usr/bin/tmux", "-S", "sock", "-f", "/dev/null", *words], s.work, out, 20, ENV)
        with open(out, errors="replace") as f:
            text = f.read()
        if code != 0:
            raise proc.Failure(f"tmux {words}: {code}: {text}")
        return text

    def type(self, s, text):
        self.tmux(s, "send-keys", text, "Enter")

    def new_session(self, s):
        """The pids of the server and of the shell in it."""
        self.tmux(s, "new-session", "-d", "-x", "160", "-y", "50", "/bin/bash --norc -i")
        return [int(w) for w in self.tmux(s, "display-message", "-p", "#{pid} #{pane_pid}").split()]

    def start(self, s):
        s.reaper.helpers.update(self.new_session(s))
        shutil.copy(os.path.join(HERE, "jobs.sh"), s.work)
        self.type(s, f"cd {s.work}; bash -c 'echo $$ > pid.new; mv pid.new pid; exec bash jobs.sh'")
        wait_for("the job", lambda: self.number(s) > 3, reaper=s.reaper)
        with open(os.path.join(s.work, "pid")) as f:
            s.root = int(f.read())

    def restore(self, s, images, pmem):
        s.last_log = os.path.join(images, "restore.log")
        words = " ".join(f"'{w}'" for w in [s.criu] + s.restore_argv(images, pmem))
        status = os.path.join(images, "status")
        with open(os.path.join(images, "command"), "w") as f:
            f.write(f"{words}\necho $? > {status}\n")
        self.type(s, f". {images}/command")
        wait_for("the restore", lambda: os.path.exists(status) and open(status).read().strip(), 30, s.reaper)
        return int(open(status).read())

    def finish(self, s):
        with open(os.path.join(s.work, "go"), "w"):
            pass
        wait_for("the end", lambda: not os.path.exists(f"/proc/{s.root}"), 20, s.reaper)
        wait_for("PASS on the screen", lambda: "PASS" in self.tmux(s, "capture-pane", "-p"), 10, s.reaper)


class Tmux(InTmux):
    """The server of tmux with a shell in it that has a job: the whole tree, with the terminal between them."""

    options = ()

    def start(self, s):
        s.root, _ = self.new_session(s)
        self.turn = 0
        self.type(s, "i=0; while sleep 0.05; do i=$((i+1)); echo $i > progress.new; mv progress.new progress; done &")
        wait_for("the job", lambda: self.number(s) > 1, reaper=s.reaper)
        self.type(s, "answer=42")

    def restore(self, s, images, pmem):
        return s.restore(images, pmem)

    def check(self, s):
        super().check(s)
        self.turn += 1
        self.type(s, f"echo turn-$((answer + {self.turn}))-$(jobs | grep -c Running)")
        want = f"turn-{42 + self.turn}-1"
        wait_for(want, lambda: want in self.tmux(s, "capture-pane", "-p"), 20, s.reaper)

    def finish(self, s):
        self.type(s, "kill %1; exit")
        wait_for("the end of the server", lambda: not os.path.exists(f"/proc/{s.root}"), 20, s.reaper)


class Bash(Program):
    """A script with a pipeline, a coprocess and background jobs."""

    def prepare(self, work):
        shutil.copy(os.path.join(HERE, "jobs.sh"), work)


def all_programs():
    return (
        Program("python", ["/usr/bin/python3", os.path.join(HERE, "count.py")], "python3 with 200 MB that it verifies"),
        Bash("bash", ["/bin/bash", "jobs.sh"], "bash with a pipeline, a coprocess and jobs"),
        InTmux("tmux-job", ["/usr/bin/tmux"], "bash in tmux with a job, which is dumped with -j"),
        Tmux("tmux", ["/usr/bin/tmux"], "bash with a job, in tmux: the server's whole tree"),
        Top("top", ["/usr/bin/top"], "top on a terminal, with -j"),
        Sqlite("sqlite3", ["/usr/bin/sqlite3"], "sqlite3 with a database in memory"),
        Threads("threads", ["{work}/threads"], "a C program with 200 working threads"),
        Java("java", "Count", ["-Xmx256m"], "a Java program: threads, JIT, garbage collector"),
        Program("node", ["/usr/bin/node", os.path.join(HERE, "count.js")], "node: timers, thread pool, a worker"),
    )
