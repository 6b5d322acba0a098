"""What finetune.py does with a BERT: texts, the encoder in torch, distillation from the dense one."""

import glob
import hashlib
import os
import subprocess
import tempfile

import numpy as np
import torch
import torch.nn.functional as F
from tokenizer_cases import escape

HELD_OUT_EVERY, MAX_TOKENS = 50, 64


def add_arguments(parser):
    parser.add_argument("--sentences", default="build/data/sentences")
    parser.add_argument("--wordnet", default="/usr/share/wordnet")
    parser.add_argument("--encode", default="build/cpu/tests/encode", help="prints token ids")
    parser.add_argument("--cache", default="build/finetune", help="token ids, DENSE's outputs (10 GB)")
    parser.add_argument("--no-cache", action="store_true", help="compute DENSE's outputs each time")
    parser.add_argument("--tokens", type=int, default=1024, help="of a step and process (1024)")
    parser.add_argument(
        "--embedding-weight", type=float, default=2.0, help="of 1 - cosine beside the states' (2)"
    )
    parser.add_argument("--reviews", type=int, default=2, help="amazon and nyt lines in an epoch (2)")
    parser.add_argument(
        "--bf16", action="store_true", help="products in bf16: several times as fast with AMX"
    )


def rated_texts(folder):
    """Never the movie file: tasks are measured with it."""
    texts = []
    for name in ("amazonReviewSnippets", "nytEditorialSnippets"):
        with open(os.path.join(folder, name + "_GroundTruth.txt"), "rb") as file:
            texts += [line.rstrip(b"\r\n").split(b"\t", 2)[2] for line in file]
    return texts


def glosses(folder):
    texts = []
    for path in sorted(glob.glob(os.path.join(folder, "data.*"))):
        with open(path, "rb") as file:
            texts += [line.partition(b"| ")[2].strip() for line in file if b"| " in line]
    return texts


