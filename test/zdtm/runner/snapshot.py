# SPDX-License-Identifier: GPL-2.0
"""What a tree of tasks looks like from outside, by /proc, in a form that a restore must reproduce.

Left out, because it legitimately differs:
  * start times, CPU and fault counters, kernel addresses, context switches, sizes in memory (Rss ...);
  * inode numbers of pipes, sockets and anonymous memory: replaced by #1, #2, ... in order of appearance,
    so that what is shared stays visible; device and inode of mapped files (the path stays);
  * the borders between neighbouring areas that are alike (the kernel merges them when it can);
  * VmFlags "ac" (memory accounting), "sd" (soft-dirty) and "mp"/"nh" on vvar/vdso areas;
  * the area [uprobes]: the kernel makes it when a probe is hit;
  * exit_code of a stopped task: whether its parent has been told of the stop (that of a zombie is compared);
  * the end of a deleted file's name that a restore had to choose because the name is taken;
  * the number in the name of a file opened by O_TMPFILE: its inode's;
  * O_LARGEFILE of terminals: which system call opened them;
  * fdinfo: mnt_id, ino, eventfd-id, the remaining time of a timerfd (it must not grow).
"""
import os
import re

STATUS_KEYS = (
    "Name Umask Uid Gid Groups Threads SigPnd ShdPnd SigBlk SigIgn SigCgt CapInh CapPrm CapEff CapBnd CapAmb "
    "NoNewPrivs Seccomp Seccomp_filters TracerPid Cpus_allowed_list THP_enabled untag_mask"
).split()
THREAD_STATUS_KEYS = (
    "Name Uid Gid Groups SigPnd SigBlk CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp TracerPid "
    "Cpus_allowed_list"
).split()
# Numbers of fields in /proc/PID/stat, from 1 as in proc(5).
STAT_FIELDS = {
    "ppid": 4, "pgrp": 5, "session": 6, "tty": 7, "tpgid": 8, "priority": 18, "nice": 19, "threads": 20,
    "startcode": 26, "endcode": 27, "startstack": 28, "exit_signal": 38, "rt_priority": 40, "policy": 41,
    "start_data": 45, "end_data": 46, "start_brk": 47, "arg_start": 48, "arg_end": 49, "env_start": 50,
    "env_end": 51, "exit_code": 52,
}
THREAD_STAT_FIELDS = {"priority": 18, "nice": 19, "rt_priority": 40, "policy": 41}
O_LARGEFILE = 0o100000
FLAGS_IGNORED = {"ac", "sd"}
FDINFO_DROPPED = ("mnt_id", "ino", "eventfd-id", "it_value", "lock", "scm_fds", "NSpid", "Pid")


def read(path, default=""):
    """The text of a file; DEFAULT when it can't be read (a zombie has no maps)."""
    try:
        with open(path, "rb") as f:
            return f.read().decode(errors="backslashreplace")
    except OSError:
        return default


def link(path):
    try:
        return os.readlink(path)
    except OSError as e:
        return f"({e.strerror})"


def stat_fields(path):
    text = read(path)
    if not text:
        return None
    rest = text[text.rindex(")") + 2:].split()
    return {i + 3: v for i, v in enumerate(rest)}


def pids_of_tree(root):
    """The root and all its descendants, parents first."""
    out, todo = [], [root]
    while todo:
        pid = todo.pop(0)
        if not os.path.isdir(f"/proc/{pid}"):
            continue
        out.append(pid)
        for tid in sorted(map(int, listdir(f"/proc/{pid}/task"))):
            todo += sorted(map(int, read(f"/proc/{pid}/task/{tid}/children").split()))
    return out


def listdir(path):
    try:
        return os.listdir(path)
    except OSError:
        return []


class Names:
    """Canonical names for inode numbers."""

    def __init__(self):
        self.seen = {}

    def __call__(self, text):
        m = re.fullmatch(r"(pipe|socket):\[(\d+)\]", text)
        if m:
            return f"{m[1]}:#{self.number(m[1], m[2])}"
        text = re.sub(r"/#\d+ \(deleted\)$", "/#N (deleted)", text)
        return re.sub(r"\.criu-ghost-[0-9-]+", "", text)

    def number(self, kind, value):
        known = self.seen.setdefault(kind, {})
        return known.setdefault(value, len(known) + 1)


def state_class(state):
    return {"R": "run", "S": "run", "D": "run", "I": "run"}.get(state, state)


def status(path, keys):
    out = {}
    for line in read(path).splitlines():
        key, _, value = line.partition(":")
        if key == "State":
            out["State"] = state_class(value.split()[0])
        elif key in keys:
            out[key] = " ".join(value.split())
    return out


