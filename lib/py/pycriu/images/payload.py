# SPDX-License-Identifier: LGPL-2.1
"""What follows an entry in the file. Each class says how the bytes of one kind are cut, shown and put back."""

import base64
import struct
import warnings

from . import ghost_file_pb2, ipc_msg_pb2
from .present import from_dict, to_dict


class PayloadError(Exception):
    """Bytes or values that are no payload of the kind."""


class Reader:
    """Bytes with a place in them; never reads past the end."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def left(self):
        return len(self.data) - self.at

    def take(self, size):
        if size > self.left():
            raise PayloadError(f"{size} bytes are expected at {self.at}, the file ends after {self.left()}")
        self.at += size
        return self.data[self.at - size : self.at]

    def message(self, kind):
        """A framed message."""
        (size,) = struct.unpack("<I", self.take(4))
        message = kind()
        with warnings.catch_warnings(record=True) as caught:
            # Bytes that are left over are but a warning to the parser.
            warnings.simplefilter("always")
            message.ParseFromString(self.take(size))
        if caught:
            raise PayloadError(f"{message.DESCRIPTOR.name}: {caught[0].message}")
        if not message.IsInitialized():
            missing = ", ".join(message.FindInitializationErrors())
            raise PayloadError(f"{message.DESCRIPTOR.name} lacks {missing}")
        return message


def framed(message):
    data = message.SerializeToString()
    return struct.pack("<I", len(data)) + data


def _text(data):
    return base64.encodebytes(data).decode("ascii")


def _bytes(text):
    if not isinstance(text, str):
        raise PayloadError("extra: a base64 text is expected")
    return base64.b64decode("".join(text.split()), validate=True)


def _sized(text, size):
    data = _bytes(text)
    if len(data) != size:
        raise PayloadError(f"extra has {len(data)} bytes, the entry says {size}")
    return data


def _padding(size, to):
    return -size % to


class Bytes:
    """As many bytes as the fields say together."""

    def __init__(self, *fields):
        self.fields = fields

    def size(self, entry):
        return sum(getattr(entry, field) for field in self.fields)

    def load(self, reader, entry, pretty):
        return _text(reader.take(self.size(entry)))

    def dump(self, extra, entry):
        return _sized(extra, self.size(entry))


class TcpQueues:
    """The receive queue, then the send queue."""

    def load(self, reader, entry, pretty):
        return {"inq": _text(reader.take(entry.inq_len)), "outq": _text(reader.take(entry.outq_len))}

    def dump(self, extra, entry):
        return _sized(extra["inq"], entry.inq_len) + _sized(extra["outq"], entry.outq_len)


class SharedMemory:
    """The segment's bytes, padded to 4; nothing where the content stands in pagemap images."""

    def load(self, reader, entry, pretty):
        if entry.in_pagemaps:
            return ""
        data = reader.take(entry.size)
        reader.take(_padding(entry.size, 4))
        return _text(data)

    def dump(self, extra, entry):
        if entry.in_pagemaps:
            return _sized(extra, 0)
        return _sized(extra, entry.size) + bytes(_padding(entry.size, 4))


class Semaphores:
    """16-bit values, padded to 8 bytes."""

    def load(self, reader, entry, pretty):
        size = 2 * entry.nsems
        values = struct.unpack(f"<{entry.nsems}H", reader.take(size))
        reader.take(_padding(size, 8))
        return list(values)

    def dump(self, extra, entry):
        if len(extra) != entry.nsems:
            raise PayloadError(f"extra has {len(extra)} values, the entry says {entry.nsems}")
        data = struct.pack(f"<{len(extra)}H", *extra)
        return data + bytes(_padding(len(data), 8))


class MessageQueue:
    """For each message in turn: what it is, and its bytes padded to 8."""

    def load(self, reader, entry, pretty):
        extra = []
        for _ in range(entry.qnum):
            head = reader.message(ipc_msg_pb2.ipc_msg)
            extra.append(to_dict(head, pretty))
            extra.append(_text(reader.take(head.msize)))
            reader.take(_padding(head.msize, 8))
        return extra

    def dump(self, extra, entry):
        if len(extra) != 2 * entry.qnum:
            raise PayloadError(f"extra has {len(extra) // 2} messages, the entry says {entry.qnum}")
        out = bytearray()
        for values, text in zip(extra[::2], extra[1::2]):
            head = ipc_msg_pb2.ipc_msg()
            from_dict(head, values)
            out += framed(head) + _sized(text, head.msize) + bytes(_padding(head.msize, 8))
        return bytes(out)


class GhostFile:
    """The file's bytes to the end of the image; with chunks set, the chunks are entries of their own."""

    def load(self, reader, entry, pretty):
        if entry.chunks:
            return None
        return _text(reader.take(reader.left()))

    def dump(self, extra, entry):
        if entry.chunks:
            raise PayloadError("extra: a ghost file with chunks has its bytes in the chunks")
        return _bytes(extra)

    def load_rest(self, reader, entry, pretty):
        """The entries after the first."""
        if not entry.chunks and reader.left():
            raise PayloadError("a ghost file has one entry")
        while reader.left():
            chunk = reader.message(ghost_file_pb2.ghost_chunk_entry)
            yield chunk, _text(reader.take(chunk.len))

    rest_message = ghost_file_pb2.ghost_chunk_entry

    def dump_rest(self, extra, chunk):
        return _sized(extra, chunk.len)
