# SPDX-License-Identifier: GPL-2.0
"""Commands and options whose effect is on the tasks: stopped or running, parents, scripts, old sets, errors.

Each scenario gets a fresh session whose program runs and is steady; the program must pass in the end."""
import os
import re
import resource
import shutil
import signal
import sys
import time

from . import damage, proc, snapshot
from .faults import files_of, fresh


def expect(condition, text):
    if not condition:
        raise proc.Failure(text)


def states(s, before):
    """The states of all tasks, one letter each, zombies left out."""
    out = ""
    for pid in before:
        fields = snapshot.stat_fields(f"/proc/{pid}/stat")
        out += fields[3] if fields else "-"
    return out.replace("Z", "")


def wait_state(s, before, letters, timeout=10.0):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if set(states(s, before)) <= set(letters):
            return
        time.sleep(0.005)
    raise proc.Failure(f"the tasks' states are {states(s, before)}, not {letters}")


def signal_all(before, number):
    for pid in before:
        try:
            os.kill(int(pid), number)
        except ProcessLookupError:
            pass


def forget(s, before):
    """Ends the program, which a set will bring back."""
    signal_all(before, signal.SIGKILL)
    left = proc.only_these_left(s.reaper, ())
    expect(not left, "still there: " + ", ".join(left))
    s.reaper.ended.clear()


def failed(s, code, what):
    """The command must have failed in an orderly way."""
    expect(code is not None and code > 0, f"{what} ended with {code}")
    expect(s.log_has(r"Error \("), f"{what}: no Error line in the log")


def leave_running(s, before):
    images = s.images("images-1")
    expect(s.dump(images, extra=["-R"]) == 0, "the dump failed")
    s.compare(before, "the dump")
    forget(s, before)
    s.check_restored(s.restore(images), before)


def leave_stopped(s, before):
    images = s.images("images-1")
    expect(s.dump(images, extra=["-s"]) == 0, "the dump failed")
    wait_state(s, before, "T")
    left = proc.only_these_left(s.reaper, set(map(int, before)))
    expect(not left, "left behind: " + ", ".join(left))
    signal_all(before, signal.SIGCONT)
    s.compare(before, "stopping and going on")
    forget(s, before)
    s.check_restored(s.restore(images), before)


def restore_stopped(s, before):
    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    code = s.restore(images, extra=["-s"])
    expect(code == 0, f"the restore ended with {'a timeout' if code is None else code}")
    wait_state(s, before, "T")
    signal_all(before, signal.SIGCONT)
    s.compare(before, "stopping and going on")


def check_statistics(s, images, what, name):
    expect(os.path.getsize(os.path.join(images, f"stats-{what}")) > 12, f"stats-{what} is empty")
    with open(s.criu_out) as f:
        text = f.read()
    expect(re.search(rf"{what}\.{name}: [1-9]", text), f"no {name} among what {what} printed: {text}")


def statistics_shown(s, before):
    """--display-stats prints what stats-dump and stats-restore hold."""
    images = s.images("images-1")
    shown = ["--display-stats"]
    s.check_dumped(s.dump(images, extra=shown), before)
    check_statistics(s, images, "dump", "pages_written")
    s.check_restored(s.restore(images, extra=shown), before)
    check_statistics(s, images, "restore", "pages_restored")


def config_file(s, before):
    """An option in $CRIU_CONFIG_FILE has its effect, and --no- on the command line takes it back."""
    path = os.path.join(s.work, "criu.conf")
    with open(path, "w") as f:
        f.write("# a comment\nleave-running\nlog-pid\n")
    s.env = dict(s.env, CRIU_CONFIG_FILE=path)
    images = s.images("images-1")
    expect(s.dump(images) == 0, "the dump failed")
    s.compare(before, "a dump that leaves the tasks running")
    forget(s, before)
    expect(s.restore(images) == 0, "the restore failed")
    expect(os.path.exists(os.path.join(images, f"restore.log.{s.root}")), "log-pid of the file is without effect")
    s.compare(before, "the restore")


def cpu_cap(s, before):
    """--cpu-cap=cpu stores this CPU; a set from another vendor's is refused, and restored with none."""
    images = s.images("images-1")
    s.check_dumped(s.dump(images, extra=["--cpu-cap=cpu"]), before)
    path = os.path.join(images, "cpuinfo.img")
    with open(path, "rb") as f:
        data = f.read()
    at = 8 + 4 + 2  # the header's words, the entry's size, the tag and length of the one x86 entry
    while data[at] != 0x08:  # the field vendor_id
        at += 1
    other = data[:at + 1] + bytes([3 - data[at + 1]]) + data[at + 2:]
    with open(path, "wb") as f:
        f.write(other)
    failed(s, s.restore(images, extra=["--cpu-cap=cpu"]), "the restore on another CPU")
    s.check_restored(s.restore(images, extra=["--cpu-cap=none"]), before)


