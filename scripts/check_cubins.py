#!/usr/bin/env python3
"""Static gates on the machine code of the CUDA kernels, and their resources as a table.

usage: check_cubins.py [--kernels FILE] [--nvdisasm PROGRAM] [--table README.md] CUBIN...
  --kernels   what the build's tests/cuda/cuda-kernels prints: the SpMM kernels' tiles and memory
  --nvdisasm  look at main loops, too
  --table     the table of kernels in this file must have these kernels and figures

Fails when a kernel has local memory, spills, or generic loads or stores; when an SpMM kernel has
another number of tensor-core instructions than its tile needs, or leaves a multiprocessor less than
8 warps. Without nvdisasm there are no instructions' names: an sm_80 instruction has 16 bytes, its
opcode in the low 12 bits.
"""
import argparse
import collections
import re
import struct
import sys

import sass

HMMA = {0x23C}
LOCAL = {0x983: "LDL", 0x987: "STL", 0x387: "STL"}
GENERIC = {0x980: "LD", 0x985: "ST", 0x385: "ST"}
# The readable reference: WMMA's loads of bf16 have no form that names shared memory.
REFERENCE = re.compile("tsr_b?f16_bcsr_spmm_16x64x16_s1__sm80")
EIATTR_REGCOUNT, EIATTR_FRAME_SIZE = 0x2F, 0x11
LANES, FRAGMENT = 32, 16
SPARSE = ("nm", "bcsr_nm", "vnm")
# Of a multiprocessor of sm_80; two warps for each sub-partition hide the latency of shared memory.
REGISTERS, SHARED, RESERVED, WARPS = 65536, 164 << 10, 1 << 10, 8


def sections(elf):
    """{name: (header, bytes)} of an ELF file of 64 bits."""
    if elf[:4] != b"\x7fELF":
        raise ValueError("not a cubin")
    offset, = struct.unpack_from("<Q", elf, 0x28)
    size, count, names = struct.unpack_from("<HHH", elf, 0x3A)
    headers = [struct.unpack_from("<IIQQQQIIQQ", elf, offset + i * size) for i in range(count)]
    text = headers[names][4]
    found = {}
    for header in headers:
        name = elf[text + header[0]:elf.index(b"\0", text + header[0])].decode()
        found[name] = (header, elf[header[4]:header[4] + header[5]] if header[1] != 8 else b"")
    return found


def attributes(found):
    """{kernel: {attribute: value}} of .nv.info."""
    symbols, strings = found[".symtab"][1], found[".strtab"][1]
    info, at = found[".nv.info"][1], 0
    values = collections.defaultdict(dict)
    while at + 4 <= len(info):
        form, attribute, value = struct.unpack_from("<BBH", info, at)
        at += 4
        if form != 4:
            continue
        if value == 8:
            symbol, number = struct.unpack_from("<II", info, at)
            start, = struct.unpack_from("<I", symbols, symbol * 24)
            values[strings[start:strings.index(b"\0", start)].decode()][attribute] = number
        at += value
    return values


Kernel = collections.namedtuple("Kernel", "format m n k threads shared")


def read_kernels(path):
    """{name: Kernel} of what cuda-kernels printed."""
    with open(path, encoding="utf-8") as lines:
        rows = [line.split() for line in lines]
    return {row[0]: Kernel(row[1], *map(int, row[2:])) for row in rows}


def with_static_shared(kernel, found, name):
    """The kernel with the shared memory that its code declares."""
    header = found.get(f".nv.shared.{name}", ([0] * 6,))[0]
    return kernel and kernel._replace(shared=kernel.shared + header[5])


def tensor_instructions(kernel):
    """What a warp needs for one step; None for kernels that use no tensor cores."""
    if not kernel or kernel.format == "csr":
        return None
    depth = 2 * FRAGMENT if kernel.format in SPARSE else FRAGMENT
    return kernel.m // FRAGMENT * (kernel.n // 8) * (kernel.k // depth) // (kernel.threads // LANES)


