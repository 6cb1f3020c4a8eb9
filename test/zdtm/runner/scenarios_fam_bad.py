# SPDX-License-Identifier: GPL-2.0
"""Pools that aren't as they should be: a named error, and nothing lost."""
import fcntl
import os
import random
import shutil
import signal
import struct
import subprocess
import time

from . import proc
from .fam import Pool
from .kills import settled
from .scenarios import expect, forget
from .scenarios_fam import dump_into, dump_running, id_of, in_pool


def refused_dump(s, pool, before, regex, extra=()):
    """A dump into the pool must fail by this error, and the tasks run on."""
    images = s.images("images-refused")
    code = s.dump(images, extra=[*in_pool(s, pool), *extra])
    expect(code == 1 and s.log_has(r"Error \(.*" + regex), f"the dump ended with {code} and no error like {regex}")
    s.compare(before, "the refused dump")
    expect(not os.path.exists(os.path.join(images, "inventory.img")), "there is an inventory.img")


def refused_restore(s, pool, images, regex):
    """A restore from the pool must fail by this error and leave nothing behind."""
    code = s.restore(images, extra=in_pool(s, pool))
    expect(code == 1 and s.log_has(r"Error \(.*" + regex),
           f"the restore ended with {code} and no error like {regex}")
    left = proc.only_these_left(s.reaper, ())
    expect(not left, "left behind: " + ", ".join(left))


def full(s, before):
    """A dump that doesn't fit: the tasks run on, what the pool has stays whole."""
    pool = Pool(s)
    pool.must("init", pool.path, "--size", "4M")
    images = dump_running(s, pool, before, "images-1")
    dump_running(s, pool, before, "images-2")
    had = pool.list()
    refused_dump(s, pool, before, "is full")
    expect(pool.list() == had, f"the pool has {pool.list()}, had {had}")
    pool.clean()
    forget(s, before)
    s.check_restored(s.restore(images), before)


