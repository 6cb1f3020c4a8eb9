# SPDX-License-Identifier: GPL-2.0
"""Scenarios of memory: shared copy-on-write, where its own addresses are taken in criu; sets as CRIU writes them."""
import os
import sys

from . import proc, tests


def aside(program):
    def scenario(s, before):
        for number in (1, 2):
            images = s.images(f"images-{number}")
            s.check_dumped(s.dump(images), before)
            s.check_restored(s.restore(images, env={"CRIU_COW_ASIDE": "1"}), before)
    scenario.__name__ = program + "_aside"
    scenario.__doc__ = f"{program}: inherited areas stand elsewhere until all tasks exist, then move."
    scenario.program = program
    return scenario


def mapped_read_only(s, before):
    """A set of CRIU's: a file that is mapped shared and writable is read-only in files.img, the area tells more."""
    sys.path.insert(0, os.path.join(tests.TOP, "lib/py"))
    from pycriu import images as pycriu

    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    path = os.path.join(images, "files.img")
    with open(path, "rb") as f:
        content = pycriu.load(f)
    changed = 0
    for entry in content["entries"]:
        if entry.get("reg", {}).get("name", "").endswith("/file") and entry["reg"]["flags"] & os.O_RDWR:
            entry["reg"]["flags"] &= ~os.O_RDWR
            changed += 1
    if not changed:
        raise proc.Failure("no file is mapped for writing")
    with open(path, "wb") as f:
        pycriu.dump(content, f)
    s.check_restored(s.restore(images), before)


mapped_read_only.program = "mem_file_shared"

SCENARIOS = {f.__name__: f for f in (aside("mem_cow_tree"), aside("mem_cow_large"), mapped_read_only)}
