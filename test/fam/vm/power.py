# SPDX-License-Identifier: GPL-2.0
"""Power cuts: the virtual machine is killed at random moments of dumps into a pool on its NVDIMM.

What QEMU's memory file and disk hold survives; what Linux still had in memory of its own (directories, journals, image
files) is lost. After each boot cut.py, in the guest, looks at what is there and goes on dumping."""
import collections
import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time

from boot import MANY_FILES, SUMMARY

GUEST = "/usr/bin/python3 test/fam/vm/guest.py"
CUTS = 25  # of each medium
LATEST = 1.2  # times what the dump before took
LINE = re.compile(r"(begin|done) (dump|gone) (\d)(?: (\d+))?$")


class Cuts:
    """One medium that outlives its machines, and what must be on it."""

    def __init__(self, boot, name, device, prepare, where, options=()):
        self.boot, self.name, self.device, self.prepare, self.where = boot, name, device, prepare, where
        self.file = {what: os.path.join(boot.share, f"{name}.{what}") for what in ("nvdimm", "pid", "json")}
        self.options = ["-s", "192", "-b", self.file["nvdimm"], "--pidfile", self.file["pid"], *options]
        self.may = {}  # set: the generations that it may be of; None: there is none
        self.doing = None  # (set, before, after) of what was begun and isn't known to be done
        self.tally = collections.Counter()
        self.cut, self.begun, self.killed = None, 0, False
        self.since, self.usual = 0.0, 1.0  # when the dump began; s that the one before took

    def session(self, seed, cut):
        """One boot; CUT: (n, x): killed x times its usual length after the n-th dump began. None if all was well; or what wasn't."""
        with open(self.file["json"], "w") as f:
            json.dump(self.may, f)
        interrupted, self.doing = self.doing, None
        self.cut, self.begun, self.killed = cut, 0, False
        status, text = self.boot.run(
            f"{self.prepare}\n{GUEST} cut {self.where} --state {self.file['json']} --seed {seed} "
            f"--dumps {100 if cut else 0}", device=self.device, memory=1500, options=self.options, start=MANY_FILES,
            hear=self.hear)
        checked, sets = SUMMARY.search(text), re.search(r"^sets: (.*)", text, re.M)
        if not checked or checked[2] != "0" or not sets or re.search("^FAIL", text, re.M):
            return text
        if self.killed != bool(cut) or not cut and status != 0:
            return f"{text}\nit ended with {status}, " + ("" if self.killed else "not ") + "killed"
        if interrupted:
            k, before, after = interrupted
            seen = sets[1].split()[int(k)]
            self.tally["there" if seen == str(after) else "as before" if seen == str(before) else "none"] += 1
        elif self.tally or self.begun:
            self.tally["between dumps"] += 1
        return None

    def hear(self, line):
        if line.startswith("sets: "):
            # Which of all that it may be it is.
            for k, generation in enumerate(line.split()[1:]):
                self.may[str(k)] = [None if generation == "None" else int(generation)]
        found = LINE.match(line)
        if not found:
            return
        when, what, k = found[1], found[2], found[3]
        after = int(found[4]) if what == "dump" else None
        if when == "done":
            self.may[k], self.doing = [after], None
            if what == "dump":
                self.usual = time.monotonic() - self.since
            return
        before = self.may.get(k, [None])[0]
        # Until it is done: as before, as it will be, and in between neither.
        self.may[k] = [before, None, after]
        self.doing = (k, before, after)
        self.since = time.monotonic()
        self.begun += what == "dump"
        if what == "dump" and self.begun == self.cut[0]:
            timer = threading.Timer(self.cut[1] * self.usual, self.kill)
            timer.daemon = True
            timer.start()

    def kill(self):
        with open(self.file["pid"]) as f:
            os.kill(int(f.read()), signal.SIGKILL)
        self.killed = True

    def run(self, nr):
        """NR cuts; (status, text)."""
        rng = random.Random(f"{self.name} {self.boot.kernel}")
        for n in range(nr + 1):
            # Every other one towards the end of a dump, where the commit is.
            cut = (rng.randint(1, 4), rng.uniform(LATEST / 2 * (n % 2), LATEST)) if n < nr else None
            bad = self.session(n + 1, cut)
            if bad:
                kept = self.keep()
                return 1, f"{n} passed, 1 failed, 0 skipped\n{self.name}: after cut {n}{kept}:\n{bad}"
        counts = ", ".join(f"{v} {k}" for k, v in sorted(self.tally.items()))
        print(f"     {self.boot.kernel:5} {self.boot.job:14} {self.name}: {nr} power cuts; what was being dumped: {counts}",
              flush=True)
        return 0, f"{nr + 1} passed, 0 failed, 0 skipped\n"

    def keep(self):
        """What is on the medium may be worth a look."""
        place = os.environ.get("CRIU_VM_KEEP")
        if not place:
            return ""
        shutil.copy(self.file["nvdimm"], place)
        return f" (the NVDIMM's bytes are in {place})"


def disk(boot):
    """A disk, and how it is mounted in a guest: for images beside a pool on a device."""
    path = os.path.join(boot.share, "disk")
    with open(path, "wb") as f:
        f.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", path], check=True)
    drive = ["-drive", f"file={path},if=none,id=disk,format=raw", "-device", "virtio-blk-pci,drive=disk"]
    options = ["-M", "virtio_blk"] + [word for arg in drive for word in ("--qemu-arg", arg)]
    return options, "mkdir -p /mnt/disk; mount /dev/vda /mnt/disk"


def job_power(boot, nr=CUTS):
    """Power cuts during dumps: to ext4 with DAX, and to a device with the images on a disk."""
    options, mount = disk(boot)
    out, worst = "", 0
    for medium in (Cuts(boot, "ext4", "nvdimm", "", "$PMEM_DIR/pool --images $PMEM_DIR"),
                   Cuts(boot, "devdax", "devdax", mount, "$DAX_DEV --images /mnt/disk", options)):
        status, text = medium.run(nr)
        worst, out = max(worst, status), out + text
    return worst, out


JOBS = {"fam-power": job_power}
