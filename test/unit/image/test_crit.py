# SPDX-License-Identifier: GPL-2.0
"""The crit command: what it prints, and how it fails."""

import io
import json
import pathlib
import shutil
import subprocess
import sys

import pytest

from pycriu.explore import EXPLORERS, ImageDir


def run(crit, *args, data=None):
    return subprocess.run([sys.executable, crit, *args], input=data, capture_output=True, timeout=60)


def test_decode_and_encode(crit, own_sets, tmp_path):
    path = own_sets / "plain-process/files.img"
    golden = json.loads((own_sets / "plain-process/files.img.json").read_text())
    for pretty in ([], ["--pretty"]):
        text, again = tmp_path / "text", tmp_path / "image"
        assert run(crit, "decode", *pretty, "-i", str(path), "-o", str(text)).returncode == 0
        if pretty:
            assert json.loads(text.read_text()) == golden
        else:
            assert text.read_text().count("\n") == 1
        assert run(crit, "encode", "-i", str(text), "-o", str(again)).returncode == 0
        assert again.read_bytes() == path.read_bytes()


def test_pipes(crit, own_sets):
    data = (own_sets / "plain-process/core-66.img").read_bytes()
    decoded = run(crit, "decode", data=data)
    assert decoded.returncode == 0
    assert run(crit, "encode", data=decoded.stdout).stdout == data


def test_show_and_info(crit, own_sets):
    path = str(own_sets / "ghost-file-holes/ghost-file-1.img")
    assert json.loads(run(crit, "info", path).stdout) == {"magic": "GHOST_FILE", "count": 3}
    assert json.loads(run(crit, "show", path).stdout) == json.loads(run(crit, "decode", "--pretty", "-i", path).stdout)
    assert b'"extra": "... <4KB>"' in run(crit, "show", "--nopl", path).stdout


def test_explore(crit, own_sets):
    directory = str(own_sets / "plain-process")
    ps = run(crit, "x", directory, "ps").stdout.decode().splitlines()
    assert [line.split() for line in ps] == [["PID", "PGID", "SID", "COMM"], ["66", "66", "66", "plain-process"]]
    fds = run(crit, "x", directory, "fds").stdout.decode()
    assert "\t      0: /dev/null\n" in fds and "\t    cwd: /app\n" in fds
    mems = run(crit, "x", directory, "mems").stdout.decode()
    assert "r-xp /app/plain-process + 0x2000\n" in mems and "[vsyscall]\n" in mems
    rss = run(crit, "x", directory, "rss").stdout.decode()
    assert "\t55c5fcd46000 / 1         55c5fcd46000 / 3       /app/plain-process + 0x2000\n" in rss


def test_explore_all(all_sets):
    for directory in sorted(all_sets.iterdir()):
        if (directory / "pstree.img").exists():
            for explore in EXPLORERS.values():
                out = io.StringIO()
                explore(ImageDir(directory), out)
                assert out.getvalue()


@pytest.mark.parametrize(
    "args, data",
    [
        (["decode"], b""),
        (["decode"], b"no image at all"),
        (["decode"], b"\x19\x43\x56\x54\x30\x30\x27\x50\xff\xff\xff\xff"),
        (["encode"], b""),
        (["encode"], b"[1, 2]"),
        (["encode"], b"[" * 100000),
        (["encode"], b'{"magic": "PSTREE", "entries": [{"pid": 1}]}'),
        (["encode"], b"\xff\xfe"),
        (["decode", "-i", "/nonexistent"], None),
        (["decode", "-i", "/"], None),
        (["info", "/dev/null"], None),
        (["x", "/nonexistent", "ps"], None),
    ],
)
def test_failures(crit, args, data):
    done = run(crit, *args, data=data)
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr.startswith(b"crit: ") and done.stderr.count(b"\n") == 1


def test_no_output_file_after_failure(crit, tmp_path):
    out = tmp_path / "out"
    assert run(crit, "decode", "-o", str(out), data=b"bad").returncode == 1
    assert not out.exists()


def test_wrong_command_line(crit):
    assert run(crit).returncode == 2
    assert run(crit, "x", "/", "nothing").returncode == 2


def test_closed_pipe(crit, own_sets):
    command = f"{sys.executable} {crit} decode --pretty -i {own_sets}/plain-process/core-66.img | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60)
    assert b"Traceback" not in done.stderr


def test_debian_crit_reads_ours(crit, own_sets, tmp_path):
    """Another implementation's crit, where one is installed, takes what this one writes."""
    other = shutil.which("crit", path="/usr/bin")
    if not other or not pathlib.Path("/usr/lib/python3/dist-packages/pycriu").is_dir():
        pytest.skip("no other crit is installed")
    for name in ("plain-process/pstree.img", "plain-process/inventory.img", "plain-process/stats-dump"):
        path = own_sets / name
        out = tmp_path / "image"
        decoded = run(crit, "decode", "-i", str(path)).stdout
        assert run(crit, "encode", "-o", str(out), data=decoded).returncode == 0
        theirs = subprocess.run([other, "decode", "-i", str(out)], capture_output=True, timeout=60)
        assert theirs.returncode == 0, theirs.stderr
        assert json.loads(theirs.stdout)["magic"] == json.loads(decoded)["magic"]
        if name == "plain-process/pstree.img":
            assert json.loads(theirs.stdout) == json.loads(decoded)