class Texts:
    """Token ids of all texts, shortest texts first; `reviews` and `held_out` are numbers of texts."""

    def __init__(self, args, vocabulary):
        with open(vocabulary, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()[:16]
        self.path = os.path.join(args.cache, f"texts-{digest}.npz")
        if not os.path.exists(self.path):
            self.tokenize(args, vocabulary)
        with np.load(self.path) as data:
            self.ids, self.offsets = data["ids"], data["offsets"]
            self.reviews, self.held_out = data["reviews"], data["held_out"]
        self.lengths = np.diff(self.offsets)

    def tokenize(self, args, vocabulary):
        rated = rated_texts(args.sentences)
        texts = rated + glosses(args.wordnet)
        with tempfile.TemporaryFile() as lines:
            lines.write("".join(escape(text) + "\n" for text in texts).encode())
            lines.seek(0)
            command = [args.encode, vocabulary, str(MAX_TOKENS)]
            output = subprocess.run(command, stdin=lines, stdout=subprocess.PIPE, check=True).stdout
        rows = [np.array(line.split(), np.int32) for line in output.splitlines()]
        assert len(rows) == len(texts)
        order = sorted(range(len(rows)), key=lambda i: (len(rows[i]), i))
        place = np.empty(len(rows), np.int64)
        place[order] = np.arange(len(rows))
        review = np.arange(len(rated))
        held_out = review % HELD_OUT_EVERY == 0
        os.makedirs(args.cache, exist_ok=True)
        part = f"{self.path}.{os.getpid()}.npz"
        np.savez(
            part,
            ids=np.concatenate([rows[i] for i in order]),
            offsets=np.cumsum([0] + [len(rows[i]) for i in order]),
            reviews=np.sort(place[review[~held_out]]),
            held_out=np.sort(place[review[held_out]]),
        )
        os.replace(part, self.path)

    def of(self, numbers):
        """Token ids [texts, tokens] of texts of one length."""
        first = self.offsets[numbers]
        columns = np.arange(self.lengths[numbers[0]])
        return torch.from_numpy(self.ids[first[:, None] + columns].astype(np.int64))

    def batches(self, numbers, tokens, generator):
        """Numbers of texts of equal length, at most so many tokens together, in a random order; so
        nothing is ever padded."""
        numbers = generator.permutation(numbers)
        out = []
        for length in np.unique(self.lengths[numbers]):
            same = numbers[self.lengths[numbers] == length]
            out += np.array_split(same, -(-len(same) * int(length) // tokens))
        return [out[i] for i in generator.permutation(len(out))]


def products_in(args):
    """Parameters, residual sums and the loss stay in f32."""
    return torch.autocast("cpu", torch.bfloat16, enabled=args.bf16)


class Bert:
    """The encoder for texts of one length: x [texts, tokens, hidden]."""

    def __init__(self, model, weights):
        self.config, self.weights = model.config, weights
        if self.config.get("hidden_act", "gelu") != "gelu":
            raise SystemExit(f"{model.folder}: hidden_act '{self.config['hidden_act']}' is not gelu")
        self.prefix = prefix_of(weights)

    def linear(self, name, x):
        return F.linear(x, self.weights[name + ".weight"], self.weights[name + ".bias"])

    def layer_norm(self, name, x):
        weight, bias = self.weights[name + ".weight"], self.weights[name + ".bias"]
        return F.layer_norm(x, weight.shape, weight, bias, self.config["layer_norm_eps"])

    def embed(self, ids):
        table = (self.prefix + "embeddings.{}_embeddings.weight").format
        x = self.weights[table("word")][ids] + self.weights[table("token_type")][0]
        x = x + self.weights[table("position")][: ids.shape[1]]
        return self.layer_norm(self.prefix + "embeddings.LayerNorm", x)

    def attention(self, name, x):
        heads = self.config["num_attention_heads"]
        texts, tokens, hidden = x.shape

        def split(part):
            y = self.linear(f"{name}.self.{part}", x)
            return y.view(texts, tokens, heads, hidden // heads).transpose(1, 2)

        scores = split("query") @ split("key").transpose(2, 3) * (hidden // heads) ** -0.5
        context = (scores.softmax(3) @ split("value")).transpose(1, 2).reshape(x.shape)
        y = self.linear(f"{name}.output.dense", context)
        return self.layer_norm(f"{name}.output.LayerNorm", y + x)

    def layer(self, number, x):
        name = f"{self.prefix}encoder.layer.{number}"
        x = self.attention(f"{name}.attention", x)
        y = self.linear(f"{name}.output.dense", F.gelu(self.linear(f"{name}.intermediate.dense", x)))
        return self.layer_norm(f"{name}.output.LayerNorm", y + x)

    def states(self, x):
        """After each layer: [layers, texts, tokens, hidden]."""
        states = []
        for number in range(self.config["num_hidden_layers"]):
            x = self.layer(number, x)
            states.append(x)
        return states


def prefix_of(weights):
    end = "embeddings.word_embeddings.weight"
    return next(name for name in weights if name.endswith(end))[: -len(end)]


def embeddings(states):
    return F.normalize(states[-1].mean(1), dim=1)


class Teacher:
    """The dense model's states, computed when they are first asked for, then kept in a file as f16
    (a text's tokens lie one after another, each with all layers)."""

    def __init__(self, args, dense, texts):
        self.bert, self.texts, self.args = Bert(dense, dense.floats()), texts, args
        self.layers, self.hidden = dense.config["num_hidden_layers"], dense.config["hidden_size"]
        digest = hashlib.sha256(os.path.basename(texts.path).encode())
        for name in sorted(dense.tensors):
            digest.update(dense.tensors[name].tobytes())
        self.path = os.path.join(args.cache, f"teacher-{digest.hexdigest()[:16]}")
        self.known = self.file = None

    def open(self):
        """Two files, made at their full size; disk space is used as they fill."""
        shape = (len(self.texts.ids), self.layers, self.hidden)
        for end, size in (("known", len(self.texts.lengths)), ("states", 2 * int(np.prod(shape)))):
            with open(f"{self.path}.{end}", "ab") as file:
                file.truncate(size)
        self.known = np.memmap(self.path + ".known", np.uint8, "r+")
        self.file = np.memmap(self.path + ".states", np.float16, "r+", shape=shape)

    @torch.no_grad()
    def computed(self, numbers):
        with products_in(self.args):
            return torch.stack(self.bert.states(self.bert.embed(self.texts.of(numbers)))).float()

    def states(self, numbers):
        if self.args.no_cache:
            return self.computed(numbers)
        if self.file is None:
            self.open()
        rows = self.texts.offsets[numbers][:, None] + np.arange(self.texts.lengths[numbers[0]])
        if self.known[numbers].all():
            return torch.from_numpy(self.file[rows]).float().permute(2, 0, 1, 3)
        states = self.computed(numbers)
        self.file[rows] = states.permute(1, 2, 0, 3).half().numpy()
        self.known[numbers] = 1
        return states


class Task:
    unit, rate = "tokens", 5e-4

    def __init__(self, args, dense, pruned):
        self.args, self.pruned, self.dense = args, pruned, dense
        self.first, self.epoch, self.order = 0, -1, []

    def prepare(self):
        """Before there are several processes: what only one of them should make."""
        texts = Texts(self.args, os.path.join(self.dense.folder, "vocab.txt"))
        print(
            f"{len(texts.lengths)} texts, {len(texts.ids)} tokens; "
            f"{len(texts.reviews)} reviews, {len(texts.held_out)} held out"
        )

    def trained(self):
        """The encoder; the embeddings stay those of the pruned checkpoint."""
        names = self.pruned.floats()
        return sorted(n for n in names if n.startswith(prefix_of(names) + "encoder."))

    def attach(self, values, gradients, _):
        weights = self.pruned.floats()
        for name, value in values.items():
            weights[name] = value.detach().requires_grad_()
            weights[name].grad = gradients[name]
        self.student = Bert(self.pruned, weights)
        self.texts = Texts(self.args, os.path.join(self.dense.folder, "vocab.txt"))
        self.teacher = Teacher(self.args, self.dense, self.texts)

    def extra(self):
        return {}

    def batch(self, number):
        """The number never falls from call to call."""
        while number >= self.first + len(self.order):
            self.first, self.epoch = self.first + len(self.order), self.epoch + 1
            self.order = self.epoch_order(self.epoch)
        return self.order[number - self.first]

    def epoch_order(self, epoch):
        numbers = np.setdiff1d(np.arange(len(self.texts.lengths)), self.texts.held_out)
        again = np.tile(self.texts.reviews, self.args.reviews - 1)
        generator = np.random.default_rng([self.args.seed, epoch])
        return self.texts.batches(np.concatenate([numbers, again]), self.args.tokens, generator)

    def loss(self, step, rank, processes):
        """Each layer's squared error as a share of the dense states' variance, and 1 - cosine; a
        short batch counts less."""
        numbers = self.batch(step * processes + rank)
        wanted = self.teacher.states(numbers)
        with torch.no_grad():
            x = self.student.embed(self.texts.of(numbers))
        with products_in(self.args):
            states = [state.float() for state in self.student.states(x)]
        variance = wanted.var((1, 2, 3), unbiased=False)
        error = [F.mse_loss(s, w) / v for s, w, v in zip(states, wanted, variance)]
        cosine = (embeddings(states) * embeddings(wanted)).sum(1).mean()
        loss = sum(error) / len(error) + self.args.embedding_weight * (1 - cosine)
        tokens = x.shape[0] * x.shape[1]
        return loss * (tokens / self.args.tokens), tokens

    @torch.no_grad()
    def evaluate(self):
        total = 0
        for numbers in self.texts.batches(self.texts.held_out, 1024, np.random.default_rng(0)):
            got = embeddings(self.student.states(self.student.embed(self.texts.of(numbers))))
            total += float((got * embeddings(self.teacher.states(numbers))).sum())
        return f"cosine of {len(self.texts.held_out)} held-out sentences {total / len(self.texts.held_out):.4f}"


def check(args, model):
    """Embeddings of the held-out sentences against those of `tessera run`."""
    texts = Texts(args, os.path.join(model.folder, "vocab.txt"))
    bert = Bert(model, model.floats())
    lines, ours = [], []
    for numbers in texts.batches(texts.held_out, 1024, np.random.default_rng(0)):
        ids = texts.of(numbers)
        with torch.no_grad():
            ours.append(embeddings(bert.states(bert.embed(ids))).numpy())
        lines += [" ".join(map(str, row)) for row in ids.tolist()]
    with tempfile.TemporaryDirectory() as folder:
        source, out = os.path.join(folder, "ids.txt"), os.path.join(folder, "out.npy")
        with open(source, "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
        command = [args.tessera, "run", model.folder, "--ids", source, "--format", "npy", "-o", out]
        subprocess.run(command, check=True)
        theirs = np.load(out)
    cosine = (np.concatenate(ours) * theirs).sum(1)
    print(f"{len(cosine)} sentences: least cosine with `tessera run` {cosine.min():.7f}")
    if not cosine.min() > 0.9999:
        raise SystemExit("finetune.py: its model is not Tessera's")
