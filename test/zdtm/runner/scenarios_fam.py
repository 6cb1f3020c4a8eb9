# SPDX-License-Identifier: GPL-2.0
"""Pools: each `criu fam` command, and the ways between sets in a pool and ordinary ones."""
import fcntl
import filecmp
import os
import shutil
import subprocess
import sys
import time

from . import tests
from .fam import Pool
from .scenarios import expect, forget


def in_pool(s, pool):
    return ["--fam-dir", pool.path]


def dump_into(s, pool, before, name="images-1", extra=()):
    """A dump into the pool; the images directory and the checkpoint's id."""
    had = set(pool.ids()) if os.path.exists(pool.file("pool")) else set()
    images = s.images(name)
    s.check_dumped(s.dump(images, extra=in_pool(s, pool) + list(extra)), before)
    new = [i for i in pool.ids() if i not in had]
    expect(len(new) == 1, f"the pool has {len(new)} new checkpoints")
    return images, new[0]


def dump_running(s, pool, before, name, extra=()):
    """A dump into the pool that lets the tasks run on."""
    images = s.images(name)
    expect(s.dump(images, extra=[*in_pool(s, pool), "-R", *extra]) == 0, "the dump failed")
    s.compare(before, "a dump that leaves the tasks running")
    return images


def id_of(pool, images):
    """The checkpoint of the set in this directory."""
    found = [c["id"] for c in pool.list() if c["images_dir"] == images]
    expect(len(found) == 1, f"{images} has {len(found)} checkpoints")
    return found[0]


def names(folder, but=()):
    return {n for n in os.listdir(folder) if n.endswith(".img") and not n.startswith(tuple(but))}


def init_and_list(s, before):
    """init makes a pool once; list and show print what is in it, for people and as JSON."""
    pool = Pool(s)
    made = pool.json("init", pool.path, "--size", "64M")
    expect(made["pool"]["size"] == 64 << 20 and not made["pool"]["grows"], f"its size is {made['pool']}")
    expect(made["checkpoints"] == [], "a new pool isn't empty")
    expect(os.stat(pool.path).st_mode & 0o777 == 0o700, "others may look into it")
    pool.refuse("is a pool already", "init", pool.path)
    images, checkpoint = dump_into(s, pool, before)
    info, = pool.list()
    expect(info["state"] == "committed" and info["images_dir"] == images and not info["keep"], f"it lists {info}")
    expect(0 < info["allocated"] <= 64 << 20 and info["created"] > time.time() - 60, f"it lists {info}")
    text = pool.must("list", pool.path)
    expect(checkpoint in text and images in text and "committed" in text, f"it lists {text}")
    shown = pool.json("show", pool.path, checkpoint[:10])
    expect(shown["id"] == checkpoint and shown["extents"], f"it shows {shown}")
    expect({i["name"] for i in shown["images"]} == names(images), f"the pool has copies of {shown['images']}")
    expect("inventory.img" in pool.must("show", pool.path, checkpoint), "show doesn't list the images")
    pool.clean()
    s.check_restored(s.restore(images), before)


def config_names_the_pool(s, before):
    """fam-dir of a configuration file is the pool where none is given."""
    pool = Pool(s)
    path = os.path.join(s.work, "criu.conf")
    pool.refuse("No pool was given", "list")
    with open(path, "w") as f:
        f.write(f"fam-dir {pool.path}\n")
    s.env = dict(s.env, CRIU_CONFIG_FILE=path)
    pool.must("init")
    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    checkpoint, = (c["id"] for c in pool.json("list")["checkpoints"])
    pool.must("show", checkpoint)
    pool.must("verify", checkpoint[:4])
    s.check_restored(s.restore(images), before)
    pool.must("rm", checkpoint)


