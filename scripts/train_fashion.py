#!/usr/bin/env python3
"""Trains fashion-resnet, the small ResNet of models/fashion-resnet, on Fashion-MNIST.

    train_fashion.py [--epochs N] [--decay-epochs N] [--processes N] [--state FOLDER]
                     [--output FOLDER]

Needs Debian's python3-torch (1.13.1), python3-numpy and dataset-fashion-mnist; nothing else of the
project needs torch. One epoch takes about two minutes of one core. With --processes each batch is
divided among so many processes, which add up their gradients. After each epoch the state is saved;
a second call goes on from there, and gives the same weights as an uninterrupted run, because order
and augmentation of an epoch follow from the seed and its number alone. The learning rate is
constant until the last --decay-epochs, so that --epochs may still be changed while it is.

Writes OUTPUT/model.safetensors (F16, torchvision's tensor names, BatchNorm as trained, not folded)
and OUTPUT/config.json, and prints the test accuracy of those rounded weights. The test images are
used for nothing else: no epoch is chosen by them.
"""

import argparse
import gzip
import json
import os
import struct
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from checkpoint_files import write_safetensors

STEM, WIDTHS, DEPTHS = 16, [48, 96], [1, 1]
LABELS = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]
SEED, BATCH, PADDING = 20261128, 128, 2
PEAK_RATE, MOMENTUM, WEIGHT_DECAY, SMOOTHING = 0.1, 0.9, 5e-4, 0.05


class BasicBlock(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.downsample = None
        if stride != 1 or cin != cout:
            self.downsample = nn.Sequential(
                nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout)
            )

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class FashionResNet(nn.Module):
    """Input [batch, 1, 28, 28], pixel / 255; every stage's first block halves the image."""

    def __init__(self, stem=STEM, widths=WIDTHS, depths=DEPTHS):
        super().__init__()
        self.conv1 = nn.Conv2d(1, stem, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.stages = len(widths)
        cin = stem
        for stage, (width, depth) in enumerate(zip(widths, depths), start=1):
            blocks = [BasicBlock(cin, width, 2)]
            blocks += [BasicBlock(width, width, 1) for _ in range(depth - 1)]
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
            cin = width
        self.fc = nn.Linear(cin, len(LABELS))

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for stage in range(1, self.stages + 1):
            x = getattr(self, f"layer{stage}")(x)
        return self.fc(x.mean((2, 3)))


def read_idx(path):
    """An IDX file of unsigned bytes: 0, 0, 8, number of sizes, sizes (big-endian u32), data."""
    with gzip.open(path, "rb") as file:
        data = file.read()
    if data[:3] != b"\0\0\x08":
        raise SystemExit(f"{path}: not an IDX file of bytes")
    sizes = struct.unpack(f">{data[3]}I", data[4 : 4 + 4 * data[3]])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(sizes)


def load(folder, part):
    """Images as float [count, 1, 28, 28] in [0, 1] and labels."""
    images = read_idx(os.path.join(folder, f"{part}-images-idx3-ubyte.gz"))
    labels = read_idx(os.path.join(folder, f"{part}-labels-idx1-ubyte.gz"))
    return torch.from_numpy(images.astype(np.float32) / 255)[:, None], torch.from_numpy(
        labels.astype(np.int64)
    )


def augmented(images, generator):
    """Each image shifted by up to PADDING pixels each way, half of them mirrored."""
    count, _, height, width = images.shape
    padded = F.pad(images, [PADDING] * 4)
    top = torch.randint(2 * PADDING + 1, (count, 1), generator=generator)
    left = torch.randint(2 * PADDING + 1, (count, 1), generator=generator)
    mirrored = torch.rand(count, 1, generator=generator) < 0.5
    rows = top + torch.arange(height)
    columns = torch.arange(width).expand(count, width)
    columns = left + torch.where(mirrored, columns.flip(1), columns)
    picked = padded[torch.arange(count)[:, None, None], 0, rows[:, :, None], columns[:, None, :]]
    return picked[:, None]


def learning_rate(done, args):
    """done: epochs, with fraction. A linear rise in the first, a linear fall in the last ones."""
    return PEAK_RATE * min(1.0, done + 0.002, (args.epochs - done) / args.decay_epochs)


class Team:
    """Processes that train the same model: each has a part of every batch."""

    def __init__(self, model, size):
        self.size = size
        self.barrier = torch.multiprocessing.get_context("spawn").Barrier(size)
        count = sum(p.numel() for p in model.parameters())
        # Two turns, so that one barrier a step is enough.
        self.gradients = torch.zeros(2, size, count).share_memory_()

    def average(self, model, rank, step):
        """Puts the mean of all processes' gradients into model's."""
        if self.size == 1:
            return
        gradients = [p.grad for p in model.parameters()]
        buffers = self.gradients[step % 2]
        buffers[rank] = torch.cat([g.flatten() for g in gradients])
        self.barrier.wait()
        mean = buffers.mean(0).split([g.numel() for g in gradients])
        for gradient, values in zip(gradients, mean):
            gradient.copy_(values.view(gradient.shape))


def train_epoch(model, optimizer, images, labels, epoch, args, team, rank):
    generator = torch.Generator().manual_seed(SEED * 1000 + epoch)
    order = torch.randperm(len(images), generator=generator)
    batches = order.split(BATCH)
    model.train()
    for number, batch in enumerate(batches):
        rate = learning_rate(epoch + number / len(batches), args)
        for group in optimizer.param_groups:
            group["lr"] = rate
        part = slice(rank, None, team.size)
        x = augmented(images[batch], generator)[part].to(memory_format=torch.channels_last)
        loss = F.cross_entropy(model(x), labels[batch][part], label_smoothing=SMOOTHING)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        team.average(model, rank, number)
        optimizer.step()
    return float(loss)


def logits_of(model, images):
    model.eval()
    with torch.no_grad():
        return torch.cat([model(x) for x in images.split(500)])


def new_model():
    torch.manual_seed(SEED)
    return FashionResNet().to(memory_format=torch.channels_last)


def new_optimizer(model):
    """Weight decay for matrices and filters only."""
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    return torch.optim.SGD(
        [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others}],
        lr=PEAK_RATE,
        momentum=MOMENTUM,
        nesterov=True,
    )


