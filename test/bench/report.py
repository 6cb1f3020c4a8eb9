# SPDX-License-Identifier: GPL-2.0
"""Rows of measured times: the table on the terminal, JSON, a plot (SVG), and the table of Documentation/performance.md."""

import html
import json
import os
import statistics

WORTH_A_RATIO = 0.001  # seconds of memcpy
BEGIN, END = "<!-- make bench: begin -->", "<!-- make bench: end -->"


def make_row(job, by, what, taken, memcpy, bar, steps=None):
    """TAKEN and MEMCPY in seconds; BAR: see jobs.Job."""
    return {
        "job": job,
        "by": by,
        "what": what,
        "runs": len(taken),
        "median_ms": round(statistics.median(taken) * 1000, 4),
        "best_ms": round(min(taken) * 1000, 4),
        "worst_ms": round(max(taken) * 1000, 4),
        "memcpy_ms": memcpy and round(memcpy * 1000, 3),
        # Of next to nothing a ratio says nothing.
        "ratio": round(statistics.median(taken) / memcpy, 2) if memcpy and memcpy >= WORTH_A_RATIO else None,
        "bar": bar,
        "bar_ms": None,
        "met": None,
        "where_time_goes": steps,
    }


def judge(row, before):
    """Fills in what the row's bar is in ms and whether it is met. BEFORE: the rows that it may refer to."""
    if not row["bar"]:
        return
    kind, times, *of = row["bar"]
    if kind == "ms":
        row["bar_ms"] = times
    elif kind == "M":
        row["bar_ms"] = times * row["memcpy_ms"]
    else:
        row["bar_ms"] = next(
            (times * r["median_ms"] for r in before if (r["job"], r["by"], r["what"]) == tuple(of[0])), None
        )
    if row["bar_ms"] is not None:
        row["met"] = row["median_ms"] <= row["bar_ms"]


def bar_text(row):
    kind, times, *of = row["bar"]
    if kind == "ms":
        return f"{times} ms" if times >= 1 else f"{times * 1000:g} µs"
    if kind == "M":
        return f"{times} M"
    job, by, _ = of[0]
    return f"{times} x {by if job == row['job'] else job}"


def verdict(row):
    if row["met"] is None:
        return ""
    return f"{'within' if row['met'] else 'OVER'} {bar_text(row)}"


def ms_text(ms):
    return f"{ms:.2f}" if ms >= 1 else f"{ms:.4f}"


def print_head():
    print(f"{'job':<15} {'by':<10} {'what':<8} {'median ms':>9} {'best':>9} {'worst':>9} {'memcpy M':>9} {'median/M':>8}")


def print_row(row):
    memcpy = f"{row['memcpy_ms']:>9.2f} {row['ratio']:>8.2f}" if row["ratio"] else " " * 18
    print(
        f"{row['job']:<15} {row['by']:<10} {row['what']:<8} {ms_text(row['median_ms']):>9} "
        f"{ms_text(row['best_ms']):>9} {ms_text(row['worst_ms']):>9} {memcpy}  {verdict(row)}".rstrip(),
        flush=True,
    )


def print_steps(rows):
    rows = [row for row in rows if row["where_time_goes"]]
    if rows:
        print("\nWhere the time goes: the longest steps between two lines of the log (one run with -v4, ms)")
    for row in rows:
        steps = "; ".join(f"{step['ms']} {step['after']}" for step in row["where_time_goes"])
        print(f"{row['job']}, {row['by']}, {row['what']}: {steps}")


def write_json(path, machine, rows):
    text = json.dumps({"machine": machine, "rows": rows}, indent=1)
    if path == "-":
        print(text)
        return
    with open(path, "w", encoding="utf-8") as f:
        f.write(text + "\n")


WIDTH, LEFT, RIGHT, LINE = 900, 290, 190, 22


def svg(machine, rows):
    """Each row that has a bar, as a share of it: what ends left of the line is within."""
    rows = [row for row in rows if row["bar_ms"]]
    most = max([1.5] + [min(row["worst_ms"] / row["bar_ms"], 3) for row in rows])
    scale = (WIDTH - LEFT - RIGHT) / most
    height = LINE * (len(rows) + 3)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="10" y="{LINE - 6}">Medians (lines: best to worst) as a share of each bar, at 1. '
        f"{html.escape(machine['date'])}, Linux {html.escape(machine['kernel'])}</text>",
    ]
    for i, row in enumerate(rows):
        y = LINE * (i + 1) + 10
        length = min(row["median_ms"] / row["bar_ms"], most) * scale
        ends = [LEFT + min(row[which] / row["bar_ms"], most) * scale for which in ("best_ms", "worst_ms")]
        colour = "#4a90c2" if row["met"] else "#d0743c"
        label = html.escape(f"{row['job']}, {row['by']}: {row['what']}")
        value = html.escape(f"{ms_text(row['median_ms'])} ms, {verdict(row)}")
        out += [
            f'<text x="{LEFT - 8}" y="{y + 11}" text-anchor="end">{label}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="14" fill="{colour}"/>',
            f'<line x1="{ends[0]:.1f}" x2="{ends[1]:.1f}" y1="{y + 7}" y2="{y + 7}" stroke="black"/>',
            f'<text x="{WIDTH - RIGHT + 8}" y="{y + 11}">{value}</text>',
        ]
    x = LEFT + scale
    out += [
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{LINE}" y2="{height - LINE}" stroke="black" stroke-dasharray="4 3"/>',
        f'<text x="{x:.1f}" y="{height - 6}" text-anchor="middle">1</text>',
        "</svg>",
    ]
    return "\n".join(out) + "\n"


def markdown(machine, rows):
    """The measured part of performance.md."""
    out = [
        f"Measured on {machine['date']} at commit {machine['commit']}: {machine['cpus']} CPUs ({machine['cpu']}), "
        f"{machine['memory_gib']} GiB, Linux {machine['kernel']}, images and pool in {machine['directory']}, "
        f"load average before {machine['load']}. Times in ms; {machine['rounds']} counted rounds.",
        "",
        "| job | by | what | median | best | worst | M | median / M | bar |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        copy = (f"{row['memcpy_ms']:.1f}", f"{row['ratio']:.2f}") if row["ratio"] else ("", "")
        bar = "" if row["met"] is None else f"{bar_text(row)}: {'met' if row['met'] else '**missed**'}"
        times = [ms_text(row[which]) for which in ("median_ms", "best_ms", "worst_ms")]
        out.append("| " + " | ".join([row["job"], row["by"], row["what"], *times, *copy, bar]) + " |")
    return "\n".join(out) + "\n"


def write_documentation(directory, machine, rows):
    """performance.json, performance.svg, and the part of performance.md between its marks."""
    write_json(os.path.join(directory, "performance.json"), machine, rows)
    with open(os.path.join(directory, "performance.svg"), "w", encoding="utf-8") as f:
        f.write(svg(machine, rows))
    path = os.path.join(directory, "performance.md")
    with open(path, encoding="utf-8") as f:
        before, rest = f.read().split(BEGIN)
    after = rest.split(END)[1]
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"{before}{BEGIN}\n{markdown(machine, rows)}{END}{after}")
