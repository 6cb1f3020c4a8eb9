# SPDX-License-Identifier: LGPL-2.1
"""Image files as dictionaries.

An image is {"magic": KIND, "entries": [...]}; each entry has the fields of the kind's message by name, and
the bytes that follow it in the file, if any, under "extra" (base64).

    load(f, pretty=False, no_payload=False), loads(bytes, pretty=False)
    dump(image, f), dumps(image)
    info(f)

PRETTY shows numbers as people know them (hexadecimal, names of flags, addresses). What is dumped may use either form.
"""

from .kinds import KINDS, Kind
from .store import ImageError, MagicException, dump, dumps, info, load, loads

__all__ = ["KINDS", "ImageError", "Kind", "MagicException", "dump", "dumps", "info", "load", "loads"]
