# SPDX-License-Identifier: LGPL-2.1
"""Files of entries: the header, frames and payloads."""

import struct

from google.protobuf.message import DecodeError, EncodeError

from .kinds import BY_MAGIC, COMMON, KINDS, SERVICE
from .payload import PayloadError, Reader, framed
from .present import PresentError, from_dict, to_dict

ENTRY_MAX = 256 << 20


class ImageError(Exception):
    """An image or a dictionary that is malformed."""


class MagicException(ImageError):
    """Bytes that start no image; MAGIC is the word found."""

    def __init__(self, magic):
        super().__init__(f"unknown magic {magic:#x}: no image, or one of a kind without a header")
        self.magic = magic


def _read_kind(reader):
    (word,) = struct.unpack("<I", reader.take(4))
    framing = None
    if word in (COMMON, SERVICE):
        framing = word
        (word,) = struct.unpack("<I", reader.take(4))
    kind = BY_MAGIC.get(word)
    # A kind's magic alone is what the first generation of images began with.
    if kind is None or framing not in (None, kind.framing):
        raise MagicException(word)
    return kind


def _size_text(size):
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size}{unit}"
        size //= 1024
    return f"{size}GB"


def _entries(reader, kind, pretty, no_payload):
    """Yields each entry's dictionary."""
    message_type = kind.head or kind.message
    entry = None
    while reader.left():
        entry = reader.message(message_type)
        values = to_dict(entry, pretty)
        message_type = kind.message
        if kind.payload:
            start = reader.at
            extra = kind.payload.load(reader, entry, pretty)
            if extra is not None:
                values["extra"] = f"... <{_size_text(reader.at - start)}>" if no_payload else extra
        yield values
        if hasattr(kind.payload, "load_rest"):
            for chunk, extra in kind.payload.load_rest(reader, entry, pretty):
                values = to_dict(chunk, pretty)
                values["extra"] = f"... <{_size_text(chunk.len)}>" if no_payload else extra
                yield values


def loads(s, pretty=False, no_payload=False):
    """The image in the bytes S. ImageError if it is malformed, MagicException if it is none."""
    reader = Reader(s)
    number = 0
    try:
        kind = _read_kind(reader)
        entries = []
        for number, values in enumerate(_entries(reader, kind, pretty, no_payload), 1):
            entries.append(values)
    except (DecodeError, PayloadError, PresentError, UnicodeDecodeError, KeyError) as error:
        raise ImageError(f"entry {number}: {error}" if number else str(error)) from error
    return {"magic": kind.name, "entries": entries}


def load(f, pretty=False, no_payload=False):
    """The image in the binary file F, which is read to its end."""
    return loads(f.read(), pretty, no_payload)


def info(f):
    """Kind and number of entries; for a pagemap the number of pages too."""
    image = load(f, no_payload=True)
    result = {"magic": image["magic"], "count": len(image["entries"])}
    if KINDS[image["magic"]].head:
        pages = image["entries"][1:]
        result["count"] = len(pages)
        result["pages"] = sum(entry.get("nr_pages", entry["compat_nr_pages"]) for entry in pages)
    return result


def _dump_entry(message_type, values, dump_payload):
    if not isinstance(values, dict):
        raise PresentError("an entry is an object")
    values = dict(values)
    has_extra = "extra" in values and "extra" not in message_type.DESCRIPTOR.fields_by_name
    extra = values.pop("extra", None) if has_extra else None
    message = message_type()
    from_dict(message, values)
    data = framed(message)
    if len(data) > ENTRY_MAX:
        raise PresentError("the entry is too large")
    if has_extra and not dump_payload:
        raise PresentError("no payload follows an entry of this kind")
    if has_extra:
        data += dump_payload(extra, message)
    elif dump_payload and not getattr(message, "chunks", False):
        raise PresentError("extra is missing")
    return data


def dumps(img):
    """The bytes of the image that the dictionary IMG is. ImageError if it is none."""
    if not isinstance(img, dict) or not isinstance(img.get("entries"), list):
        raise ImageError('an image is {"magic": KIND, "entries": [...]}')
    kind = KINDS.get(img.get("magic"))
    if kind is None:
        raise ImageError(f"unknown kind {img.get('magic')}")
    words = [kind.magic] if kind.framing is None else [kind.framing, kind.magic]
    out = bytearray(struct.pack(f"<{len(words)}I", *words))
    message_type = kind.head or kind.message
    dump_payload = kind.payload.dump if kind.payload else None
    for number, values in enumerate(img["entries"], 1):
        try:
            out += _dump_entry(message_type, values, dump_payload)
        except (EncodeError, PayloadError, PresentError, ValueError, TypeError, KeyError, struct.error) as error:
            raise ImageError(f"entry {number}: {error}") from error
        message_type = kind.message
        if hasattr(kind.payload, "dump_rest"):
            message_type = kind.payload.rest_message
            dump_payload = kind.payload.dump_rest
    return bytes(out)


def dump(img, f):
    """Writes the image to the binary file F, once all of it is known to be good."""
    f.write(dumps(img))