def log_pid(s, before):
    """Every process of the tree has a log of its own, beside the restore's."""
    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    expect(s.restore(images, extra=["--log-pid"]) == 0, "the restore failed")
    for pid in before:
        expect(os.path.exists(os.path.join(images, f"restore.log.{pid}")), f"there is no log of process {pid}")


def restore_attached(s, before):
    """Without -d criu stays, as the parent, until the tree ends."""
    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    argv = [a for a in s.restore_argv(images, False) if a != "-d"]
    s.last_log = os.path.join(images, "restore.log")
    pid = s.reaper.spawn([s.criu] + argv, s.work, s.criu_out, s.env)
    end = time.monotonic() + s.timeout
    while not (os.path.exists(s.pidfile()) and set(states(s, before)) <= set("SRD")):
        expect(time.monotonic() < end, "the restore takes too long")
        s.reaper.poll()
        expect(pid not in s.reaper.ended, "criu ended")
        time.sleep(0.01)
    expect(snapshot.stat_fields(f"/proc/{s.root}/stat")[4] == str(pid), "criu isn't the parent")
    s.go()
    code = s.reaper.wait(pid, s.timeout)
    expect(code == 0, f"criu ended with {code}")
    # criu has collected the first task; its output tells the verdict.
    s.reaper.ended[s.root] = 0


def restore_sibling(s, before):
    """-S makes the first task a child of criu's parent: here of a shell that waits."""
    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    words = " ".join(f"'{w}'" for w in [s.criu] + s.restore_argv(images, False, ["-S"]))
    shell = s.reaper.spawn(["/bin/sh", "-c", f"{words}; echo $? >status; while [ ! -e done ]; do sleep 0.02; done; :"],
                           s.work, s.criu_out, s.env)
    s.reaper.helpers.add(shell)
    s.last_log = os.path.join(images, "restore.log")
    status = os.path.join(s.work, "status")
    end = time.monotonic() + s.timeout
    while not (os.path.exists(status) and open(status).read().strip()):
        expect(time.monotonic() < end, "the restore takes too long")
        time.sleep(0.01)
    expect(open(status).read().strip() == "0", "the restore failed")
    expect(snapshot.stat_fields(f"/proc/{s.root}/stat")[4] == str(shell), "its parent isn't the shell")
    with open(os.path.join(s.work, "done"), "w"):
        pass
    s.reaper.wait(shell, 5)
    s.compare(before, "the restore")


def exec_cmd(s, before):
    """--exec-cmd: criu becomes the command, which is the parent of the tree."""
    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    argv = [a for a in s.restore_argv(images, False) if a != "-d"]
    argv += ["--exec-cmd", "--", "/bin/sh", "-c",
             f"ulimit -Sn >{s.work}/limit; echo $$ >{s.work}/parent; while [ ! -e {s.work}/done ]; do sleep 0.02; done; :"]
    s.last_log = os.path.join(images, "restore.log")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[0] - 1, limits[1]))
    try:
        pid = s.reaper.spawn([s.criu] + argv, s.work, s.criu_out, s.env)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    where = os.path.join(s.work, "parent")
    end = time.monotonic() + s.timeout
    while not (os.path.exists(where) and open(where).read().strip()):
        expect(time.monotonic() < end, "the command doesn't come")
        s.reaper.poll()
        expect(pid not in s.reaper.ended, "criu ended")
        time.sleep(0.01)
    expect(open(where).read().strip() == str(pid), "the command isn't criu's process")
    with open(os.path.join(s.work, "limit")) as f:
        limit = f.read().strip()
    expect(limit == str(limits[0] - 1), f"the command may have {limit} descriptors, criu might {limits[0] - 1}")
    parent = snapshot.stat_fields(f"/proc/{s.root}/stat")[4]
    expect(parent == str(pid), f"the parent is {parent}, not the command, {pid}")
    with open(os.path.join(s.work, "done"), "w"):
        pass
    expect(s.reaper.wait(pid, 5) == 0, "the command failed")
    s.compare(before, "the restore")


def script(s, name, text):
    path = os.path.join(s.work, name)
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path


def action_script(s, before):
    """Each stage is announced once, in order, with the pid."""
    path = script(s, "hook.sh", f'echo "$CRTOOLS_SCRIPT_ACTION" "$CRTOOLS_INIT_PID" >>{s.work}/stages\n'
                                '[ -d "$CRTOOLS_IMAGE_DIR" ] || exit 1\n')
    images = s.images("images-1")
    s.check_dumped(s.dump(images, extra=["--action-script", path]), before)
    s.check_restored(s.restore(images, extra=["--action-script", path]), before)
    with open(os.path.join(s.work, "stages")) as f:
        lines = [line.split() for line in f]
    stages = [words[0] for words in lines]
    want = ["pre-dump", "post-dump", "pre-restore", "post-restore", "pre-resume", "post-resume"]
    got = [w for w in stages if w in want]
    expect(got == want, f"the stages were {stages}")
    pids = {words[0]: words[1:] for words in lines}
    for stage in ("post-restore", "pre-resume", "post-resume"):
        expect(pids[stage] == [str(s.root)], f"{stage} was given the pid {pids[stage]}")


