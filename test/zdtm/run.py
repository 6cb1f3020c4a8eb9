#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""End-to-end tests: programs that are dumped, restored and then check themselves.

  run.py list                        the tests, with what each is about
  run.py run [NAME...]               run some or (without names) all; --help for how
  run.py selftest [NAME...]          without criu: each test must notice a state that it spoils itself
  run.py scenarios [NAME...]         options and errors whose effect is on the tasks
  run.py faults                      break dump and restore in each phase
  run.py kills                       kill criu at random moments
  run.py mutate                      restore damaged image sets
  run.py mutate-pools                look into damaged pools, and restore from there

The last line of each is "N passed, N failed, N skipped".
"""
import argparse
import fnmatch
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from runner import inner, outer, tests  # noqa: E402


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("command", choices=["list", "run", "selftest", "scenarios", "faults", "kills", "mutate",
                                       "mutate-pools"])
    p.add_argument("names", nargs="*", metavar="NAME", help="tests, patterns allowed")
    p.add_argument("--all", action="store_true", help="every test (the default without names)")
    p.add_argument("-j", "--jobs", type=int, default=os.cpu_count(), metavar="N", help="at once")
    mode = p.add_mutually_exclusive_group()
    mode.add_argument("--files", dest="modes", action="store_const", const=["files"], help="pages in files (default)")
    mode.add_argument("--pmem", dest="modes", action="store_const", const=["pmem"], help="with --use-pmem")
    mode.add_argument("--both", dest="modes", action="store_const", const=["files", "pmem"])
    mode.add_argument("--cross", dest="modes", action="store_const", const=["cross"],
                      help="one mode restores what the other wrote, in turns")
    mode.add_argument("--fam", dest="modes", action="store_const", const=["fam"],
                      help="pages in a pool (--fam-dir), copied back")
    mode.add_argument("--fam-lazy", dest="modes", action="store_const", const=["fam-lazy"],
                      help="the same, restored with --fam-restore=lazy; the last time pages come by faults alone")
    mode.add_argument("--fam-cross", dest="modes", action="store_const", const=["fam-cross"],
                      help="what was dumped into a pool is exported and restored; the next, ordinary set imported")
    mode.add_argument("--no-criu", action="store_true", help="only the programs themselves")
    p.add_argument("--criu", default=os.path.join(tests.TOP, "criu", "criu"), metavar="PATH")
    p.add_argument("--bindir", default=os.path.join(tests.TOP, os.environ.get("BUILD", "build"), "zdtm"),
                   metavar="DIR", help="where the programs were built (make zdtm)")
    p.add_argument("--rounds", type=int, default=2, metavar="N", help="dumps and restores in a row")
    p.add_argument("--without", action="append", default=[], metavar="FEATURE",
                   help="with this kernel probe switched off (criu check --list's names); being refused is as good then")
    p.add_argument("--leave-running", action="store_true", help="dump with -R, no restore")
    p.add_argument("--timeout", type=int, default=20, metavar="SECONDS", help="for one criu command or wait")
    p.add_argument("--report", metavar="FILE", help="write JSON")
    p.add_argument("--tap", metavar="FILE", help="write TAP")
    p.add_argument("--keep", action="store_true", help="keep the work directories")
    p.add_argument("--dumps", type=int, default=200, metavar="N", help="kills: dumps to kill")
    p.add_argument("--restores", type=int, default=200, metavar="N", help="kills: restores to kill")
    p.add_argument("--count", type=int, default=1000, metavar="N", help="mutate: damaged sets or pools")
    p.add_argument("--seed", type=int, default=1, metavar="N", help="kills, mutate: of the random numbers")
    p.add_argument("--verbose", action="store_true", help="mutate: print what became of each set")
    p.add_argument("--only", type=int, metavar="N", help="mutate: only the N-th damaged set")
    a = p.parse_intermixed_args()
    a.modes = a.modes or ["files"]
    a.criu = os.path.abspath(a.criu)
    return a


def choose(known, names):
    if not names:
        return list(known.values())
    out = []
    for name in names:
        hits = fnmatch.filter(known, name)
        if not hits:
            sys.exit(f"run.py: no test {name}; see run.py list")
        out += [known[h] for h in hits if known[h] not in out]
    return out


def main():
    # As under nohup(1): the programs count on what the kernel does by default.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if len(sys.argv) == 3 and sys.argv[1] == "--inner":
        return inner.main(sys.argv[2])
    a = arguments()
    known = tests.find(os.path.abspath(a.bindir))
    if a.command == "list":
        for test in choose(known, a.names):
            print(f"{test.name:28} {test.title}")
        return 0
    if os.geteuid() != 0:
        sys.exit("run.py: needs root")
    if a.command in ("run", "selftest"):
        return outer.run(a, choose(known, a.names))
    from runner import damage
    return damage.run(a, known)


if __name__ == "__main__":
    sys.exit(main())
