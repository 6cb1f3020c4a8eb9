# SPDX-License-Identifier: LGPL-2.1
"""crit: decodes, encodes and explores images. crit(1)."""

import argparse
import json
import os
import sys

from . import images
from .explore import EXPLORERS, ImageDir


def _read(path):
    if path is None:
        return sys.stdin.buffer.read()
    with open(path, "rb") as f:
        return f.read()


def _write(path, data):
    """Opened once there is something to write: a failed run leaves no empty file."""
    if path is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    with open(path, "wb") as f:
        f.write(data)


def _json(image, pretty):
    return (json.dumps(image, indent=4 if pretty else None) + "\n").encode("ascii")


def decode(args):
    _write(args.out, _json(images.loads(_read(args.input), args.pretty), args.pretty))


def encode(args):
    _write(args.out, images.dumps(json.loads(_read(args.input))))


def info(args):
    with open(args.input, "rb") as f:
        _write(None, _json(images.info(f), True))


def show(args):
    _write(None, _json(images.loads(_read(args.input), True, args.nopl), True))


def explore(args):
    EXPLORERS[args.what](ImageDir(args.dir), sys.stdout)
    sys.stdout.flush()


def _parser():
    parser = argparse.ArgumentParser(prog="crit", description="Decode, encode and explore images of criu.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name, function, text):
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(function=function)
        return command

    command = add("decode", decode, "image to JSON")
    command.add_argument("--pretty", action="store_true", help="indent, and show numbers by what they mean")
    command.add_argument("-i", "--in", dest="input", metavar="FILE", help="image; standard input without it")
    command.add_argument("-o", "--out", metavar="FILE", help="JSON; standard output without it")

    command = add("encode", encode, "JSON to image")
    command.add_argument("-i", "--in", dest="input", metavar="FILE", help="JSON; standard input without it")
    command.add_argument("-o", "--out", metavar="FILE", help="image; standard output without it")

    command = add("info", info, "kind of an image and number of its entries")
    command.add_argument("input", metavar="FILE")

    command = add("show", show, "image to readable JSON: decode --pretty -i FILE")
    command.add_argument("--nopl", action="store_true", help="leave out the bytes that follow entries")
    command.add_argument("input", metavar="FILE")

    command = add("x", explore, "explore an image directory")
    command.add_argument("dir", metavar="DIR")
    command.add_argument("what", choices=sorted(EXPLORERS), help="process tree, files, memory areas, stored pages")
    return parser


def _explain(error, args):
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    where = getattr(args, "input", None) or getattr(args, "dir", None) or "standard input"
    if isinstance(error, KeyError):
        return f"{where}: an entry lacks {error}"
    return f"{where}: {error}"


def main(argv=None):
    """The exit status: 0, or 1 after one line on standard error; 2 when the command line is wrong."""
    args = _parser().parse_args(argv)
    try:
        args.function(args)
    except BrokenPipeError:
        # Whoever read the output has enough; nothing must be flushed into the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (OSError, images.ImageError, ValueError, KeyError, RecursionError) as error:
        sys.stderr.write(f"crit: {_explain(error, args)}\n")
        return 1
    return 0
