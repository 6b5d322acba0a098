#!/usr/bin/env python3
"""Writes tests/golden/resnet.txt: the logits of two small ResNets, computed by NumPy alone.

usage: make_resnet_golden.py > tests/golden/resnet.txt

Weights and pixels come from a hash of tensor name and index, which tests/small_resnet.c computes
too, so that no weights need to be kept. Convolutions are written as sums over shifted images in NCHW
order, BatchNorm is not folded, everything is double: nothing here resembles the library's way.
"""
import numpy as np

MODELS = {
    "basic": dict(bottleneck=False, imagenet=True, size=32, channels=3, stem=16, shrink=False,
                  depths=[2, 1], widths=[16, 40], classes=11),
    "bottleneck": dict(bottleneck=True, imagenet=True, size=32, channels=3, stem=16, shrink=False,
                       depths=[1, 2], widths=[64, 96], classes=7),
    "fashion": dict(bottleneck=False, imagenet=False, size=13, channels=1, stem=16, shrink=True,
                    depths=[1, 2], widths=[48, 32], classes=10),
}
IMAGES = 2


def hashed(name, count):
    """count numbers in [-0.5, 0.5): the low bits of a mixed counter that begins at FNV-1a(name)."""
    start = 2166136261
    for byte in name.encode():
        start = (start ^ byte) * 16777619 % 2**32
    x = (start + np.arange(count, dtype=np.uint64) * 2654435761) & 0xFFFFFFFF
    for _ in range(2):
        x ^= x >> np.uint64(16)
        x = x * np.uint64(0x45D9F3B) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(16)
    return x.astype(np.float64) / 2**32 - 0.5


def tensor(name, shape, offset, scale):
    """As the checkpoint has it: rounded to float."""
    values = offset + scale * hashed(name, int(np.prod(shape)))
    return values.astype(np.float32).astype(np.float64).reshape(shape)


def conv(x, name, filters, kernel, stride):
    n, channels, height, width = x.shape
    w = tensor(name + ".weight", (filters, channels, kernel, kernel), 0,
               4.9 / np.sqrt(channels * kernel * kernel))
    pad = kernel // 2
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows = (height + 2 * pad - kernel) // stride + 1
    columns = (width + 2 * pad - kernel) // stride + 1
    y = np.zeros((n, filters, rows, columns))
    for i in range(kernel):
        for j in range(kernel):
            part = padded[:, :, i:i + stride * rows:stride, j:j + stride * columns:stride]
            y += np.einsum("fc,nchw->nfhw", w[:, :, i, j], part)
    return y


def norm(x, name):
    c = (1, x.shape[1], 1, 1)
    gamma, beta = tensor(name + ".weight", c, 1, 0.5), tensor(name + ".bias", c, 0, 0.5)
    mean, var = tensor(name + ".running_mean", c, 0, 0.5), tensor(name + ".running_var", c, 1, 1)
    return gamma * (x - mean) / np.sqrt(var + 1e-5) + beta


def relu(x):
    return np.maximum(x, 0)


def max_pool(x):
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    rows, columns = (x.shape[2] - 1) // 2 + 1, (x.shape[3] - 1) // 2 + 1
    return np.max([padded[:, :, i:i + 2 * rows:2, j:j + 2 * columns:2]
                   for i in range(3) for j in range(3)], axis=0)


def block(x, name, width, stride, bottleneck):
    skip = x
    if stride != 1 or x.shape[1] != width:
        skip = norm(conv(x, name + "downsample.0", width, 1, stride), name + "downsample.1")
    if bottleneck:
        x = relu(norm(conv(x, name + "conv1", width // 4, 1, 1), name + "bn1"))
        x = relu(norm(conv(x, name + "conv2", width // 4, 3, stride), name + "bn2"))
        x = norm(conv(x, name + "conv3", width, 1, 1), name + "bn3")
    else:
        x = relu(norm(conv(x, name + "conv1", width, 3, stride), name + "bn1"))
        x = norm(conv(x, name + "conv2", width, 3, 1), name + "bn2")
    return relu(x + skip)


def forward(m):
    size, channels = m["size"], m["channels"]
    x = tensor("pixels", (IMAGES, size, size, channels), 0, 2).transpose(0, 3, 1, 2)
    x = relu(norm(conv(x, "conv1", m["stem"], 7 if m["imagenet"] else 3,
                       2 if m["imagenet"] else 1), "bn1"))
    if m["imagenet"]:
        x = max_pool(x)
    for stage, (depth, width) in enumerate(zip(m["depths"], m["widths"])):
        for b in range(depth):
            stride = 2 if b == 0 and (stage > 0 or m["shrink"]) else 1
            x = block(x, f"layer{stage + 1}.{b}.", width, stride, m["bottleneck"])
    x = x.mean(axis=(2, 3))
    w = tensor("fc.weight", (m["classes"], x.shape[1]), 0, 4.9 / np.sqrt(x.shape[1]))
    return x @ w.T + tensor("fc.bias", (m["classes"],), 0, 0.5)


for name, m in MODELS.items():
    for image, logits in enumerate(forward(m)):
        print(name, image, *(f"{value:.9g}" for value in logits))
