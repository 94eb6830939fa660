#!/usr/bin/env python3
"""What quantizing costs a training step: CPU time, against FP32 in the same run.

    step_time.py                            # the CNNs, and perceptrons of four linear layers
    POTOMAC_CAPTURE_NATIVE=0 step_time.py   # the same with the quantizer in PyTorch
    step_time.py --accumulator 32,-8,wrap --accumulator 20,4,saturate
                                            # and with the sums of machines, beside those of FP32

The modes take turns, step by step, on one thread, and each line has the median: what else the
machine does meets all of them.
"""

import argparse
import statistics
import sys
import time
from typing import Callable, Dict, Sequence, Tuple

import torch
from torch import nn
from torch.nn import functional

import potomac_capture as pc
from networks import NETWORKS
from training import MODES, POTQ_MODES, accumulator_of, keep_freed_memory


def perceptron(width: int) -> nn.Module:
    layers = [m for _ in range(4) for m in (nn.Linear(width, width), nn.ReLU())]
    return nn.Sequential(*layers)


def workloads() -> Dict[str, Tuple[Callable[[], nn.Module], torch.Tensor]]:
    """Networks, and a batch for each."""
    images = torch.randn(128, 1, 28, 28)
    found = {f"{name}, batch 128": (make, images) for name, make in NETWORKS.items()}
    for width, batch in ((128, 128), (256, 128), (512, 256)):
        what = f"4 linear of {width}, batch {batch}"
        found[what] = (lambda width=width: perceptron(width), torch.randn(batch, width))
    return found


def step_seconds(model: nn.Module, x: torch.Tensor, target: torch.Tensor) -> float:
    started = time.process_time()
    for parameter in model.parameters():
        parameter.grad = None
    functional.cross_entropy(model(x), target).backward()
    return time.process_time() - started


def median_times(
    make: Callable[[], nn.Module], x: torch.Tensor, steps: int, accumulators: Sequence[str]
) -> Dict[str, float]:
    """Seconds of a step in each mode."""
    target = torch.randint(10, (len(x),))
    models = {mode: make() for mode in (*MODES, *accumulators)}
    for mode, (wbc, prc) in POTQ_MODES.items():
        pc.quantize(models[mode], wbc=wbc, prc=prc)
    for text in accumulators:
        pc.quantize(models[text], accumulator=accumulator_of(text))
    times: Dict[str, list] = {mode: [] for mode in models}
    for _ in range(steps):
        for mode, model in models.items():
            times[mode].append(step_seconds(model, x, target))
    return {mode: statistics.median(seconds) for mode, seconds in times.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--accumulator", action="append", default=[], metavar="BITS,LSB,RULE",
                        help="also with the sums of a machine, WBC and PRC")  # fmt: skip
    options = parser.parse_args()
    columns = [*POTQ_MODES, *options.accumulator]
    width = max(8, *map(len, columns))
    torch.set_num_threads(1)
    keep_freed_memory()
    print(f"{'':28} {'fp32, ms':>9}" + "".join(f" {mode:>{width}}" for mode in columns))
    for what, (make, x) in workloads().items():
        times = median_times(make, x, options.steps, options.accumulator)
        ratios = "".join(f" {times[mode] / times['fp32']:{width - 1}.2f}x" for mode in columns)
        print(f"{what:28} {1e3 * times['fp32']:9.2f}{ratios}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
