#!/usr/bin/env python3
"""Writes tests/golden/statistics.safetensors: regressions by scikit-learn, ranks by SciPy.

    make_statistics_golden.py OUTPUT        (needs numpy, scipy and scikit-learn)
"""

import json
import struct
import sys

import numpy as np
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression, Ridge

ROWS, COLS = 90, 7


def embeddings(generator):
    """Rows of length 1 around a common direction, the last column always 0, as MiniLM's are."""
    x = generator.normal(size=(ROWS, COLS)) + 1.5
    x[:, -1] = 0
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype("<f4")


def write_safetensors(path, arrays):
    names = {"<f4": "F32", "<f8": "F64"}
    header, blobs, offset = {}, [], 0
    for name, array in sorted(arrays.items(), key=lambda item: -item[1].itemsize):
        blob = array.tobytes()
        header[name] = {
            "dtype": names[array.dtype.str],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def main():
    generator = np.random.default_rng(7)
    x = embeddings(generator)
    ratings = 6 * (x[:, 0] - x[:, 1]).astype(np.float64) + generator.normal(size=ROWS)
    signs = (ratings > 0).astype("<f8")
    logistic = LogisticRegression(C=1.0, solver="newton-cg", tol=1e-12, max_iter=10000)
    logistic.fit(x.astype(np.float64), signs)
    ridge = Ridge(alpha=1.0, solver="svd").fit(x.astype(np.float64), ratings)
    tied = np.round(2 * ratings) / 2, np.round(generator.normal(size=ROWS) + ratings)
    write_safetensors(
        sys.argv[1],
        {
            "x": x,
            "ratings": ratings,
            "signs": signs,
            "logistic": np.append(logistic.coef_[0], logistic.intercept_),
            "ridge": np.append(ridge.coef_, ridge.intercept_),
            "tied_a": tied[0],
            "tied_b": tied[1],
            "spearman": np.array([spearmanr(*tied).statistic]),
        },
    )


if __name__ == "__main__":
    main()
