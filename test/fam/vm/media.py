# SPDX-License-Identifier: GPL-2.0
"""Pools on every medium that QEMU can emulate: what guest.py does there, once for each."""
from boot import MANY_FILES

GUEST = "/usr/bin/python3 test/fam/vm/guest.py"
EADR = ["--qemu-arg", "-M", "--qemu-arg", "nvdimm-persistence=cpu"]
ON_PMEM = "$PMEM_DIR/pool --images $PMEM_DIR"


def suite(boot, words, device, options=(), first=""):
    """guest.py suite WORDS in a guest with DEVICE, after the shell commands FIRST."""
    return boot.run(f"{first}\n{GUEST} suite {words}", device=device, memory=2000, options=options, start=MANY_FILES)


def job_ext4(boot):
    """A pool that grows, on ext4 with DAX."""
    return suite(boot, f"{ON_PMEM} --pmem clwb", "nvdimm", ["-s", "64"])


def job_xfs(boot):
    """A pool of a fixed size, on XFS with DAX."""
    return suite(boot, f"{ON_PMEM} --size 32M --pmem clwb", "nvdimm", ["--fs", "xfs"])


def job_eadr(boot):
    """ext4 with DAX where the caches survive a power cut."""
    return suite(boot, f"{ON_PMEM} --pmem eadr", "nvdimm", ["-s", "64", *EADR])


def job_devdax(boot):
    """A device-DAX character device."""
    return suite(boot, "$DAX_DEV --pmem clwb", "devdax", ["-s", "64"])


def job_far(boot):
    """A DAX device that became memory, the far NUMA node; a tmpfs that is bound to it."""
    return suite(boot, "$FAR_DIR/pool --size 32M --node 1", "nvdimm", ["--mode", "system-ram", "-s", "384"])


def cxl(boot):
    """run-in-vm's words for the QEMU that this kernel's CXL driver works with."""
    return ["-s", "256"] if boot.kernel == "6.1" else ["-s", "256", "--qemu", "bpo"]


def job_cxl(boot):
    """ext4 with DAX on CXL persistent memory."""
    return suite(boot, f"{ON_PMEM} --size 32M --quick --pmem clwb", "cxl-pmem", cxl(boot))


def job_cxl_devdax(boot):
    """CXL persistent memory as a device-DAX device."""
    return suite(boot, "$DAX_DEV --size 32M --quick --pmem clwb", "cxl-pmem", ["--mode", "devdax", *cxl(boot)])


def job_hugetlb(boot):
    """Huge pages."""
    return suite(boot, "/mnt/huge/pool --size 32M", "none", first=(
        "echo 40 > /proc/sys/vm/nr_hugepages; mkdir -p /mnt/huge; mount -t hugetlbfs -o size=64M none /mnt/huge"))


def job_quick(boot):
    """The least of it, for every day: ext4 with DAX."""
    return suite(boot, f"{ON_PMEM} --quick --no-full --pmem clwb", "nvdimm", ["-s", "64"])


def job_units(boot):
    """The unit tests that want such a medium: linear pools on a device."""
    return boot.run("TEST_TIME_FACTOR=10 test/suite.py unit/fam/device", device="devdax", memory=2000,
                    options=["-s", "128"], start=MANY_FILES)


JOBS = {"fam-units": job_units, "fam-ext4": job_ext4, "fam-xfs": job_xfs, "fam-eadr": job_eadr, "fam-devdax": job_devdax, "fam-far": job_far,
        "fam-cxl": job_cxl, "fam-cxl-devdax": job_cxl_devdax, "fam-hugetlb": job_hugetlb}
