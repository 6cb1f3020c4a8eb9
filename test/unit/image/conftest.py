# SPDX-License-Identifier: GPL-2.0
"""Where the package, the command, golden sets and the tables of facts are."""

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "lib" / "py"))

OWN_SETS = pathlib.Path(__file__).parent / "golden"
ALL_SETS = pathlib.Path(os.environ.get("GOLDEN_DIR", ROOT.parent / "shared" / "golden"))
FACTS = ALL_SETS.parent / "facts"


def images_below(path):
    """The images that have their JSON beside them."""
    return sorted(found.with_suffix("") for found in path.glob("*/*.json"))


@pytest.fixture(scope="session")
def crit():
    return str(ROOT / "lib" / "py" / "crit")


@pytest.fixture(scope="session")
def own_sets():
    return OWN_SETS


@pytest.fixture(scope="session")
def all_sets():
    if not ALL_SETS.is_dir():
        pytest.skip(f"no golden sets at {ALL_SETS}; set GOLDEN_DIR")
    return ALL_SETS


@pytest.fixture(scope="session")
def facts():
    if not FACTS.is_dir():
        pytest.skip(f"no tables at {FACTS}")
    return FACTS
