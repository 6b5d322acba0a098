"""Loops in the machine code that nvdisasm prints."""
import collections
import re
import subprocess

INSTRUCTION = re.compile(r"\s+/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)\s*(.*?)\s*;")
LABEL = re.compile(r"(\.L_\w+):")
TARGET = re.compile(r"`\((\.L_\w+)\)")


def disassemble(nvdisasm, cubin):
    """{kernel: (opcodes with their modifiers, operands, {label: index})}."""
    text = subprocess.run([nvdisasm, "-c", cubin], check=True, capture_output=True, text=True).stdout
    kernels, current = {}, None
    for line in text.splitlines():
        if line.startswith(".text."):
            current = kernels.setdefault(line[len(".text."):-1], ([], [], {}))
        elif current is None:
            continue
        elif label := LABEL.match(line):
            current[2][label.group(1)] = len(current[0])
        elif instruction := INSTRUCTION.match(line):
            current[0].append(instruction.group(1))
            current[1].append(instruction.group(2))
    return kernels


def main_loop(opcodes, operands, labels):
    """How often each opcode stands in the shortest loop that holds most tensor-core instructions."""
    best = (0, 0, collections.Counter())
    for end, opcode in enumerate(opcodes):
        target = TARGET.search(operands[end]) if opcode == "BRA" else None
        start = labels.get(target.group(1), len(opcodes)) if target else len(opcodes)
        if start > end:
            continue
        body = collections.Counter(opcodes[start:end + 1])
        tensor = sum(n for name, n in body.items() if name.startswith("HMMA"))
        best = max(best, (tensor, start - end, body), key=lambda loop: loop[:2])
    return best[2]


def check_main_loop(body, wanted):
    """Complaints about the main loop of a kernel with so many tensor-core instructions a step."""
    def count(pattern):
        return sum(n for name, n in body.items() if re.fullmatch(pattern, name))

    complaints = []
    tensor = count(r"HMMA\..*")
    if tensor != wanted:
        complaints.append(f"the main loop has {tensor} tensor-core instructions, not {wanted}")
    generic = count(r"(LD|ST|LDL|STL)(\..*)?")
    if generic:
        complaints.append(f"the main loop has {generic} generic or local accesses")
    narrow = count(r"LDGSTS\.(?!.*\.128).*")
    if narrow:
        complaints.append(f"the main loop copies operands in {narrow} pieces below 128 bits")
    # A step's record tells a warp one column and its first fragment; operands come by copies.
    words = count(r"LDG\.E(\.CONSTANT|\.STRONG\S*)?|LDG\.E\.[US](8|16)\S*")
    if words > 1:
        complaints.append(f"the main loop loads {words} words of 32 bits from global memory")
    if not count(r"LDGSTS\..*"):
        complaints.append("the main loop copies nothing asynchronously")
    return complaints
