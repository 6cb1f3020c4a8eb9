# SPDX-License-Identifier: GPL-2.0
"""Lazy restore: asking the pager, dumping while pages are missing, and pagers that are killed."""
import json
import os
import random
import re
import signal
import subprocess
import time

from . import proc
from .fam import Pool
from .scenarios import expect, failed, forget

LAZY = ["--fam-restore=lazy"]
HELD = {"CRIU_PAGER_FILL": "0"}  # pages come by faults alone
NAMES = {"criu-pager": "pager", "criu-pager-2": "guardian"}


def pagers():
    """{"pager": pid, "guardian": pid}, those that there are."""
    found = {}
    for pid in proc.all_pids():
        try:
            with open(f"/proc/{pid}/comm") as f:
                name = f.read().strip()
            with open(f"/proc/{pid}/stat") as f:
                ended = f.read().rsplit(")", 1)[1].split()[0] in "ZX"
        except OSError:
            continue
        if name in NAMES and not ended:
            found[NAMES[name]] = pid
    return found


def wait_for(condition, text, timeout=10.0):
    end = time.monotonic() + timeout
    while not condition():
        expect(time.monotonic() < end, text)
        time.sleep(0.002)


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def dumped(s, before):
    images = s.images("images-1")
    s.check_dumped(s.dump(images), before)
    return images


def restored(s, images, env=None):
    s.check_command(s.restore(images, extra=LAZY, env=env))
    return pagers()


