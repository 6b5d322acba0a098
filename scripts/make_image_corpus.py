"""Writes the tests' image files, whole ones and broken ones, each named for what is in it.

usage: make_image_corpus.py [FOLDER]     (default: tests/corpus)

FOLDER/images: the pixels follow a rule that tests/test_images.c knows too. FOLDER/broken_images:
tests/test_images_broken.c knows what the library has to say of each. The files are put together
here from the formats' specifications; only deflate is the standard library's.
"""
import gzip
import struct
import sys
import zlib
from pathlib import Path

HEIGHT, WIDTH = 5, 7


def value(y, x, c=0, n=0):
    return (37 * y + 11 * x + 50 * c + 101 * n + 3) % 256


def pixels(channels, count=1):
    """Values in the order count, height, width, channels."""
    return [
        value(y, x, c, n)
        for n in range(count)
        for y in range(HEIGHT)
        for x in range(WIDTH)
        for c in range(channels)
    ]


# ---- PNG ----

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
PALETTE_COLOURS = bytes(b for i in range(4) for b in (60 * i, 255 - 60 * i, i))


def chunk(kind, data, crc=None):
    crc = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def header(colour, depth=8, width=WIDTH, height=HEIGHT, interlaced=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))


def packed(samples, depth):
    """One row: a filter byte (none), then the samples, packed to bytes."""
    bits = "".join(format(s, f"0{depth}b") for s in samples)
    bits += "0" * (-len(bits) % 8)
    return b"\0" + bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def rows(sample, depth, passes=((0, 0, 1, 1),)):
    """sample(y, x): the samples of a pixel. passes: first row and column, and the steps."""
    data = b""
    for top, left, down, right in passes:
        for y in range(top, HEIGHT, down):
            line = [s for x in range(left, WIDTH, right) for s in sample(y, x)]
            data += packed(line, depth) if line else b""
    return data


ADAM7 = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)
SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = chunk(b"IEND", b"")


def png(colour, depth, sample, extra=b"", passes=None):
    data = rows(sample, depth, passes or ((0, 0, 1, 1),))
    head = header(colour, depth, interlaced=int(passes is not None))
    return SIGNATURE + head + extra + chunk(b"IDAT", zlib.compress(data)) + END


def grey(y, x):
    return [value(y, x)]


def rgb(y, x):
    return [value(y, x, c) for c in range(3)]


def entry(y, x):
    return [(7 * y + x) % 4]


PLTE = chunk(b"PLTE", PALETTE_COLOURS)
GREY_PNG = png(GREY, 8, grey)

# ---- the others ----


def npy(descr, shape, data, version=1, text=None):
    text = text or f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    size = "<H" if version == 1 else "<I"
    prefix = 8 + struct.calcsize(size)
    text += " " * (-(prefix + len(text) + 1) % 64) + "\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(size, len(text)) + text.encode() + data


def idx(dims, data, kind=8, ndim=None):
    return struct.pack(f">HBB{len(dims)}I", 0, kind, len(dims) if ndim is None else ndim, *dims) + data


def compressed(data):
    return gzip.compress(data, mtime=0)


GREYS, COLOURS = bytes(pixels(1)), bytes(pixels(3))
TWO = idx([2, HEIGHT, WIDTH], bytes(pixels(1, 2)))
PLANES = bytes(value(y, x, c) for c in range(3) for y in range(HEIGHT) for x in range(WIDTH))
GREY_NPY = npy("|u1", (HEIGHT, WIDTH), GREYS)
SIZE = f"{WIDTH} {HEIGHT}".encode()

