# SPDX-License-Identifier: GPL-2.0
"""Scenarios about files: what changes, is replaced or goes between dump and restore, and the options about that.

PROGRAM of a scenario is the test whose program runs, where that isn't "rich"."""
import os
import pty
import re
import shutil
import signal
import socket
import time

from . import proc
from .scenarios import expect, failed, forget, script


def program(name):
    def mark(scenario):
        scenario.program = name
        return scenario
    return mark


def link(s, number):
    return os.readlink(f"/proc/{s.root}/fd/{number}")


def restore_given(s, images, given, extra=()):
    """A restore by a criu that has descriptors: {number: ours}."""
    s.last_log = os.path.join(images, "restore.log")
    argv = [s.criu] + s.restore_argv(images, False, extra)
    return s.reaper.wait(s.reaper.spawn(argv, s.work, s.criu_out, s.env, give=given), s.timeout)


def nothing_left(s):
    left = proc.only_these_left(s.reaper, ())
    expect(not left, "left behind: " + ", ".join(left))


def log_names(s, regex):
    expect(s.log_has(r"Error \(.*" + regex), f"the error doesn't say {regex}")


@program("fd_kinds")
def inherit_fd(s, before):
    """--inherit-fd puts a file, a pipe, a terminal and a socket of criu's in the places of the tree's."""
    terminal = os.stat(f"/proc/{s.root}/fd/14")
    keys = {100: link(s, 10)[1:], 101: link(s, 12), 102: f"tty[{terminal.st_rdev:x}:{terminal.st_dev:x}]",
            103: link(s, 16)}
    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    other = open(os.path.join(s.work, "other"), "w+")
    pipe, terminal, pair = os.pipe(), pty.openpty(), socket.socketpair()
    s.kept = other, pair, terminal  # the program's are no good without
    given = {100: other.fileno(), 101: pipe[0], 102: terminal[1], 103: pair[0].fileno()}
    extra = [w for n, key in keys.items() for w in ("--inherit-fd", f"fd[{n}]:{key}")]
    code = restore_given(s, images, given, extra)
    expect(code == 0, f"the restore ended with {code}")
    for number, ours in ((10, other.fileno()), (12, pipe[0]), (13, pipe[1]), (14, terminal[1]), (16, pair[0].fileno())):
        want, have = os.readlink(f"/proc/self/fd/{ours}"), link(s, number)
        expect(have == want, f"descriptor {number} is {have}, not {want}")


@program("fd_kinds")
def external_file(s, before):
    """--external file[MOUNT:INODE] isn't looked for by its name: --inherit-fd has to give it."""
    with open(f"/proc/{s.root}/fdinfo/10") as f:
        mount = int(re.search(r"mnt_id:\s*(\d+)", f.read())[1])
    key = f"file[{mount:x}:{os.stat(f'/proc/{s.root}/fd/10').st_ino}]"
    images = s.images("images-1")
    s.check_dumped(s.dump(images, extra=["--external", key]), before)
    os.rename(os.path.join(s.work, "data"), os.path.join(s.work, "elsewhere"))
    failed(s, s.restore(images), "the restore without the file")
    log_names(s, "--inherit-fd")
    nothing_left(s)
    with open(os.path.join(s.work, "elsewhere"), "r+") as f:
        code = restore_given(s, images, {100: f.fileno()}, ["--inherit-fd", f"fd[100]:{key}"])
    expect(code == 0, f"the restore ended with {code}")
    expect(link(s, 10).endswith("/elsewhere"), f"descriptor 10 is {link(s, 10)}")


@program("fd_kinds")
def mode_changed(s, before):
    """A file with another mode is refused by name; --skip-file-rwx-check takes it."""
    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    os.chmod(os.path.join(s.work, "data"), 0o644)
    failed(s, s.restore(images), "the restore")
    log_names(s, "data has the mode 0644.*--skip-file-rwx-check")
    nothing_left(s)
    s.check_restored(s.restore(images, extra=["--skip-file-rwx-check"]), before)


def size_changed(method):
    def scenario(s, before):
        images = s.images("images-1")
        extra = [f"--file-validation={method}"]
        s.check_dumped(s.dump(images, extra=extra), before)
        path = os.path.join(s.work, "data")
        with open(path, "a") as f:
            f.write("longer")
        failed(s, s.restore(images, extra=extra), "the restore")
        log_names(s, "data has 13 bytes, but had 7")
        nothing_left(s)
        os.truncate(path, 7)
        s.check_restored(s.restore(images, extra=extra), before)
    scenario.__doc__ = f"--file-validation={method}: a file of another size is refused by name."
    return program("fd_kinds")(scenario)


