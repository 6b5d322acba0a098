#!/usr/bin/env python3
"""Retrains a pruned model with its zeros fixed; the dense model is the teacher.

    finetune.py DENSE PRUNED OUTPUT (--steps N | --minutes M) [options]
    finetune.py --check MODEL [--tessera PROGRAM]

DENSE and PRUNED are folders with model.safetensors and config.json, PRUNED made from DENSE by
`tessera prune`; a weight that is zero in it stays zero. OUTPUT is a folder like PRUNED, for `tessera
pack`, `evaluate` and `run`; metadata are carried on. What is learned, and from what:

  BERT (finetune_bert.py)    the encoder; hidden states and embeddings of DENSE on the amazon and nyt
                             sentences of scripts/get_sentences.sh and on WordNet's glosses
                             (wordnet-base). `retrieval` is measured with such glosses, too
  fashion-resnet             everything; the training images of Fashion-MNIST, their labels and
  (finetune_resnet.py)       DENSE's logits

Needs Debian's python3-torch (1.13.1) and python3-numpy, for BERT also the program tests/encode of a
build with tests. Each of --threads processes has its own part of every step. The state is saved every
--every steps: the same call goes on from there after any interruption. With --steps the result follows
from the arguments alone; with --minutes the learning rate falls with the time.

Pruning by degrees: prune a little, retrain, `tessera prune` the result further (zeros stay, they
have the least scores), retrain, each time with the first DENSE and another --state.
--check compares this script's own BERT with `tessera run` on the held-out sentences.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when torch is loaded; processes share the work

import argparse
import hashlib
import json
import math
import shutil
import time

import finetune_bert
import finetune_resnet
import numpy as np
import torch
from checkpoint_files import read_safetensors, write_safetensors

TASKS = {"bert": finetune_bert.Task, "fashion-resnet": finetune_resnet.Task}
SETTINGS = "seed rate threads weight_decay tokens reviews embedding_weight bf16".split()
BETAS, EPSILON, WARM_UP = (0.9, 0.99), 1e-8, 0.02


class Model:
    """What a folder holds."""

    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            self.config = json.load(file)
        self.tensors, self.metadata = read_safetensors(os.path.join(folder, "model.safetensors"))

    def floats(self):
        return {
            name: torch.from_numpy(array.astype(np.float32))
            for name, array in self.tensors.items()
            if array.dtype.kind == "f"
        }


def task_of(args, dense, pruned):
    kind = pruned.config.get("model_type")
    if kind not in TASKS:
        raise SystemExit(f"{pruned.folder}: model_type '{kind}' is none of {', '.join(TASKS)}")
    return TASKS[kind](args, dense, pruned)


def mask_of(dense, pruned):
    """1 where a weight may change. Vectors are no pruned matrices: there only a zero that pruning
    made, such as a removed filter's scale, is kept."""
    kept = pruned != 0
    return (kept if pruned.dim() > 1 else kept | (dense == 0)).float()


class Shared:
    """Parameters and the optimiser's state as flat vectors that all processes see; each process
    updates a slice of them."""

    def __init__(self, dense, pruned, names, processes):
        values = [pruned[name] for name in names]
        self.names, self.shapes = names, [v.shape for v in values]
        self.values = torch.cat([v.flatten() for v in values])
        self.mask = torch.cat([mask_of(dense[n], pruned[n]).flatten() for n in names])
        self.first, self.second = torch.zeros_like(self.values), torch.zeros_like(self.values)
        self.gradients = torch.zeros(processes, len(self.values))
        self.progress = torch.zeros(2, dtype=torch.float64)  # share done, learning rate's factor
        self.done = {"steps": 0, "seconds": 0.0, "units": 0}
        self.extra = {}
        for tensor in vars(self).values():
            if isinstance(tensor, torch.Tensor):
                tensor.share_memory_()
        self.barrier = torch.multiprocessing.get_context("spawn").Barrier(processes)

    def views(self, flat):
        parts = flat.split([shape.numel() for shape in self.shapes])
        return {n: p.view(shape) for n, p, shape in zip(self.names, parts, self.shapes)}

    def save(self, path, key):
        state = {name: getattr(self, name) for name in ("values", "first", "second", "done", "extra")}
        torch.save({"key": key, **state}, path + ".new")
        os.replace(path + ".new", path)

    def restore(self, path, key):
        if not os.path.exists(path):
            return
        state = torch.load(path)
        if state["key"] != key:
            raise SystemExit(f"{path}: of another run: the models differ, or one of {SETTINGS}")
        for name in ("values", "first", "second"):
            getattr(self, name).copy_(state[name])
        self.done, self.extra = state["done"], state["extra"]