WHOLE = {
    "grey8.png": GREY_PNG,
    "grey1.png": png(GREY, 1, lambda y, x: [value(y, x) // 128]),
    "grey4.png": png(GREY, 4, lambda y, x: [value(y, x) // 16]),
    "grey16.png": png(GREY, 16, lambda y, x: [256 * value(y, x) + x]),
    "grey_alpha.png": png(GREY_ALPHA, 8, lambda y, x: grey(y, x) + [x]),
    "rgb8.png": png(RGB, 8, rgb),
    "rgb16.png": png(RGB, 16, lambda y, x: [256 * s + x for s in rgb(y, x)]),
    "rgb_alpha.png": png(RGB_ALPHA, 8, lambda y, x: rgb(y, x) + [x]),
    "palette.png": png(PALETTE, 2, entry, PLTE),
    "palette_transparent.png": png(PALETTE, 2, entry, PLTE + chunk(b"tRNS", bytes([0, 128]))),
    "gamma.png": png(GREY, 8, grey, chunk(b"gAMA", struct.pack(">I", 100000))),
    "interlaced_grey.png": png(GREY, 8, grey, passes=ADAM7),
    "interlaced_rgb.png": png(RGB, 8, rgb, passes=ADAM7),
    "grey.pgm": b"P5\n" + SIZE + b"\n255\n" + GREYS,
    "comments.pgm": b"P5 # P6\n#7 7\n7# width\r5\t\v255 " + GREYS,
    "grey_of_1023.pgm": b"P5\n"
    + SIZE
    + b"\n1023\n"
    + struct.pack(f">{len(GREYS)}H", *(4 * v for v in pixels(1))),
    "grey_of_15.pgm": b"P5 " + SIZE + b" 15 " + bytes(v // 16 for v in pixels(1)),
    "colour.ppm": b"P6\n" + SIZE + b"\n255\n" + COLOURS,
    "grey.npy": GREY_NPY,
    "floats.npy": npy(
        "<f4", (HEIGHT, WIDTH), struct.pack(f"<{len(GREYS)}f", *(v / 256 for v in GREYS))
    ),
    "doubles.npy": npy(
        "<f8", (1, HEIGHT, WIDTH), struct.pack(f"<{len(GREYS)}d", *(v / 256 for v in GREYS))
    ),
    "two.npy": npy("|u1", (2, HEIGHT, WIDTH), bytes(pixels(1, 2))),
    "version_2.npy": npy("|u1", (HEIGHT, WIDTH), GREYS, 2),
    "other_order.npy": npy(
        "", (), GREYS, text="{'shape':(5,7) ,'fortran_order':False,'descr':'|u1'}"
    ),
    "colour_last.npy": npy("|u1", (1, HEIGHT, WIDTH, 3), COLOURS),
    "colour_hwc.npy": npy("|u1", (HEIGHT, WIDTH, 3), COLOURS),
    "colour_first.npy": npy("|u1", (1, 3, HEIGHT, WIDTH), PLANES),
    "none.npy": npy("|u1", (0, HEIGHT, WIDTH), b""),
    "two.idx": TWO,
    "two.idx.gz": compressed(TWO),
    "members.idx.gz": compressed(TWO[:20]) + compressed(TWO[20:]),
    "grey.png.gz": compressed(GREY_PNG),
}


def dictionary(text):
    return npy("", (), GREYS, text=text)


BROKEN = {
    "empty": b"",
    "one_byte": b"P",
    "text": b"what is this",
    # IDX
    "prefix_only.idx": b"\0\0\x08\x03",
    "dimensions_cut.idx": TWO[:15],
    "data_cut.idx": TWO[:-1],
    "data_extended.idx": TWO + b"\0",
    "labels.idx": idx([3], b"\0\1\2"),
    "floats.idx": idx([1, 1, 1], bytes(4), kind=0x0D),
    "product_overflows.idx": idx([2**32 - 1] * 3, b""),
    "claims_terabytes.idx": idx([10000, 10000, 10000], bytes(9)),
    "side_0.idx": idx([0, 0, 7], b""),
    # gzip
    "magic_only.gz": b"\x1f\x8b",
    "cut.gz": compressed(TWO)[:-9],
    "checksum.gz": compressed(TWO)[:-8] + bytes(4) + compressed(TWO)[-4:],
    "bytes_after.gz": compressed(TWO) + b"x",
    "twice.gz": compressed(compressed(TWO)),
    "text.gz": compressed(b"what is this"),
    # .npy
    "magic_only.npy": b"\x93NUMPY",
    "version_4.npy": npy("|u1", (HEIGHT, WIDTH), GREYS, 4),
    "header_beyond.npy": b"\x93NUMPY\x01\x00\xff\xff{'descr'",
    "header_4_gigabytes.npy": b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'",
    "no_brace.npy": dictionary("'descr': '|u1'"),
    "no_shape.npy": dictionary("{'descr': '|u1', 'fortran_order': False}"),
    "key_twice.npy": dictionary("{'descr': '|u1', 'descr': '|u1'}"),
    "key_unknown.npy": dictionary("{'strides': '|u1'}"),
    "colon_missing.npy": dictionary("{'descr' '|u1'}"),
    "comma_missing.npy": dictionary("{'descr': '|u1' 'shape': (5, 7)}"),
    "order_is_number.npy": dictionary("{'fortran_order': 0}"),
    "shape_is_number.npy": dictionary("{'shape': 5}"),
    "shape_open.npy": dictionary("{'shape': (5, 7"),
    "shape_negative.npy": dictionary("{'shape': (-5, 7)}"),
    "shape_without_commas.npy": dictionary("{'shape': (5 7)}"),
    "text_after.npy": dictionary("{'descr': '|u1', 'fortran_order': False, 'shape': (5, 7)} x"),
    "fortran.npy": dictionary("{'descr': '|u1', 'fortran_order': True, 'shape': (5, 7)}"),
    "objects.npy": npy("|O", (HEIGHT, WIDTH), GREYS),
    "big_endian.npy": npy(">f4", (HEIGHT, WIDTH), bytes(140)),
    "structure.npy": dictionary("{'descr': [('r', '|u1')]}"),
    "long_type.npy": npy("<datetime64", (HEIGHT, WIDTH), GREYS),
    "dimensions_0.npy": npy("|u1", "()", b"x"),
    "dimensions_5.npy": npy("|u1", (1, 1, 1, 5, 7), GREYS),
    "channels_2.npy": npy("|u1", (1, 2, 5, 7), bytes(70)),
    "data_cut.npy": GREY_NPY[:-1],
    "data_extended.npy": GREY_NPY + b"\0",
    "shape_2_to_the_70.npy": npy("|u1", (2**70, 1, 7), GREYS),
    "claims_gigabytes.npy": npy("<f4", (2**31, 5, 7), GREYS),
    # PGM, PPM
    "plain.pgm": b"P2 1 1 255 7",
    "bits.pbm": b"P4 8 1 \xff",
    "size_missing.pgm": b"P5\n",
    "size_negative.pgm": b"P5 -7 5 255 " + GREYS,
    "greatest_0.pgm": b"P5 7 5 0 " + GREYS,
    "greatest_65536.pgm": b"P5 7 5 65536 " + GREYS,
    "value_above.pgm": b"P5 1 1 15 \x10",
    "no_blank.pgm": b"P5 7 5 255",
    "width_0.pgm": b"P5 0 5 255 ",
    "side_too_long.pgm": b"P5 40000 1 255 " + GREYS,
    "digits.pgm": b"P5 " + b"9" * 400 + b" 1 255 " + GREYS,
    "claims_gigabytes.ppm": b"P6 30000 30000 255 " + GREYS,
    "data_cut.pgm": WHOLE["grey.pgm"][:-1],
    "data_extended.pgm": WHOLE["grey.pgm"] + b"\n",
    # PNG
    "signature_only.png": SIGNATURE,
    "no_header.png": SIGNATURE + chunk(b"IDAT", b"") + END,
    "header_checksum.png": SIGNATURE + chunk(b"IHDR", header(GREY)[8:21], crc=1) + END,
    "width_0.png": SIGNATURE + header(GREY, width=0) + END,
    "side_too_long.png": SIGNATURE + header(GREY, width=40000) + chunk(b"IDAT", b"") + END,
    "claims_gigabytes.png": SIGNATURE
    + header(RGB, 8, 16000, 16000)
    + chunk(b"IDAT", zlib.compress(bytes(9)))
    + END,
    "depth_5.png": SIGNATURE + header(GREY, 5) + END,
    "data_missing.png": SIGNATURE + header(GREY) + END,
    "data_short.png": SIGNATURE + header(GREY) + chunk(b"IDAT", zlib.compress(bytes(20))) + END,
    "data_checksum.png": GREY_PNG.replace(chunk(b"IDAT", zlib.compress(rows(grey, 8)))[-4:], b"abcd"),
    "palette_missing.png": png(PALETTE, 2, entry),
    "cut.png": GREY_PNG[:-14],
    "end_missing.png": GREY_PNG[:-12],
    "chunk_4_gigabytes.png": SIGNATURE + header(GREY) + b"\xff\xff\xff\xffIDAT",
}


def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    corpus = Path(sys.argv[1] if len(sys.argv) > 1 else "tests/corpus")
    write(corpus / "images", WHOLE)
    write(corpus / "broken_images", BROKEN)
