#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What a dump writes, read by others: Debian's crit (package criu), our own, and by hand.

Usage: crit.py [--criu PATH]
A process rich in state is dumped in both page modes. Last line: N passed, N failed, N skipped.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OWN_CRIT = ROOT / "lib" / "py" / "crit"
DEBIAN_CRIT = pathlib.Path("/usr/bin/crit")

# The magics of a set's framing: only inventory.img has but one.
IMG_COMMON_MAGIC = 0x54564319
IMG_SERVICE_MAGIC = 0x55105940
INVENTORY_MAGIC = 0x58313116
PSTREE_MAGIC = 0x50273030
STATS_MAGIC = 0x57093306

# A program with descriptors, areas, threads, signals and children of many kinds.
RICH = """
import mmap, os, resource, signal, sys, threading, time
os.setsid()
signal.alarm(120)
signal.signal(signal.SIGUSR1, lambda *_: None)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
os.kill(os.getpid(), signal.SIGUSR2)
signal.setitimer(signal.ITIMER_PROF, 1000, 7)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
os.umask(0o27)
pipe = os.pipe()
os.write(pipe[1], b"in the pipe")
shared = mmap.mmap(-1, 65536)
shared[:5] = b"bytes"
private = bytearray(b"private" * 100000)
file = open(sys.argv[1] + "/file", "w+")
file.write("text")
file.flush()
mapped = mmap.mmap(file.fileno(), 4)
for _ in range(3):
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
if os.fork() == 0:
    signal.alarm(120)
    os.write(1, b".")
    time.sleep(1000)
if os.fork() == 0:
    os._exit(5)
time.sleep(0.2)
os.write(1, b".")
time.sleep(1000)
"""


class Failure(Exception):
    pass


def run(*command, **how):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **how)
    if done.returncode:
        raise Failure(f"{' '.join(str(w) for w in command)}: status {done.returncode}: {done.stderr[-400:]}")
    return done.stdout