def adamw_step(shared, rank, step, rate, decay):
    """This process's slice; what the mask holds at zero has no gradient and so never moves."""
    count = len(shared.values)
    processes = len(shared.gradients)
    part = slice(count * rank // processes, count * (rank + 1) // processes)
    gradient = shared.gradients[:, part].mean(0).mul_(shared.mask[part])
    first, second = shared.first[part], shared.second[part]
    first.lerp_(gradient, 1 - BETAS[0])
    second.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
    scale = math.sqrt(1 - BETAS[1] ** (step + 1))
    shared.values[part].mul_(1 - rate * decay).addcdiv_(
        first, second.sqrt().div_(scale).add_(EPSILON), value=-rate / (1 - BETAS[0] ** (step + 1))
    )


def rate_factor(share):
    """A linear rise, then half a cosine."""
    return min(1.0, share / WARM_UP + 0.01) * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))


def share_done(args, step, seconds):
    return step / args.steps if args.steps else seconds / (60 * args.minutes)


class Report:
    """Prints what happens, every half minute."""

    def __init__(self, unit):
        self.unit, self.at, self.units, self.losses = unit, time.monotonic(), 0, []

    def add(self, loss, units):
        self.losses.append(loss)
        self.units += units

    def show(self, step, share, seconds, rate):
        now = time.monotonic()
        if now - self.at < 30:
            return
        left = seconds / share - seconds if share else 0
        print(
            f"step {step}: loss {np.mean(self.losses):.4f}, rate {rate:.2e}, "
            f"{self.units / (now - self.at):.0f} {self.unit}/s, {100 * share:.1f} % done, "
            f"{left / 60:.1f} min left",
            flush=True,
        )
        self.at, self.units, self.losses = now, 0, []


def work(rank, args, shared, key):
    """One process. The first one decides how far the run is, reports and saves."""
    torch.set_num_threads(1)
    task = task_of(args, Model(args.dense), Model(args.pruned))
    task.attach(shared.views(shared.values), shared.views(shared.gradients[rank]), shared.extra)
    started = time.monotonic() - shared.done["seconds"]
    step, units = shared.done["steps"], shared.done["units"]
    report = Report(task.unit)
    while True:
        if rank == 0:
            share = share_done(args, step, time.monotonic() - started)
            shared.progress.copy_(torch.tensor([share, rate_factor(share)]))
        shared.barrier.wait()
        share, factor = shared.progress.tolist()
        if rank == 0 and (share >= 1 or (step % args.every == 0 and step > shared.done["steps"])):
            shared.done = {"steps": step, "seconds": time.monotonic() - started, "units": units}
            shared.extra = task.extra()
            shared.save(os.path.join(args.state, "state.pt"), key)
            print(f"step {step}, saved: {task.evaluate()}", flush=True)
        if share >= 1:
            return
        shared.gradients[rank].zero_()
        loss, count = task.loss(step, rank, args.threads)
        loss.backward()
        shared.barrier.wait()
        with torch.no_grad():
            adamw_step(shared, rank, step, args.rate * factor, args.weight_decay)
        step, units = step + 1, units + count * args.threads
        if rank == 0:
            report.add(float(loss.detach()), count * args.threads)
            report.show(step, share, time.monotonic() - started, args.rate * factor)


