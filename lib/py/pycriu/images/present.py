# SPDX-License-Identifier: LGPL-2.1
"""Messages to dictionaries and back. How a number is shown stands beside its field in the schema: see opts.proto."""

import base64
import ipaddress
import quopri
import struct

from google.protobuf.descriptor import FieldDescriptor

from .opts_pb2 import criu


class PresentError(Exception):
    """A value that does not fit its field."""


# Names of single bits, low ones first.
FLAGS = {
    "mmap.prot": {0x1: "PROT_READ", 0x2: "PROT_WRITE", 0x4: "PROT_EXEC"},
    "mmap.flags": {0x1: "MAP_SHARED", 0x2: "MAP_PRIVATE", 0x20: "MAP_ANON", 0x100: "MAP_GROWSDOWN"},
    "mmap.status": {
        1 << 0: "VMA_AREA_REGULAR",
        1 << 1: "VMA_AREA_STACK",
        1 << 2: "VMA_AREA_VSYSCALL",
        1 << 3: "VMA_AREA_VDSO",
        1 << 5: "VMA_AREA_HEAP",
        1 << 6: "VMA_FILE_PRIVATE",
        1 << 7: "VMA_FILE_SHARED",
        1 << 8: "VMA_ANON_SHARED",
        1 << 9: "VMA_ANON_PRIVATE",
        1 << 10: "VMA_AREA_SYSVIPC",
        1 << 11: "VMA_AREA_SOCKET",
        1 << 12: "VMA_AREA_VVAR",
        1 << 13: "VMA_AREA_AIORING",
        1 << 14: "VMA_AREA_MEMFD",
        1 << 15: "VMA_AREA_SHSTK",
        1 << 16: "VMA_AREA_GUARD",
        1 << 17: "VMA_AREA_UPROBES",
        1 << 31: "VMA_UNSUPP",
    },
    "rfile.flags": {
        0o1: "O_WRONLY",
        0o2: "O_RDWR",
        0o100: "O_CREAT",
        0o200: "O_EXCL",
        0o400: "O_NOCTTY",
        0o1000: "O_TRUNC",
        0o2000: "O_APPEND",
        0o4000: "O_NONBLOCK",
        0o10000: "O_DSYNC",
        0o20000: "FASYNC",
        0o40000: "O_DIRECT",
        0o100000: "O_LARGEFILE",
        0o200000: "O_DIRECTORY",
        0o400000: "O_NOFOLLOW",
        0o1000000: "O_NOATIME",
        0o2000000: "O_CLOEXEC",
    },
    "pmap.flags": {0x1: "PE_PARENT", 0x2: "PE_LAZY", 0x4: "PE_PRESENT"},
    "seals.flags": {
        0x1: "F_SEAL_SEAL",
        0x2: "F_SEAL_SHRINK",
        0x4: "F_SEAL_GROW",
        0x8: "F_SEAL_WRITE",
        0x10: "F_SEAL_FUTURE_WRITE",
    },
}

# Names of whole values: dictionary, field, value.
NAMES = {
    "gen": {"task_state": {1: "Alive", 3: "Zombie", 6: "Stopped"}},
    "sk": {
        "family": {1: "UNIX", 2: "INET", 10: "INET6", 16: "NETLINK", 17: "PACKET"},
        "type": {1: "STREAM", 2: "DGRAM", 3: "RAW", 5: "SEQPACKET", 10: "PACKET"},
        "state": {
            1: "ESTABLISHED",
            2: "SYN_SENT",
            3: "SYN_RECV",
            4: "FIN_WAIT1",
            5: "FIN_WAIT2",
            6: "TIME_WAIT",
            7: "CLOSE",
            8: "CLOSE_WAIT",
            9: "LAST_ACK",
            10: "LISTEN",
        },
        "proto": {0: "IP", 6: "TCP", 17: "UDP", 136: "UDPLITE"},
    },
}


def _flags_to_text(value, names):
    found = [name for bit, name in names.items() if value & bit]
    rest = value & ~sum(names)
    return " | ".join(found + ([hex(rest)] if rest else []))


def _text_to_flags(text, names):
    bits = {name: bit for bit, name in names.items()}
    value = 0
    for word in text.split("|"):
        word = word.strip()
        if word:
            value |= bits[word] if word in bits else int(word, 0)
    return value


def _dev_to_text(value, old):
    """MAJOR:MINOR of the kernel's own 12 + 20 bits, or of the split encoding that stat(2) uses (OLD)."""
    if old:
        return f"{value >> 8 & 0xFFF}:{value & 0xFF | value >> 12 & 0xFFF00}"
    return f"{value >> 20}:{value & 0xFFFFF}"


def _text_to_dev(text, old):
    major, minor = (int(part, 0) for part in text.split(":"))
    if old:
        return minor & 0xFF | (minor & 0xFFF00) << 12 | (major & 0xFFF) << 8
    return major << 20 | minor & 0xFFFFF


def _words_to_address(words):
    packed = struct.pack(f"<{len(words)}I", *words)
    return str(ipaddress.IPv4Address(packed) if len(words) == 1 else ipaddress.IPv6Address(packed))


def _address_to_words(text):
    packed = ipaddress.ip_address(text).packed
    return struct.unpack(f"<{len(packed) // 4}I", packed)


