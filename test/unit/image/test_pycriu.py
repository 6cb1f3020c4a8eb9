# SPDX-License-Identifier: GPL-2.0
"""pycriu.images: golden images as their JSON and back to the same bytes; presentation; what has to be refused."""

import io
import json
import struct

import pytest
from conftest import OWN_SETS, images_below
from google.protobuf.internal import api_implementation

import pycriu
from pycriu import images
from pycriu.images import core_pb2, ghost_file_pb2, opts_pb2, present, regfile_pb2, sk_unix_pb2, vma_pb2

COMMON = 0x54564319


def check_golden(path):
    data = path.read_bytes()
    golden = json.loads(path.with_name(path.name + ".json").read_text())
    pretty = images.loads(data, pretty=True)
    # Dumped again, so that the order of the keys counts too.
    assert json.dumps(pretty) == json.dumps(golden)
    assert images.dumps(golden) == data
    assert images.dumps(images.loads(data)) == data


@pytest.mark.parametrize("path", images_below(OWN_SETS), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_own_golden(path):
    check_golden(path)


def test_all_golden(all_sets):
    paths = images_below(all_sets)
    assert paths
    for path in paths:
        check_golden(path)


@pytest.mark.parametrize("name", ["ghost-file-holes/ghost-file-1.img", "deleted-fifo/ghost-file-1.img"])
def test_ghost_files(own_sets, name):
    data = (own_sets / name).read_bytes()
    image = images.loads(data, pretty=True)
    assert images.dumps(image) == data
    assert image["entries"][0]["dev"].count(":") == 1
    first = image["entries"][0]
    assert ("extra" in first) != first.get("chunks", False)
    assert all("extra" in chunk for chunk in image["entries"][1:])


def test_bpf_map(own_sets):
    data = (own_sets / "bpf-map/bpfmap-data.img").read_bytes()
    image = images.loads(data)
    assert image["entries"][0]["keys_bytes"] == 40
    assert images.dumps(image) == data


def test_files_and_info(own_sets):
    path = own_sets / "plain-process/pagemap-66.img"
    with open(path, "rb") as f:
        image = images.load(f, True)
    out = io.BytesIO()
    images.dump(image, out)
    assert out.getvalue() == path.read_bytes()
    with open(path, "rb") as f:
        assert images.info(f) == {"magic": "PAGEMAP", "count": 13, "pages": 30}


def test_no_payload(own_sets):
    with open(own_sets / "sysv-msg/ipcns-msg-11.img", "rb") as f:
        assert images.load(f, no_payload=True)["entries"][0]["extra"] == "... <66B>"


def test_first_generation_is_read(own_sets):
    data = (own_sets / "plain-process/mm-66.img").read_bytes()
    assert images.loads(data[4:]) == images.loads(data)


def test_rpc_is_importable():
    request = pycriu.rpc.criu_req(type=pycriu.rpc.VERSION)
    assert request.SerializeToString() == b"\x08\x0a"


def entry_of(message, **values):
    image = message(**values)
    return present.to_dict(image, pretty=True)


def test_presentation():
    assert entry_of(vma_pb2.vma_entry, start=4096, prot=5, flags=0x4022, status=1 << 31 | 3, fd=-1) == {
        "start": "0x1000",
        "prot": "PROT_READ | PROT_EXEC",
        "flags": "MAP_PRIVATE | MAP_ANON | 0x4000",
        "status": "VMA_AREA_REGULAR | VMA_AREA_STACK | VMA_UNSUPP",
        "fd": -1,
    }
    # Two encodings of a device: the kernel's own, and stat(2)'s.
    device = 0x12345678
    assert entry_of(ghost_file_pb2.ghost_file_entry, dev=device, rdev=device) == {
        "dev": "291:284280",
        "rdev": "1110:74616",
    }
    message = ghost_file_pb2.ghost_file_entry()
    present.from_dict(message, {"dev": "291:284280", "rdev": "1110:74616"})
    assert message.dev == device and message.rdev == device
    core = core_pb2.core_entry(mtype="X86_64")
    core.thread_info.gpregs.ip = 255
    core.tc.task_state = 6
    shown = present.to_dict(core, pretty=True)
    assert shown["thread_info"]["gpregs"] == {"ip": "0xff"}
    assert shown["tc"] == {"task_state": "Stopped"}
    assert present.to_dict(core)["thread_info"]["gpregs"] == {"ip": 255}


@pytest.mark.parametrize("name", [b"", b"\0abstract", bytes(range(256)), b"a\r\nb \n=41\t ", b"x" * 108])
def test_socket_names(name):
    sock = sk_unix_pb2.unix_sk_entry(name=name)
    again = sk_unix_pb2.unix_sk_entry()
    present.from_dict(again, json.loads(json.dumps(present.to_dict(sock))))
    assert again.name == name


@pytest.mark.skipif(api_implementation.Type() == "python", reason="this protobuf parser takes UTF-8 only")
def test_path_that_is_no_utf8():
    packed = b"\x32\x04/\xff\xfe\xe4"
    entry = regfile_pb2.reg_file_entry()
    entry.MergeFromString(packed)
    again = regfile_pb2.reg_file_entry()
    present.from_dict(again, json.loads(json.dumps(present.to_dict(entry))))
    assert again.SerializePartialToString() == packed


def test_every_presentation_is_known():
    for kind in images.KINDS.values():
        todo, seen = [kind.message.DESCRIPTOR], set()
        while todo:
            message = todo.pop()
            if message.full_name in seen:
                continue
            seen.add(message.full_name)
            for field in message.fields:
                options = field.GetOptions().Extensions[opts_pb2.criu]
                assert not options.flags or options.flags in present.FLAGS
                assert not options.dict or field.name in present.NAMES[options.dict]
                assert options.conv in ("", "unix_name")
                if field.message_type:
                    todo.append(field.message_type)


def test_truncated_everywhere(own_sets):
    for name in ("plain-process/pstree.img", "sysv-msg/ipcns-msg-11.img", "sysv-sem/ipcns-sem-11.img"):
        data = (own_sets / name).read_bytes()
        for cut in range(len(data)):
            if cut == 8:
                assert images.loads(data[:cut])["entries"] == []
                continue
            with pytest.raises(images.ImageError):
                images.loads(data[:cut])


def test_changed_bytes(own_sets):
    for path in sorted(own_sets.glob("*/*.img")):
        data = bytearray(path.read_bytes())
        for at in range(0, len(data), 1 + len(data) // 200):
            for mask in (0x01, 0x80, 0xFF):
                data[at] ^= mask
                try:
                    images.loads(bytes(data), pretty=True)
                except images.ImageError:
                    pass
                data[at] ^= mask


def test_unknown_magic():
    with pytest.raises(images.MagicException) as caught:
        images.loads(struct.pack("<II", COMMON, 0x12345678))
    assert caught.value.magic == 0x12345678
    # A service header in front of a kind that has the common one.
    with pytest.raises(images.MagicException):
        images.loads(struct.pack("<II", 0x55105940, 0x50273030))


GOOD_TASK = {"pid": 1, "ppid": 0, "pgid": 1, "sid": 1}


@pytest.mark.parametrize(
    "image, text",
    [
        ([], "an image is"),
        ({"magic": "PSTREE"}, "an image is"),
        ({"magic": "PSTRE", "entries": []}, "unknown kind"),
        ({"magic": "PSTREE", "entries": [1]}, "entry 1"),
        ({"magic": "PSTREE", "entries": [GOOD_TASK, {"pid": 2}]}, "entry 2"),
        ({"magic": "PSTREE", "entries": [{**GOOD_TASK, "tid": 2}]}, "no field tid"),
        ({"magic": "PSTREE", "entries": [{**GOOD_TASK, "pid": -1}]}, "pstree_entry.pid"),
        ({"magic": "PSTREE", "entries": [{**GOOD_TASK, "pid": 1 << 32}]}, "pstree_entry.pid"),
        ({"magic": "PSTREE", "entries": [{**GOOD_TASK, "pid": "x"}]}, "pstree_entry.pid"),
        ({"magic": "PSTREE", "entries": [{**GOOD_TASK, "pid": None}]}, "pstree_entry.pid"),
        ({"magic": "PSTREE", "entries": [{**GOOD_TASK, "threads": 1}]}, "pstree_entry.threads"),
        ({"magic": "PSTREE", "entries": [{**GOOD_TASK, "extra": ""}]}, "no payload"),
        ({"magic": "FDINFO", "entries": [{"id": 1, "flags": 0, "type": "NOPE", "fd": 0}]}, "fdinfo_entry.type"),
        ({"magic": "FDINFO", "entries": [{"id": 1, "flags": 0, "type": 99, "fd": 0}]}, "fdinfo_entry.type"),
        ({"magic": "PIPES_DATA", "entries": [{"pipe_id": 1, "bytes": 3, "extra": "AA=="}]}, "extra has 1 bytes"),
        ({"magic": "PIPES_DATA", "entries": [{"pipe_id": 1, "bytes": 3}]}, "extra is missing"),
        ({"magic": "PIPES_DATA", "entries": [{"pipe_id": 1, "bytes": 3, "extra": 5}]}, "base64"),
    ],
)
def test_bad_dictionaries(image, text):
    with pytest.raises(images.ImageError, match=text):
        images.dumps(image)
