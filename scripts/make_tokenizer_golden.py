#!/usr/bin/env python3
"""Writes tests/golden/tokenizer/texts.txt and ids.txt with the Python package `tokenizers`.

    make_tokenizer_golden.py --tokenizer tokenizer.json --output tests/golden/tokenizer GLOSSES...

GLOSSES are WordNet's data.* files; an even sample of their glosses is taken, then the awkward and
random texts of tokenizer_cases.py. The result depends on nothing else.
"""

import argparse
import os

from tokenizers import Tokenizer

from tokenizer_cases import awkward_texts, escape, random_texts, unescape


def gloss_sample(paths, count):
    glosses = []
    for path in sorted(paths):
        with open(path, "rb") as file:
            glosses += [line.partition(b"| ")[2].strip() for line in file if b"| " in line]
    step = len(glosses) / count
    return [glosses[int(i * step)] for i in range(count)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json")
    parser.add_argument("--output", required=True, help="folder")
    parser.add_argument("glosses", nargs="+")
    arguments = parser.parse_args()

    tokenizer = Tokenizer.from_file(arguments.tokenizer)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    texts = gloss_sample(arguments.glosses, 1700) + awkward_texts() + list(random_texts(400, seed=7))
    lines = [escape(text) for text in texts]
    assert [unescape(line) for line in lines] == texts
    encodings = tokenizer.encode_batch([t.decode("utf-8", errors="replace") for t in texts])
    with open(os.path.join(arguments.output, "texts.txt"), "w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in lines)
    with open(os.path.join(arguments.output, "ids.txt"), "w", encoding="utf-8", newline="\n") as file:
        file.writelines(" ".join(map(str, e.ids)) + "\n" for e in encodings)


if __name__ == "__main__":
    main()