def change_build_id(path):
    """One byte of the note (GNU, type 3); the size stays."""
    with open(path, "r+b") as f:
        data = f.read()
        at = data.index(b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0") + 16
        f.seek(at)
        f.write(bytes([data[at] ^ 0xff]))


@program("fd_kinds")
def build_id_changed(s, before):
    """A file of the same size with another build id is refused by name, unless only sizes are compared."""
    path = os.path.join(s.work, "program")
    images = s.images("images-1")
    s.check_dumped(s.dump(images, extra=["--file-validation=buildid"]), before)
    change_build_id(path)
    failed(s, s.restore(images), "the restore")
    log_names(s, "program.*build id")
    nothing_left(s)
    change_build_id(path)
    s.check_restored(s.restore(images), before)
    s.check_dumped(s.dump(images, extra=["--file-validation=filesize"]), before)
    change_build_id(path)
    s.check_restored(s.restore(images, extra=["--file-validation=filesize"]), before)


def helpers_of(s):
    return [n for n in os.listdir(s.work) if n.startswith("link_remap.")]


@program("fd_link_remap")
def link_remap_kept(s, before):
    """The names that a dump with --link-remap makes stay with the set, until the restore."""
    images = s.images("images-1")
    expect(s.dump(images, extra=["-R"]) == 0, "the dump failed")
    expect(len(helpers_of(s)) == 4, f"the names are {helpers_of(s)}")
    s.compare(before, "the dump")
    forget(s, before)
    s.check_restored(s.restore(images), before)
    expect(not helpers_of(s), f"still there: {helpers_of(s)}")


def pidfile_of_killed(s, before):
    """criu is killed when the pid file is written, the tasks not yet let go: the file goes with the tasks."""
    path = script(s, "hook.sh", f'[ "$CRTOOLS_SCRIPT_ACTION" = pre-resume ] || exit 0\n: >{s.work}/there\n'
                                "exec sleep 1000\n")
    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    s.last_log = os.path.join(images, "restore.log")
    pid = s.reaper.spawn([s.criu] + s.restore_argv(images, False, ["--action-script", path]), s.work, s.criu_out, s.env)
    end = time.monotonic() + s.timeout
    while not os.path.exists(os.path.join(s.work, "there")):
        expect(time.monotonic() < end, "the script isn't run")
        s.reaper.poll()
        time.sleep(0.01)
    expect(os.path.exists(s.pidfile()), "the script is run before the pid file is there")
    os.kill(pid, signal.SIGKILL)
    s.reaper.wait(pid, 5)
    left = [int(line.split()[0]) for line in proc.only_these_left(s.reaper, (), 1) if "(sleep)" in line]
    for other in left:
        os.kill(other, signal.SIGKILL)
    nothing_left(s)
    expect(not os.path.exists(s.pidfile()), "the pid file is left")
    s.reaper.ended.pop(s.root, None)
    s.check_restored(s.restore(images), before)


def calls_of(s, argv, names, follow):
    """Runs criu under strace(1): the system calls NAMES that it made, one per line."""
    out = os.path.join(s.work, "calls")
    strace = shutil.which("strace")
    expect(strace, "this scenario needs strace")
    words = [strace, "-qq", "-X", "raw", "-e", "signal=none", "-e", f"trace={','.join(names)}", "-o", out]
    words += ["-f"] if follow else []
    code = s.reaper.run(words + [s.criu] + argv, s.work, s.criu_out, s.timeout, s.env)
    expect(code == 0, f"criu under strace ended with {code}")
    with open(out) as f:
        return f.read()


def readahead(s, before):
    """--readahead declares page images to be read in sequence, --no-readahead leaves that to the kernel."""
    images = s.images("images-1")
    for option, wanted in (("--readahead", True), ("--no-readahead", False)):
        s.check_dumped(s.dump(images), before)
        s.last_log = os.path.join(images, "restore.log")
        calls = calls_of(s, s.restore_argv(images, False, [option]), ["fadvise64"], False)
        s.compare(before, f"the restore with {option}")
        # POSIX_FADV_SEQUENTIAL; what is needed soon may be told anyway.
        told = re.search(r"fadvise64\(.*, 0x2\)", calls) is not None
        expect(told == wanted, f"{option}: it called {calls}")


# ioctl(2): _IOWR('f', 16, struct pm_scan_arg), linux/fs.h
PAGEMAP_SCAN = "0xc0606610"


@program("mem_large")
def without_probes(s, before):
    """With features switched off the other ways are taken: pagemap read, pages read by the restorer itself."""
    images = s.images("images-1")
    for off in (False, True):
        if off:
            s.env = dict(s.env, CRIU_KERNEL_PAGEMAP_SCAN="0", CRIU_KERNEL_PAGEMAP_SCAN_GUARD_PAGES="0",
                         CRIU_KERNEL_UFFD="0")
        s.last_log = os.path.join(images, "dump.log")
        calls = calls_of(s, s.dump_argv(images, False), ["ioctl"], True)
        s.check_dumped(0, before)
        expect((PAGEMAP_SCAN in calls) != off, f"PAGEMAP_SCAN was {'' if off else 'not '}called")
        s.last_log = os.path.join(images, "restore.log")
        # Taking over the userfaultfd that a task has made.
        calls = calls_of(s, s.restore_argv(images, False), ["pidfd_getfd"], False)
        s.compare(before, "the restore")
        expect(("pidfd_getfd" in calls) != off, f"a userfaultfd was {'' if off else 'not '}taken over")


SCENARIOS = {f.__name__: f for f in (
    inherit_fd, external_file, mode_changed, build_id_changed, link_remap_kept, pidfile_of_killed, readahead,
    without_probes)}
SCENARIOS.update({f"size_changed_{m}": size_changed(m) for m in ("filesize", "buildid")})
