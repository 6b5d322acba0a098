#!/usr/bin/env python3
"""Compares Tessera's token ids with those of the Python package `tokenizers`.

    check_tokenizer.py --encode BUILD/tests/encode --tokenizer tokenizer.json --vocab vocab.txt \\
        [--awkward] [--code-points] [--characters] [--random N] [--max-tokens N] [--column N] [--after TEXT] [FILE...]

Needs `tokenizers`. Invalid UTF-8 counts as bytes.decode('utf-8', errors='replace') reads it.
Exits with 1 when a text differs, printing the first ones.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer

from tokenizer_cases import SPECIAL, awkward_texts, escape, long_texts, random_texts

SPECIAL_NAMES = [name.decode() for name in SPECIAL]


def file_texts(path, column, after):
    """The lines of a file, or a tab-separated column of each, or what follows `after`."""
    with open(path, "rb") as file:
        for line in file:
            line = line.rstrip(b"\r\n")
            if column is not None:
                fields = line.split(b"\t")
                if len(fields) <= column:
                    continue
                line = fields[column]
            if after is not None:
                _, found, line = line.partition(after.encode())
                if not found:
                    continue
            yield line


def code_point_texts():
    """Every code point: alone, inside a word, before an accent, and within a run of marks."""
    for code in itertools.chain(range(0xD800), range(0xE000, 0x110000)):
        c = chr(code)
        yield f"{c} a{c}b A{c}\u0301 \u302e{c}\U0001d165 {c}ing{c}".encode()


def write_character_tokenizer(reference, folder):
    """A vocabulary with a token for every character of the first two planes, so that the ids show
    what a text was normalised to. Returns its tokenizer and the path of its vocab.txt."""
    codes = [c for c in range(0x20, 0x20000) if not 0xD800 <= c < 0xE000]
    tokens = SPECIAL_NAMES + [chr(c) for c in codes] + ["##" + chr(c) for c in codes]
    settings = json.loads(reference.to_str())
    settings["model"]["vocab"] = {token: i for i, token in enumerate(tokens)}
    for i, name in enumerate(SPECIAL_NAMES):
        next(t for t in settings["added_tokens"] if t["content"] == name)["id"] = i
        if name in settings["post_processor"]["special_tokens"]:
            settings["post_processor"]["special_tokens"][name]["ids"] = [i]
    path = os.path.join(folder, "vocab.txt")
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(token + "\n" for token in tokens)
    return Tokenizer.from_str(json.dumps(settings)), path


def batches(texts, size=20_000):
    iterator = iter(texts)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


def tessera_ids(arguments, batch):
    """The encoder program's ids, a list per text."""
    with tempfile.TemporaryFile() as lines:
        lines.write("".join(escape(t) + "\n" for t in batch).encode("utf-8"))
        lines.seek(0)
        command = [arguments.encode, arguments.vocab, str(arguments.max_tokens)]
        output = subprocess.run(command, stdin=lines, stdout=subprocess.PIPE, check=True).stdout
    return [[int(i) for i in line.split()] for line in output.decode().splitlines()]


def compare(name, texts, arguments, reference, shown=5):
    """Prints one line per set; returns how many texts differ."""
    total = different = 0
    for batch in batches(texts):
        decoded = [t.decode("utf-8", errors="replace") for t in batch]
        wanted = [e.ids for e in reference.encode_batch(decoded)]
        got = tessera_ids(arguments, batch)
        assert len(got) == len(batch), f"{len(batch)} texts in, {len(got)} lines out"
        total += len(batch)
        for text, want, have in zip(batch, wanted, got):
            if want != have:
                different += 1
                if different <= shown:
                    print(f"  {escape(text)[:200]}\n    tokenizers {want[:40]}\n    tessera    {have[:40]}")
    print(f"{name}: {total} texts, {different} differ", flush=True)
    return different


def run(arguments, reference):
    different = 0
    if arguments.awkward:
        different += compare("awkward", awkward_texts(), arguments, reference)
        different += compare("100,000 characters", long_texts(), arguments, reference)
    if arguments.random:
        texts = random_texts(arguments.random, arguments.seed)
        different += compare("random", texts, arguments, reference)
    if arguments.code_points:
        different += compare("code points", code_point_texts(), arguments, reference)
    for path in arguments.files:
        texts = file_texts(path, arguments.column, arguments.after)
        different += compare(path, texts, arguments, reference)
    return different


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--encode", required=True, help="the program built from tests/tools/encode.c")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json")
    parser.add_argument("--vocab", required=True, help="vocab.txt")
    parser.add_argument("--max-tokens", type=int, default=10_000_000)
    parser.add_argument("--awkward", action="store_true", help="the fixed awkward and long texts")
    parser.add_argument("--code-points", action="store_true", help="every code point in five contexts")
    parser.add_argument(
        "--characters",
        action="store_true",
        help="instead of the vocabulary use one of single characters, so that\n"
        "normalisation shows even where it would end in [UNK]",
    )
    parser.add_argument("--random", type=int, default=0, metavar="N", help="N random texts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--column", type=int, help="use only this tab-separated column (from 0)")
    parser.add_argument("--after", help="use only what follows this text; skip lines without it")
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()

    reference = Tokenizer.from_file(arguments.tokenizer)
    reference.no_padding()
    reference.enable_truncation(arguments.max_tokens)
    with tempfile.TemporaryDirectory() as folder:
        if arguments.characters:
            reference, arguments.vocab = write_character_tokenizer(reference, folder)
        sys.exit(1 if run(arguments, reference) else 0)


if __name__ == "__main__":
    main()
