"""Writes the golden checkpoint of the tests with the reference library.

usage: make_reference_safetensors.py OUT.safetensors     (needs PyPI safetensors >= 0.8 and numpy)
"""
import struct
import sys

import numpy as np
from safetensors import TensorSpec, serialize_file

BFLOAT16 = struct.pack("<4H", 0x3F80, 0xC000, 0x4340, 0x0080)

# name: (element type, shape, array whose bytes are stored)
TENSORS = {
    "a.f16": ("float16", [2, 3], np.float16([0, -1.5, 65504, 2.0**-24, np.inf, 0.5])),
    "b.bool": ("bool", [3], np.array([True, False, True])),
    "c.scalar": ("float32", [], np.float32([42.5])),
    "d.empty": ("float32", [0, 4], np.float32([])),
    "e.f32": ("float32", [2, 2, 2], np.arange(8, dtype=np.float32) - np.float32(3.25)),
    "f.f64": ("float64", [2], np.array([0.1, 1e300])),
    "g.i64": ("int64", [2], np.array([-1, 2**62])),
    "h.bf16": ("bfloat16", [4], np.frombuffer(BFLOAT16, dtype=np.uint16)),
    "i.u8": ("uint8", [5], np.arange(5, dtype=np.uint8)),
    "j.i32": ("int32", [1], np.int32([-7])),
}


def main():
    specs = {
        name: TensorSpec(dtype=dtype, shape=shape, data_ptr=array.ctypes.data, data_len=array.nbytes)
        for name, (dtype, shape, array) in TENSORS.items()
    }
    serialize_file(specs, sys.argv[1], {"format": "pt", 'quote"d': "café \n"})


if __name__ == "__main__":
    main()
