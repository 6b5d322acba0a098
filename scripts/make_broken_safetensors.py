"""Writes the tests' corpus of broken safetensors files, each named for its defect.

usage: make_broken_safetensors.py [FOLDER]     (default: tests/corpus/safetensors)

tests/test_checkpoint_broken.c knows what the library has to say of each.
"""
import struct
import sys
from pathlib import Path


def image(header, data=b"", length=None):
    """A file: the length (the true one unless given), the header, the data."""
    if isinstance(header, str):
        header = header.encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def entry(dtype="F32", shape="[2]", offsets="[0,8]", name="t"):
    return f'"{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}'


def tensor(data=bytes(8), **fields):
    """A file with the one tensor t: a legal F32 [2], but for the fields given."""
    return image("{" + entry(**fields) + "}", data)


def pair(first, second, data=bytes(8)):
    """A file with two tensors a and b of dtype U8: (size, offsets) each."""
    (m, at), (n, then) = first, second
    a = entry("U8", f"[{m}]", at, "a")
    b = entry("U8", f"[{n}]", then, "b")
    return image(f"{{{a},{b}}}", data)


def raw(text, data=b""):
    """A file whose one entry t has the given text as its value."""
    return image('{"t":' + text + "}", data)


def metadata(text):
    return image('{"__metadata__":' + text + "}")


GOOD = "{" + entry() + "}"