def script_hangs(s, before):
    """criu is killed while a post-dump script hangs: the tasks run on, nothing is left, nothing looks like a set."""
    path = script(s, "hook.sh", f'[ "$CRTOOLS_SCRIPT_ACTION" = post-dump ] || exit 0\n: >{s.work}/there\n'
                                "exec sleep 1000\n")
    images = s.images("images-1")
    s.last_log = os.path.join(images, "dump.log")
    argv = [s.criu] + s.dump_argv(images, False) + ["--action-script", path]
    pid = s.reaper.spawn(argv, s.work, s.criu_out, s.env)
    end = time.monotonic() + s.timeout
    while not os.path.exists(os.path.join(s.work, "there")):
        expect(time.monotonic() < end, "the script isn't run")
        s.reaper.poll()
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    s.reaper.wait(pid, 5)
    wait_state(s, before, "SRD")
    s.compare(before, "the killed dump")
    expect(not os.path.exists(os.path.join(images, "inventory.img")), "there is an inventory.img")


def script_fails(stage):
    """A script that fails in STAGE breaks the command; nothing is lost."""
    def scenario(s, before):
        path = script(s, "hook.sh", f'[ "$CRTOOLS_SCRIPT_ACTION" = {stage} ] && exit 7\nexit 0\n')
        images = s.images("images-1")
        if stage.endswith("dump"):
            failed(s, s.dump(images, extra=["--action-script", path]), "the dump")
            s.compare(before, "the broken dump")
            return
        s.check_dumped(s.dump(images), before)
        failed(s, s.restore(images, extra=["--action-script", path]), "the restore")
        left = proc.only_these_left(s.reaper, ())
        expect(not left, "left behind: " + ", ".join(left))
        s.check_restored(s.restore(images), before)
    scenario.__doc__ = f"A script that fails at {stage} breaks the command; nothing is lost."
    return scenario


def over_old_set(s, before):
    """A dump into a directory with an old set, also with a larger one of another tree: the new one counts."""
    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    s.check_restored(s.restore(images), before)
    for name in os.listdir(images):
        if name.endswith(".img"):
            with open(os.path.join(images, name), "ab") as f:
                f.write(b"left over" * 1000)
    for name in ("core-99999.img", "pages-77.img"):
        shutil.copy(os.path.join(images, "pstree.img"), os.path.join(images, name))
    for pmem in (False, True):
        s.check_dumped(s.dump(images, pmem), before)
        s.check_restored(s.restore(images, pmem), before)


def same_set_often(s, before):
    """One set is restored five times; the images don't change."""
    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    had = {n: open(os.path.join(images, n), "rb").read() for n in os.listdir(images) if n.endswith(".img")}
    for n in range(5):
        s.check_restored(s.restore(images), before)
        for name, data in had.items():
            if not name.startswith("stats-"):
                expect(open(os.path.join(images, name), "rb").read() == data, f"{name} changed")
        if n < 4:
            forget(s, before)


def pid_taken(s, before):
    """While the tree exists it can't be restored; that harms neither the tree nor the set."""
    images = s.images("images-1")
    expect(s.dump(images, extra=["-R"]) == 0, "the dump failed")
    had = files_of(s.work)
    failed(s, s.restore(images), "the restore")
    s.compare(before, "the failed restore")
    expect(files_of(s.work) == had, "it left files behind")
    forget(s, before)
    s.check_restored(s.restore(images), before)


def no_such_task(s, before):
    """A pid that doesn't exist."""
    images = s.images("images-1")
    s.last_log = os.path.join(images, "dump.log")
    code = s.criu_run(["dump", "-t", "99999", "-D", images, "-o", "dump.log", "-v4"])
    failed(s, code, "the dump")
    s.compare(before, "the failed dump")


def own_caller(s, before):
    """A dump of the process that called criu, or of criu's own tree, is refused."""
    images = s.images("images-1")
    s.last_log = os.path.join(images, "dump.log")
    code = s.reaper.run(["/bin/sh", "-c", f"'{s.criu}' dump -t $$ -D '{images}' -o dump.log -v4; exit $?"], s.work,
                        s.criu_out, s.timeout, s.env)
    failed(s, code, "the dump of its own parent")
    s.compare(before, "the refused dump")


def empty_directory(s, before):
    """A restore from a directory without images."""
    failed(s, s.restore(s.images("images-1")), "the restore")
    s.compare(before, "the failed restore")