def export_and_restore(s, before):
    """A set in a pool becomes an ordinary one, which is restored with and without the pool; crit decodes it."""
    pool = Pool(s)
    images, checkpoint = dump_into(s, pool, before)
    out, other = (os.path.join(s.work, n) for n in ("images-out", "images-other"))
    pool.must("export", pool.path, checkpoint, "--to", out)
    pool.must("export", "-D", images, "--to", other)
    expect(names(out) == names(other) and "fam.img" not in names(out), f"exported are {names(out)}")
    expect(names(out, ("pages-",)) == names(images) - {"fam.img"}, "other images are missing, or there are more")
    for name in names(out):
        expect(filecmp.cmp(os.path.join(out, name), os.path.join(other, name), False), f"{name} differs")
    decode(out)
    s.check_restored(s.restore(out), before)
    forget(s, before)
    s.check_restored(s.restore(other, extra=in_pool(s, pool)), before)
    forget(s, before)
    pool.must("rm", pool.path, checkpoint)
    s.check_restored(s.restore(out), before)


def decode(folder):
    """Each image by Debian's crit, as long as it knows it; else by ours."""
    for name in sorted(names(folder, ("pages-", "attributes", "mm-extra", "sk-extra", "timerfd-time"))):
        crit = shutil.which("crit", path="/usr/sbin:/usr/bin") or os.path.join(tests.TOP, "lib/py/crit")
        done = subprocess.run([sys.executable, crit, "decode", "-i", os.path.join(folder, name)], check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=30)
        expect(done.returncode == 0, f"crit can't decode {name}: {done.stderr.decode(errors='replace')}")


def import_and_restore(s, before):
    """An ordinary set goes into a pool, is restored from there, and comes out again with the same pages."""
    pool = Pool(s)
    plain, to, back = s.images("images-1"), os.path.join(s.work, "images-in"), os.path.join(s.work, "images-back")
    s.check_dumped(s.dump(plain), before)
    checkpoint = pool.json("import", pool.path, "-D", plain, "--to", to)["id"]
    expect(pool.ids() == [checkpoint], "the pool has another checkpoint")
    expect(names(to) == names(plain, ("pages-",)) | {"fam.img"}, f"the set became {names(to)}")
    pool.clean()
    pool.must("export", pool.path, checkpoint, "--to", back)
    for name in names(plain, ("pages-", "pagemap-")):
        expect(filecmp.cmp(os.path.join(plain, name), os.path.join(back, name), False), f"{name} differs")
    s.check_restored(s.restore(back), before)
    forget(s, before)
    s.check_restored(s.restore(to), before)
    forget(s, before)
    s.check_restored(s.restore(to, extra=in_pool(s, pool)), before)


def exported_is_imported(s, before):
    """Out of one pool and into another, whose checkpoint then comes back."""
    pool, second = Pool(s), Pool(s, "second")
    _, checkpoint = dump_into(s, pool, before, extra=["--fam-verify"])
    out, to = (os.path.join(s.work, n) for n in ("images-out", "images-in"))
    pool.must("export", pool.path, checkpoint, "--to", out)
    second.must("init", second.path, "--size", "64M")
    second.must("import", second.path, "-D", out, "--to", to, "--fam-verify")
    second.clean()
    shutil.rmtree(pool.path)
    s.check_restored(s.restore(to, extra=["--fam-verify"]), before)


def nothing_half_exported(s, before):
    """export and import refuse what they can't do right, and leave nothing behind."""
    pool = Pool(s)
    images = dump_running(s, pool, before, "images-1", ["--fam-verify"])
    checkpoint = id_of(pool, images)
    full, fresh = s.images("images-full"), os.path.join(s.work, "images-new")
    with open(os.path.join(full, "x"), "w"):
        pass
    pool.refuse("wasn't told", "export", pool.path, checkpoint)
    pool.refuse("Directory not empty", "export", pool.path, checkpoint, "--to", full)
    pool.refuse("no checkpoint 0123", "export", pool.path, "0123", "--to", fresh)
    pool.refuse("takes one checkpoint", "export", pool.path, checkpoint, "-D", images, "--to", fresh)
    pool.refuse("in a pool already", "import", pool.path, "-D", images, "--to", fresh)
    pool.refuse("no set of images", "import", pool.path, "-D", full, "--to", fresh)
    expect(os.listdir(full) == ["x"], "it changed a directory that isn't empty")
    with open(pool.file("checkpoints", checkpoint, "pages"), "r+b") as f:
        f.seek(pool.json("show", pool.path, checkpoint)["extents"][-1]["offset"])
        f.write(b"something else")
    pool.refuse("damaged.*checksum", "export", pool.path, checkpoint, "--to", fresh)
    expect(not os.path.exists(fresh), "there is a directory of a failed command")