def _quote(data):
    """Quoted-printable, as long as that can be undone: it changes some line ends."""
    text = quopri.encodestring(data)
    if quopri.decodestring(text) != data:
        text = b"".join(b"=%02X" % byte for byte in data)
    return text.decode("ascii")


def _number_to_value(number, field, options, pretty, as_hex):
    if not pretty:
        return number
    if options.flags:
        return _flags_to_text(number, FLAGS[options.flags])
    if options.dict:
        return NAMES[options.dict][field.name].get(number, number)
    if options.dev:
        return _dev_to_text(number, options.odev)
    if options.hex or as_hex:
        return hex(number)
    return number


def _value_to_number(value, field, options):
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise PresentError("a number is expected")
    if isinstance(value, int):
        return value
    if options.flags:
        return _text_to_flags(value, FLAGS[options.flags])
    if options.dict:
        for number, name in NAMES[options.dict][field.name].items():
            if name == value:
                return number
    if options.dev and ":" in value:
        return _text_to_dev(value, options.odev)
    return int(value, 0)


def _to_value(value, field, options, pretty, as_hex):
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return to_dict(value, pretty, as_hex or options.hex)
    if field.type == FieldDescriptor.TYPE_ENUM:
        return field.enum_type.values_by_number[value].name
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _quote(value) if options.conv == "unix_name" else base64.encodebytes(value).decode("ascii")
    if field.type == FieldDescriptor.TYPE_STRING:
        # A path may be no UTF-8: it comes as bytes then.
        return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
    if field.type == FieldDescriptor.TYPE_BOOL:
        return value
    return _number_to_value(value, field, options, pretty, as_hex)


def to_dict(message, pretty=False, as_hex=False):
    """The fields that MESSAGE has, in the order of their numbers. AS_HEX: all numbers in it are hexadecimal."""
    result = {}
    for field, value in message.ListFields():
        options = field.GetOptions().Extensions[criu]
        if field.label != FieldDescriptor.LABEL_REPEATED:
            result[field.name] = _to_value(value, field, options, pretty, as_hex)
        elif options.ipadd and pretty and len(value) in (1, 4):
            result[field.name] = [_words_to_address(value)]
        else:
            result[field.name] = [_to_value(one, field, options, pretty, as_hex) for one in value]
    return result


def _from_base64(value):
    return base64.b64decode("".join(value.split()), validate=True)


def _to_scalar(value, field, options):
    if field.type == FieldDescriptor.TYPE_ENUM:
        if value in field.enum_type.values_by_name:
            return field.enum_type.values_by_name[value].number
        number = int(value)
        if number not in field.enum_type.values_by_number:
            raise PresentError(f"{value} is no {field.enum_type.name}")
        return number
    if field.type == FieldDescriptor.TYPE_BYTES:
        if options.conv == "unix_name":
            return quopri.decodestring(value.encode("ascii"))
        return _from_base64(value)
    if field.type == FieldDescriptor.TYPE_STRING:
        if not isinstance(value, str):
            raise PresentError("a text is expected")
        return value
    if field.type == FieldDescriptor.TYPE_BOOL:
        if not isinstance(value, bool):
            raise PresentError("true or false is expected")
        return value
    return _value_to_number(value, field, options)


def _varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _set_bytes(message, field, text):
    """A string that is no UTF-8 can be set in its packed form only."""
    data = text.encode("utf-8", "surrogateescape")
    message.MergeFromString(_varint(field.number << 3 | 2) + _varint(len(data)) + data)


def _is_utf8(text):
    return not any(0xDC80 <= ord(char) <= 0xDCFF for char in text)


def _set_one(message, field, options, value):
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        inner = getattr(message, field.name)
        inner.SetInParent()
        from_dict(inner, value)
        return
    value = _to_scalar(value, field, options)
    if isinstance(value, str) and not _is_utf8(value):
        _set_bytes(message, field, value)
    else:
        setattr(message, field.name, value)


def _set_many(message, field, options, values):
    if not isinstance(values, list):
        raise PresentError("a list is expected")
    items = getattr(message, field.name)
    for value in values:
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            from_dict(items.add(), value)
        elif options.ipadd and isinstance(value, str):
            items.extend(_address_to_words(value))
        else:
            value = _to_scalar(value, field, options)
            if isinstance(value, str) and not _is_utf8(value):
                _set_bytes(message, field, value)
            else:
                items.append(value)


def from_dict(message, values):
    """Fills MESSAGE; PresentError names the field that a value does not fit."""
    if not isinstance(values, dict):
        raise PresentError(f"{message.DESCRIPTOR.name}: an object is expected")
    for name, value in values.items():
        field = message.DESCRIPTOR.fields_by_name.get(name)
        if field is None:
            raise PresentError(f"{message.DESCRIPTOR.name} has no field {name}")
        options = field.GetOptions().Extensions[criu]
        try:
            if field.label == FieldDescriptor.LABEL_REPEATED:
                _set_many(message, field, options, value)
            else:
                _set_one(message, field, options, value)
        except (PresentError, ValueError, TypeError, AttributeError, KeyError, struct.error) as error:
            raise PresentError(f"{message.DESCRIPTOR.name}.{name}: {error}") from error
