#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What runs inside the virtual machines: pools on the media that they have. Works on any machine, too.

  guest.py suite POOL      makes a pool there and does everything with it; see --help
  guest.py cut POOL ...    dumps into it until the power is cut, having checked what the last cut left (cut.py)
  guest.py first POOL ...  one of two machines that share the pool
  guest.py second POOL ... the other one (hosts.py)

POOL is a directory, which is made, or a device. The last line is "N passed, N failed, N skipped".
"""
import argparse
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "zdtm"))
sys.dont_write_bytecode = True

import cut  # noqa: E402
import hosts  # noqa: E402
import suite  # noqa: E402
from runner import outer, proc  # noqa: E402

JOBS = {"suite": suite.main, "cut": cut.main, "first": hosts.first, "second": hosts.second}


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("job", choices=JOBS)
    p.add_argument("pool", metavar="POOL")
    p.add_argument("--images", default="/dev/shm", metavar="DIR", help="where the sets are made")
    p.add_argument("--size", metavar="SIZE", help="for criu fam init; default: a pool that grows, or the whole device")
    p.add_argument("--quick", action="store_true", help="suite: less of it")
    p.add_argument("--pmem", metavar="HOW", help="suite: it is persistent memory, flushed this way: clwb, eadr, ...")
    p.add_argument("--node", type=int, metavar="N", help="suite: its memory is on this NUMA node, the tasks' on another")
    p.add_argument("--no-full", action="store_true", help="suite: the pool is too large to be filled")
    p.add_argument("--timeout", type=int, default=240, metavar="SECONDS", help="for one command")
    p.add_argument("--share", metavar="DIR", help="first, second: both see it")
    p.add_argument("--state", metavar="FILE", help="cut: JSON, what the checkpoints may be")
    p.add_argument("--seed", type=int, default=1, metavar="N", help="cut: of the random numbers")
    p.add_argument("--dumps", type=int, default=0, metavar="N", help="cut: so many, then end; 0: only look")
    return p.parse_args()


def main():
    if sys.argv[1] == "--inner":
        proc.begin_inside()
        proc.private_devpts()
        a = argparse.Namespace(**json.loads(sys.argv[2]))
        return JOBS[a.job](a)
    a = arguments()
    done = outer.in_namespace([sys.executable, os.path.abspath(__file__), "--inner", json.dumps(vars(a))])
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
