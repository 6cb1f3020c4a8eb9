# SPDX-License-Identifier: GPL-2.0
"""Programs that put a run-time system or an allocator to work and verify their own memory."""
import os
import shutil
import subprocess

from programs import ENV, HERE, Java, Program

LIBRARIES = "/usr/lib/x86_64-linux-gnu/"


def often(program):
    program.rounds, program.modes = 10, ("files", "pmem")
    return program


class Churn(Program):
    """A program that verifies its own heap, on another allocator."""

    def __init__(self, name, library, title):
        super().__init__(name, ["{work}/churn"], title)
        self.library = library
        self.needs = ("/usr/bin/cc",) + ((library,) if library else ())

    def prepare(self, work):
        subprocess.run(["/usr/bin/cc", "-O1", "-pthread", "-o", os.path.join(work, "churn"),
                        os.path.join(HERE, "churn.c")], check=True)
        if self.library:
            self.argv = ["/usr/bin/env", f"LD_PRELOAD={self.library}", f"{work}/churn"]


class Goroutines(Program):
    def __init__(self):
        super().__init__("go", ["{work}/goroutines"], "a Go program with 10,000 goroutines")
        self.needs = ("/usr/bin/go",)

    def prepare(self, work):
        shutil.copy(os.path.join(HERE, "goroutines.go"), work)
        subprocess.run(["/usr/bin/go", "build", "-o", "goroutines", "goroutines.go"], cwd=work, check=True,
                       env=dict(ENV, GOCACHE=os.path.join(work, "cache"), GOFLAGS="-mod=mod", GO111MODULE="off"))
        shutil.rmtree(os.path.join(work, "cache"), ignore_errors=True)


def all_heaps():
    return [often(program) for program in (
        Goroutines(), Java("heap", "Heap", ["-Xms1g", "-Xmx1g"], "a Java program with a heap of 1 GB"),
        Churn("glibc", None, "glibc's malloc under churn"),
        Churn("jemalloc", LIBRARIES + "libjemalloc.so.2", "jemalloc under churn"),
        Churn("tcmalloc", LIBRARIES + "libtcmalloc_minimal.so.4", "tcmalloc under churn"))]