def key_of(args, dense, pruned):
    """Two runs with the same key are parts of one."""
    digest = hashlib.sha256(repr([getattr(args, name) for name in SETTINGS]).encode())
    for model in (dense, pruned):
        for name in sorted(model.tensors):
            digest.update(name.encode() + model.tensors[name].tobytes())
    return digest.hexdigest()[:16]


def write_model(args, pruned, trained, done):
    """PRUNED's folder with the trained tensors in place of its own."""
    tensors = dict(pruned.tensors)
    for name, tensor in trained.items():
        dtype = "<f2" if args.f16 else tensors[name].dtype
        tensors[name] = np.ascontiguousarray(tensor.numpy()).astype(dtype)
        if not np.isfinite(tensors[name]).all():
            raise SystemExit(f"{name}: a value is not finite in {dtype}")
    metadata = dict(pruned.metadata)
    metadata["tessera.finetune.steps"] = str(done["steps"])
    metadata["tessera.finetune.minutes"] = f"{done['seconds'] / 60:.1f}"
    metadata["tessera.finetune.rate"] = str(args.rate)
    metadata["tessera.finetune.seed"] = str(args.seed)
    shutil.copytree(
        pruned.folder,
        args.output,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("model.safetensors"),
    )
    write_safetensors(os.path.join(args.output, "model.safetensors"), tensors, metadata)


def finetune(args):
    dense, pruned = Model(args.dense), Model(args.pruned)
    os.makedirs(args.state, exist_ok=True)
    task = task_of(args, dense, pruned)
    if args.rate is None:
        args.rate = task.rate
    task.prepare()
    shared = Shared(dense.floats(), pruned.floats(), task.trained(), args.threads)
    path, key = os.path.join(args.state, "state.pt"), key_of(args, dense, pruned)
    shared.restore(path, key)
    fixed = int((shared.mask == 0).sum())
    print(f"{len(shared.values)} parameters, {fixed} of them fixed at zero; step {shared.done['steps']}")
    torch.multiprocessing.spawn(work, (args, shared, key), args.threads)
    shared.restore(path, key)
    trained = shared.views(shared.values)
    for name, mask in shared.views(shared.mask).items():
        assert not trained[name][mask == 0].any(), name
    write_model(args, pruned, {**trained, **shared.extra}, shared.done)
    print(f"wrote {args.output}: {shared.done['steps']} steps, {shared.done['units']} {task.unit}")


def parsed():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], epilog=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("dense", nargs="?")
    parser.add_argument("pruned", nargs="?")
    parser.add_argument("output", nargs="?")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--threads", type=int, default=2, help="processes of one thread (2)")
    parser.add_argument("--every", type=int, default=200, help="steps from one state to the next (200)")
    parser.add_argument("--state", help="folder of the state (OUTPUT.state)")
    parser.add_argument("--rate", type=float, help="greatest learning rate (by model)")
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--f16", action="store_true", help="write the trained tensors as F16")
    parser.add_argument("--check", metavar="MODEL", help="compare with `tessera run`, and stop")
    parser.add_argument("--tessera", default="build/release/runtime/cli/tessera")
    finetune_bert.add_arguments(parser)
    finetune_resnet.add_arguments(parser)
    args = parser.parse_args()
    if args.check:
        return args
    if args.output is None or (args.steps is None) == (args.minutes is None):
        parser.error("wanted: DENSE, PRUNED, OUTPUT, and one of --steps and --minutes")
    if args.threads < 1 or args.every < 1 or (args.steps or args.minutes) <= 0:
        parser.error("--threads, --every, --steps and --minutes are above 0")
    args.state = args.state or args.output.rstrip("/") + ".state"
    return args


if __name__ == "__main__":
    arguments = parsed()
    if arguments.check:
        model = Model(arguments.check)
        finetune_bert.check(arguments, model)
    else:
        finetune(arguments)
