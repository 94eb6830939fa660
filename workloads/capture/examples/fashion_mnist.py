#!/usr/bin/env python3
"""Trains a small CNN on Fashion-MNIST in FP32 and in ALS-PoTQ, and captures a step.

    fashion_mnist.py                                   # every mode, and their accuracies
    fashion_mnist.py --mode wbc+prc --capture trace.h5 # one mode, and a trace of it

The trace is of the step in the middle of the first seed's run, in the last of the chosen
modes: 16 images, the mean of their loss. Capturing leaves the training as it is. Runs
are deterministic: the same options on the same machine give the same figures.
"""

import argparse
import gzip
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Tuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import potomac_capture as pc
from training import MODES, POTQ_MODES, Progress, keep_freed_memory, quantize

BATCH = 128
CAPTURED_IMAGES = 16
CLASSES = 10

# Of the training images' pixels, which range over 0..1.
MEAN, DEVIATION = 0.2860, 0.3530

class FashionCnn(nn.Module):
    """Three 3x3 convolutions (two of them strided) and two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(32, 64, 3, stride=2, padding=1)
        self.fc1 = nn.Linear(64 * 7 * 7, 128)
        self.fc2 = nn.Linear(128, CLASSES)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.conv1(images))
        x = functional.relu(self.conv2(x))
        x = functional.relu(self.conv3(x))
        x = functional.relu(self.fc1(x.flatten(1)))
        return self.fc2(x)


@dataclass
class Images:
    """Images [N,1,28,28] of mean 0 and deviation 1, and their labels."""

    pixels: torch.Tensor
    labels: torch.Tensor

    def first(self, count: Optional[int]) -> "Images":
        return Images(self.pixels[:count], self.labels[:count])


def read_images(folder: Path, part: str) -> Images:
    """Reads "train" or "t10k" from the IDX files of the data set."""
    pixels = _read_idx(folder / f"{part}-images-idx3-ubyte.gz")
    labels = _read_idx(folder / f"{part}-labels-idx1-ubyte.gz")
    # Powers of two lie dense around zero: centred, the greys keep apart when quantized.
    scaled = torch.from_numpy(pixels).float().div_(255).sub_(MEAN).div_(DEVIATION)
    return Images(
        scaled.unsqueeze(1),
        torch.from_numpy(labels).long(),
    )


def _read_idx(path: Path) -> np.ndarray:
    try:
        with gzip.open(path) as file:
            data = file.read()
    except FileNotFoundError:
        sys.exit(
            f"{path} is missing: install Debian's dataset-fashion-mnist, or name the "
            "folder of the four IDX files with --data"
        )
    dimensions = data[3]
    shape = np.frombuffer(data, ">u4", dimensions, offset=4)
    return (
        np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape).copy()
    )


def accuracy(model: nn.Module, images: Images) -> float:
    """The percentage of images that the model classifies right."""
    right = 0
    with torch.no_grad():
        for x, y in zip(images.pixels.split(1000), images.labels.split(1000)):
            right += int((model(x).argmax(1) == y).sum())
    return 100.0 * right / len(images.labels)


def make_optimizer(model: nn.Module, options: argparse.Namespace) -> torch.optim.SGD:
    """SGD with momentum; gamma has a learning rate and weight decay of its own."""
    gammas = pc.gammas(model)
    of_gamma = {id(parameter) for parameter in gammas}
    others = [p for p in model.parameters() if id(p) not in of_gamma]
    groups = [{"params": others, "weight_decay": options.weight_decay}]
    if gammas:
        groups.append(
            {
                "params": gammas,
                "lr": options.learning_rate * options.gamma_rate,
                "weight_decay": options.gamma_decay,
            }
        )
    return torch.optim.SGD(groups, lr=options.learning_rate, momentum=0.9)


def train(
    mode: str,
    seed: int,
    options: argparse.Namespace,
    data: Tuple[Images, Images],
    trace: Optional[Path],
) -> Tuple[float, float]:
    """Trains one model; the test accuracy after the last epoch, and the seconds taken.

    The step in the middle of the run is captured if `trace` names a file.
    """
    train_images, test_images = data
    torch.manual_seed(seed)
    model: nn.Module = FashionCnn()
    quantize(model, mode, options)
    optimizer = make_optimizer(model, options)
    count = len(train_images.labels)
    steps_per_epoch = math.ceil(count / BATCH)
    steps = steps_per_epoch * options.epochs
    # From the full learning rate down to zero over the run, along half a cosine.
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.5 * (1.0 + math.cos(math.pi * step / steps))
    )
    order = torch.Generator().manual_seed(seed)
    progress = Progress(steps)
    started = time.monotonic()
    step = 0
    result = 0.0
    for epoch in range(1, options.epochs + 1):
        total_loss = 0.0
        for chosen in torch.randperm(count, generator=order).split(BATCH):
            x, y = train_images.pixels[chosen], train_images.labels[chosen]
            if step == steps // 2 and trace:
                capture_step(model, x, y, step, seed, trace)
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            schedule.step()
            step += 1
            total_loss += float(loss) * len(y)
            progress.show(step, f"{mode} seed {seed} epoch {epoch}")
        result = accuracy(model, test_images)
        progress.clear()
        gammas = " ".join(f"{float(gamma):.3f}" for gamma in pc.gammas(model))
        print(
            f"{mode} seed {seed} epoch {epoch}/{options.epochs}: "
            f"loss {total_loss / count:.4f}, test accuracy {result:.2f}%, "
            f"{time.monotonic() - started:.0f} s"
            + (f", gamma {gammas}" if gammas else ""),
            flush=True,
        )
    return result, time.monotonic() - started


def capture_step(
    model: nn.Module, x: torch.Tensor, y: torch.Tensor, step: int, seed: int, path: Path
) -> None:
    """Traces a forward and backward of the batch's first images; updates nothing."""
    x, y = x[:CAPTURED_IMAGES], y[:CAPTURED_IMAGES]
    model.zero_grad()
    with pc.capture(model, path, dataset="Fashion-MNIST", step=step, seed=seed):
        functional.cross_entropy(model(x), y).backward()


