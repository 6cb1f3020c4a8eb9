# SPDX-License-Identifier: GPL-2.0
"""Ways to damage a pool and its set: the structures of Documentation/design/fam-format.md, with and without their
checksums made right again."""
import os
import shutil
import struct

from . import wire
from .mutate import ABSURD, STRINGS

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
    """Sets what (in words) and must_fail ({command, ...})."""

    def __init__(self, rng, images):
        self.rng, self.must_fail, self.what = rng, set(), ""
        self.fam_image = os.path.join(images, "fam.img")

    def say(self, path, text, *must_fail):
        self.what = f"{os.path.basename(path)}: {text}"
        self.must_fail |= set(must_fail)

    def hostile_set(self):
        """Another number, string or count of extents in fam.img of the set."""
        with open(self.fam_image, "rb") as f:
            data, how = self.hostile(f.read())
        with open(self.fam_image, "wb") as f:
            f.write(data)
        self.say(self.fam_image, how)

    def hostile_copy(self, data):
        """The same in an image of the pool's copy DATA: its bytes then, and what was done."""
        files = archive_files(data)
        i = self.rng.choice([i for i, (name, _) in enumerate(files) if name.startswith((b"fam", b"pagemap"))])
        name, content = files[i]
        content, how = self.hostile(content)
        files[i] = (self.rng.choice((name, name, name, name, *STRINGS))[:84], content)
        return archive_pack(data, files), f"{name.decode()} as {files[i][0][:20]!r}: {how}"

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

    def flipped(self, data, sealed=None):
        """DATA with some bits flipped, and by SEALED its checksum as it should be then; what was done."""
        data = bytearray(data)
        bits = {self.rng.randrange(len(data) * 8) for _ in range(self.rng.choice((1, 1, 2, 8)))}
        for bit in bits:
            data[bit // 8] ^= 1 << bit % 8
        how = f"bits {sorted(bits)} flipped{', sealed' * bool(sealed)}"
        return sealed(bytes(data)) if sealed else bytes(data), how

    def absurd(self, data, sealed, head=64):
        """DATA with an absurd number in the place of 4 or 8 bytes, mostly of its first HEAD; what was done."""
        size = self.rng.choice((4, 8))
        end = head if self.rng.random() < 0.7 else len(data)
        at = self.rng.randrange(min(end, len(data)) // size) * size
        value = self.rng.choice(ABSURD) & (1 << 8 * size) - 1
        data = data[:at] + value.to_bytes(size, "little") + data[at + size:]
        return sealed(data), f"{value:#x} in {size} bytes at {at}, sealed"


class DirectoryDamage(Damage):
    """One thing wrong with a directory pool, or the set in IMAGES."""

    def __init__(self, rng, pool, checkpoint, images):
        super().__init__(rng, images)
        own = pool.file("checkpoints", checkpoint)
        self.files = [pool.file("pool")] + [os.path.join(own, n) for n in ("record", "images", "pages")]
        metadata = self.files[:3]
        ways = [self.flip] * 2 + [self.number] * 4 + [self.cut, self.grow, self.garbage, self.gone, self.other_kind,
                                                      self.other_owner, self.swap, self.more]
        if rng.random() < 0.35:
            rng.choice((self.hostile_set, self.hostile_archive))()
            return
        while not self.what:
            way = rng.choice(ways)
            way(rng.choice(self.files if way in (self.cut, self.gone, self.other_kind, self.other_owner) else metadata))

    @staticmethod
    def fails(path):
        """What can't go well when this file is damaged, and its checksum tells."""
        return {"pool": ("list", "show", "verify", "restore"), "record": ("show", "verify", "restore"),
                "images": ("show", "verify"), "pages": ("show", "verify", "restore")}[os.path.basename(path)]

    @staticmethod
    def read(path):
        with open(path, "rb") as f:
            return f.read()

    @staticmethod
    def write(path, data):
        with open(path, "r+b") as f:
            f.write(data)
            f.truncate()

    def flip(self, path):
        seal = self.rng.random() < 0.5
        data, how = self.flipped(self.read(path), SEALS[os.path.basename(path)] if seal else None)
        self.write(path, data)
        # The padding of an archive is covered by nothing.
        self.say(path, how, *(() if seal or path.endswith("images") else self.fails(path)))

    def number(self, path):
        data, how = self.absurd(self.read(path), SEALS[os.path.basename(path)])
        self.write(path, data)
        self.say(path, how)

    def hostile_archive(self):
        data, how = self.hostile_copy(self.read(self.files[2]))
        self.write(self.files[2], data)
        self.say(self.files[2], how)

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
        self.write(path, data)
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


SUPER, COPY, LEASES, SLOTS, SLOT, BLOCK = 0, 4096, 8192, 16384, 8192, 2 << 20
COMMITTED = 0x746D6F63


def seal_slot(data):
    return struct.pack("<II", COMMITTED, crc32c(data[64:])) + data[8:]


class LinearDamage(Damage):
    """One thing wrong with a linear pool of this CONTENT (bytes), or the set in IMAGES; what it is then: content."""

    def __init__(self, rng, path, content, images):
        super().__init__(rng, images)
        self.path, self.content = path, content
        self.slots = [at for at in range(SLOTS, BLOCK, SLOT) if struct.unpack_from("<I", content, at)[0] == COMMITTED]
        if rng.random() < 0.2:
            self.hostile_set()
            return
        rng.choice([self.super] * 3 + [self.slot] * 6 + [self.archive] * 3 + [self.lease, self.twin, self.cut,
                                                                            self.owner])()

    def put(self, at, data):
        self.content = self.content[:at] + data + self.content[at + len(data):]

    def super(self):
        places = self.rng.choice(((SUPER,), (COPY,), (SUPER, COPY)))
        seal = seal_super if self.rng.random() < 0.7 else None
        data = self.content[SUPER:SUPER + 64]
        data, how = self.absurd(data, seal) if seal else self.flipped(data)
        for at in places:
            self.put(at, data)
        self.say(self.path, f"superblocks {places}: {how}",
                 *(("list", "show", "verify", "restore") if len(places) == 2 and not seal else ()))

    def slot(self):
        at = self.rng.choice(self.slots)
        data = self.content[at:at + SLOT]
        way = self.rng.choice(("flipped", "sealed", "absurd", "absurd", "fragments"))
        if way == "fragments":
            data = bytearray(data)
            where = self.rng.choice((100, 104, 108, 4288, 4292, 4296, 4300, 4288 + 487 * 8))
            struct.pack_into("<I", data, where, self.rng.choice(ABSURD) & 0xFFFFFFFF)
            data, how = seal_slot(bytes(data)), f"another fragment at {where}, sealed"
        elif way == "absurd":
            data, how = self.absurd(data, seal_slot, 200)
        else:
            body, how = self.flipped(data[64:])
            data = data[:64] + body if way == "flipped" else seal_slot(data[:64] + body)
        self.put(at, data)
        self.say(self.path, f"slot: {way} {how}", *(("show", "verify", "restore") if way == "flipped" else ()))

    def archive(self):
        at = self.slots[0]
        first, length = struct.unpack_from("<I", self.content, at + 104)[0], struct.unpack_from("<Q", self.content,
                                                                                               at + 88)[0]
        data = self.content[first * BLOCK:first * BLOCK + length]
        data, how = self.hostile_copy(data) if self.rng.random() < 0.6 else self.flipped(data, seal_archive)
        self.put(first * BLOCK, data)
        slot = bytearray(self.content[at:at + SLOT])
        struct.pack_into("<Q", slot, 88, len(data))
        self.put(at, seal_slot(bytes(slot)))
        self.say(self.path, f"copy of images: {how}")

    def lease(self):
        """Writers of other hosts, or nonsense: readers don't mind."""
        at = LEASES + 64 * self.rng.randrange(128)
        self.put(at, self.rng.randbytes(self.rng.choice((8, 64, 1024))))
        self.say(self.path, f"lease: garbage at {at}")

    def twin(self):
        """A second slot of the same id and blocks."""
        at = self.slots[0]
        self.put(at + SLOT * self.rng.choice((1, 7)), self.content[at:at + SLOT])
        self.say(self.path, "slot: there twice")

    def cut(self):
        self.content = self.content[:BLOCK * self.rng.randrange(len(self.content) // BLOCK)]
        self.say(self.path, f"cut to {len(self.content)} bytes", "verify", "restore")

    def owner(self):
        if self.rng.random() < 0.5:
            os.chown(self.path, 1000, -1)
        else:
            os.chmod(self.path, 0o604)
        self.say(self.path, "open to others", "list", "show", "verify", "restore")
