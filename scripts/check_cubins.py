#!/usr/bin/env python3
"""Static gates on the machine code of the CUDA kernels, and their resources as a table.

usage: check_cubins.py CUBIN...

Fails when a kernel has local memory, spills, or generic loads or stores, or when an SpMM kernel has
another number of tensor-core instructions than its tile needs. No disassembler: an sm_80 instruction
has 16 bytes, its opcode in the low 12 bits.
"""
import collections
import re
import struct
import sys

HMMA = {0x23C}
LOCAL = {0x983: "LDL", 0x987: "STL", 0x387: "STL"}
GENERIC = {0x980: "LD", 0x985: "ST", 0x385: "ST"}
# WMMA's loads of bf16 have no form that names shared memory: the reference is exempt.
GENERIC_EXEMPT = {"tsr_bf16_bcsr_spmm_16x64x16_s1__sm80"}
EIATTR_REGCOUNT, EIATTR_FRAME_SIZE = 0x2F, 0x11
FRAGMENT = 16


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


def tensor_instructions(kernel):
    """What a warp of an SpMM kernel needs for one step; None for other kernels."""
    match = re.match(r"tsr_\w+?_(dense|compact|bcsr|nm|bcsr_nm|vnm)_spmm_(\d+)x(\d+)x(\d+)_s\d+__", kernel)
    if not match:
        return None
    m, n, k = (int(match.group(i)) for i in (2, 3, 4))
    warps = 4 if m * n <= 64 * 64 else 8
    columns = k // (2 * FRAGMENT if "nm" in match.group(1) else FRAGMENT)
    return (m // FRAGMENT) * (n // 8) * columns // warps


def check(kernel, code, frame):
    """Complaints about one kernel."""
    opcodes = collections.Counter(
        struct.unpack_from("<H", code, at)[0] & 0xFFF for at in range(0, len(code), 16))
    complaints = [f"{opcodes[o]} {name}: {what}" for table, what in
                  ((LOCAL, "local memory"),
                   ({} if kernel in GENERIC_EXEMPT else GENERIC, "generic addresses"))
                  for o, name in table.items() if opcodes[o]]
    if frame:
        complaints.append(f"a stack of {frame} bytes")
    hmma, wanted = sum(opcodes[o] for o in HMMA), tensor_instructions(kernel)
    if wanted is not None and hmma != wanted:
        complaints.append(f"{hmma} tensor-core instructions, not {wanted}")
    return complaints, hmma, len(code) // 16


def main(paths):
    if not paths or paths[0] in ("-h", "--help"):
        print(__doc__)
        return 2
    failures = kernels = 0
    print(f"{'kernel':46} registers  instructions  HMMA")
    for path in paths:
        with open(path, "rb") as file:
            found = sections(file.read())
        values = attributes(found)
        for name in sorted(found):
            if not name.startswith(".text.tsr_"):
                continue
            kernel = name[len(".text."):]
            complaints, hmma, size = check(kernel, found[name][1],
                                           values[kernel].get(EIATTR_FRAME_SIZE, 0))
            print(f"{kernel:46} {values[kernel].get(EIATTR_REGCOUNT, 0):9}  {size:12}  {hmma:4}")
            for complaint in complaints:
                print(f"{path}: {kernel}: {complaint}", file=sys.stderr)
            kernels += 1
            failures += bool(complaints)
    print(f"{kernels} kernels, {failures} with complaints")
    return 1 if failures or not kernels else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
