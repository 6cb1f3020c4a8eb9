# SPDX-License-Identifier: GPL-2.0
"""What a session's pool has to hold after a dump that failed or was killed; the ways between pools and ordinary sets.

Without a pool there is nothing to check."""
import glob
import os
import shutil

from .fam import Pool
from .proc import Failure

SIZE = 64 << 20  # of a pool whose memory is counted
LITTLE = 8 << 20  # what the pool may have given back of it, since files change hands as a whole


def pool(s):
    return Pool(s, path=s.pool)


def make_sized(s):
    """A pool of SIZE in place of the one that grows; nothing was stored there yet."""
    if s.pool:
        pool(s).must("init", s.pool, "--size", str(SIZE))


def look(s):
    """([(id, state, images directory)], bytes that they take); None without a pool."""
    if not s.pool:
        return None
    told = pool(s).json("list", s.pool)
    return sorted((c["id"], c["state"], c["images_dir"]) for c in told["checkpoints"]), told["pool"]["used"]


def check_same(s, before, what):
    """The same checkpoints, no others, and no more memory taken."""
    now = look(s)
    if now != before:
        raise Failure(f"{what} changed the pool from {before} to {now}")


def check_sets(s):
    """Nothing is damaged, and each checkpoint that can be seen is that of a whole set, which has one."""
    if not s.pool:
        return
    pool(s).must("verify", s.pool)
    found = sorted(folder for _, state, folder in look(s)[0] if state == "committed")
    whole = sorted(os.path.dirname(path) for path in glob.glob(os.path.join(s.work, "images*", "inventory.img")))
    if found != whole:
        raise Failure(f"the pool has checkpoints of {found}, but whole sets are {whole}")


def clear(s):
    """Removes all sets, and their checkpoints."""
    ids = [c[0] for c in look(s)[0]] if s.pool else []
    if ids:
        pool(s).must("rm", s.pool, *ids)
        for path in glob.glob(os.path.join(s.work, "images*")):
            shutil.rmtree(path)


def taken(folder):
    """Bytes that the files below it take."""
    return sum(os.lstat(os.path.join(where, f)).st_blocks * 512 for where, _, files in os.walk(folder) for f in files)


def check_memory(s):
    """Of a sized pool: once a writer has recovered it, all memory is a checkpoint's or ready for one."""
    if not s.pool:
        return
    pool(s).must("gc", s.pool)
    told = pool(s).json("list", s.pool)
    states = {c["state"] for c in told["checkpoints"]}
    if "incomplete" in states:
        raise Failure("there are incomplete checkpoints after a recovery")
    known = told["pool"]["used"] + told["pool"]["spare"]
    if not SIZE - LITTLE <= known <= SIZE or taken(s.pool) > known + (1 << 20):
        raise Failure(f"of {SIZE} bytes {told['pool']['used']} are used and {told['pool']['spare']} spare, and the pool "
                      f"takes {taken(s.pool)}")


def exchange(s, images, n):
    """The set in IMAGES, in the pool or not, as one of the other kind; the directory of that one."""
    other = s.images(f"images-{n}-other")
    if s.in_pool:
        pool(s).must("export", "-D", images, "--to", other)
    else:
        pool(s).must("import", s.pool, "-D", images, "--to", other)
    return other