def restore(path, model, optimizer):
    """The number of epochs that are done already."""
    if not os.path.exists(path):
        return 0
    state = torch.load(path)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["epochs"]


def save(path, model, optimizer, epochs):
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epochs": epochs,
    }
    torch.save(state, path + ".new")
    os.replace(path + ".new", path)


def train(rank, args, team):
    """One process's training; the first one's state is saved."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    model = new_model()
    images, labels = load(args.data, "train")
    optimizer = new_optimizer(model)
    path = os.path.join(args.state, "state.pt")
    first = restore(path, model, optimizer)
    if rank == 0 and args.epochs - args.decay_epochs < first < args.epochs:
        print(f"{path}: going on inside the decay of the learning rate: was --epochs the same?")
    team.barrier.wait()
    for epoch in range(first, args.epochs):
        wall, cpu = time.monotonic(), time.process_time()
        loss = train_epoch(model, optimizer, images, labels, epoch, args, team, rank)
        if rank != 0:
            continue
        save(path, model, optimizer, epoch + 1)
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
        print(f"epoch {epoch + 1}: loss {loss:.3f}, {wall:.0f} s, {cpu:.0f} s of CPU", flush=True)


def write_model(folder, model):
    """Also rounds the model's own weights, so that what is measured is what was written."""
    tensors = {}
    for name, tensor in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        tensor.copy_(tensor.half().float())
        tensors[name] = np.ascontiguousarray(tensor.numpy()).astype("<f2")
        if not np.isfinite(tensors[name]).all():
            raise SystemExit(f"{name} does not fit float16")
    os.makedirs(folder, exist_ok=True)
    write_safetensors(os.path.join(folder, "model.safetensors"), tensors, {"format": "pt"})
    config = {
        "architectures": ["FashionResNet"],
        "model_type": "fashion-resnet",
        "image_size": 28,
        "num_channels": 1,
        "embedding_size": STEM,
        "hidden_sizes": WIDTHS,
        "depths": DEPTHS,
        "downsample_in_first_stage": True,
        "batch_norm_eps": 1e-5,
        "rescale_factor": 1 / 255,
        "id2label": {str(i): label for i, label in enumerate(LABELS)},
    }
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)
        file.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--state", default="build/fashion")
    parser.add_argument("--output", default="models/fashion-resnet")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--decay-epochs", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    os.makedirs(args.state, exist_ok=True)
    model = new_model()
    team = Team(model, args.processes)
    torch.multiprocessing.spawn(train, (args, team), args.processes)
    restore(os.path.join(args.state, "state.pt"), model, new_optimizer(model))
    write_model(args.output, model)
    images, labels = load(args.data, "t10k")
    right = int((logits_of(model, images).argmax(1) == labels).sum())
    print(f"test: {right} of {len(images)} right")


if __name__ == "__main__":
    main()
