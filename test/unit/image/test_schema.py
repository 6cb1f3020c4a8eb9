# SPDX-License-Identifier: GPL-2.0
"""The schemas are an interface: every field and enum value against the tables of the format, both ways."""

import csv
import re
import subprocess

import pytest
from conftest import ROOT
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from pycriu import images
from pycriu.images import opts_pb2

# This project's own images: they are in no table, and other programs leave their files alone.
OWN_SCHEMAS = {"attributes.proto", "fam.proto", "mm-extra.proto", "sk-extra.proto", "timerfd-time.proto"}
OWN_KINDS = {"ATTRIBUTES", "FAM", "MM_EXTRA", "SK_EXTRA", "TIMERFD_TIME"}

LABELS = {
    FieldDescriptorProto.LABEL_OPTIONAL: "optional",
    FieldDescriptorProto.LABEL_REQUIRED: "required",
    FieldDescriptorProto.LABEL_REPEATED: "repeated",
}


@pytest.fixture(scope="module")
def schemas(tmp_path_factory):
    out = tmp_path_factory.mktemp("schemas") / "set"
    protos = [str(path) for path in sorted((ROOT / "images").glob("*.proto"))]
    command = ["protoc", f"-I{ROOT / 'images'}", "-I/usr/include", f"--descriptor_set_out={out}", *protos]
    subprocess.run(command, check=True, timeout=60)
    files = descriptor_pb2.FileDescriptorSet()
    files.ParseFromString(out.read_bytes())
    return [file for file in files.file if file.name not in OWN_SCHEMAS]


def table(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))


def field_row(schema, message, field):
    if field.type_name:
        type_name = field.type_name.lstrip(".")
    else:
        type_name = FieldDescriptorProto.Type.Name(field.type)[len("TYPE_") :].lower()
    options = field.options.Extensions[opts_pb2.criu]
    shown = [f"{key.name}={str(value).lower() if value is True else value}" for key, value in options.ListFields()]
    return {
        "schema": schema,
        "message": message,
        "field": field.name,
        "number": str(field.number),
        "label": LABELS[field.label],
        "type": type_name,
        "default": field.default_value,
        "packed": "true" if field.options.packed else "",
        "presentation": " ".join(shown),
    }


def test_fields(schemas, facts):
    ours = [
        field_row(schema.name, message.name, field)
        for schema in schemas
        for message in schema.message_type
        for field in message.field
    ]
    wanted = table(facts / "image-fields.tsv")
    assert len(wanted) > 1000

    def key(row):
        return tuple(sorted(row.items()))

    assert sorted(ours, key=key) == sorted(wanted, key=key)


def test_enums(schemas, facts):
    ours = []
    for schema in schemas:
        enums = [(enum.name, enum) for enum in schema.enum_type]
        for message in schema.message_type:
            enums += [(f"{message.name}.{enum.name}", enum) for enum in message.enum_type]
        for name, enum in enums:
            for value in enum.value:
                ours.append((schema.name, name, value.name, str(value.number)))
    wanted = [tuple(row.values()) for row in table(facts / "image-enums.tsv")]
    assert sorted(ours) == sorted(wanted)


def test_kinds(facts):
    wanted = {row["kind"]: row for row in table(facts / "image-files.tsv") if not row["magic"].startswith("none")}
    assert wanted.keys() == images.KINDS.keys() - OWN_KINDS
    for name, row in wanted.items():
        kind = images.KINDS[name]
        assert kind.magic == int(row["magic"], 16)
        assert ("service header" in row["message"]) == (kind.framing == 0x55105940)
        message = (kind.head or kind.message).DESCRIPTOR.name
        assert row["message"].split()[0] == message


def test_store_has_the_same_kinds(facts):
    """The C store's table: name pattern and magic of every kind, the raw ones too."""
    text = (ROOT / "criu/image/kinds.c").read_text()
    ours = {(kind, pattern, "none (raw)") for kind, pattern in re.findall(r'RAW_ROW\((\w+), "([^"]+)"\),', text)}
    ours |= set(re.findall(r'\bROW\((\w+), "([^"]+)", (\w+),', text))
    ours |= set(re.findall(r'\.kind = "(\w+)", \.pattern = "([^"]+)", \.magic = (\w+)', text))
    wanted = set()
    for row in table(facts / "image-files.tsv"):
        for name in row["file"].split(", "):
            pattern = name.replace("%u", "%lu").replace("%x", "%lx")
            wanted.add((row["kind"], pattern, row["magic"]))
    assert {row for row in ours if row[0] not in OWN_KINDS} == wanted
