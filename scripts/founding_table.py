#!/usr/bin/env python3
"""Writes the founding experiment's tables into a README, between its markers.

usage: founding_table.py README.md RESULTS.csv...   (of `tessera sweep bench/experiments/founding.txt`)

One table a model: a row for each pattern and sparsity, a column for each method. x: at or below the
model's null row, destroyed. A cell that is missing was not measured.
"""
import collections
import csv
import re
import sys

BEGIN, END = "<!-- figures: founding (scripts/founding_table.py) -->", "<!-- /figures -->"
METHODS = ["magnitude", "wanda", "sparsegpt", "admm"]


def quality(row):
    """What is judged: frozen accuracy and cosine, or accuracy."""
    if row["error"]:
        return "failed"
    if row.get("accuracy"):
        text = f"{100 * float(row['accuracy']):.1f}"
    else:
        text = f"{100 * float(row['frozen']):.1f} / {float(row['cosine']):.2f}"
    return text + (" x" if row["state"] == "destroyed" else "")


def median(values):
    values = sorted(values)
    return values[len(values) // 2] if values else None


def speed(rows):
    """Of one structure, whatever method chose what is left."""
    value = median([float(row["speedup"]) for row in rows if row["speedup"]])
    return "" if value is None else f"{value:.2f}"


def size(rows):
    value = median([int(row["packed_bytes"]) for row in rows if row["packed_bytes"]])
    return "" if value is None else f"{value / 1e6:.2f}"


def table(model, rows):
    cells = collections.defaultdict(dict)
    plain = {row["pattern"]: row for row in rows if not row["method"]}
    for row in rows:
        if row["method"]:
            cells[row["pattern"], row["sparsity"]][row["method"]] = row
    known = ", ".join(f"{name} {quality(row)}" for name, row in plain.items())
    yield f"{model} ({known}):"
    yield ""
    yield "| pattern | zeros | x dense | MB | " + " | ".join(METHODS) + " |"
    yield "|---|---:|---:|---:|" + "---:|" * len(METHODS)
    for (pattern, sparsity), by_method in cells.items():
        measured = list(by_method.values())
        shown = [quality(by_method[m]) if m in by_method else "" for m in METHODS]
        yield (f"| `{pattern}` | {100 * float(sparsity):.0f} % | {speed(measured)} | {size(measured)} | "
               + " | ".join(shown) + " |")
    yield ""


def main(readme, *results):
    models = collections.defaultdict(list)
    for path in results:
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                models[row["model"]].append(row)
    lines = [line for model, rows in models.items() for line in table(model, rows)]
    with open(readme, encoding="utf-8") as file:
        text = file.read()
    text, count = re.subn(f"({re.escape(BEGIN)}\n).*?({re.escape(END)})",
                          lambda m: m[1] + "\n".join(lines) + m[2], text, flags=re.S)
    if count != 1:
        sys.exit(f"{readme}: no markers '{BEGIN}'")
    with open(readme, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
