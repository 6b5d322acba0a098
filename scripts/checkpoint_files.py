"""Reads and writes safetensors files with NumPy alone, for the scripts that need torch.

A file is the length of its header (u64, little-endian), the header (JSON: for each tensor its dtype,
shape and the first and last offset of its data, and `__metadata__`), then the data.
"""

import json
import os
import struct

import numpy as np

TYPES = {"F32": "<f4", "F16": "<f2", "I64": "<i8", "U8": "|u1"}
NAMES = {numpy_name: name for name, numpy_name in TYPES.items()}


def read_safetensors(path):
    """Tensors by name, in the types they have in the file, and the metadata."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    metadata, tensors = header.pop("__metadata__", {}), {}
    for name, entry in header.items():
        if entry["dtype"] not in TYPES:
            raise SystemExit(f"{path}: {name} is {entry['dtype']}; known are {', '.join(TYPES)}")
        first, last = entry["data_offsets"]
        values = np.frombuffer(data[first:last], TYPES[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"])
    return tensors, metadata


def write_safetensors(path, tensors, metadata):
    """In the order given; the header is padded so that the data start at a multiple of 8."""
    header, offset = {"__metadata__": metadata}, 0
    for name, array in tensors.items():
        end = offset + array.nbytes
        header[name] = {
            "dtype": NAMES[array.dtype.str],
            "shape": list(array.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".new", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in tensors.values():
            file.write(array.tobytes())
    os.replace(path + ".new", path)