def maps(pid, names):
    """Lines "start-end perms offset name flags", neighbours that are alike joined."""
    areas, area = [], None
    for line in read(f"/proc/{pid}/smaps").splitlines():
        m = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) (\S+) (\d+) *(.*)", line)
        if m:
            name, ino = m[7], m[6]
            # The first System V segment of a namespace has 0.
            if name.startswith(("/dev/zero (deleted)", "/SYSV", "/memfd:", "socket:", "anon_inode:")):
                name = f"{name.split('[')[0]} #{names.number('shm', ino)}"
            area = {"start": int(m[1], 16), "end": int(m[2], 16), "perms": m[3], "offset": int(m[4], 16),
                    "name": names(name),
                    # Each piece of it has a file of its own after a restore.
                    "file": ino != "0" and name != "/anon_hugepage (deleted)"}
            areas.append(area)
        elif line.startswith("VmFlags:"):
            flags = set(line.split()[1:]) - FLAGS_IGNORED
            if area["name"] in ("[vvar]", "[vdso]", "[vvar_vclock]"):
                flags -= {"mp", "nh"}
            area["flags"] = " ".join(sorted(flags))
    out = []
    for a in areas:
        if a["name"] == "[uprobes]":
            continue
        p = out[-1] if out else None
        alike = p and p["end"] == a["start"] and all(p[k] == a[k] for k in ("perms", "name", "file", "flags"))
        if alike and (not a["file"] or p["offset"] + p["end"] - p["start"] == a["offset"]):
            p["end"] = a["end"]
        else:
            out.append(a)
    return [f"{a['start']:x}-{a['end']:x} {a['perms']} {a['offset'] if a['file'] else 0:x} {a['name']} | {a['flags']}"
            for a in out]


def fdinfo(pid, fd, names):
    out, epoll = [], []
    for line in read(f"/proc/{pid}/fdinfo/{fd}").splitlines():
        key = line.split(":")[0]
        if key == "tfd":
            fields = line.split()
            epoll.append(" ".join(fields[:6]))
        elif key not in FDINFO_DROPPED and not line.startswith("lock"):
            out.append(" ".join(line.split()))
    return out + sorted(epoll)


def descriptors(pid, names):
    out = {}
    for fd in sorted(map(int, listdir(f"/proc/{pid}/fd"))):
        target = link(f"/proc/{pid}/fd/{fd}")
        info = fdinfo(pid, fd, names)
        if target.startswith("/dev/pts/"):
            info = [f"flags: {int(i[7:], 8) & ~O_LARGEFILE:#o}" if i.startswith("flags:") else i for i in info]
        out[str(fd)] = " | ".join([names(target)] + info)
    return out


def limits(pid):
    return [" ".join(line.split()) for line in read(f"/proc/{pid}/limits").splitlines()[1:]]


def task(pid, names):
    base = f"/proc/{pid}"
    fields = stat_fields(f"{base}/stat") or {}
    out = {"status": status(f"{base}/status", STATUS_KEYS),
           "stat": {k: fields.get(n) for k, n in STAT_FIELDS.items()}}
    if out["status"].get("State") == "Z":
        return {"status": {k: out["status"].get(k) for k in ("Name", "State")},
                "stat": {k: out["stat"][k] for k in ("ppid", "pgrp", "session", "exit_code", "exit_signal")}}
    out["stat"].pop("exit_code")
    out["maps"] = maps(pid, names)
    out["fds"] = descriptors(pid, names)
    out["limits"] = limits(pid)
    for name in ("cmdline", "environ", "auxv", "comm", "oom_score_adj", "timerslack_ns", "coredump_filter",
                 "personality", "loginuid", "cgroup"):
        out[name] = read(f"{base}/{name}").rstrip("\n")
    for name in ("exe", "cwd", "root"):
        out[name] = names(link(f"{base}/{name}"))
    for name in listdir(f"{base}/ns"):
        out[f"ns/{name}"] = link(f"{base}/ns/{name}")
    out["children"] = {}
    out["threads"] = {}
    for tid in sorted(map(int, listdir(f"{base}/task"))):
        where = f"{base}/task/{tid}"
        fields = stat_fields(f"{where}/stat") or {}
        out["threads"][str(tid)] = dict(
            status(f"{where}/status", THREAD_STATUS_KEYS), comm=read(f"{where}/comm").rstrip("\n"),
            **{k: fields.get(n) for k, n in THREAD_STAT_FIELDS.items()})
        out["children"][str(tid)] = " ".join(sorted(read(f"{where}/children").split()))
    return out


def take(root):
    """The snapshot of the tree below ROOT: {pid: {...}}."""
    names = Names()
    return {str(pid): task(pid, names) for pid in pids_of_tree(root)}


def flatten(value, prefix=""):
    """{"a": {"b": 1}} as {"a/b": "1"}; lists are joined lines."""
    out = {}
    for key, v in value.items():
        path = f"{prefix}/{key}" if prefix else key
        if isinstance(v, dict):
            out.update(flatten(v, path) if v else {path: "{}"})
        else:
            out[path] = v if isinstance(v, list) else str(v)
    return out


def differences(before, after, ignore=()):
    """Lines that say what differs; IGNORE are regular expressions for the path PID/part/..."""
    a, b = flatten(before), flatten(after)
    skip = [re.compile(i) for i in ignore]
    out = []
    for key in sorted(set(a) | set(b)):
        if a.get(key) == b.get(key) or any(s.search(key) for s in skip):
            continue
        if isinstance(a.get(key), list) and isinstance(b.get(key), list):
            was, now = set(a[key]), set(b[key])
            out += [f"{key}: - {line}" for line in a[key] if line not in now]
            out += [f"{key}: + {line}" for line in b[key] if line not in was]
            if was == now:
                out.append(f"{key}: the order differs")
        else:
            out.append(f"{key}: was {a.get(key, '(nothing)')!r}, is {b.get(key, '(nothing)')!r}")
    return out