def start_rich(scratch):
    process = subprocess.Popen(
        [sys.executable, "-c", RICH, str(scratch)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=None
    )
    got = process.stdout.read(2)
    if got != b"..":
        raise Failure("the program didn't start")
    return process


def end(process):
    pids = [process.pid]
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if children.exists():
        pids += [int(word) for word in children.read_text().split()]
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()
    process.stdout.close()


def dump(criu, pid, images, *words):
    images.mkdir()
    command = [criu, "dump", "-t", pid, "-D", images, "-R", "-o", "dump.log", "-v4", *words]
    try:
        run(*command, cwd=images)
    except Failure as failure:
        log = images / "dump.log"
        raise Failure(f"{failure}{log.read_text()[-400:] if log.exists() else ''}") from None


def images_of(directory):
    return sorted(p for p in directory.iterdir() if re.fullmatch(r"(?!pages-).*\.img|stats-dump", p.name))


def normal(value):
    """Numbers and flags as crit 3.17 and 4.2 both mean them: some became names or hexadecimal since."""
    if isinstance(value, str):
        try:
            return int(value, 0)
        except ValueError:
            return value
    return value


def differences(theirs, ours, where=""):
    """Where their decoding has a field, ours has it with the same value; what only ours knows is newer."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key, value in theirs.items():
            if key not in ours:
                yield f"{where}.{key}: we have none"
            else:
                yield from differences(value, ours[key], f"{where}.{key}")
    elif isinstance(theirs, list) and isinstance(ours, list):
        if len(theirs) != len(ours):
            yield f"{where}: {len(theirs)} elements, we have {len(ours)}"
        for i, (one, other) in enumerate(zip(theirs, ours)):
            yield from differences(one, other, f"{where}[{i}]")
    elif normal(theirs) != normal(ours):
        yield f"{where}: {theirs!r}, ours is {ours!r}"


def case_debian(directory):
    if not DEBIAN_CRIT.exists():
        return "Debian's crit isn't installed"
    wrong = []
    for image in images_of(directory):
        try:
            theirs = json.loads(run(DEBIAN_CRIT, "decode", "-i", image))
            ours = json.loads(run(OWN_CRIT, "decode", "-i", image))
            wrong += [f"{image.name}{text}" for text in differences(theirs, ours)]
        except (Failure, ValueError) as failure:
            wrong.append(f"{image.name}: {failure}")
    if wrong:
        raise Failure("\n    ".join(wrong[:12]))
    return None


def case_explore(directory, pid):
    """crit x of ours: every view shows the tree."""
    for view, expected in (("ps", str(pid)), ("fds", "pipe"), ("mems", "[stack]"), ("rss", str(pid))):
        out = run(OWN_CRIT, "x", directory, view)
        if expected not in out:
            raise Failure(f"crit x {view} doesn't show “{expected}”: {out[:300]}")


def case_round_trip(directory, scratch):
    """What our crit encodes from its own decoding is the image again, byte by byte."""
    for image in images_of(directory):
        text, back = scratch / "text.json", scratch / "back.img"
        run(OWN_CRIT, "decode", "-i", image, "-o", text)
        run(OWN_CRIT, "encode", "-i", text, "-o", back)
        if back.read_bytes() != image.read_bytes():
            raise Failure(f"{image.name} isn't the same after decode and encode")


def words(data, *expected):
    found = struct.unpack_from(f"<{len(expected)}I", data)
    if found != expected:
        raise Failure(f"starts with {[hex(word) for word in found]}, not {[hex(word) for word in expected]}")
    return data[4 * len(expected) :]


def one_entry(data):
    (size,) = struct.unpack_from("<I", data)
    if len(data) != 4 + size:
        raise Failure(f"an entry of {size} bytes in {len(data) - 4}")
    return data[4:]


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(message):
    """The numbers of a message's fields, with the values of those that are varints."""
    at, found = 0, {}
    while at < len(message):
        key, at = varint(message, at)
        if key & 7 == 0:
            found[key >> 3], at = varint(message, at)
        elif key & 7 == 2:
            size, at = varint(message, at)
            found[key >> 3] = message[at : at + size]
            at += size
        else:
            raise Failure(f"a field of wire type {key & 7}")
    return found


def case_framing(directory):
    """By hand: the headers, one entry that fills the rest, and the fields that every reader needs."""
    inventory = fields(one_entry(words((directory / "inventory.img").read_bytes(), INVENTORY_MAGIC)))
    if inventory.get(1) != 2 or inventory.get(2) != 1:
        raise Failure(f"inventory.img: version {inventory.get(1)}, fdinfo_per_id {inventory.get(2)}")
    words((directory / "pstree.img").read_bytes(), IMG_COMMON_MAGIC, PSTREE_MAGIC)
    stats = fields(one_entry(words((directory / "stats-dump").read_bytes(), IMG_SERVICE_MAGIC, STATS_MAGIC)))
    if not isinstance(stats.get(1), bytes) or 2 in stats:
        raise Failure("stats-dump doesn't hold a dump's statistics alone")
    counted = fields(stats[1])
    pages = sum(p.stat().st_size for p in directory.glob("pages-*.img") if p.stat().st_size % 4096 == 0) // 4096
    if not counted.get(7) or counted[7] > pages:
        raise Failure(f"{counted.get(7)} pages were written, but the files hold {pages}")


def main():
    parser = argparse.ArgumentParser(description="the images of a dump, as others read them")
    parser.add_argument("--criu", default=os.environ.get("CRIU", ROOT / "criu/criu"), type=pathlib.Path)
    args = parser.parse_args()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    if os.geteuid() or not args.criu.exists():
        print(f"skipped: needs root and {args.criu}")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    scratch = pathlib.Path(tempfile.mkdtemp())
    process = None
    try:
        process = start_rich(scratch)
        for mode, words_ in (("file", ()), ("pmem", ("--use-pmem",))):
            directory = scratch / f"set-{mode}"
            for name, case in (
                ("dump", lambda: dump(args.criu.resolve(), process.pid, directory, *words_)),
                ("debian", lambda: case_debian(directory)),
                ("explore", lambda: case_explore(directory, process.pid)),
                ("round-trip", lambda: case_round_trip(directory, scratch)),
                ("framing", lambda: case_framing(directory)),
            ):
                try:
                    skipped = case()
                    verdict = "skipped" if skipped else "passed"
                    print(f"{verdict}: {mode} {name}{': ' + skipped if skipped else ''}")
                except (Failure, OSError, IndexError, struct.error) as failure:
                    verdict = "failed"
                    print(f"failed: {mode} {name}: {failure}")
                counts[verdict] += 1
    finally:
        if process:
            end(process)
        shutil.rmtree(scratch)
    print(", ".join(f"{number} {verdict}" for verdict, number in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
