#!/usr/bin/env python3
"""Writes the founding experiment's tables into a README, between its markers.

usage: founding_table.py README.md RESULTS.csv...   (of `tessera sweep bench/experiments/founding.txt`)

One table a model: a row for each pattern and sparsity, a column for each method. x: at or below the
model's null row, destroyed. A cell that is missing was not measured. Then, for a model of text, the
fastest cell of each pattern that keeps the quality.
"""
import collections
import csv
import re
import sys

BEGIN, END = "<!-- figures: founding (scripts/founding_table.py) -->", "<!-- /figures -->"
FROZEN_LOSS, LEAST_COSINE = 0.01, 0.90  # what is called kept
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


def keeps_quality(row, dense):
    return (not row["error"] and float(row["frozen"]) >= float(dense["frozen"]) - FROZEN_LOSS
            and float(row["cosine"]) >= LEAST_COSINE)


def kept_quality(model, rows):
    """Of cells of one structure, which are equally fast, the one of the greatest cosine."""
    dense = next(row for row in rows if row["pattern"] == "dense")
    if not dense.get("frozen"):
        return
    by_pattern = collections.defaultdict(list)
    for row in rows:
        if row["method"]:
            by_pattern[row["pattern"]].append(row)
    yield f"{model}, the fastest of each pattern, one shot, that loses at most {100 * FROZEN_LOSS:.0f} point"
    yield f"of frozen accuracy and has a cosine of {LEAST_COSINE:.2f} or more:"
    yield ""
    yield "| pattern | zeros | method | x dense | frozen / cosine |"
    yield "|---|---:|---|---:|---:|"
    for pattern, cells in by_pattern.items():
        kept = [row for row in cells if keeps_quality(row, dense)]
        if not kept:
            yield f"| `{pattern}` | none | | | |"
            continue
        zeros = max(float(row["sparsity"]) for row in kept)
        best = max((row for row in kept if float(row["sparsity"]) == zeros),
                   key=lambda row: float(row["cosine"]))
        fast = speed([row for row in cells if float(row["sparsity"]) == zeros])
        yield f"| `{pattern}` | {100 * zeros:.0f} % | {best['method']} | {fast} | {quality(best)} |"
    yield ""


def main(readme, *results):
    models = collections.defaultdict(list)
    for path in results:
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                models[row["model"]].append(row)
    lines = [line for model, rows in models.items() for part in (table, kept_quality)
             for line in part(model, rows)]
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
