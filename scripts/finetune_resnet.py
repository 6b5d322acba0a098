"""What finetune.py does with fashion-resnet: labels with smoothing, and the dense model's logits."""

import torch
import torch.nn.functional as F
import train_fashion

TEMPERATURE, LABELS_SHARE = 2.0, 0.3


def add_arguments(parser):
    parser.add_argument("--fashion", default="/usr/share/datasets/fashion-mnist")


def network(model):
    config = model.config
    net = train_fashion.FashionResNet(
        config["embedding_size"], config["hidden_sizes"], config["depths"]
    )
    missing = net.load_state_dict(model.floats(), strict=False).missing_keys
    assert all(name.endswith("num_batches_tracked") for name in missing), missing
    return net


class Task:
    unit, rate = "images", 2e-3

    def __init__(self, args, dense, pruned):
        self.args, self.dense, self.pruned = args, dense, pruned
        self.epoch = None

    def prepare(self):
        pass

    def trained(self):
        return sorted(name for name, _ in network(self.pruned).named_parameters())

    def attach(self, values, gradients, extra):
        self.student, self.teacher = network(self.pruned), network(self.dense).eval()
        for name, parameter in self.student.named_parameters():
            parameter.data, parameter.grad = values[name], gradients[name]
        self.student.load_state_dict(extra, strict=False)
        self.student.train()
        self.images, self.labels = train_fashion.load(self.args.fashion, "train")

    def extra(self):
        """BatchNorm's running statistics: no parameters, but part of the model."""
        buffers = self.student.named_buffers()
        return {n: b.clone() for n, b in buffers if not n.endswith("num_batches_tracked")}

    def batch(self, step):
        """Image numbers of a step; its augmentation follows from seed and step, too."""
        steps = len(self.images) // train_fashion.BATCH
        if self.epoch != step // steps:
            self.epoch = step // steps
            generator = torch.Generator().manual_seed(self.args.seed * 1000 + self.epoch)
            self.order = torch.randperm(len(self.images), generator=generator)
        first = step % steps * train_fashion.BATCH
        return self.order[first : first + train_fashion.BATCH]

    def loss(self, step, rank, processes):
        batch = self.batch(step)
        generator = torch.Generator().manual_seed(self.args.seed * 1000003 + step)
        part = slice(rank, None, processes)
        x = train_fashion.augmented(self.images[batch], generator)[part]
        x = x.to(memory_format=torch.channels_last)
        with torch.no_grad():
            wanted = F.softmax(self.teacher(x) / TEMPERATURE, 1)
        logits = self.student(x)
        label = F.cross_entropy(
            logits, self.labels[batch][part], label_smoothing=train_fashion.SMOOTHING
        )
        got = F.log_softmax(logits / TEMPERATURE, 1)
        likeness = F.kl_div(got, wanted, reduction="batchmean") * TEMPERATURE**2
        return LABELS_SHARE * label + (1 - LABELS_SHARE) * likeness, len(x)

    def evaluate(self):
        """On training images: the test set is for `tessera evaluate` alone."""
        logits = train_fashion.logits_of(self.student, self.images[:5000])
        self.student.train()
        right = int((logits.argmax(1) == self.labels[:5000]).sum())
        return f"{right / 50:.2f} % of 5000 training images right"