def read_only(s, before):
    """On a file system that is mounted read-only: restores work, what would write says so."""
    pool = Pool(s)
    images, checkpoint = dump_into(s, pool, before)
    subprocess.run(["mount", "--bind", pool.path, pool.path], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", pool.path], check=True)
        pool.must("list", pool.path)
        pool.clean()
        pool.must("export", pool.path, checkpoint, "--to", os.path.join(s.work, "images-out"))
        for words in (["rm", pool.path, checkpoint], ["gc", pool.path],
                      ["import", pool.path, "-D", os.path.join(s.work, "images-out"), "--to",
                       os.path.join(s.work, "images-in")]):
            pool.refuse("Read-only file system", *words)
        s.check_restored(s.restore(images), before)
        refused_dump(s, pool, before, "Read-only file system")
    finally:
        subprocess.run(["umount", pool.path], check=True)
    expect(pool.ids() == [checkpoint], "the checkpoint is gone")


def vanished(s, before):
    """The pool is removed between dump and restore, or it was none, or something else is there now."""
    pool = Pool(s)
    refused_dump(s, Pool(s, path=os.path.join(s.work, "no/such")), before, "No such file")
    images, _ = dump_into(s, pool, before)
    kept = os.path.join(s.work, "kept")
    shutil.copytree(pool.path, kept)
    shutil.rmtree(pool.path)
    refused_restore(s, pool, images, "No such file")
    os.mkdir(pool.path, 0o700)
    refused_restore(s, pool, images, "isn't a pool")
    os.rmdir(pool.path)
    with open(pool.path, "w"):
        pass
    refused_restore(s, pool, images, "no pool")
    os.unlink(pool.path)
    os.rename(kept, pool.path)
    s.check_restored(s.restore(images), before)


def vanishes_meanwhile(s, before):
    """The pool is removed while a dump writes to it: an error or a set, and tasks that run on."""
    rng = random.Random(1)
    for n in range(8):
        pool = Pool(s, f"pool-{n}")
        pool.must("init", pool.path)
        images = s.images("images-1")
        pid = s.reaper.spawn([s.criu] + s.dump_argv(images, False, [*in_pool(s, pool), "-R"]), s.work, s.criu_out,
                             s.env)
        time.sleep(rng.uniform(0, 0.06))
        shutil.rmtree(pool.path, ignore_errors=True)
        s.last_log = os.path.join(images, "dump.log")
        code = s.reaper.wait(pid, s.timeout)
        expect(code == 0 or (code == 1 and s.log_has(r"Error \(")), f"the dump ended with {code}")
        s.compare(before, "a dump whose pool vanished")
        shutil.rmtree(pool.path, ignore_errors=True)


def other_pool(s, before):
    """A pool of another uuid, and one of a version that isn't known."""
    pool, other = Pool(s), Pool(s, "other")
    other.must("init", other.path)
    images, checkpoint = dump_into(s, pool, before)
    refused_restore(s, other, images, "isn't the one")
    other.refuse("isn't the pool", "export", other.path, "-D", images, "--to", os.path.join(s.work, "images-out"))
    with open(pool.file("pool"), "r+b") as f:
        f.seek(8)
        f.write(struct.pack("<I", 77))
    for words in (["list"], ["show", checkpoint], ["verify"], ["gc"], ["rm", checkpoint]):
        pool.refuse("has version 77", words[0], pool.path, *words[1:])
    refused_restore(s, pool, images, "has version 77")
    with open(pool.file("pool"), "r+b") as f:
        f.seek(8)
        f.write(struct.pack("<I", 1))
    s.check_restored(s.restore(images), before)


def parts(pool, checkpoint):
    """Every file and directory that a reader opens."""
    own = pool.file("checkpoints", checkpoint)
    return [pool.path, pool.file("pool"), pool.file("checkpoints"), own, os.path.join(own, "record"),
            os.path.join(own, "pages")]


def open_to_others(s, before):
    """Whatever belongs to another user, or is open to others, isn't used."""
    pool = Pool(s)
    images, checkpoint = dump_into(s, pool, before)
    for path in parts(pool, checkpoint):
        mode = os.stat(path).st_mode & 0o777
        os.chmod(path, mode | 0o004)
        refused_restore(s, pool, images, "has mode")
        os.chmod(path, mode)
        os.chown(path, 1000, 0)
        refused_restore(s, pool, images, "belongs to user 1000")
        os.chown(path, 0, 0)
    os.chmod(pool.path, 0o755)
    pool.refuse("has mode", "list", pool.path)
    pool.refuse("has mode", "rm", pool.path, checkpoint)
    os.chmod(pool.path, 0o700)
    s.check_restored(s.restore(images), before)


def images_inside(s, before):
    """What is in the pool's directories is the pool's alone."""
    pool = Pool(s)
    images, _ = dump_into(s, pool, before)
    s.check_restored(s.restore(images), before)
    for inside in pool.path, pool.file("checkpoints"), pool.file("checkpoints", pool.ids()[0]):
        expect(s.dump(inside, extra=["--fam-dir", pool.path]) == 1 and s.log_has(r"Error .*inside of the pool"),
               f"a dump into {inside} isn't refused")
        os.unlink(os.path.join(inside, "dump.log"))
    pool.clean()


def symlinks(s, before):
    """A symbolic link, a FIFO or a directory in the place of a file isn't followed, opened or waited for."""
    pool = Pool(s)
    images, checkpoint = dump_into(s, pool, before)
    for path in parts(pool, checkpoint):
        aside = path + ".aside"
        for make in (lambda p, a=aside: os.symlink(a, p), os.mkfifo, lambda p: os.mkdir(p, 0o700)):
            os.rename(path, aside)
            make(path)
            refused_restore(s, pool, images, "")
            if os.path.isdir(path) and not os.path.islink(path):
                os.rmdir(path)
            else:
                os.unlink(path)
            os.rename(aside, path)
    s.check_restored(s.restore(images), before)


def cut_short(s, before):
    """Superblock, record, pages and the copy of images, each cut at several places: named, and by verify too."""
    pool = Pool(s)
    images, checkpoint = dump_into(s, pool, before, extra=["--fam-verify"])
    own = pool.file("checkpoints", checkpoint)
    for path in (pool.file("pool"), *(os.path.join(own, n) for n in ("record", "pages", "images"))):
        with open(path, "rb") as f:
            whole = f.read()
        for size in (0, 1, len(whole) // 2, len(whole) - 1):
            os.truncate(path, size)
            pool.problems("(damaged|isn't|no copy|can't|record)")
            if not path.endswith("images"):  # that one is no restore's business
                refused_restore(s, pool, images, "(damaged|isn't|Can't)")
            with open(path, "wb") as f:
                f.write(whole)
        os.unlink(path)
        pool.problems("(damaged|isn't|no copy|can't|record|has no)")
        with open(path, "wb") as f:
            f.write(whole)
        os.chmod(path, 0o600)
    pool.clean()
    s.check_restored(s.restore(images, extra=["--fam-verify"]), before)


def flipped_byte(s, before):
    """verify finds a page that changed, and so does a restore that is asked to."""
    pool = Pool(s)
    images, checkpoint = dump_into(s, pool, before, extra=["--fam-verify"])
    pool.clean()
    with open(pool.file("checkpoints", checkpoint, "pages"), "r+b") as f:
        extent = max(pool.json("show", pool.path, checkpoint)["extents"], key=lambda e: e["length"])
        f.seek(extent["offset"] + 17)
        old = f.read(1)
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([old[0] ^ 0x40]))
        f.flush()
        pool.problems(f"^{checkpoint}: pages {extent['pages_id']}: the checksum doesn't match.*{extent['vaddr']}")
        code = s.restore(images, extra=["--fam-verify"])
        expect(code == 1 and s.log_has(r"Error \(.*checksum"), f"the restore ended with {code}")
        f.seek(-1, os.SEEK_CUR)
        f.write(old)
    pool.clean()
    s.check_restored(s.restore(images, extra=["--fam-verify"]), before)


def two_writers(s, before):
    """Two dumps at once into one pool wait for each other; one that waits for too long says for whom."""
    pool = Pool(s)
    pool.must("init", pool.path)
    fd = os.open(pool.path, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    refused_dump(s, pool, before, f"process {os.getpid()}", ["--timeout", "1"])
    pool.must("list", pool.path)
    pool.refuse(f"process {os.getpid()}", "gc", pool.path, "--timeout", "1")
    os.close(fd)
    images = dump_running(s, pool, before, "images-1")
    out = os.path.join(s.work, "images-out")
    pool.must("export", pool.path, id_of(pool, images), "--to", out)
    others = [s.reaper.spawn([s.criu, "fam", "import", pool.path, "-D", out, "--to",
                              os.path.join(s.work, f"images-in-{n}")], s.work, s.criu_out, s.env) for n in range(3)]
    s.reaper.helpers.update(others)
    dump_running(s, pool, before, "images-2")
    codes = [s.reaper.wait(pid, s.timeout) for pid in others]
    expect(codes == [0, 0, 0], f"the imports ended with {codes}")
    expect(len(pool.ids()) == 5, f"the pool has {len(pool.ids())} checkpoints")
    pool.clean()
    forget(s, before)
    s.check_restored(s.restore(os.path.join(s.work, "images-in-1")), before)


def killed_writer(s, before):
    """kill -9 at random moments: the tasks run or the set is whole, the pool is clean, and nothing leaks."""
    pool, rng = Pool(s), random.Random(7)
    pool.must("init", pool.path, "--size", "32M")
    images = s.images("images-1")
    s.check_dumped(s.dump(images, extra=in_pool(s, pool)), before)
    s.check_restored(s.restore(images), before)
    span = s.times[-2][1]
    for _ in range(20):
        images = s.images("images-1")
        s.last_log = os.path.join(images, "dump.log")
        pid = s.reaper.spawn([s.criu] + s.dump_argv(images, False, in_pool(s, pool)), s.work, s.criu_out, s.env)
        code = s.reaper.wait(pid, rng.uniform(0, span * 1.1))
        if code is None:
            os.kill(pid, signal.SIGKILL)
            s.reaper.wait(pid, 5)
        state = settled(s, before)
        pool.clean()
        if state == "gone":
            s.reaper.ended.pop(s.root, None)
            s.check_restored(s.restore(images), before)
        else:
            expect(not os.path.exists(os.path.join(images, "inventory.img")), "the tasks run on, but there is a set")
    # Nothing refers to any of them any more; gc must get all memory back.
    shutil.rmtree(images)
    pool.must("gc", pool.path, "--orphans", "--grace", "0")
    usage = pool.json("list", pool.path)
    expect(usage["checkpoints"] == [] and usage["pool"]["used"] == 0, f"leaked: {usage}")
    expect(os.listdir(pool.file("new")) == [], "there are leftovers in new/")
    dump_running(s, pool, before, "images-1")


def killed_import(s, before):
    """kill -9 of an import: its checkpoint is whole with its set, or will be freed."""
    pool, rng = Pool(s), random.Random(3)
    plain = s.images("images-1")
    expect(s.dump(plain, extra=["-R"]) == 0, "the dump failed")
    pool.must("init", pool.path, "--size", "32M")
    for n in range(20):
        to = os.path.join(s.work, "images-in")
        shutil.rmtree(to, ignore_errors=True)
        pid = s.reaper.spawn([s.criu, "fam", "import", pool.path, "-D", plain, "--to", to], s.work, s.criu_out, s.env)
        code = s.reaper.wait(pid, rng.uniform(0, 0.06))
        if code is None:
            os.kill(pid, signal.SIGKILL)
            s.reaper.wait(pid, 5)
        whole = os.path.exists(os.path.join(to, "inventory.img"))
        expect(whole or code != 0, "the import ended well without a set")
        pool.must("gc", pool.path)
        pool.clean()
        states = [c["state"] for c in pool.list() if c["images_dir"] == to]
        expect(("committed" in states) == whole, f"there is {'a' if whole else 'no'} set, its checkpoints are {states}")
        shutil.rmtree(to, ignore_errors=True)
        pool.must("gc", pool.path, "--orphans", "--grace", "0")
        expect(pool.ids() == [], f"after import {n} the pool has {pool.list()}")


def damaged_removed(s, before):
    """A checkpoint whose record can't be read is listed as damaged, doesn't harm others, and can be removed."""
    pool = Pool(s)
    bad, good = (id_of(pool, dump_running(s, pool, before, f"images-{n}")) for n in (1, 2))
    with open(pool.file("checkpoints", bad, "record"), "r+b") as f:
        f.write(b"nonsense")
    states = {c["id"]: c["state"] for c in pool.list()}
    expect(states == {bad: "damaged", good: "committed"}, f"they are {states}")
    pool.problems(f"^{bad}: .*record.*damaged")
    pool.must("verify", pool.path, good)
    pool.refuse("record.*damaged", "show", pool.path, bad)
    pool.must("gc", pool.path, "--orphans", "--grace", "0")
    expect(set(pool.ids()) == {bad, good}, "gc took a damaged one")
    dump_running(s, pool, before, "images-3")
    pool.must("rm", pool.path, bad)
    pool.clean()
    forget(s, before)
    s.check_restored(s.restore(os.path.join(s.work, "images-2")), before)


SCENARIOS = {"fam_" + f.__name__: f for f in (
    full, read_only, vanished, vanishes_meanwhile, other_pool, open_to_others, images_inside, symlinks, cut_short, flipped_byte,
    two_writers, killed_writer, killed_import, damaged_removed)}
