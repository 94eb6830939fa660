#!/usr/bin/env python3
"""Trains a CNN on Fashion-MNIST in FP32 and in ALS-PoTQ, and captures a step.

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
from typing import Callable, List, Optional, Tuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import potomac_capture as pc
from networks import NETWORKS
from training import (
    Progress, compare, groups_of, parsed, parser_of, quantize, share_overflowed,
)  # fmt: skip

BATCH = 128

# Mean and deviation of the training images' pixels, which range over 0..1.
MEAN, DEVIATION = 0.2860, 0.3530


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
    model.eval()
    with torch.no_grad():
        for x, y in zip(images.pixels.split(1000), images.labels.split(1000)):
            right += int((model(x).argmax(1) == y).sum())
    model.train()
    return 100.0 * right / len(images.labels)


def make_optimizer(model: nn.Module, options: argparse.Namespace) -> torch.optim.SGD:
    """SGD with momentum, and weight decay but for gamma."""
    return torch.optim.SGD(
        groups_of(model, options), lr=options.learning_rate, momentum=0.9,
        weight_decay=options.weight_decay,
    )  # fmt: skip


def train(
    mode: str,
    seed: int,
    options: argparse.Namespace,
    data: Tuple[Images, Images],
    trace: Optional[Path],
    seen: Callable[[nn.Module], None] = lambda model: None,
) -> Tuple[float, float]:
    """Trains one model; the test accuracy after the last epoch, and the seconds taken.

    The step in the middle of the run is captured if `trace` names a file. `seen` is called with the
    trained model.
    """
    train_images, test_images = data
    torch.manual_seed(seed)
    model = NETWORKS[options.net]()
    quantize(model, mode, options)
    optimizer = make_optimizer(model, options)
    count = len(train_images.labels)
    steps_per_epoch = math.ceil(count / BATCH)
    steps = steps_per_epoch * options.epochs
    # The learning rate goes from all of it down to zero over the run, along half a cosine.
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
                capture_step(model, x, y, step, seed, trace, options)
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
            + (f", gamma {gammas}" if gammas else "")
            + (f", overflowed {share_overflowed(model):.4f}%" if options.accumulator else ""),
            flush=True,
        )
    seen(model)
    return result, time.monotonic() - started


def capture_step(
    model: nn.Module, x: torch.Tensor, y: torch.Tensor, step: int, seed: int, path: Path,
    options: argparse.Namespace,
) -> None:  # fmt: skip
    """Traces a forward and backward of the batch's first images; updates nothing."""
    x, y = x[: options.captured], y[: options.captured]
    model.zero_grad()
    with pc.capture(
        model, path, dataset="Fashion-MNIST", step=step, seed=seed, originals=options.originals
    ):
        functional.cross_entropy(model(x), y).backward()


def parse(arguments: Optional[List[str]]) -> argparse.Namespace:
    parser = parser_of(__doc__, epochs=12, learning_rate=0.05, captured=16)
    add = parser.add_argument
    add("--net", choices=tuple(NETWORKS), default="plain")
    add("--subset", type=int, metavar="N", help="first N images of both parts only")
    add("--weight-decay", type=float, default=5e-4)
    add("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    options = parsed(parser, arguments)
    if (options.subset or 1) < 1:
        parser.error("--subset is at least 1")
    return options


def main(arguments: Optional[List[str]] = None) -> int:
    options = parse(arguments)
    data = tuple(
        read_images(options.data, part).first(options.subset)
        for part in ("train", "t10k")
    )
    compare(
        options,
        {"test accuracy, %": 2, "seconds": 0},
        lambda mode, seed, trace: train(mode, seed, options, data, trace),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
