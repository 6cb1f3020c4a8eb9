# SPDX-License-Identifier: GPL-2.0
"""Damaged pools: list, show, verify, export and restore must end soon, with an error or with what is right.

The N-th damage depends on the seed and N only, so --only N repeats it. Half of the changes to checksummed structures
get their checksums made right again, so that what stands behind that check is reached."""
import mmap
import os
import random
import shutil
import subprocess

from . import damage, proc
from .damage_fam import DirectoryDamage, LinearDamage
from .fam import Pool
from .faults import fresh
from .mutate import LIMIT

def check_command(s, pool, words, must_fail):
    code = pool.run(*words)
    what = "criu fam " + " ".join(words)
    complaints = s.complaints()
    if complaints:
        raise proc.Failure(f"{what}: a sanitizer complained:\n{complaints}")
    if code is None:
        raise proc.Failure(f"{what} doesn't end")
    if code < 0 or code > 1:
        raise proc.Failure(f"{what} ended with {code}: {pool.out}{pool.err}")
    if code == 0 and must_fail:
        raise proc.Failure(f"{what} found nothing wrong: {pool.out}{pool.err}")
    if code == 1 and "Error (" not in pool.err and words[0] != "verify":
        raise proc.Failure(f"{what} failed without an Error line: {pool.out}{pool.err}")
    if code == 1 and words[0] == "verify" and not pool.out and "Error (" not in pool.err:
        raise proc.Failure("verify failed and didn't say why")


def check_restore(s, pool, images, dmg):
    way = dmg.rng.choice(("copy", "copy", "lazy"))
    dmg.what += f" ({way})"
    code = s.restore(images, extra=["--fam-dir", pool.path, "--fam-restore", way])
    complaints = s.complaints()
    if complaints:
        raise proc.Failure("a sanitizer complained:\n" + complaints)
    if code is None:
        raise proc.Failure("the restore doesn't end")
    if code < 0:
        raise proc.Failure(f"the restore was ended by signal {-code}")
    if code == 0:
        if "restore" in dmg.must_fail:
            raise proc.Failure("this can't be right, but the restore ended well")
        return "restored"
    if not s.log_has(r"Error \("):
        raise proc.Failure("no Error line in the log of the restore")
    left = proc.only_these_left(s.reaper, ())
    if left:
        raise proc.Failure("the restore left processes behind: " + ", ".join(left))
    return "refused"


def check_one(s, medium, dmg):
    pool, checkpoint = medium.pool, medium.checkpoint
    for words in (["list", pool.path], ["list", pool.path, "--json"], ["show", pool.path, checkpoint],
                  ["verify", pool.path]):
        check_command(s, pool, words, words[0] in dmg.must_fail)
    out = os.path.join(s.work, "images-exported")
    check_command(s, pool, ["export", pool.path, checkpoint, "--to", out], False)
    shutil.rmtree(out, ignore_errors=True)
    how = check_restore(s, pool, medium.images, dmg)
    proc.kill_all(s.reaper)
    s.reaper.ended.clear()
    # What writes comes last: it must leave a pool that can be written to, or say why it can't.
    check_command(s, pool, ["gc", pool.path, "--orphans", "--grace", "0", "--trim"], False)
    return how


class Medium:
    """A pool with one checkpoint, to be damaged over and over. POOL and IMAGES are the ones to look at."""

    def __init__(self, s, name, path=None):
        self.s, self.base = s, Pool(s, path=path or os.path.join(s.work, f"{name}-base"))
        self.whole = s.images(f"images-{name}-base")
        self.images = os.path.join(s.work, f"images-{name}")

    def fill(self, before, *init):
        self.base.must("init", self.base.path, *init)
        self.s.check_dumped(self.s.dump(self.whole, extra=["--fam-dir", self.base.path, "--fam-verify"]), before)
        self.checkpoint, = self.base.ids()

    def fresh_images(self):
        shutil.rmtree(self.images, ignore_errors=True)
        shutil.copytree(self.whole, self.images)


class Directory(Medium):
    def __init__(self, s, before):
        super().__init__(s, "pool")
        self.fill(before)
        self.pool = Pool(s, path=os.path.join(s.work, "pool-damaged"))

    def damage(self, rng):
        self.fresh_images()
        shutil.rmtree(self.pool.path, ignore_errors=True)
        shutil.copytree(self.base.path, self.pool.path)
        return DirectoryDamage(rng, self.pool, self.checkpoint, self.images)


class Linear(Medium):
    """On hugetlbfs, which is written through a mapping."""

    def __init__(self, s, before):
        where = os.path.join(s.work, "huge")
        os.makedirs(where, exist_ok=True)
        subprocess.run(["mount", "-t", "hugetlbfs", "-o", "mode=0700", "none", where], check=True)
        super().__init__(s, "linear", where)
        self.fill(before, "--size", "8M")
        self.pool, self.file = self.base, self.base.file("pool")
        with open(self.file, "rb") as f:
            self.content = f.read()

    def damage(self, rng):
        self.fresh_images()
        os.unlink(self.file)
        with open(os.open(self.file, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0):
            pass
        dmg = LinearDamage(rng, self.file, self.content, self.images)
        os.truncate(self.file, len(dmg.content))
        if dmg.content:
            with open(self.file, "r+b", buffering=0) as f, mmap.mmap(f.fileno(), len(dmg.content)) as m:
                m[:] = dmg.content
        return dmg


def media(s, before, huge):
    """A directory, and a linear pool if there are huge pages."""
    out = [Directory(s, before)]
    if huge:
        s.check_restored(s.restore(out[0].whole), before)
        out.append(Linear(s, before))
    return out


def main(job, tally):
    proc.read_only_but(job["work"])
    known = []
    for number in range(len(job["tests"])):
        s = fresh(job, number)
        s.timeout = LIMIT
        known += media(s, s.steady(), job["huge"])
    if not job["huge"]:
        tally.skip("linear pools: needs huge pages")
    counts = {}
    for n in range(job["count"]) if job["only"] is None else [job["only"]]:
        medium = known[n % len(known)]
        s, dmg = medium.s, medium.damage(random.Random(f"{job['seed']}/{n}"))
        try:
            how = check_one(s, medium, dmg)
            counts[how] = counts.get(how, 0) + 1
            tally.good("")
            if job["verbose"] or job["only"] is not None:
                print(f"{n}: {how}: {dmg.what}", flush=True)
        except proc.Failure as e:
            tally.bad(f"{s.test.name}, damage {n}: {dmg.what}", damage.report(s, e),
                      f"test/zdtm/run.py mutate-pools --seed {job['seed']} --only {n} --keep "
                      + " ".join(t[0] for t in job["tests"]))
        proc.kill_all(s.reaper)
        s.reaper.ended.clear()
        s.reaper.helpers.clear()
    print(", ".join(f"{v} {k}" for k, v in sorted(counts.items())), flush=True)
