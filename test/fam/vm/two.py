# SPDX-License-Identifier: GPL-2.0
"""Two virtual machines at a time that have the same device-DAX device (hosts.py)."""
import os
import signal
import threading

from boot import MANY_FILES, SUMMARY

GUEST = "/usr/bin/python3 test/fam/vm/guest.py"


def job_two(boot):
    """Two machines on one device: one dumps, the other restores; only one writes; a dead one's lease is taken."""
    backing, pidfile = os.path.join(boot.share, "shared.nvdimm"), os.path.join(boot.share, "one.pid")
    # Made before both look at it.
    status, text = boot.run("ls $DAX_DEV", device="devdax", options=["-s", "512", "-b", backing])
    if status:
        return status, text
    out = {}

    def machine(name, options, hear=None):
        out[name] = boot.run(f"{GUEST} {name} $DAX_DEV --share {boot.share}", device="devdax", memory=2000,
                             options=["-s", "512", "-b", backing, *options], start=MANY_FILES, hear=hear)

    def cut(line):
        if line == "two: now cut the other one's power":
            with open(pidfile) as f:
                os.kill(int(f.read()), signal.SIGKILL)
            one.join()
            with open(os.path.join(boot.share, "dead"), "w"):
                pass

    one = threading.Thread(target=machine, args=("first", ["--pidfile", pidfile]), daemon=True)
    one.start()
    machine("second", [], cut)
    one.join()
    text = out["first"][1] + out["second"][1]
    good = out["second"][0] == 0 and len(SUMMARY.findall(text)) == 2
    return 0 if good else 1, text


JOBS = {"fam-two-hosts": job_two}
