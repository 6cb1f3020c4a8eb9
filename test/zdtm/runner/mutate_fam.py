# SPDX-License-Identifier: GPL-2.0
"""Damaged pools: list, show, verify, export and restore must end soon, with an error or with what is right.

The N-th damage depends on the seed and N only, so --only N repeats it. Half of the changes to checksummed structures
get their checksums made right again, so that what stands behind that check is reached."""
import os
import random
import shutil
import struct

from . import damage, proc, wire
from .fam import Pool
from .faults import fresh
from .mutate import ABSURD, LIMIT, STRINGS

TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def seal_super(data):
    """The same with the checksum that it should have; so the next ones."""
    return data[:60] + struct.pack("<I", crc32c(data[:60])) + data[64:] if len(data) >= 64 else data


def seal_record(data):
    return data[:60] + struct.pack("<I", crc32c(data[:60] + data[64:])) + data[64:] if len(data) >= 64 else data


def seal_archive(data):
    if len(data) < 32:
        return data
    out = bytearray(data)
    struct.pack_into("<I", out, 28, crc32c(data[:28]))
    at = 32
    while at + 96 <= len(out):
        size = struct.unpack_from("<Q", out, at + 88)[0]
        struct.pack_into("<I", out, at + 84, crc32c(bytes(out[at:at + 84] + out[at + 88:at + 96])))
        end = at + 96 + (size + 7 & ~7)
        if end + 8 > len(out):
            break
        struct.pack_into("<Q", out, end, crc32c(bytes(out[at + 96:at + 96 + size])))
        at = end + 8
    return bytes(out)


def archive_files(data):
    """[(name, content)] of a copy of images."""
    out, at = [], 32
    while at + 96 <= len(data):
        size = struct.unpack_from("<Q", data, at + 88)[0]
        out.append((data[at:at + 84].rstrip(b"\0"), data[at + 96:at + 96 + size]))
        at += 96 + (size + 7 & ~7) + 8
    return out


def archive_pack(data, files):
    """The same copy with other files."""
    body = b"".join(name.ljust(84, b"\0") + bytes(4) + struct.pack("<Q", len(content)) + content
                    + bytes(-len(content) % 8) + bytes(8) for name, content in files)
    return seal_archive(data[:12] + struct.pack("<IQI", len(files), 32 + len(body), 0) + bytes(4) + body)


SEALS = {"pool": seal_super, "record": seal_record, "images": seal_archive}