def stat(s, *words):
    done = subprocess.run([s.criu, "fam", "stat", str(s.root), *words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=20, check=False)
    return done.returncode, done.stdout, done.stderr


def figures(s):
    code, out, err = stat(s, "--json")
    expect(code == 0, f"fam stat ended with {code}: {err}")
    return json.loads(out)


def asked(s, before):
    """criu fam stat tells of a lazy restore while it goes on, and that it is over."""
    found = restored(s, dumped(s, before), HELD)
    told = figures(s)
    expect({k: told[k] for k in found} == found, f"it tells of {told}, there are {found}")
    expect(told["missing"] > 0 and s.root in told["pids"], f"it tells of {told}")
    code, out, _ = stat(s)
    expect(code == 0 and re.search(r"pages missing: [1-9]", out), f"it prints {out}")
    s.go()
    wait_for(s.has_ended, "the program doesn't end")
    wait_for(lambda: not pagers(), "the pager doesn't leave")
    code, _, err = stat(s)
    expect(code == 1 and "No pager serves" in err, f"after that: {code}, {err}")


def apart(s, before):
    """The pager is a process of its own: session, cgroup, no terminal, nobody's child, nothing open but what it needs."""
    images = dumped(s, before)
    for which, pid in restored(s, images, HELD).items():
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        expect(fields[4] == "0", f"{which} has a terminal: {fields[4]}")
        expect(int(fields[3]) not in (s.root, os.getsid(s.root), os.getsid(0)), f"{which} is in session {fields[3]}")
        expect(int(fields[1]) != s.root, f"{which} is a child of the tasks")
        links = {int(n): os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")}
        expect(all(links[n] == "/dev/null" for n in range(3)), f"standard streams of {which}: {links}")
        strange = [v for n, v in links.items() if n > 2 and not re.match(r"pipe:|socket:|anon_inode:", v)]
        expect(not strange, f"{which} has open {strange}")
        with open(f"/proc/{pid}/cgroup") as f, open("/proc/self/cgroup") as own:
            its, ours = ({row.rstrip().split(":", 2)[1]: row.rstrip().split(":", 2)[2] for row in lines} for lines in (f, own))
        with open("/proc/mounts") as f:
            unified = [row.split()[1] for row in f if row.split()[2] == "cgroup2"]
        if unified and os.access(unified[0], os.W_OK):
            expect(re.match(r".*/criu-pager\.\d+$", its[""]) and its[""] != ours[""], f"{which} is in cgroup {its['']}")
    s.go()
    wait_for(s.has_ended, "the program doesn't end")


def dump_meanwhile(s, before):
    """A dump waits until all pages are there."""
    restored(s, dumped(s, before), HELD)
    expect(figures(s)["missing"] > 0, "nothing is missing")
    images = s.images("images-2")
    s.check_dumped(s.dump(images), before)
    expect(not pagers(), "the pager is still there")
    s.check_restored(s.restore(images), before)


def filled(s, before):
    """The pager fills what nobody touches, and leaves; then the tasks look as they did."""
    images = dumped(s, before)
    s.check_restored(s.restore(images, extra=LAZY), before)


def racing(s, before):
    """Tasks that drop, move and fork while the pager fills see what they should; several times."""
    images = dumped(s, before)
    go = os.path.join(s.work, s.test.name + ".go")
    for _ in range(8):
        restored(s, images)
        s.go()
        wait_for(s.has_ended, "the program doesn't end", s.timeout)
        code = s.reaper.ended.pop(s.root)
        expect(code == 0, f"the program ended with {code}")
        expect(not proc.only_these_left(s.reaper, ()), "something is left")
        os.unlink(go)
    s.check_restored(s.restore(images), before)


racing.program = "mem_lazy_threads"


def killed_again_and_again(which, env, program):
    def scenario(s, before):
        restored(s, dumped(s, before), env)
        s.go()
        chance = random.Random(7)
        times, limit = 0, time.monotonic() + s.timeout
        while not s.has_ended():
            expect(time.monotonic() < limit, "the program doesn't end")
            found = pagers()
            victim = which if which != "either" else chance.choice(["pager", "guardian"])
            if len(found) == 2:
                kill(found[victim])
                times += 1
                # One at a time: a new pair is there in a moment.
                end = time.monotonic() + 1
                while not s.has_ended() and time.monotonic() < end:
                    now = pagers()
                    if len(now) == 2 and found[victim] not in now.values():
                        break
            time.sleep(chance.random() * 0.01)
        expect(times > 0, "nobody was killed")
        wait_for(lambda: not pagers(), "the last pager doesn't leave")
    scenario.__doc__ = f"{program} runs on, and sees what it should, while {which} is killed again and again."
    scenario.program = program
    scenario.__name__ = f"{which}_killed_{'held' if env else 'filling'}"
    return scenario


def both_killed(s, before):
    """When both are killed at once the tasks are, too, before they see a wrong page; many times."""
    images = dumped(s, before)
    chance, times = random.Random(11), 0
    for round_nr in range(25):
        try:
            os.unlink(os.path.join(s.work, s.test.name + ".go"))
        except FileNotFoundError:
            pass
        found = restored(s, images, HELD if round_nr % 3 else None)
        s.go()
        time.sleep(chance.random() * 0.15)
        found = pagers()
        if len(found) < 2:
            forget(s, before)  # all was filled by then
            continue
        times += 1
        os.kill(found["guardian"], signal.SIGSTOP)
        kill(found["pager"])
        kill(found["guardian"])
        wait_for(s.has_ended, "the task lives on", 5.0)
        code = s.reaper.ended.pop(s.root)
        expect(code in (0, -signal.SIGKILL), f"the task ended with {code}")
        left = proc.only_these_left(s.reaper, ())
        expect(not left, "left: " + ", ".join(left))
        with open(s.out, errors="replace") as f:
            expect("FAIL" not in f.read(), "it has seen a wrong page")
    expect(times > 5, f"both were killed {times} times only")
    os.unlink(os.path.join(s.work, s.test.name + ".go"))
    s.check_restored(s.restore(images), before)


both_killed.program = "mem_lazy_threads"


def no_events(s, before):
    """A kernel that doesn't tell of forks is named, before anything is made."""
    images = dumped(s, before)
    failed(s, s.restore(images, extra=LAZY, env={"CRIU_KERNEL_UFFD_NONCOOP": "0"}), "the restore")
    expect(s.log_has("uffd-noncoop.*--fam-restore=copy"), "the log doesn't name what is missing")
    left = proc.only_these_left(s.reaper, ())
    expect(not left, "left behind: " + ", ".join(left))
    s.check_restored(s.restore(images), before)


def broken_later(s, before):
    """A restore that fails when the pager is there leaves neither tasks nor pager."""
    images = dumped(s, before)
    for phase in ("restore-pager", "restore-finalize", "restore-guardian"):
        failed(s, s.restore(images, extra=LAZY, env={"CRIU_FAULT_PHASE": phase}), "the restore")
        left = proc.only_these_left(s.reaper, (), timeout=0.5)
        expect(not left, f"{phase}: left behind: " + ", ".join(left))
    s.check_restored(s.restore(images, extra=LAZY), before)


def source_cut(s, before):
    """Pages that can't be read kill the tasks."""
    images = dumped(s, before)
    saved = os.path.join(s.work, "saved")
    restored(s, images, HELD)
    path = os.path.join(images, "pages-1.img")
    os.link(path, saved)
    with open(saved, "rb") as f:
        content = f.read()
    os.truncate(path, 0)
    s.go()
    wait_for(s.has_ended, "the task lives on", 5.0)
    expect(s.reaper.ended.pop(s.root) == -signal.SIGKILL, "the task wasn't killed")
    os.unlink(os.path.join(s.work, s.test.name + ".go"))
    expect(not proc.only_these_left(s.reaper, ()), "something is left")
    with open(path, "wb") as f:
        f.write(content)
    s.check_restored(s.restore(images), before)


source_cut.program = "mem_lazy_threads"


def dumped_over(s, before):
    """Another tree is dumped into the directory while the pager still reads it: each has its own pages."""
    images = dumped(s, before)
    restored(s, images, HELD)
    with subprocess.Popen(["/bin/sleep", "1000"], start_new_session=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as other:
        for mode in (), ("--use-pmem",):
            done = subprocess.run([s.criu, "dump", "-t", str(other.pid), "-D", images, "-R", *mode], timeout=30, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            expect(done.returncode == 0, f"the other dump failed: {done.stdout}")
        other.kill()
    s.reaper.ended.pop(other.pid, None)
    s.go()
    wait_for(s.has_ended, "the program doesn't end")
    expect(s.reaper.ended[s.root] == 0, "it saw what isn't its own")


dumped_over.program = "mem_lazy_threads"


def pool_held(s, before):
    """The checkpoint stays in its pool as long as the pager needs it."""
    pool = Pool(s)
    images = s.images("images-1")
    s.check_dumped(s.dump(images, extra=["--fam-dir", pool.path]), before)
    restored(s, images, HELD)
    checkpoint, = pool.ids()
    pool.refuse("being read by process", "rm", pool.path, checkpoint, "--force")
    s.go()
    wait_for(s.has_ended, "the program doesn't end")
    wait_for(lambda: not pagers(), "the pager doesn't leave")
    pool.must("rm", pool.path, checkpoint, "--force")


SCENARIOS = {"lazy_" + f.__name__: f for f in (
    asked, apart, dump_meanwhile, filled, racing, both_killed, no_events, broken_later, source_cut, dumped_over, pool_held,
    *(killed_again_and_again(which, env, "mem_lazy_threads") for which in ("pager", "guardian", "either")
      for env in (HELD, None)))}
