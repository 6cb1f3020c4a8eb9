# SPDX-License-Identifier: GPL-2.0
"""Huge pages for a test: "huge-pages: 2048kB 8" adds 8 to those of that size, and takes them back in the end."""
import contextlib
import fcntl

POOL = "/sys/kernel/mm/hugepages/hugepages-{}/nr_hugepages"


def change(path, by):
    """Adds BY pages to the pool; how many it has more then. Others do the same, so nobody may come between."""
    with open(path, "r+") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        before = int(f.read())
        f.seek(0)
        f.write(str(max(before + by, 0)))
        f.flush()
        f.seek(0)
        return int(f.read()) - before


@contextlib.contextmanager
def reserved(words):
    """WORDS are sizes and numbers in turn. Yields what is missing, or None."""
    got, missing = [], None
    try:
        for size, number in zip(words[::2], words[1::2]):
            path = POOL.format(size)
            try:
                more = change(path, int(number))
            except OSError:
                more = 0
            if more:
                got.append((path, more))
            if more < int(number):
                missing = f"{number} huge pages of {size}"
        yield missing
    finally:
        for path, more in got:
            change(path, -more)
