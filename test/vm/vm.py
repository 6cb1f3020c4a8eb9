#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The end-to-end tests on other kernels, in virtual machines (QEMU without KVM, so this takes its time).

  vm.py list                   the jobs
  vm.py run [JOB...]           those, or all of them; `make test-vm` is all
  vm.py run --kernel 6.1 ...   on this kernel only (default: each of KERNELS)

The guest sees this machine's own root file system, so what is built here is what is tested there. Jobs are run kernel
by kernel. The last line is "N passed, N failed, N skipped".
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
RUN = "/usr/bin/python3 test/zdtm/run.py"
KERNELS = ("6.1", "6.12")
SUMMARY = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", re.M)
SLOW = "--rounds 1 --timeout 240 -j 2"
TOO_MUCH = ("threads_1000", "mem_areas_65000")  # minutes each without a real processor, and no other code than smaller ones

# The guest's root is an overlay, which lacks things that tests do with files; tmpfs has them.
START = "ulimit -n 1048576; mount -t tmpfs tmpfs /tmp; "
ELSEWHERE = ("plain", "rich", "vdso", "mem_large", "threads_one", "tree_ids")


class Boot:
    """One virtual machine after the other, with a directory in which the guest's files stay."""

    def __init__(self, kernel, share, verbose):
        self.kernel, self.share, self.verbose = kernel, share, verbose

    def run(self, command, device="none", minutes=60):
        """(exit status, output) of a shell line in the guest, in the tree's top directory."""
        argv = [os.path.join(HERE, "run-in-vm"), "-k", self.kernel, "-d", device, "-m", "3500", "-t", str(minutes * 60),
                "-w", self.share, "-C", TOP, START + command]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        text = done.stdout.decode(errors="replace")
        if self.verbose:
            print(text, flush=True)
        return done.returncode, text


def all_tests():
    out = subprocess.run([*RUN.split(), "list"], cwd=TOP, stdout=subprocess.PIPE, check=True).stdout.decode()
    return [line.split()[0] for line in out.splitlines() if line.split()[0] not in TOO_MUCH]


def job_tests(boot):
    """Every test, pages in files and with --use-pmem."""
    return boot.run(f"{RUN} run --both {SLOW} --report {boot.share}/report.json {' '.join(all_tests())}", minutes=120)


def job_units(boot):
    """The unit tests in C: they try every probe, and system calls."""
    return boot.run("test/suite.py $(test/suite.py list | grep '^unit/' | grep -v python)")


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


def job_elsewhere(boot):
    """A set that was dumped on the other kernel is restored here: another vDSO."""
    other = Boot([k for k in KERNELS if k != boot.kernel][0], boot.share, boot.verbose)
    tar = os.path.join(boot.share, "elsewhere.tar")
    status, text = other.run(f"test/vm/elsewhere.py dump {tar} {' '.join(ELSEWHERE)}")
    if status == 0:
        status, text = boot.run(f"test/vm/elsewhere.py restore {tar}")
    return status, text


JOBS = {"tests": job_tests, "units": job_units, "scenarios": job_scenarios, "faults": job_faults, "probes": job_probes,
        "nvdimm": job_nvdimm, "elsewhere": job_elsewhere}


def count(status, text):
    passed = failed = skipped = 0
    for found in SUMMARY.findall(text):
        passed, failed, skipped = passed + int(found[0]), failed + int(found[1]), skipped + int(found[2] or 0)
    if status != 0 and not failed or not passed:
        failed += 1
    return passed, failed, skipped


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("command", choices=["list", "run"])
    p.add_argument("jobs", nargs="*", metavar="JOB")
    p.add_argument("--kernel", action="append", metavar="VERSION")
    p.add_argument("--verbose", action="store_true", help="print all that the guests print")
    a = p.parse_intermixed_args()
    if a.command == "list":
        for name, job in JOBS.items():
            print(f"{name:12} {job.__doc__}")
        return 0
    for name in a.jobs:
        if name not in JOBS:
            sys.exit(f"vm.py: no job {name}; see vm.py list")
    totals = [0, 0, 0]
    for kernel in a.kernel or KERNELS:
        share = tempfile.mkdtemp(prefix="criu-vm-")
        boot = Boot(kernel, share, a.verbose)
        for name in a.jobs or JOBS:
            began = time.monotonic()
            status, text = JOBS[name](boot)
            numbers = count(status, text)
            totals = [x + y for x, y in zip(totals, numbers)]
            passed, failed, skipped = numbers
            print(f"{'FAIL' if failed else 'ok':4} {kernel:5} {name:12} {passed:5} passed {failed:3} failed {skipped:3} skipped "
                  f"{time.monotonic() - began:7.0f} s", flush=True)
            if failed:
                print(text[-20000:] if not a.verbose else "", flush=True)
        shutil.rmtree(share, ignore_errors=True)
    print(f"{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
