#!/usr/bin/env python3
"""Writes the table of CUDA kernels in kernels/cuda/README.md, between its markers.

usage: kernel_table.py KERNELS BOUNDS README.md CUBIN...   (scripts/kernel_table.sh calls it)
  KERNELS, BOUNDS  what cuda-kernels and cuda-bounds printed; a kernel that BOUNDS leaves out keeps
                   the bounds that the table has
"""
import collections
import re
import sys

import check_cubins

BEGIN, END = "<!-- kernels: scripts/kernel_table.sh -->", "<!-- /kernels -->"
HEAD = ("| Kernel | Registers | Shared KiB | CTAs per SM | Modelled lower bound, limited by |\n"
        "|---|---:|---:|---:|---|\n")


def read_bounds(path):
    """{kernel: ["pattern at zeros %: of dense, limiter", ...]}."""
    bounds = collections.defaultdict(list)
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            if len(words) == 11 and words[0].startswith("tsr_"):
                zeros = f" at {words[2]} %" if words[2] != "0" else ""
                total = f" ({words[10]})" if words[10] != words[9] else ""
                bounds[words[0]].append(f"{words[1]}{zeros}: {words[9]}{total} {words[8]}")
    return bounds


def read_table(text):
    """{kernel: its bounds} of a table that was written before."""
    return dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", text, flags=re.M))


def read_cubins(cubins, kernels):
    """[(name, Kernel, registers)] of the f16 kernels, in their order."""
    found = {}
    for path in cubins:
        with open(path, "rb") as file:
            sections = check_cubins.sections(file.read())
        for name, value in check_cubins.attributes(sections).items():
            kernel = check_cubins.with_static_shared(kernels.get(name), sections, name)
            found[name] = (name, kernel, value.get(check_cubins.EIATTR_REGCOUNT, 0))
    return [found[name] for name in kernels if "_f16_" in name]


def main(kernels_path, bounds_path, readme, *cubins):
    kernels, bounds = check_cubins.read_kernels(kernels_path), read_bounds(bounds_path)
    with open(readme, encoding="utf-8") as file:
        text = file.read()
    kept = read_table(text)
    rows = [f"{check_cubins.table_row(name, kernel, registers)} "
            f"{'; '.join(bounds[name]) or kept.get(name, '-')} |\n"
            for name, kernel, registers in read_cubins(cubins, kernels)]
    table = f"{BEGIN}\n{HEAD}{''.join(rows)}{END}"
    text, count = re.subn(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: table, text, flags=re.S)
    if count != 1:
        sys.exit(f"{readme}: no markers")
    with open(readme, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
