#!/usr/bin/env python3
"""Joins the demo's race with the similarity of each variant's sentence embeddings to the dense
model's, and prints the table; with --markdown as the README shows it.

usage: demo_table.py [--markdown] BENCH.json DENSE.json [PATTERN SPARSITY EMBEDDINGS.json]...
"""
import json
import math
import sys


def embeddings(path):
    with open(path) as file:
        return json.load(file)["embeddings"]


def cosine(a, b):
    dot = sum(x * y for x, y in zip(a, b))
    return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def similarity(dense, pruned):
    """Mean and least cosine over the sentences."""
    values = [cosine(a, b) for a, b in zip(dense, pruned)]
    return "%.2f" % (sum(values) / len(values)), "%.2f" % min(values)


def rows(records, similarities):
    yield ["pattern", "sparsity", "threads", "ms", "x dense", "packed MB", "cosine", "worst"]
    for record in records:
        key = record["pattern"], round(record["sparsity"], 2)
        dense = record["pattern"] == "dense"
        mean, worst = ("1.00", "1.00") if dense else similarities.get(key, ("-", "-"))
        yield [record["pattern"], "%.0f %%" % (100 * record["sparsity"]), str(record["threads"]),
               "%.2f" % record["median_ms"], "1.00" if dense else "%.2f" % record["speedup"],
               "%.1f" % (record["packed_bytes"] / 1e6), mean, worst]


def notes(report):
    """What the table is relative to."""
    machine = report["machine"]
    yield "%s, %s" % (machine["name"], machine["isa"][-1])
    for record in report["records"]:
        if record["pattern"] == "dense" and record["baseline"]:
            yield "dense, %d thread%s: %.2f ms; %s %s: %.2f ms" % (
                record["threads"], "s" * (record["threads"] != 1), record["median_ms"],
                record["baseline"], record["baseline_version"], record["baseline_median_ms"])


def main(arguments):
    markdown = arguments[:1] == ["--markdown"]
    arguments = arguments[markdown:]
    with open(arguments[0]) as file:
        report = json.load(file)
    similarities = {}
    if len(arguments) > 1:
        dense = embeddings(arguments[1])
        for pattern, sparsity, path in zip(*(arguments[i::3] for i in (2, 3, 4))):
            key = pattern, round(float(sparsity), 2)
            similarities[key] = similarity(dense, embeddings(path))
    table = list(rows(report["records"], similarities))
    if markdown:
        table.insert(1, ["---"] + ["---:"] * (len(table[0]) - 1))
        for row in table:
            print("| " + " | ".join(row) + " |")
    else:
        widths = [max(map(len, column)) for column in zip(*table)]
        for row in table:
            print(row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width
                                             in zip(row[1:], widths[1:])), sep="  ")
    print("", *notes(report), sep="\n- " if markdown else "\n")


main(sys.argv[1:])
