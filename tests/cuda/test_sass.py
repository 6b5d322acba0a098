#!/usr/bin/env python3
"""The gates on main loops find what they are for. usage: test_sass.py SCRIPTS"""
import sys

sys.path.insert(0, sys.argv[1])
import check_cubins  # noqa: E402
import sass  # noqa: E402

GOOD = ["LDGSTS.E.BYPASS.128"] * 2 + ["LDG.E", "LDG.E.64", "LDS.128"] + ["HMMA.16816.F32"] * 4


def complaints(opcodes, wanted=4):
    """Of a kernel with two more tensor-core instructions before the loop of these opcodes."""
    before = ["MOV", "HMMA.16816.F32", "HMMA.16816.F32"]
    code = before + opcodes + ["BRA", "EXIT"]
    operands = [""] * len(code)
    operands[-2] = "`(.L_x_1)"
    body = sass.main_loop(code, operands, {".L_x_1": len(before)})
    return " ".join(sass.check_main_loop(body, wanted))


def expect(found, part):
    assert (part in found) if part else not found, (found, part)


expect(complaints(GOOD), "")
expect(complaints(GOOD, wanted=6), "has 4 tensor-core instructions, not 6")
expect(complaints(GOOD + ["LD.E"]), "generic or local")
expect(complaints(GOOD + ["STL.64"]), "generic or local")
expect(complaints(GOOD + ["LDGSTS.E.64"]), "below 128 bits")
expect(complaints(GOOD + ["LDG.E"]), "2 words of 32 bits")
expect(complaints(GOOD + ["LDG.E.U16"]), "2 words of 32 bits")
expect(complaints(GOOD[2:]), "copies nothing")

# A100: 65536 registers and 164 KiB; 1 KiB of each CTA's shared memory is the system's.
Kernel = check_cubins.Kernel
assert check_cubins.ctas_per_sm(Kernel("dense", 256, 160, 64, 256, 166400), 226) == 1
assert check_cubins.ctas_per_sm(Kernel("dense", 64, 64, 64, 128, 50 << 10), 64) == 3
assert check_cubins.ctas_per_sm(Kernel("dense", 64, 64, 64, 128, 0), 255) == 2
assert check_cubins.tensor_instructions(Kernel("nm", 64, 64, 64, 128, 0)) == 16
assert check_cubins.tensor_instructions(Kernel("csr", 8, 8, 32, 256, 0)) is None
print("all gates close")
