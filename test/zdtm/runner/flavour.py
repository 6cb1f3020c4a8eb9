# SPDX-License-Identifier: GPL-2.0
"""What some tests need round them: a shell with a terminal, a partner outside of the tree."""
import fcntl
import json
import os
import pty
import signal
import socket
import termios


class Shell:
    """A session leader with a terminal that starts commands as its jobs, as an interactive shell does.

    The terminal's other end stays here. Jobs are the shell's children; poll() tells which ended."""

    def __init__(self):
        self.master, slave = pty.openpty()
        self.here, there = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.master)
                self.here.close()
                self.lead(slave, there.makefile("rw"))
            finally:
                os._exit(0)
        os.close(slave)
        there.close()
        self.file = self.here.makefile("rw")

    def ask(self, **request):
        print(json.dumps(request), file=self.file, flush=True)
        return json.loads(self.file.readline())

    def spawn(self, argv, cwd, out, env):
        return self.ask(argv=argv, cwd=cwd, out=out, env=dict(env))

    def poll(self):
        """{pid: exit code} of the jobs that ended since."""
        return {int(pid): code for pid, code in self.ask().items()}

    # In the shell's process.

    def lead(self, slave, requests):
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        for line in requests:
            request = json.loads(line)
            reply = self.start_job(slave, request) if request else self.collect()
            print(json.dumps(reply), file=requests, flush=True)

    @staticmethod
    def collect():
        ended = {}
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return ended
            if pid == 0:
                return ended
            ended[pid] = os.waitstatus_to_exitcode(status)

    @staticmethod
    def start_job(slave, request):
        pid = os.fork()
        if pid == 0:
            try:
                os.setpgid(0, 0)
                os.tcsetpgrp(slave, os.getpid())
                signal.signal(signal.SIGTTOU, signal.SIG_DFL)
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
                os.chdir(request["cwd"])
                out = slave
                if request["out"]:
                    out = os.open(request["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
                os.dup2(slave, 0)
                os.dup2(out, 1)
                os.dup2(out, 2)
                os.closerange(3, 256)
                os.execve(request["argv"][0], request["argv"], request["env"])
            finally:
                os._exit(127)
        return pid


def echo_partner():
    """(pid, socket): a process that sends back what comes from the socket, and the end to give away."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            theirs.close()
            while True:
                data = ours.recv(100)
                if not data:
                    break
                ours.send(data)
        finally:
            os._exit(0)
    ours.close()
    return pid, theirs
