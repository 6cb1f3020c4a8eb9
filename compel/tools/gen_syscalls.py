#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Write a header with an inline wrapper sys_NAME() for each row of a system call table.

usage: gen_syscalls.py TABLE HEADER

Each wrapper returns what the kernel returned: a value or -errno. The instruction itself is
compel_raw_syscallN() of the architecture's <compel/plugins/raw-syscall.h>.
"""
import re
import sys


def wrapper(number, name, params):
    """Return the text of one wrapper."""
    names = [] if params == "void" else [re.search(r"(\w+)$", p.strip()).group(1) for p in params.split(",")]
    if len(names) > 6:
        raise ValueError(f"{name}: more than six parameters")
    call = ", ".join([str(number)] + [f"(long){n}" for n in names])
    return (
        f"static inline long sys_{name}({params})\n"
        "{\n"
        f"\treturn compel_raw_syscall{len(names)}({call});\n"
        "}\n"
    )


def main():
    """Read the table, write the header."""
    rows = []
    with open(sys.argv[1], encoding="ascii") as table:
        for line in table:
            if line.strip() and not line.startswith("#"):
                number, name, params = line.rstrip("\n").split("\t")
                rows.append((int(number), name, params))
    for key in (0, 1):
        if len({row[key] for row in rows}) != len(rows):
            sys.exit(f"{sys.argv[1]}: a number or a name stands there twice")
    with open(sys.argv[2], "w", encoding="ascii") as out:
        out.write("/* SPDX-License-Identifier: GPL-2.0 */\n")
        out.write("/* Made by compel/tools/gen_syscalls.py; don't edit. */\n")
        out.write("#ifndef COMPEL_PLUGINS_STD_SYSCALLS_H\n#define COMPEL_PLUGINS_STD_SYSCALLS_H\n\n")
        out.write("#include <stddef.h>\n\n#include <compel/plugins/raw-syscall.h>\n\n")
        out.write("\n".join(wrapper(*row) for row in rows))
        out.write("\n#endif\n")


if __name__ == "__main__":
    main()