def two_at_once(s, before):
    """Two dumps of the same tree at once: one wins, the other says so; a set comes out whole."""
    images = [s.images("images-1"), s.images("images-2")]
    pids = [s.reaper.spawn([s.criu] + s.dump_argv(i, False), s.work, s.criu_out, s.env) for i in images]
    codes = [s.reaper.wait(pid, s.timeout) for pid in pids]
    expect(codes.count(0) == 1, f"they ended with {codes}")
    s.last_log = os.path.join(images[codes.index(0)], "dump.log")
    s.check_dumped(0, before)
    expect(not os.path.exists(os.path.join(images[1 - codes.index(0)], "inventory.img")),
           "the loser left an inventory.img")
    s.check_restored(s.restore(images[codes.index(0)]), before)


def changed_file(s, before):
    """A mapped file whose size changed in between is refused; put right, it works."""
    images = s.images("images-1")
    path = os.path.join(s.work, "mapped")
    s.check_dumped(s.dump(images), before)
    size = os.path.getsize(path)
    with open(path, "ab") as f:
        f.write(b"longer")
    failed(s, s.restore(images), "the restore")
    left = proc.only_these_left(s.reaper, ())
    expect(not left, "left behind: " + ", ".join(left))
    os.truncate(path, size)
    s.check_restored(s.restore(images), before)


def missing_file(s, before):
    """A mapped file that is gone: an error that names it; put right, it works."""
    images = s.images("images-1")
    path = os.path.join(s.work, "mapped")
    s.check_dumped(s.dump(images), before)
    os.rename(path, path + ".away")
    failed(s, s.restore(images), "the restore")
    expect(s.log_has(r"Error \(.*mapped"), "the error doesn't name the file")
    os.rename(path + ".away", path)
    s.check_restored(s.restore(images), before)


def no_room(s, before):
    """Images don't fit (a file size limit stands for a full disk): the tasks run on, nothing looks like a set."""
    images = s.images("images-1")
    s.last_log = os.path.join(images, "dump.log")
    words = " ".join(f"'{w}'" for w in [s.criu] + s.dump_argv(images, False))
    code = s.reaper.run(["/bin/bash", "-c", f"ulimit -f 16; trap '' XFSZ; {words}"], s.work, s.criu_out, s.timeout,
                        s.env)
    expect(code is not None and code > 0, f"the dump ended with {code}")
    expect(not os.path.exists(os.path.join(images, "inventory.img")), "there is an inventory.img")
    s.compare(before, "the failed dump")


SCENARIOS = {f.__name__: f for f in (
    leave_running, leave_stopped, restore_stopped, statistics_shown, config_file, cpu_cap,
    log_pid, restore_attached, restore_sibling, exec_cmd, action_script,
    script_hangs, over_old_set, same_set_often, pid_taken, no_such_task, own_caller, empty_directory, two_at_once, changed_file,
    missing_file, no_room)}
SCENARIOS.update({f"script_fails_{stage}": script_fails(stage)
                  for stage in ("pre-dump", "post-dump", "pre-restore", "post-restore", "pre-resume")})


def known():
    """All scenarios, those of other files too."""
    from . import (scenarios_attributes, scenarios_by_task, scenarios_fam, scenarios_fam_bad, scenarios_files,
                   scenarios_lazy, scenarios_memory, scenarios_pool, scenarios_signals)
    others = (scenarios_files, scenarios_attributes, scenarios_memory, scenarios_signals, scenarios_fam,
              scenarios_fam_bad, scenarios_lazy, scenarios_pool, scenarios_by_task)
    return {**SCENARIOS, **{name: f for other in others for name, f in other.SCENARIOS.items()}}


def choose(names):
    """The scenarios to run, and the tests whose programs they need."""
    found = known()
    for name in names:
        if name not in found:
            sys.exit(f"run.py: no scenario {name}; there are: {' '.join(found)}")
    names = names or list(found)
    return names, sorted({program_of(found[name]) for name in names})


def program_of(scenario):
    return getattr(scenario, "program", "rich")


def huge_pages_of(scenario):
    """How many of 2 MiB it needs."""
    return getattr(scenario, "huge_pages", 0)


def main(job, tally):
    programs = [name for name, *_ in job["tests"]]
    found = known()
    for name in job["scenarios"]:
        again = f"test/zdtm/run.py scenarios {name} --keep"
        if huge_pages_of(found[name]) and not job["huge"]:
            tally.skip(f"{name}: needs huge pages")
            continue
        s = fresh(job, programs.index(program_of(found[name])))
        try:
            found[name](s, s.steady())
            s.go()
            verdict, text = s.finish()
            expect(verdict == "PASS", text)
            tally.good(name)
        except (proc.Failure, OSError) as e:
            tally.bad(name, damage.report(s, e), again)
