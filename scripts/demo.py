#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The demo's program: counts for ever, holds data, and verifies all of it when it gets SIGUSR1."""

import hashlib
import os
import signal
import sys
import time

CHUNK = 1 << 20


def chunk_content(number):
    """One megabyte that differs in each chunk and can be computed again."""
    seed = hashlib.sha256(b"chunk %d" % number).digest()
    return (seed * (CHUNK // len(seed)))[:CHUNK]


def write_atomically(path, text):
    with open(path + ".new", "w", encoding="ascii") as out:
        out.write(text)
    os.rename(path + ".new", path)


def main():
    work, megabytes = sys.argv[1], int(sys.argv[2])
    data = [bytearray(chunk_content(number)) for number in range(megabytes)]

    def verify(_signum, _frame):
        wrong = [number for number, chunk in enumerate(data) if chunk != chunk_content(number)]
        text = f"{len(wrong)} chunks differ" if wrong else f"all {megabytes * CHUNK} bytes are right"
        write_atomically(os.path.join(work, "verdict"), text + "\n")

    signal.signal(signal.SIGUSR1, verify)
    count = 0
    while True:
        count += 1
        write_atomically(os.path.join(work, "count"), f"{count}\n")
        if count == 1:
            write_atomically(os.path.join(work, "ready"), f"{os.getpid()}\n")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