def ctas_per_sm(kernel, registers):
    """Registers are given to a warp in units of 256, shared memory to a CTA in units of 128."""
    warp = -(-registers * LANES // 256) * 256
    by_registers = REGISTERS // warp // (kernel.threads // LANES)
    by_shared = SHARED // (-(-kernel.shared // 128) * 128 + RESERVED)
    return min(by_registers, by_shared, 2048 // kernel.threads)


def check(name, kernel, code, frame, registers):
    """Complaints about the code, and its numbers of tensor-core and all instructions."""
    opcodes = collections.Counter(
        struct.unpack_from("<H", code, at)[0] & 0xFFF for at in range(0, len(code), 16))
    complaints = [f"{opcodes[o]} {opcode}: {what}" for table, what in
                  ((LOCAL, "local memory"),
                   ({} if REFERENCE.match(name) else GENERIC, "generic addresses"))
                  for o, opcode in table.items() if opcodes[o]]
    if frame:
        complaints.append(f"a stack of {frame} bytes")
    hmma, wanted = sum(opcodes[o] for o in HMMA), tensor_instructions(kernel)
    if wanted is not None and hmma != wanted:
        complaints.append(f"{hmma} tensor-core instructions, not {wanted}")
    if kernel and ctas_per_sm(kernel, registers) * kernel.threads < WARPS * LANES:
        complaints.append(f"{registers} registers and {kernel.shared} bytes of shared memory leave "
                          f"{ctas_per_sm(kernel, registers)} CTAs on a multiprocessor")
    return complaints, hmma, len(code) // 16


def table_row(name, kernel, registers):
    """The figures of the table in kernels/cuda/README.md that follow from the build."""
    return f"| `{name}` | {registers} | {kernel.shared / 1024:.1f} | {ctas_per_sm(kernel, registers)} |"


def check_table(path, rows):
    """Complaints about a table that lacks rows, or has others."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    there = re.findall(r"^\| `(tsr_\w+)` \|", text, re.M)
    known = [re.match(r"\| `(\w+)`", row).group(1) for row in rows]
    return ([f"{path} has no row {row}" for row in rows if row not in text] +
            [f"{path} has a row of {name}, which is no kernel" for name in there if name not in known])


def look_at(path, options, kernels):
    """Prints the kernels of one file; complaints, how many they were, rows of the table."""
    with open(path, "rb") as file:
        found = sections(file.read())
    values, complaints, rows, count = attributes(found), [], [], 0
    loops = sass.disassemble(options.nvdisasm, path) if options.nvdisasm else {}
    for section in sorted(found):
        if not section.startswith(".text.tsr_"):
            continue
        name = section[len(".text."):]
        kernel = with_static_shared(kernels.get(name), found, name)
        registers = values[name].get(EIATTR_REGCOUNT, 0)
        found_wrong, hmma, size = check(name, kernel, found[section][1],
                                        values[name].get(EIATTR_FRAME_SIZE, 0), registers)
        if loops and tensor_instructions(kernel) and not REFERENCE.match(name):
            found_wrong += sass.check_main_loop(sass.main_loop(*loops[name]),
                                                tensor_instructions(kernel))
        print(f"{name:46} {registers:9}  {size:12}  {hmma:4}")
        complaints += [f"{path}: {name}: {complaint}" for complaint in found_wrong]
        if kernel and "_f16_" in name:
            rows.append(table_row(name, kernel, registers))
        count += 1
    return complaints, count, rows


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("cubins", nargs="+")
    for option in ("--kernels", "--nvdisasm", "--table"):
        parser.add_argument(option)
    options = parser.parse_args()
    kernels = read_kernels(options.kernels) if options.kernels else {}
    complaints, rows, count = [], [], 0
    print(f"{'kernel':46} registers  instructions  HMMA")
    for path in options.cubins:
        more, found, found_rows = look_at(path, options, kernels)
        complaints, rows, count = complaints + more, rows + found_rows, count + found
    if options.table:
        complaints += check_table(options.table, rows)
    print(f"{count} kernels, {len(complaints)} complaints; main loops " +
          ("looked at" if options.nvdisasm else "not looked at: no nvdisasm"))
    print("\n".join(complaints), file=sys.stderr)
    return 1 if complaints or not count else 0


if __name__ == "__main__":
    sys.exit(main())
