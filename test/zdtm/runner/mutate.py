# SPDX-License-Identifier: GPL-2.0
"""Damaged image sets: each restore must end soon, with an error or with a complete tree.

The N-th damage depends on the seed and N only, so --only N repeats it."""
import os
import random
import shutil
import struct
import time

from . import damage, proc, wire
from .faults import fresh

LIMIT = 10.0  # seconds for one restore
ABSURD = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32, 1 << 47, (1 << 63) - 1,
          1 << 63, (1 << 64) - 1, (1 << 64) - 4096, 4095, 4097)
STRINGS = (b"", b"/", b"..", b"../" * 50, b"/etc/passwd", b"/proc/self/mem", b"A" * 5000, b"A" * 200000, b"%s%n%s%n",
           b"a\0b", b"\xff\xfe", b"/dev/null", b"\n")
# Without these (or with part of them) there is no tree: an error is the only right answer.
NEEDED = ("inventory.img", "pstree.img", "core-", "mm-", "pagemap-", "pages-", "files.img", "fdinfo-", "fs-", "fam.img")


def needed(name):
    return name.startswith(NEEDED) and "shmem" not in name and name != "mm-extra.img"


class Damage:
    """One way to damage a set: {name: bytes}. Sets what and must_fail."""

    def __init__(self, rng, files):
        self.rng, self.files = rng, files
        self.must_fail = False
        self.name = rng.choice(sorted(n for n in files if n.endswith(".img") and not n.startswith("stats-")))
        ways = [self.flip, self.flip, self.number, self.number, self.number, self.number, self.length, self.string,
                self.string, self.entry_size, self.entry_list, self.field_list, self.truncate, self.grow, self.delete,
                self.swap, self.magic, self.garbage]
        for _ in range(50):
            self.what = ""
            rng.choice(ways)()
            if self.what:
                return
            self.name = rng.choice(sorted(n for n in files if n.endswith(".img") and not n.startswith("stats-")))
        raise proc.Failure("no damage found")

    def say(self, text):
        self.what = f"{self.name}: {text}"

    def image(self):
        """The file taken apart, and all places of fields."""
        if self.name.startswith("pages-"):
            return None, []
        image = wire.Image(self.files[self.name])
        return image, [p for e in image.entries for p in wire.walk(e)]

    def put(self, image):
        self.files[self.name] = image.pack()

    def flip(self):
        data = bytearray(self.files[self.name])
        if not data:
            return
        bits = [self.rng.randrange(len(data) * 8) for _ in range(self.rng.choice((1, 1, 1, 2, 8)))]
        for bit in bits:
            data[bit // 8] ^= 1 << bit % 8
        self.files[self.name] = bytes(data)
        self.say(f"bits {bits} flipped")

    def number(self):
        image, places = self.image()
        places = [(fs, i) for fs, i in places if fs[i].kind == 0]
        if not places:
            return
        fields, i = self.rng.choice(places)
        old = fields[i].value
        fields[i].value = self.rng.choice(ABSURD + (old + 1, old - 1, old ^ 1 << self.rng.randrange(64)))
        self.put(image)
        self.say(f"field {fields[i].number}: {old:#x} to {fields[i].value:#x}")

    def length(self):
        image, places = self.image()
        places = [(fs, i) for fs, i in places if fs[i].kind == 2]
        if not places:
            return
        fields, i = self.rng.choice(places)
        fields[i].claim = self.rng.choice(ABSURD)
        self.put(image)
        self.say(f"field {fields[i].number}: claims {fields[i].claim:#x} bytes")

    def string(self):
        image, places = self.image()
        places = [(fs, i) for fs, i in places if fs[i].kind == 2 and isinstance(fs[i].value, bytes)]
        if not places:
            return
        fields, i = self.rng.choice(places)
        old, new = fields[i].value, self.rng.choice(STRINGS)
        fields[i].value = new
        self.put(image)
        self.say(f"field {fields[i].number}: {old[:40]!r} to {new[:40]!r} ({len(new)} bytes)")

    def entry_size(self):
        image, _ = self.image()
        if not image or not image.entries:
            return
        n = self.rng.randrange(len(image.entries))
        at = len(image.head) + sum(4 + len(wire.pack(e)) for e in image.entries[:n])
        size = self.rng.choice(ABSURD) & 0xFFFFFFFF
        data = bytearray(image.pack())
        if struct.unpack_from("<I", data, at)[0] == size:
            return
        struct.pack_into("<I", data, at, size)
        self.files[self.name] = bytes(data)
        self.say(f"entry {n} claims {size:#x} bytes")
        self.must_fail = needed(self.name) and size > len(data)

    def entry_list(self):
        image, _ = self.image()
        if not image or not image.entries:
            return
        n = self.rng.randrange(len(image.entries))
        how = self.rng.choice(("dropped", "doubled", "first", "100 times"))
        e = image.entries.pop(n)
        if how == "doubled":
            image.entries[n:n] = [e, e]
        elif how == "first":
            image.entries.insert(0, e)
        elif how == "100 times":
            image.entries[n:n] = [e] * 100
        self.put(image)
        self.say(f"entry {n} {how}")

    def field_list(self):
        image, places = self.image()
        if not places:
            return
        fields, i = self.rng.choice(places)
        how = self.rng.choice(("dropped", "doubled", "1000 times", "renumbered", "other type"))
        f = fields[i]
        if how == "dropped":
            del fields[i]
        elif how == "renumbered":
            f.number = self.rng.randrange(1, 60)
        elif how == "other type":
            fields[i] = wire.Field(f.number, 0, 7) if f.kind else wire.Field(f.number, 2, b"\x08\x01")
        else:
            fields[i:i] = [f] * (1 if how == "doubled" else 999)
        self.put(image)
        self.say(f"field {f.number} {how}")

    def truncate(self):
        data = self.files[self.name]
        if not data:
            return
        image, _ = self.image()
        size = self.rng.randrange(len(data))
        self.files[self.name] = data[:size]
        self.say(f"cut to {size} of {len(data)} bytes")
        borders = set()
        if image:
            at = len(image.head)
            borders.add(at)
            for e in image.entries:
                at += 4 + len(wire.pack(e))
                borders.add(at)
        self.must_fail = needed(self.name) and size not in borders

    def grow(self):
        self.files[self.name] += self.rng.randbytes(self.rng.choice((1, 3, 4, 4096)))
        self.say("garbage appended")

    def delete(self):
        del self.files[self.name]
        self.say("deleted")
        self.must_fail = needed(self.name)

    def swap(self):
        other = self.rng.choice(sorted(self.files))
        if self.files[other] == self.files[self.name] or not other.endswith(".img"):
            return
        self.files[other], self.files[self.name] = self.files[self.name], self.files[other]
        self.say(f"swapped with {other}")
        self.must_fail = (needed(self.name) and other.split("-")[0] != self.name.split("-")[0]
                          and "pages" not in self.name + other)

    def magic(self):
        data = self.files[self.name]
        if len(data) < 8 or self.name.startswith("pages-"):
            return
        at = self.rng.choice((0, 4))
        self.files[self.name] = data[:at] + self.rng.randbytes(4) + data[at + 4:]
        self.say(f"magic number at {at} changed")
        self.must_fail = needed(self.name)

    def garbage(self):
        size = self.rng.choice((0, 7, 8, 100, 5000))
        keep = self.files[self.name][:self.rng.choice((0, 8))]
        self.files[self.name] = keep + self.rng.randbytes(size)
        self.say(f"{len(keep)} bytes kept, then {size} of garbage")
        # A head alone is an empty table, which may be.
        self.must_fail = needed(self.name) and not self.name.startswith("pages-") and size + len(keep) != 8


def load(folder):
    out = {}
    for name in os.listdir(folder):
        if name.endswith(".img"):
            with open(os.path.join(folder, name), "rb") as f:
                out[name] = f.read()
    return out


def store(folder, base, files, original):
    """Writes FILES to a fresh FOLDER; what wasn't changed is a link to the one in BASE."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name, data in files.items():
        if data is original.get(name):
            os.link(os.path.join(base, name), os.path.join(folder, name))
        else:
            with open(os.path.join(folder, name), "wb") as f:
                f.write(data)


def check_one(s, images, dmg, pmem):
    """What became of it; a Failure when that is wrong."""
    if os.path.exists(s.criu_out):
        os.unlink(s.criu_out)
    began = time.monotonic()
    code = s.restore(images, pmem)
    took = time.monotonic() - began
    complaints = s.complaints()
    if complaints:
        raise proc.Failure("a sanitizer complained:\n" + complaints)
    if code is None or took > LIMIT:
        raise proc.Failure(f"no end after {took:.1f} s")
    if code < 0:
        raise proc.Failure(f"criu was ended by signal {-code}")
    if code == 0:
        if dmg.must_fail:
            raise proc.Failure("this can't be right, but the restore ended well")
        return "restored"
    if not s.log_has(r"Error \("):
        raise proc.Failure("no Error line in the log")
    left = proc.only_these_left(s.reaper, ())
    if left:
        raise proc.Failure("it left processes behind: " + ", ".join(left))
    return "refused"


def main(job, tally):
    pmem = job["modes"] == ["pmem"]
    proc.read_only_but(job["work"])
    sets = []
    for number in range(len(job["tests"])):
        s = fresh(job, number)
        s.timeout = LIMIT + 1
        before = s.steady()
        images = s.images("images-base")
        s.check_dumped(s.dump(images, pmem), before)
        sets.append((s, images, load(images)))
    counts = {}
    for n in range(job["count"]) if job["only"] is None else [job["only"]]:
        rng = random.Random(f"{job['seed']}/{n}")
        s, base, original = sets[n % len(sets)]
        dmg = Damage(rng, dict(original))
        images = os.path.join(s.work, "images-damaged")
        store(images, base, dmg.files, original)
        try:
            how = check_one(s, images, dmg, pmem)
            counts[how] = counts.get(how, 0) + 1
            tally.good("")
            if job["verbose"] or job["only"] is not None:
                print(f"{n}: {how}: {dmg.what}", flush=True)
        except proc.Failure as e:
            keep = shutil.copytree(images, os.path.join(s.work, f"images-bad-{n}"))
            s.last_log = os.path.join(keep, "restore.log")
            tally.bad(f"{s.test.name}, damage {n}: {dmg.what}", damage.report(s, e),
                      damage.again(job, [t[0] for t in job["tests"]], "--seed", str(job["seed"]), "--only", str(n),
                                   "--keep"))
        proc.kill_all(s.reaper)
        s.reaper.ended.clear()
        s.reaper.helpers.clear()
    print(", ".join(f"{v} {k}" for k, v in sorted(counts.items())), flush=True)


