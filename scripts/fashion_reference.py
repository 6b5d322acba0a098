#!/usr/bin/env python3
"""Writes tests/golden/fashion_resnet.safetensors: what torch computes from models/fashion-resnet.

    fashion_reference.py [--model FOLDER] [--data FOLDER] [--output FILE]

Needs what train_fashion.py needs. In the file: `images` (U8 [20, 28, 28]), the first twenty test
images of Fashion-MNIST (MIT licence; Xiao, Rasul, Vollgraf 2017), their `logits` (F32 [20, 10]),
and `predictions` (U8 [10000]), the class of every test image; in its metadata `right`, how many of
them are the label.
"""

import argparse
import os

import numpy as np
import torch
import train_fashion
from checkpoint_files import read_safetensors, write_safetensors

SHOWN = 20


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="models/fashion-resnet")
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--output", default="tests/golden/fashion_resnet.safetensors")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = train_fashion.FashionResNet()
    arrays, _ = read_safetensors(os.path.join(args.model, "model.safetensors"))
    weights = {n: torch.from_numpy(a.astype(np.float32)) for n, a in arrays.items()}
    missing = model.load_state_dict(weights, strict=False).missing_keys
    assert all(name.endswith("num_batches_tracked") for name in missing), missing
    images, labels = train_fashion.load(args.data, "t10k")
    logits = train_fashion.logits_of(model, images)
    predictions = logits.argmax(1)
    right = int((predictions == labels).sum())
    tensors = {
        "logits": logits[:SHOWN].numpy(),
        "images": (images[:SHOWN, 0] * 255).round().numpy().astype(np.uint8),
        "predictions": predictions.numpy().astype(np.uint8),
    }
    write_safetensors(args.output, tensors, {"right": str(right)})
    print(f"{right} of {len(labels)} right; wrote {args.output}")


if __name__ == "__main__":
    main()
