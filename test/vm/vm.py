#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The end-to-end tests on other kernels, in virtual machines (QEMU without KVM, so this takes its time).

  vm.py list                   the jobs
  vm.py run [JOB...]           those, or all of them; `make test-vm` is all
  vm.py run --kernel 6.1 ...   on this kernel only (default: each of KERNELS)
  vm.py quick                  a pool on a DAX file system, on one kernel, in under a minute; skipped without QEMU

The guest sees this machine's own root file system, so what is built here is what is tested there: don't build while it
runs. Jobs are run kernel by kernel. What fails is printed at once, and each minute how far it is. The last line is
"N passed, N failed, N skipped".
"""
import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(os.path.dirname(HERE), "fam", "vm"))

import media  # noqa: E402
import power  # noqa: E402
import two  # noqa: E402
from boot import SUMMARY, TOP, Boot  # noqa: E402

RUN = "/usr/bin/python3 test/zdtm/run.py"
KERNELS = ("6.1", "6.12")
NO_GUEST = 125  # run-in-vm's exit status
NOT_HERE = re.compile(r"^run-in-vm: (no qemu.*|cannot download.*|apt knows no.*|.* is needed)$", re.M)
SLOW = "--rounds 1 --timeout 240 -j 2"
# Minutes each without a real processor, and no other code than smaller ones.
TOO_MUCH = ("threads_1000", "mem_areas_65000", "mem_areas_limit")

ELSEWHERE = ("plain", "rich", "vdso", "mem_large", "threads_one", "tree_ids")


def all_tests():
    out = subprocess.run([*RUN.split(), "list"], cwd=TOP, stdout=subprocess.PIPE, check=True).stdout.decode()
    return [line.split()[0] for line in out.splitlines() if line.split()[0] not in TOO_MUCH]


def job_tests(boot):
    """Every test, pages in files and with --use-pmem."""
    return boot.run(f"{RUN} run --both {SLOW} --report {boot.share}/report.json {' '.join(all_tests())}", minutes=120)


def job_units(boot):
    """The unit tests in C: they try every probe, and system calls."""
    return boot.run("TEST_TIME_FACTOR=10 test/suite.py $(test/suite.py list | grep '^unit/' | grep -v python)")


def job_scenarios(boot):
    """Options and errors."""
    return boot.run(f"{RUN} scenarios --timeout 240")


def job_faults(boot):
    """Dump and restore broken in every phase."""
    return boot.run(f"{RUN} faults --timeout 240")


def job_probes(boot):
    """Each probe that tests reach, switched off, with those tests: they pass, or are refused by name."""
    report = f"{boot.share}/report.json"
    if not os.path.exists(report):
        status, text = job_tests(boot)
        if not os.path.exists(report):
            return status, text
    with open(report) as f:
        rows = json.load(f)["tests"]
    reach = {}
    for row in rows:
        for feature, answers in row.get("features", {}).items():
            if "yes" in answers:
                reach.setdefault(feature, set()).add(row["name"])
    lines = "".join(f"echo 'without {feature}:'; {RUN} run {SLOW} --without {feature} {' '.join(sorted(names))} || bad=1\n"
                    for feature, names in sorted(reach.items()))
    return boot.run("bad=0\n" + lines + "exit $bad", minutes=180)


def job_nvdimm(boot):
    """Images on a DAX file system on persistent memory: --use-pmem stores into the medium itself."""
    names = " ".join(n for n in all_tests() if re.match(r"plain$|rich$|mem_|fd_|threads_one", n))
    return boot.run(f"TMPDIR=$PMEM_DIR {RUN} run --pmem {SLOW} {names}", device="nvdimm")


def job_memory(boot):
    """Memory in swap; and where no memory may be promised that isn't there (vm.overcommit_memory=2)."""
    names = " ".join(n for n in all_tests() if re.match(r"plain$|rich$|mem_|threads_one", n))
    status, text = boot.run(
        "modprobe zram && echo 512M > /sys/block/zram0/disksize && mkswap /dev/zram0 && swapon /dev/zram0 || exit 1\n"
        f"bad=0\n{RUN} run --both {SLOW} mem_swapped || bad=1\n"
        "swapoff -a; echo 2 > /proc/sys/vm/overcommit_memory; echo 80 > /proc/sys/vm/overcommit_ratio\n"
        f"{RUN} run {SLOW} {names} || bad=1\nexit $bad")
    passed = re.search(r"PASS mem_swapped files", text) and re.search(r"PASS mem_swapped pmem", text)
    return status if passed else status or 1, text


