"""Texts that are hard to tokenise, and the form in which the tests keep them."""

import random

SPECIAL = [b"[CLS]", b"[SEP]", b"[MASK]", b"[PAD]", b"[UNK]"]

HAND_WRITTEN = [
    "", " ", "\t\r\n ", "Hello, world!", "don't stop-believing... (ever)", "UPPER lower MiXeD",
    "caf\u00e9 na\u00efve \u00c5ngstr\u00f6m \u00dcber fa\u00e7ade", "cafe\u0301 A\u030angstro\u0308m",
    "\u0130stanbul \u0131\u015f\u0131k \u0130\u0307", "stra\u00dfe STRA\u1e9eE \u01c4\u01c5\u01c6",
    "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2 \u03a3\u0391\u03a3 \u1f82 \u1fb7 \u037e \u1fef",
    "\u7530\u4e2d\u3055\u3093 \u4e2d\u6587test\u6df7\u5408 \u3042\u304b\u3099\u304c \u30ab\u30bf\u30ab\u30ca",
    "\uf900\u2f00\u3007\u3005 \U00020000\U0002a6df\U0002b81f\U0002b820\U0002ceaf\U0002f800",
    "\uc548\ub155\ud558\uc138\uc694 \u1112\u1161\u11ab \ud7a3",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0958 \u0bcb \u0f77 \u0344",
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \u2764\ufe0f a\U0001f600b",
    "a\u0000b \ufffd c\ufffdd \ufeffbom zero\u200bwidth soft\u00adhyphen \u2028line\u2029para\u0085nel",
    "nbsp\u00a0em\u2003thin\u2009ideographic\u3000end\u1680ogham\u180emvs",
    "\x01\x02\x1b[31mred\x7f\x80\x9f", "\ue000private\uf8ff\U000f0000 \U0010fffd \ufdd0\ufffe\uffff",
    "[CLS] [SEP] [MASK] [PAD] [UNK]", "a[MASK]b [mask] [CLS [MASK]] [[SEP]]", "e[SEP]\u0301 \u302e[MASK]\u0334",
    "##ing ## # ##", "\u201cquotes\u201d \u2018single\u2019 \u2014 \u2026 \u00a1\u00bf \u00a7\u00b6 \u20ac\u00a3 $+<=>^`|~",
    "http://example.com/a_b?c=d&e=f#g user@example.org 3.14 1,000 50% C++ AT&T",
    "\U0001d165\u302e\u302f\U0001d165\u0334 a\u302e\U0001d165\u0301b\u302f\u0316\U0001d16dc",
    "\u1734 \U000111c9 \u166d a\u1734b a\U000111c9b a\u166db", "\u08d4\u302e\u08d5 \u1dfb\u302e \U0001e944\u302e\U0001d165",
    "a" * 99, "a" * 100, "a" * 101, "\u00e9" * 100, "\u00e9" * 101, "x" * 100 + "\u0301" * 50,
    "x" + "\u302e\U0001d165" * 49 + "y", "x" + "\u302e\U0001d165" * 50, "\u1f82" * 100, "\u0958" * 60,
    "pneumonoultramicroscopicsilicovolcanoconiosis floccinaucinihilipilification",
]

INVALID = [
    b"\xff", b"a\xffb", b"\xc0\xaf", b"\xc3", b"a\xc3(b", b"\xe4\xb8", b"\xe4\xb8\xe4\xb8\xad", b"\xed\xa0\x80x",
    b"\xed\xb0\x80y\xed\x9f\xbf", b"\xf0\x80\x80\x80z", b"\xf4\x90\x80\x80 q", b"\xf5\x80\x80\x80w", b"\xf0\x9f\x98",
    b"\xf0\x9f\x98A", b"\x80\x80abc", b"\xe0\x9f\xbfk", b"caf\xe9 latin-1", b"[CL\xffS] [MASK\xc3]", b"\xc3[SEP]\xa9",
    b"\xfe\xff\x00h\x00i", b"e\xcc\x81\xcc", b"\xf8\x88\x80\x80\x80 \xfc\x84\x80\x80\x80\x80",
]

# Code points of every script and of the rules' edges, for random texts.
ALPHABET = (
    [chr(c) for c in range(0x20, 0x7F)] * 3
    + list("\u00e9\u00c5\u0130\u1e9e\u03a3\u1f82\u0958\uc548\u4e2d\uf900\U00020000\U0002f800\u3042\u304c")
    + list("\u0301\u0316\u0334\u0345\u05b0\u093c\u302e\u302f\U0001d165\U0001d16d\u1dfb\u08d4\U0001e944")
    + list("\u1dfa\u0d3b\u1734\u1715\U00011938\U00011935\U00016ff0\U0001e08f\ua7cb\ua7dc\U00010d50")
    + list("\x00\ufffd\x07\u200b\u00ad\ue000\u0378\u2028\u3000\u00a0\t\r\n\u061d\u2e5d\u166d\U0001f600\u20ac")
)


def random_texts(count, seed):
    """Random mixtures of everything above, bytes included."""
    rng = random.Random(seed)
    for _ in range(count):
        text = "".join(rng.choices(ALPHABET, k=rng.randint(1, 60))).encode()
        kind = rng.random()
        if kind < 0.2:
            at = rng.randint(0, len(text))
            text = text[:at] + rng.choice(SPECIAL) + text[at:]
        elif kind < 0.4:
            text = bytearray(text)
            for _ in range(rng.randint(1, 4)):
                text[rng.randrange(len(text))] = rng.randrange(256)
            text = bytes(text)
        yield text


def awkward_texts():
    """The fixed list, as bytes."""
    return [t.encode("utf-8") for t in HAND_WRITTEN] + INVALID


def long_texts(characters=100_000):
    """Lines of 100,000 characters, each hard on another part."""
    units = ["a", "ab ", "\u00e9", "\u4e2d", "\u302e\U0001d165", "\u0301\u0334", "!", "[MASK", "[SEP]", "\x00",
             "\U0001f600", "unaffable ", "\u0958"]
    texts = [(u * (characters // len(u))).encode() for u in units]
    return texts + [b"\xff" * characters, b"\xe4\xb8" * (characters // 2), b"a" + b"\xf0" * characters]


def escape(text):
    """One line per text: a backslash, and every byte that is not printable UTF-8, as \\xHH."""
    out = []
    for char in text.decode("utf-8", errors="surrogateescape"):
        code = ord(char)
        if 0xDC80 <= code <= 0xDCFF:
            out.append(f"\\x{code - 0xDC00:02x}")
        elif char == "\\" or not (char.isprintable() or char == "\u3000"):
            out.extend(f"\\x{byte:02x}" for byte in char.encode("utf-8"))
        else:
            out.append(char)
    return "".join(out)


def unescape(line):
    """The inverse of escape."""
    parts = line.split("\\x")
    return parts[0].encode() + b"".join(bytes([int(p[:2], 16)]) + p[2:].encode() for p in parts[1:])