def parse(arguments: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--mode", action="append", choices=MODES, help="repeatable (default: all)")
    add("--epochs", type=int, default=12)
    add("--seed", type=int, action="append", help="repeatable (default: 1)")
    add("--subset", type=int, metavar="N", help="first N images of both parts only")
    add("--capture", type=Path, metavar="FILE", help="write a trace here")
    add("--bits", type=int, default=5, help="width of the codes")
    add("--last-layer-grad-bits", type=int, metavar="B", help="width of the last G")
    add("--rounding", choices=("log2", "linear"), default="log2")
    add("--learning-rate", type=float, default=0.05)
    add("--weight-decay", type=float, default=5e-4)
    add("--gamma", type=float, default=0.95, help="PRC's initial clipping ratio")
    add("--gamma-rate", type=float, default=0.01, help="its share of the learning rate")
    add("--gamma-decay", type=float, default=0.0, help="its weight decay")
    add("--threads", type=int, default=1)
    add("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    options = parser.parse_args(arguments)
    options.mode = options.mode or list(MODES)
    options.seed = options.seed or [1]
    if options.capture and options.mode[-1] not in POTQ_MODES:
        parser.error("--capture needs an ALS-PoTQ mode: the last --mode is fp32")
    if options.capture and not options.capture.resolve().parent.is_dir():
        parser.error(
            f"--capture: there is no folder {options.capture.resolve().parent}"
        )
    if min(options.epochs, options.threads, options.subset or 1) < 1:
        parser.error("--epochs, --threads and --subset are at least 1")
    return options


def main(arguments: Optional[List[str]] = None) -> int:
    options = parse(arguments)
    keep_freed_memory()
    torch.set_num_threads(options.threads)
    data = tuple(
        read_images(options.data, part).first(options.subset)
        for part in ("train", "t10k")
    )
    results = {}
    for mode in options.mode:
        for seed in options.seed:
            captured = mode == options.mode[-1] and seed == options.seed[0]
            trace = options.capture if captured else None
            results[mode, seed] = train(mode, seed, options, data, trace)
    print(f"\n{'mode':10} {'seed':>5} {'test accuracy':>14} {'seconds':>8}")
    for (mode, seed), (percent, seconds) in results.items():
        print(f"{mode:10} {seed:5} {percent:13.2f}% {seconds:8.0f}")
    if options.capture:
        print(f"\ntrace of {mode}, seed {options.seed[0]}: {options.capture}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
