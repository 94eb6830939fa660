#!/usr/bin/env python3
"""What quantizing costs a training step: CPU time, against FP32 in the same run.

    step_time.py                            # the CNNs, and perceptrons of four linear layers
    POTOMAC_CAPTURE_NATIVE=0 step_time.py   # the same with the quantizer in PyTorch

The modes take turns, step by step, on one thread, and each line has the median: what else the
machine does meets all of them.
"""

import argparse
import statistics
import sys
import time
from typing import Callable, Dict, Tuple

import torch
from torch import nn
from torch.nn import functional

import potomac_capture as pc
from networks import NETWORKS
from training import MODES, POTQ_MODES, keep_freed_memory


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
    make: Callable[[], nn.Module], x: torch.Tensor, steps: int
) -> Dict[str, float]:
    """Seconds of a step in each mode."""
    target = torch.randint(10, (len(x),))
    models = {}
    for mode in MODES:
        models[mode] = make()
        if mode in POTQ_MODES:
            wbc, prc = POTQ_MODES[mode]
            pc.quantize(models[mode], wbc=wbc, prc=prc)
    times: Dict[str, list] = {mode: [] for mode in MODES}
    for _ in range(steps):
        for mode, model in models.items():
            times[mode].append(step_seconds(model, x, target))
    return {mode: statistics.median(seconds) for mode, seconds in times.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--steps", type=int, default=30)
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    print(f"{'':28} {'fp32, ms':>9}" + "".join(f" {mode:>8}" for mode in POTQ_MODES))
    for what, (make, x) in workloads().items():
        times = median_times(make, x, options.steps)
        ratios = "".join(f" {times[mode] / times['fp32']:7.2f}x" for mode in POTQ_MODES)
        print(f"{what:28} {1e3 * times['fp32']:9.2f}{ratios}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