class Damage:
    """Damages the pool below FOLDER and the set in IMAGES. Sets what, must_fail ({command, ...})."""

    def __init__(self, rng, pool, checkpoint, images):
        self.rng, self.must_fail, self.what = rng, set(), ""
        own = pool.file("checkpoints", checkpoint)
        self.files = [pool.file("pool")] + [os.path.join(own, n) for n in ("record", "images", "pages")]
        self.fam_image = os.path.join(images, "fam.img")
        metadata = self.files[:3]
        ways = [self.flip] * 2 + [self.number] * 4 + [self.cut, self.grow, self.garbage, self.gone, self.other_kind,
                                                      self.other_owner, self.swap, self.more]
        if rng.random() < 0.35:
            self.hostile_image()
            return
        while not self.what:
            way = rng.choice(ways)
            way(rng.choice(self.files if way in (self.cut, self.gone, self.other_kind, self.other_owner) else metadata))

    def say(self, path, text, *must_fail):
        self.what = f"{os.path.basename(path)}: {text}"
        self.must_fail |= set(must_fail)

    def fails(self, path, sealed=False):
        """What can't go well when this file is damaged, and its checksum tells."""
        name = os.path.basename(path)
        if sealed:
            return ()
        return {"pool": ("list", "show", "verify", "restore"), "record": ("show", "verify", "restore"),
                "images": ("show", "verify"), "pages": ("show", "verify", "restore")}[name]

    @staticmethod
    def read(path):
        with open(path, "rb") as f:
            return f.read()

    def write(self, path, data, seal):
        with open(path, "r+b") as f:
            f.write(SEALS[os.path.basename(path)](data) if seal else data)
            f.truncate()

    def flip(self, path):
        data, seal = bytearray(self.read(path)), self.rng.random() < 0.5
        bits = {self.rng.randrange(len(data) * 8) for _ in range(self.rng.choice((1, 1, 2, 8)))}
        for bit in bits:
            data[bit // 8] ^= 1 << bit % 8
        self.write(path, bytes(data), seal)
        # The padding of an archive is covered by nothing.
        self.say(path, f"bits {sorted(bits)} flipped{', sealed' * seal}",
                 *self.fails(path, seal or path.endswith("images")))

    def number(self, path):
        """An absurd number in the place of one, or of eight bytes in an archive."""
        data = bytearray(self.read(path))
        size = self.rng.choice((4, 8))
        at = self.rng.randrange(len(data) // size) * size
        if self.rng.random() < 0.7:
            at = self.rng.randrange(64 // size) * size  # in the head
        if at + size > len(data):
            return
        value = self.rng.choice(ABSURD) & (1 << 8 * size) - 1
        data[at:at + size] = value.to_bytes(size, "little")
        self.write(path, bytes(data), True)
        self.say(path, f"{value:#x} in {size} bytes at {at}, sealed")

    def cut(self, path):
        size = os.path.getsize(path)
        at = self.rng.choice((0, 1, size // 2, size - 1, self.rng.randrange(size)))
        os.truncate(path, at)
        self.say(path, f"cut to {at} of {size} bytes", *self.fails(path))

    def grow(self, path):
        with open(path, "ab") as f:
            f.write(self.rng.randbytes(self.rng.choice((1, 8, 4096, 1 << 20))))
        self.say(path, "garbage appended", *self.fails(path))

    def garbage(self, path):
        keep = self.rng.choice((0, 8, 12, 32))
        data = self.read(path)[:keep] + self.rng.randbytes(self.rng.choice((1, 64, 5000)))
        self.write(path, data, False)
        self.say(path, f"{keep} bytes kept, then garbage", *self.fails(path))

    def gone(self, path):
        path = self.rng.choice((path, os.path.dirname(path)))
        if os.path.isdir(path):
            shutil.rmtree(path)
            self.say(path, "removed", "restore")
        else:
            os.unlink(path)
            self.say(path, "removed", *self.fails(path))

    def other_kind(self, path):
        os.rename(path, path + ".aside")
        kind = self.rng.choice(("symlink", "fifo", "directory", "socket", "second name"))
        if kind == "symlink":
            os.symlink(path + ".aside", path)
        elif kind == "fifo":
            os.mkfifo(path, 0o600)
        elif kind == "directory":
            os.mkdir(path, 0o700)
        elif kind == "socket":
            os.mknod(path, 0o140600)
        else:
            os.link(path + ".aside", path)
        self.say(path, f"is a {kind}", *self.fails(path))

    def other_owner(self, path):
        if self.rng.random() < 0.5:
            os.chown(path, 1000, -1)
            self.say(path, "belongs to user 1000", *self.fails(path))
        else:
            os.chmod(path, 0o604)
            self.say(path, "is open to others", *self.fails(path))

    def swap(self, path):
        other = self.rng.choice(self.files)
        if other == path:
            return
        os.rename(path, path + ".swap")
        os.rename(other, path)
        os.rename(path + ".swap", other)
        self.say(path, f"swapped with {os.path.basename(other)}", *self.fails(path))

    def more(self, path):
        """Things in the pool's directories that don't belong there: nobody minds."""
        folder = self.rng.choice((os.path.dirname(path), os.path.dirname(self.files[0])))
        for name in ("x", ".hidden", "f" * 16, "0" * 16, "core"):
            where = os.path.join(folder, name)
            if not os.path.lexists(where):
                self.rng.choice((lambda p: os.mkdir(p, 0o700), lambda p: os.symlink("/", p), os.mkfifo))(where)
        self.say(folder, "more in it")

    def hostile_image(self):
        """Another number, string or count of extents in fam.img of the set, or in an image of the pool's copy."""
        if self.rng.random() < 0.5:
            with open(self.fam_image, "rb") as f:
                data, how = self.hostile(f.read())
            with open(self.fam_image, "wb") as f:
                f.write(data)
            self.say(self.fam_image, how)
            return
        path = self.files[2]
        files = archive_files(self.read(path))
        wanted = [i for i, (name, _) in enumerate(files) if name.startswith((b"fam", b"pagemap"))]
        i = self.rng.choice(wanted)
        name, data = files[i]
        data, how = self.hostile(data)
        files[i] = (self.rng.choice((name, name, name, name, *STRINGS))[:84], data)
        self.write(path, archive_pack(self.read(path), files), False)
        self.say(path, f"{name.decode()} as {files[i][0][:20]!r}: {how}")

    def hostile(self, data):
        """Other bytes of an image, and what was done to them."""
        image = wire.Image(data)
        fields, i = self.rng.choice([p for e in image.entries for p in wire.walk(e)])
        field = fields[i]
        how = self.rng.choice(("value", "value", "value", "dropped", "doubled", "1000 times", "claim"))
        if how == "value" and field.kind == 0:
            field.value = self.rng.choice(ABSURD + (field.value + 1, field.value + 4096, field.value ^ 1 << 21))
        elif how == "value" and field.kind == 2:
            field.value = self.rng.choice(STRINGS + (self.rng.randbytes(16),))
        elif how == "value":
            field.value = self.rng.randbytes(len(field.value))
        elif how == "dropped":
            del fields[i]
        elif how == "claim":
            field.claim = self.rng.choice(ABSURD)
        else:
            fields[i:i] = [field] * (1 if how == "doubled" else 999)
        return image.pack(), f"field {field.number}: {how}"


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
    code = s.restore(images, extra=["--fam-dir", pool.path])
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


def check_one(s, pool, checkpoint, images, dmg):
    for words in (["list", pool.path], ["list", pool.path, "--json"], ["show", pool.path, checkpoint],
                  ["verify", pool.path]):
        check_command(s, pool, words, words[0] in dmg.must_fail)
    out = os.path.join(s.work, "images-exported")
    check_command(s, pool, ["export", pool.path, checkpoint, "--to", out], False)
    shutil.rmtree(out, ignore_errors=True)
    how = check_restore(s, pool, images, dmg)
    proc.kill_all(s.reaper)
    s.reaper.ended.clear()
    # What writes comes last: it must leave a pool that can be written to, or say why it can't.
    check_command(s, pool, ["gc", pool.path, "--orphans", "--grace", "0", "--trim"], False)
    return how


def main(job, tally):
    proc.read_only_but(job["work"])
    sets = []
    for number in range(len(job["tests"])):
        s = fresh(job, number)
        s.timeout = LIMIT
        before = s.steady()
        pool, images = Pool(s, "pool-base"), s.images("images-base")
        s.check_dumped(s.dump(images, extra=["--fam-dir", pool.path, "--fam-verify"]), before)
        sets.append((s, pool, images, pool.ids()[0]))
    counts = {}
    for n in range(job["count"]) if job["only"] is None else [job["only"]]:
        rng = random.Random(f"{job['seed']}/{n}")
        s, base, whole, checkpoint = sets[n % len(sets)]
        pool, images = Pool(s, path=os.path.join(s.work, "pool-damaged")), os.path.join(s.work, "images-damaged")
        for source, target in ((base.path, pool.path), (whole, images)):
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target)
        dmg = Damage(rng, pool, checkpoint, images)
        try:
            how = check_one(s, pool, checkpoint, images, dmg)
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