def job_elsewhere(boot):
    """A set that was dumped on the other kernel is restored here: another vDSO."""
    other = Boot([k for k in KERNELS if k != boot.kernel][0], boot.share, boot.verbose)
    other.job = boot.job
    tar = os.path.join(boot.share, "elsewhere.tar")
    status, text = other.run(f"test/vm/elsewhere.py dump {tar} {' '.join(ELSEWHERE)}")
    if status == 0:
        status, text = boot.run(f"test/vm/elsewhere.py restore {tar}")
    return status, text


# Those of pools do without files in /tmp.
FAM_JOBS = {**media.JOBS, **two.JOBS, **power.JOBS}
JOBS = {"tests": job_tests, "units": job_units, "scenarios": job_scenarios, "faults": job_faults, "probes": job_probes,
        "nvdimm": job_nvdimm, "memory": job_memory, "elsewhere": job_elsewhere, **FAM_JOBS}


def count(status, text):
    passed = failed = skipped = 0
    for found in SUMMARY.findall(text):
        passed, failed, skipped = passed + int(found[0]), failed + int(found[1]), skipped + int(found[2] or 0)
    if status != 0 and not failed or not passed:
        failed += 1
    return passed, failed, skipped


def quick(verbose):
    """One boot; a machine on which that can't be isn't at fault."""
    with tempfile.TemporaryDirectory(prefix="criu-vm-", dir="/var/tmp") as share:
        if not shutil.which("qemu-system-x86_64"):
            status, text = NO_GUEST, "run-in-vm: no qemu-system-x86_64: scripts/install-deps --vm"
        else:
            status, text = media.job_quick(Boot(KERNELS[-1], share, verbose))
    why = NOT_HERE.search(text)
    if status == NO_GUEST and why:
        print(f"SKIP a virtual machine ({why[1]})\n0 passed, 0 failed, 1 skipped")
        return 0
    passed, failed, skipped = count(status, text)
    if not verbose:
        print(text.rstrip())
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def run_job(name, boot):
    """(passed, failed, skipped)"""
    began = time.monotonic()
    boot.job = name
    status, text = JOBS[name](boot)
    passed, failed, skipped = count(status, text)
    print(f"{'FAIL' if failed else 'ok':4} {boot.kernel:5} {name:14} {passed:5} passed {failed:3} failed {skipped:3} skipped "
          f"{time.monotonic() - began:7.0f} s", flush=True)
    if failed and not boot.verbose:
        print(f"---- how it ended:\n{text[-2000:].rstrip()}\n----", flush=True)
    return passed, failed, skipped


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # machines end with us
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("command", choices=["list", "run", "quick"])
    p.add_argument("jobs", nargs="*", metavar="JOB")
    p.add_argument("--kernel", action="append", metavar="VERSION")
    p.add_argument("--verbose", action="store_true", help="print all that the guests print")
    a = p.parse_intermixed_args()
    if a.command == "list":
        for name, job in JOBS.items():
            print(f"{name:14} {job.__doc__}")
        return 0
    for name in a.jobs:
        if name not in JOBS:
            sys.exit(f"vm.py: no job {name}; see vm.py list")
    if a.command == "quick":
        return quick(a.verbose)
    if TOP.startswith("/tmp/") and set(a.jobs or JOBS) - set(FAM_JOBS):
        sys.exit("vm.py: guests have a /tmp of their own: the tree must stand elsewhere")
    totals = [0, 0, 0]
    for kernel in a.kernel or KERNELS:
        with tempfile.TemporaryDirectory(prefix="criu-vm-", dir="/var/tmp", ignore_cleanup_errors=True) as share:
            for name in a.jobs or JOBS:
                numbers = run_job(name, Boot(kernel, share, a.verbose))
                totals = [x + y for x, y in zip(totals, numbers)]
    print(f"{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