def removal(s, before):
    """rm takes short ids, removes all of them or none, kept ones by force; other sets stay whole."""
    pool = Pool(s)
    images = [dump_running(s, pool, before, f"images-{n}", ["--fam-keep"] * (n == 1)) for n in range(3)]
    first, kept, last = (id_of(pool, i) for i in images)
    pool.refuse("is to be kept", "rm", pool.path, first, kept)
    pool.refuse("no checkpoint", "rm", pool.path, first, "0" * 16)
    expect(len(pool.ids()) == 3, "a refused rm removed something")
    pool.must("rm", pool.path, first)
    expect(sorted(pool.ids()) == sorted([kept, last]), "rm didn't remove the one it was given")
    expect(pool.json("rm", pool.path, kept, "--force")["removed"] == [kept], "a kept one isn't removed by force")
    usage = pool.json("list", pool.path)["pool"]
    expect(usage["spare"] > 0, "the memory of removed checkpoints is gone")
    pool.clean()
    forget(s, before)
    expect(s.restore(images[0]) == 1 and s.log_has(r"Error .*no checkpoint"), "a removed checkpoint isn't missed")
    s.check_restored(s.restore(images[2]), before)


def orphans(s, before):
    """gc --orphans: not before the grace period, never what is kept, only where the directory is gone or another's."""
    pool = Pool(s)
    kinds = {"gone": [], "kept": ["--fam-keep"], "stays": [], "taken": []}
    images = {k: dump_running(s, pool, before, f"images-{k}", extra) for k, extra in kinds.items()}
    ids = {k: id_of(pool, i) for k, i in images.items()}
    for k in ("gone", "kept", "taken"):
        shutil.rmtree(images[k])
    shutil.copytree(images["stays"], images["taken"])
    states = {c["id"]: c["state"] for c in pool.list()}
    expect([states[ids[k]] for k in kinds] == ["orphan", "orphan", "committed", "orphan"], f"they are {states}")
    pool.must("gc", pool.path)
    pool.must("gc", pool.path, "--orphans", "--grace", "1")
    expect(len(pool.ids()) == 4, "gc took what nobody has seen to be an orphan before")
    pool.must("gc", pool.path, "--orphans")
    expect(len(pool.ids()) == 4, "gc took what is an orphan for less than an hour")
    would = pool.json("gc", pool.path, "--orphans", "--grace", "0", "--dry-run")
    expect(would["freed"] == 2 and len(pool.ids()) == 4, f"--dry-run says {would}")
    did = pool.json("gc", pool.path, "--orphans", "--grace", "0")
    expect({c["id"]: c["why"] for c in did["checkpoints"]} == {
        ids["gone"]: "orphan", ids["taken"]: "orphan", ids["kept"]: "kept"}, f"gc says {did}")
    expect(set(pool.ids()) == {ids["kept"], ids["stays"]}, f"gc left {pool.ids()}")
    expect(pool.json("gc", pool.path, "--trim")["trimmed_bytes"] > 0, "nothing was given back")
    expect(pool.json("list", pool.path)["pool"]["spare"] == 0, "there is spare memory after --trim")
    forget(s, before)
    # A kept one without its directory comes back by way of export.
    out = os.path.join(s.work, "images-out")
    pool.must("export", pool.path, ids["kept"], "--to", out)
    s.check_restored(s.restore(out), before)
    forget(s, before)
    s.check_restored(s.restore(images["stays"]), before)


def grace(s, before):
    """The time of grace begins when gc sees first that a directory is gone, and ends when it comes back."""
    pool = Pool(s)
    images = dump_running(s, pool, before, "images-1")
    away = images + "-away"

    def gc(expected):
        did = pool.json("gc", pool.path, "--orphans", "--grace", "1")["checkpoints"]
        expect([c["why"] for c in did] == expected, f"gc says {did}, not {expected}")

    time.sleep(1.1)
    os.rename(images, away)
    gc(["an orphan from now on"])
    os.rename(away, images)
    time.sleep(1.1)
    gc([])
    os.rename(images, away)
    gc(["an orphan from now on"])
    time.sleep(1.1)
    gc(["orphan"])
    expect(pool.ids() == [], "it is there still")


