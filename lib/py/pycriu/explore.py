# SPDX-License-Identifier: LGPL-2.1
"""crit x: what an image directory holds, as a person wants to see it."""

import bisect
import itertools
import os

from . import images

STATUS_STACK = 1 << 1
STATUS_VSYSCALL = 1 << 2
STATUS_VDSO = 1 << 3
STATUS_HEAP = 1 << 5
STATUS_SYSVIPC = 1 << 10
STATUS_SOCKET = 1 << 11
STATUS_VVAR = 1 << 12
MAP_SHARED = 1
MAP_GROWSDOWN = 0x100
PAGE = 4096


class ImageDir:
    """The images of one directory, each read once."""

    def __init__(self, path):
        self.path = path
        self.cache = {}
        self.files = None

    def entries(self, name):
        if name not in self.cache:
            with open(os.path.join(self.path, name), "rb") as f:
                try:
                    self.cache[name] = images.load(f)["entries"]
                except images.ImageError as error:
                    raise images.ImageError(f"{name}: {error}") from error
        return self.cache[name]

    def has(self, name):
        return os.path.exists(os.path.join(self.path, name))

    def one(self, name):
        entries = self.entries(name)
        if not entries:
            raise images.ImageError(f"{name}: no entry")
        return entries[0]

    def tasks(self):
        return self.entries("pstree.img")

    def core(self, pid):
        return self.one(f"core-{pid}.img")

    def living(self):
        """Pids that have memory and files: zombies have neither."""
        return [task["pid"] for task in self.tasks() if self.has(f"mm-{task['pid']}.img")]

    def file(self, file_id):
        """The entry of files.img, or None."""
        if self.files is None:
            self.files = {entry["id"]: entry for entry in self.entries("files.img")}
        return self.files.get(file_id)

    def file_name(self, file_id):
        entry = self.file(file_id)
        if entry is None:
            return f"unknown file {file_id}"
        if "reg" in entry:
            return entry["reg"]["name"]
        if "pipe" in entry:
            return f"pipe[{entry['pipe']['pipe_id']}]"
        if "fifo" in entry and entry["fifo"].get("regf_id"):
            return self.file_name(entry["fifo"]["regf_id"])
        if "usk" in entry:
            sock = entry["usk"]
            name = f" {sock['name']}" if sock["name"] else ""
            return f"unix[{sock['ino']} ({sock['peer']}){name}]"
        return f"{entry['type']}.{file_id}"


def ps(directory, out):
    """The process tree."""
    tasks = directory.tasks()
    children = {}
    pids = {task["pid"] for task in tasks}
    for task in tasks:
        parent = task["ppid"] if task["ppid"] in pids and task["ppid"] != task["pid"] else None
        children.setdefault(parent, []).append(task)
    out.write(f"{'PID':>7}{'PGID':>7}{'SID':>7}   COMM\n")
    # Not by recursion: the images say how deep it would go.
    todo = [(task, 0) for task in reversed(children.get(None, []))]
    while todo:
        task, depth = todo.pop()
        pid = task["pid"]
        comm = directory.core(pid).get("tc", {}).get("comm", "?")
        out.write(f"{pid:7}{task['pgid']:7}{task['sid']:7}   {'    ' * depth}{comm}\n")
        todo.extend((child, depth + 1) for child in reversed(children.get(pid, [])))


def fds(directory, out):
    """The open files of each task."""
    for pid in directory.living():
        out.write(f"{pid}\n")
        core = directory.core(pid)
        ids = core["ids"] if "ids" in core else directory.one(f"ids-{pid}.img")
        for entry in directory.entries(f"fdinfo-{ids['files_id']}.img"):
            out.write(f"\t{entry['fd']:7}: {directory.file_name(entry['id'])}\n")
        fs = directory.one(f"fs-{pid}.img")
        out.write(f"\t{'cwd':>7}: {directory.file_name(fs['cwd_id'])}\n")
        out.write(f"\t{'root':>7}: {directory.file_name(fs['root_id'])}\n")


def _area_name(directory, area):
    status = area["status"]
    if status & STATUS_STACK or area["flags"] & MAP_GROWSDOWN:
        return "[stack]"
    for bit, name in ((STATUS_VSYSCALL, "[vsyscall]"), (STATUS_VVAR, "[vvar]"), (STATUS_VDSO, "[vdso]")):
        if status & bit:
            return name
    if status & STATUS_HEAP:
        return "[heap]"
    if status & STATUS_SYSVIPC:
        return f"ips[{area['shmid']}]"
    if status & STATUS_SOCKET:
        return f"packet[{area['shmid']}]"
    if not area["shmid"]:
        return ""
    if directory.file(area["shmid"]) is None:
        return f"shmem[{area['shmid']}]"
    name = directory.file_name(area["shmid"])
    return f"{name} + {area['pgoff']:#x}" if area["pgoff"] else name


def mems(directory, out):
    """The memory areas of each task."""
    for pid in directory.living():
        mm = directory.one(f"mm-{pid}.img")
        out.write(f"{pid}\n")
        out.write(f"\t{'exe':<36}{directory.file_name(mm['exe_file_id'])}\n")
        for area in mm.get("vmas", []):
            prot = "".join(letter if area["prot"] & bit else "-" for bit, letter in ((1, "r"), (2, "w"), (4, "x")))
            shared = "s" if area["flags"] & MAP_SHARED else "p"
            span = f"{area['start']:x}-{area['end']:x}"
            out.write(f"\t{span:<36}{prot}{shared} {_area_name(directory, area)}".rstrip() + "\n")


def rss(directory, out):
    """Each run of stored pages, and the areas that it lies in."""
    for pid in directory.living():
        areas = directory.one(f"mm-{pid}.img").get("vmas", [])
        out.write(f"{pid}\n")
        for run in directory.entries(f"pagemap-{pid}.img")[1:]:
            pages = run.get("nr_pages", run["compat_nr_pages"])
            end = run["vaddr"] + pages * PAGE
            text = f"\t{run['vaddr']:x} / {pages:<8}"
            # Areas stand in ascending order.
            first = bisect.bisect_right(areas, run["vaddr"], key=lambda area: area["end"])
            for area in itertools.takewhile(lambda area: area["start"] < end, areas[first:]):
                size = (area["end"] - area["start"]) // PAGE
                line = f"{text:<26}{area['start']:x} / {size:<8}{_area_name(directory, area)}"
                out.write(line.rstrip() + "\n")
                text = "\t"
            if text != "\t":
                out.write(f"{text:<26}no area\n")


EXPLORERS = {"ps": ps, "fds": fds, "mems": mems, "rss": rss}
