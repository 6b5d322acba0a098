#!/usr/bin/env python3
"""Writes tests/golden/minilm_hidden.safetensors: what a BERT model computes, in float64 with NumPy.

    minilm_reference.py MODEL_FOLDER OUTPUT

MODEL_FOLDER holds model.safetensors (float32), config.json and tokenizer.json. Needs `numpy` and
`tokenizers`. It shares no code with Tessera: the file is read by hand, the model written out as the
BERT paper and its published weights' names define it.
"""

import argparse
import json
import math
import os
import struct

import numpy as np
from tokenizers import Tokenizer

SENTENCES = [
    "A man is eating food.",
    "The girl is carrying a baby, and the baby laughs at everything it sees.",
    "Sparse matrices save time only where the hardware can skip their zeros.",
    "Isn't it ironic? Caf\u00e9 prices rose 12.5% in 2024!",
    "unaffable",
    "How do I open a bank account?",
    "What is needed to set up an account with a bank?",
    "the branch of physics that studies the physical properties of light",
]

erf = np.vectorize(math.erf, otypes=[np.float64])


def read_safetensors(path):
    """name -> float64 array. The file: length of the header (u64), the header (JSON), the data."""
    with open(path, "rb") as file:
        (header_bytes,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(header_bytes))
        data = file.read()
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        first, last = entry["data_offsets"]
        values = np.frombuffer(data[first:last], dtype="<f4").reshape(entry["shape"])
        tensors[name] = values.astype(np.float64)
    return tensors


def write_safetensors(path, arrays, metadata):
    """arrays: name -> array of float32 or int64."""
    names = {"<f4": "F32", "<i8": "I64"}
    header, blobs, offset = {"__metadata__": metadata}, [], 0
    for name, array in arrays.items():
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


class Bert:
    """The encoder on one sentence: hidden states [tokens, hidden]."""

    def __init__(self, folder):
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            self.config = json.load(file)
        assert self.config["hidden_act"] == "gelu"
        self.weights = read_safetensors(os.path.join(folder, "model.safetensors"))

    def linear(self, name, x):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def layer_norm(self, name, x):
        mean = x.mean(axis=-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
        normal = (x - mean) / np.sqrt(variance + self.config["layer_norm_eps"])
        return normal * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def embed(self, ids):
        table = "embeddings.{}_embeddings.weight".format
        x = self.weights[table("word")][ids]
        x = x + self.weights[table("position")][: len(ids)] + self.weights[table("token_type")][0]
        return self.layer_norm("embeddings.LayerNorm", x)

    def attention(self, name, x):
        heads = self.config["num_attention_heads"]
        tokens, hidden = x.shape

        def split(part):  # [heads, tokens, hidden / heads]
            y = self.linear(f"{name}.self.{part}", x)
            return y.reshape(tokens, heads, hidden // heads).transpose(1, 0, 2)

        query, key, value = split("query"), split("key"), split("value")
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(hidden // heads)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        context = (weights @ value).transpose(1, 0, 2).reshape(tokens, hidden)
        return self.layer_norm(
            f"{name}.output.LayerNorm", self.linear(f"{name}.output.dense", context) + x
        )

    def hidden_states(self, ids):
        x = self.embed(ids)
        for i in range(self.config["num_hidden_layers"]):
            name = f"encoder.layer.{i}"
            x = self.attention(f"{name}.attention", x)
            y = self.linear(f"{name}.intermediate.dense", x)
            y = 0.5 * y * (1 + erf(y / math.sqrt(2)))
            x = self.layer_norm(
                f"{name}.output.LayerNorm", self.linear(f"{name}.output.dense", y) + x
            )
        return x


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("output")
    arguments = parser.parse_args()

    tokenizer = Tokenizer.from_file(os.path.join(arguments.folder, "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    ids = [tokenizer.encode(sentence).ids for sentence in SENTENCES]
    model = Bert(arguments.folder)
    hidden = [model.hidden_states(i) for i in ids]
    arrays = {
        "ids": np.concatenate(ids).astype("<i8"),
        "lengths": np.array([len(i) for i in ids]).astype("<i8"),
        "hidden": np.concatenate(hidden).astype("<f4"),
        "embeddings": np.stack([h.mean(axis=0) for h in hidden]).astype("<f4"),
    }
    write_safetensors(arguments.output, arrays, {"sentences": json.dumps(SENTENCES)})


if __name__ == "__main__":
    main()