def in_use(s, before):
    """What somebody reads can't be removed; gc leaves it, and says who it is."""
    pool = Pool(s)
    images = dump_running(s, pool, before, "images-1")
    checkpoint = id_of(pool, images)
    fd = os.open(pool.file("checkpoints", checkpoint, "pages"), os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_SH)
    shutil.rmtree(images)
    pool.refuse(f"being read by process {os.getpid()}", "rm", pool.path, checkpoint)
    told, = pool.json("gc", pool.path, "--orphans", "--grace", "0")["checkpoints"]
    expect(not told["freed"] and "being read" in told["why"], f"gc says {told}")
    expect(pool.ids() == [checkpoint], "it is gone")
    os.close(fd)
    pool.must("gc", pool.path, "--orphans", "--grace", "0")
    expect(pool.ids() == [], "it is there still")


def reused_directory(s, before):
    """A dump into the directory of the last one takes the place of its checkpoint."""
    pool = Pool(s)
    dump_running(s, pool, before, "images-1")
    before_ids = pool.ids()
    images = os.path.join(s.work, "images-1")
    s.check_dumped(s.dump(images, extra=in_pool(s, pool)), before)
    expect(len(pool.ids()) == 1 and pool.ids() != before_ids, f"the pool has {pool.ids()}")
    s.check_restored(s.restore(images), before)


def pool_moved(s, before):
    """A pool that was moved is found by --fam-dir, and by nothing else."""
    pool, there = Pool(s), Pool(s, path=os.path.join(s.work, "elsewhere"))
    images, _ = dump_into(s, pool, before)
    os.rename(pool.path, there.path)
    expect(s.restore(images) == 1 and s.log_has(r"Error .*pool"), "a pool that isn't there is no error")
    s.check_restored(s.restore(images, extra=in_pool(s, there)), before)


def on_huge_pages(s, before):
    """All commands on a linear pool, one that is no directory of files: memory of hugetlbfs."""
    pool = Pool(s)
    subprocess.run(["mount", "-t", "hugetlbfs", "-o", "mode=0700", "none", pool.path], check=True)
    try:
        pool.refuse("needs a size", "init", pool.path)
        made = pool.json("init", pool.path, "--size", "24M")
        expect(made["pool"]["medium"] == "hugetlbfs", f"init says {made}")
        pool.refuse("is a pool already", "init", pool.path, "--size", "24M")
        images = dump_running(s, pool, before, "images-1", ["--fam-verify"])
        checkpoint = id_of(pool, images)
        pool.clean()
        expect(pool.json("show", pool.path, checkpoint)["extents"], "there are no extents")
        out, to = (os.path.join(s.work, n) for n in ("images-out", "images-in"))
        pool.must("export", pool.path, checkpoint, "--to", out)
        second = pool.json("import", pool.path, "-D", out, "--to", to)["id"]
        expect(sorted(pool.ids()) == sorted([checkpoint, second]), f"the pool has {pool.ids()}")
        pool.must("rm", pool.path, checkpoint)
        forget(s, before)
        s.check_restored(s.restore(to), before)
        forget(s, before)
        s.check_restored(s.restore(out), before)
        shutil.rmtree(to)
        pool.must("gc", pool.path, "--orphans", "--grace", "0")
        usage = pool.json("list", pool.path)
        expect(not usage["checkpoints"] and not usage["pool"]["used"], f"gc left {usage}")
    finally:
        if os.path.exists(pool.file("pool")):
            os.unlink(pool.file("pool"))
        subprocess.run(["umount", pool.path], check=True)


on_huge_pages.huge_pages = 16  # of 2 MiB


SCENARIOS = {"fam_" + f.__name__: f for f in (
    init_and_list, config_names_the_pool, export_and_restore, import_and_restore, exported_is_imported,
    nothing_half_exported, removal, orphans, grace, in_use, reused_directory, pool_moved,
    on_huge_pages)}
