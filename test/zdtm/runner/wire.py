# SPDX-License-Identifier: GPL-2.0
"""Protobuf's wire form and the framing of image files, without any schema: to take apart, damage, and put together."""
import struct

COMMON, SERVICE = 0x54564319, 0x55105940
RAW = ("pages-",)


class Broken(Exception):
    pass


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def read_varint(data, at):
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Broken
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


class Field:
    """One field: wire type 0 and its number, 1 and 5 and their bytes, 2 and its bytes or the fields within."""

    def __init__(self, number, kind, value):
        self.number, self.kind, self.value = number, kind, value
        self.claim = None  # a length to write that isn't the true one

    def inner(self):
        """The fields within, if it looks like a message."""
        if self.kind == 2 and isinstance(self.value, bytes) and self.value:
            try:
                return parse(self.value)
            except Broken:
                return None
        return None

    def pack(self):
        head = varint(self.number << 3 | self.kind)
        if self.kind == 0:
            return head + varint(self.value)
        if self.kind == 2:
            body = self.value if isinstance(self.value, bytes) else pack(self.value)
            return head + varint(len(body) if self.claim is None else self.claim) + body
        return head + self.value


def parse(data):
    fields, at = [], 0
    while at < len(data):
        key, at = read_varint(data, at)
        number, kind = key >> 3, key & 7
        if number == 0 or number > 5000:
            raise Broken
        if kind == 0:
            value, at = read_varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, at = data[at:at + size], at + size
        elif kind == 2:
            size, at = read_varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            raise Broken
        if at > len(data):
            raise Broken
        fields.append(Field(number, kind, value))
    return fields


def pack(fields):
    return b"".join(f.pack() for f in fields)


class Image:
    """An image file: magic numbers, entries, and what follows that isn't entries."""

    def __init__(self, data):
        self.head = b""
        self.entries = []
        at = 0
        if len(data) >= 8 and struct.unpack_from("<I", data)[0] in (COMMON, SERVICE):
            at = 8
        self.head = data[:at]
        while at and at + 4 <= len(data):
            size = struct.unpack_from("<I", data, at)[0]
            body = data[at + 4:at + 4 + size]
            try:
                if len(body) != size:
                    raise Broken
                self.entries.append(parse(body))
            except Broken:
                break
            at += 4 + size
        self.rest = data[at:]

    def pack(self):
        return self.head + b"".join(struct.pack("<I", len(b)) + b for b in map(pack, self.entries)) + self.rest


def walk(fields, depth=0):
    """Every (list, index) of fields, those of messages within too; these are unpacked in place."""
    for i, f in enumerate(fields):
        yield fields, i
        inner = f.inner() if depth < 6 else None
        if inner:
            # Only where it packs to the same bytes: text may look like a message.
            if pack(inner) == f.value:
                f.value = inner
                yield from walk(inner, depth + 1)