FILES = {
    # the length
    "empty_file": b"",
    "seven_bytes": b"\x02\0\0\0\0\0\0",
    "length_0": image(""),
    "length_beyond_file": image("{}", length=3),
    "length_above_limit": image("{}", length=100_000_001),
    "length_2_to_the_64": image("{}", length=2**64 - 1),
    "length_too_short": image(GOOD, bytes(8), length=len(GOOD) - 1),
    # the JSON
    "first_byte_space": image(" {}"),
    "first_byte_bom": image(b"\xef\xbb\xbf{}"),
    "top_is_array": image("[]"),
    "not_closed": image("{"),
    "trailing_comma": image("{" + entry() + ",}", bytes(8)),
    "missing_comma": image("{" + entry() + entry(name="u", offsets="[8,16]") + "}", bytes(16)),
    "missing_colon": image('{"t" 1}'),
    "trailing_newline": image("{}\n"),
    "trailing_nul": image("{}\0"),
    "trailing_object": image("{} {}"),
    "invalid_utf8": image(b'{"t\xff":1}'),
    "overlong_utf8": image(b'{"t\xc0\x80":1}'),
    "utf8_surrogate": image(b'{"t\xed\xa0\x80":1}'),
    "utf8_cut_by_quote": image(b'{"t\xe2\x82":1}'),
    "nul_in_name": image('{"t\\u0000":1}'),
    "control_character_in_name": image('{"t\n":1}'),
    "lone_surrogate": image('{"t\\ud800":1}'),
    "surrogate_then_letter": image('{"t\\ud83d\\u0041":1}'),
    "surrogate_low_twice": image('{"t\\ude00\\ude00":1}'),
    "surrogates_swapped": image('{"t\\ude00\\ud800":1}'),
    "escape_unknown": image('{"t\\x41":1}'),
    "escape_cut": image('{"t\\u00'),
    "nested_deep": image('{"t":' + "[" * 5_000),
    "nested_deep_in_shape": raw('{"dtype":"F32","shape":' + "[" * 1000 + "]" * 1000 + "}"),
    "single_quotes": image("{'t':1}"),
    # names
    "name_twice": image("{" + entry() + "," + entry(offsets="[8,16]") + "}", bytes(16)),
    "name_twice_by_escape": image(
        "{" + entry() + "," + entry(offsets="[8,16]", name="\\u0074") + "}", bytes(16)
    ),
    # fields
    "entry_is_number": raw("1"),
    "entry_is_null": raw("null"),
    "entry_empty": raw("{}"),
    "dtype_missing": raw('{"shape":[0],"data_offsets":[0,0]}'),
    "shape_missing": raw('{"dtype":"F32","data_offsets":[0,0]}'),
    "data_offsets_missing": raw('{"dtype":"F32","shape":[0]}'),
    "key_unknown": raw('{"dtype":"F32","shape":[0],"data_offsets":[0,0],"strides":[1]}'),
    "key_twice": raw('{"dtype":"F32","dtype":"F16","shape":[0],"data_offsets":[0,0]}'),
    "dtype_unknown": tensor(dtype="F128"),
    "dtype_lower_case": tensor(dtype="f32"),
    "dtype_is_number": raw('{"dtype":7,"shape":[2],"data_offsets":[0,8]}', bytes(8)),
    # shapes
    "shape_is_number": tensor(shape="2"),
    "shape_negative": tensor(shape="[-2]"),
    "shape_fraction": tensor(shape="[2.0]"),
    "shape_exponent": tensor(shape="[2e0]"),
    "shape_nan": tensor(shape="[NaN]"),
    "shape_string": tensor(shape='["2"]'),
    "shape_leading_zero": tensor(shape="[02]"),
    "shape_2_to_the_63": tensor(shape="[9223372036854775808]"),
    "shape_100_digits": tensor(shape="[" + "9" * 100 + "]"),
    "shape_product_overflow": tensor(shape="[4294967296,4294967296]"),
    "shape_bits_overflow": tensor(shape="[4611686018427387904]"),
    "shape_9_dimensions": tensor(shape="[2,1,1,1,1,1,1,1,1]"),
    "shape_too_small": tensor(shape="[1]"),
    "shape_too_large": tensor(shape="[3]"),
    "half_a_byte": tensor(b"x", dtype="F4", shape="[3]", offsets="[0,1]"),
    "three_quarters_of_a_byte": tensor(b"x", dtype="F6_E2M3", shape="[1]", offsets="[0,1]"),
    # offsets
    "offsets_negative": tensor(offsets="[-8,0]"),
    "offsets_one": tensor(offsets="[8]"),
    "offsets_three": tensor(offsets="[0,8,8]"),
    "offsets_reversed": tensor(offsets="[8,0]"),
    "offsets_2_to_the_63": tensor(offsets="[0,9223372036854775808]"),
    "offsets_2_to_the_64_plus_8": tensor(offsets="[0,18446744073709551624]"),
    "offsets_beyond_file": tensor(offsets="[8,16]"),
    "offsets_claim_terabytes": tensor(shape="[1099511627776]", offsets="[0,4398046511104]"),
    "offsets_are_strings": tensor(offsets='["0","8"]'),
    "truncated_data": tensor(bytes(7)),
    # tiling
    "hole_at_start": tensor(bytes(9), offsets="[1,9]"),
    "hole_between": pair((4, "[0,4]"), (3, "[5,8]")),
    "overlap": pair((5, "[0,5]"), (4, "[4,8]")),
    "same_bytes_twice": pair((8, "[0,8]"), (8, "[0,8]")),
    "empty_tensor_inside_another": pair((8, "[0,8]"), (0, "[4,4]")),
    "data_after_the_last": tensor(bytes(9)),
    "data_without_tensors": image("{}", b"x"),
    # metadata
    "metadata_is_string": metadata('"x"'),
    "metadata_is_null": metadata("null"),
    "metadata_value_number": metadata('{"a":1}'),
    "metadata_value_object": metadata('{"a":{}}'),
    "metadata_key_twice": metadata('{"a":"1","b":"2","a":"3"}'),
    "metadata_twice": image('{"__metadata__":{},"__metadata__":{}}'),
}


def main():
    default = Path(__file__).resolve().parent.parent / "tests/corpus/safetensors"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in FILES.items():
        (folder / f"{name}.safetensors").write_bytes(content)


if __name__ == "__main__":
    main()
