#!/usr/bin/env python3
"""What accumulator does training with ALS-PoTQ need? Trains with the sums of machines.

    accumulators.py --net mlp --out mlp.jsonl        # the grid: width, lowest bit, what overflow does
    accumulators.py --net batchnorm --seed 1 --seed 2 --accumulator 32,exact,wrap \\
        --accumulator 20,4,wrap --out cnn.jsonl
    accumulators.py --table mlp.jsonl                # what is in such a file, as tables

Each run is a line of JSON: the accumulator, the seed, the test accuracy, and by layer and pass how
many results overflowed and how many products were dropped while training and testing. Runs that the
file has already are not done again.

Networks: mlp, 784-256-10 without normalization of its pixels, in batches of 64, SGD of rate 0.05
and momentum 0.9; plain, batchnorm and resnet20 of fashion_mnist.py; words, the Transformer of
translate_words.py. All with WBC and PRC, 5 bits.
"""

import argparse
import json
import sys
import time
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import torch
from torch import nn
from torch.nn import functional

import fashion_mnist
import potomac_capture as pc
import translate_words
from training import accumulator_of, keep_freed_memory

BITS = (12, 14, 16, 18, 20, 24, 28, 32, 40)
LOWEST = ("exact", "-8", "-4", "0", "2", "4", "6", "8", "auto")
RULES = ("wrap", "saturate")
FP32 = "fp32"  # sums of binary32, as training had them

Run = Dict[str, Any]


def grid() -> List[str]:
    """Whether sums wrap or are clamped makes no difference where none can overflow."""
    return [
        f"{bits},{lsb},{rule}"
        for bits in BITS
        for lsb in LOWEST
        for rule in RULES
        if not (lsb == "auto" and rule == "saturate")
    ]


class Mlp:
    """The perceptron of shared measurements: nothing is normalized, the rate is constant."""

    def __init__(self, options: argparse.Namespace) -> None:
        images = [fashion_mnist.read_images(options.data, part) for part in ("train", "t10k")]
        self._train, self._test = (
            (self._pixels(i)[:count], i.labels[:count])
            for i, count in zip(images, (options.examples or 4096, 2000))
        )
        self._epochs = options.epochs or 3

    def __call__(self, accumulator: Optional[Any], seed: int, seen: Callable) -> float:
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
        pc.quantize(model, accumulator=accumulator)
        optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
        pixels, labels = self._train
        for _ in range(self._epochs):
            for chosen in torch.randperm(len(pixels)).split(64):
                optimizer.zero_grad()
                functional.cross_entropy(model(pixels[chosen]), labels[chosen]).backward()
                optimizer.step()
        with torch.no_grad():
            right = (model(self._test[0]).argmax(1) == self._test[1]).float().mean()
        seen(model)
        return 100.0 * float(right)

    @staticmethod
    def _pixels(images: fashion_mnist.Images) -> torch.Tensor:
        """From 0 to 1 again."""
        pixels = images.pixels * fashion_mnist.DEVIATION + fashion_mnist.MEAN
        return pixels.clamp(0.0, 1.0).reshape(len(pixels), -1)


class Fashion:
    def __init__(self, options: argparse.Namespace) -> None:
        images = [fashion_mnist.read_images(options.data, part) for part in ("train", "t10k")]
        self._data = tuple(i.first(options.examples or 8192) for i in images)
        self._options = [f"--net={options.net}", f"--epochs={options.epochs or 5}", "--mode=wbc+prc"]

    def __call__(self, accumulator: Optional[Any], seed: int, seen: Callable) -> float:
        options = fashion_mnist.parse(self._options)
        options.accumulator = accumulator
        return fashion_mnist.train("wbc+prc", seed, options, self._data, None, seen)[0]


class Translation:
    def __init__(self, options: argparse.Namespace) -> None:
        parsed = translate_words.parse([f"--epochs={options.epochs or 3}", "--mode=wbc+prc"])
        words, self._letters = translate_words.encode(translate_words.read_pairs(parsed.data))
        mixed = torch.randperm(len(words.source), generator=torch.Generator().manual_seed(0))
        words = translate_words.Words(words.source[mixed], words.target[mixed])
        held_out = translate_words.TEST_PAIRS
        end = held_out + (options.examples or 16384)
        self._data = words.part(slice(held_out, end)), words.part(slice(held_out))
        self._options = parsed

    def __call__(self, accumulator: Optional[Any], seed: int, seen: Callable) -> float:
        self._options.accumulator = accumulator
        return translate_words.train(
            "wbc+prc", seed, self._options, self._data, len(self._letters), None, seen
        )[1]


NETS = {"mlp": Mlp, "plain": Fashion, "batchnorm": Fashion, "resnet20": Fashion, "words": Translation}


def trained(train: Callable, text: str, seed: int) -> Run:
    """One run; one that cannot be, or that ends early, says why."""
    run: Run = {"accumulator": text, "seed": seed}
    started = time.process_time()

    def seen(model: nn.Module) -> None:
        if text != FP32:
            run["counts"] = [
                {"layer": layer, "pass": which, **vars(counts)}
                for layer, passes in pc.overflows(model).items()
                for which, counts in passes.items()
            ]

    try:
        run["accuracy"] = train(None if text == FP32 else accumulator_of(text), seed, seen)
    except ValueError as error:
        run["refused" if "cannot hold" in str(error) else "stopped"] = str(error)
    run["seconds"] = round(time.process_time() - started, 1)
    return run


def total(run: Run, count: str) -> int:
    return sum(counts[count] for counts in run["counts"])


def share(run: Run, part: str, whole: str) -> float:
    return 100.0 * total(run, part) / max(1, total(run, whole)) if "counts" in run else 0.0


def cell(runs: List[Run]) -> str:
    """The accuracies of an accumulator's runs."""
    if any("refused" in run for run in runs):
        return "refused"
    return " ".join(f"{r['accuracy']:.1f}" if "accuracy" in r else "stopped" for r in runs)


def by_accumulator(runs: List[Run]) -> Dict[str, List[Run]]:
    found: Dict[str, List[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda r: r["seed"]):
        found[run["accumulator"]].append(run)
    return found


def tables(runs: List[Run]) -> Iterator[str]:
    """A grid of accuracies for either rule, and a line for each accumulator."""
    found = by_accumulator(runs)
    for rule in RULES:
        if any(text in found for text in grid() if text.endswith(rule)):
            yield f"accuracy, {rule}:\n"
            yield "| bits | " + " | ".join(LOWEST) + " |"
            yield "|---" * (len(LOWEST) + 1) + "|"
            for bits in BITS:
                cells = [
                    cell(found.get(f"{bits},{lsb},{'wrap' if lsb == 'auto' else rule}", []))
                    for lsb in LOWEST
                ]
                yield f"| {bits} | " + " | ".join(cells) + " |"
            yield ""
    yield "| accumulator | accuracy | mean | results overflowed, % | products dropped, % |"
    yield "|---|---|---|---|---|"
    for text, group in found.items():
        accuracies = [run["accuracy"] for run in group if "accuracy" in run]
        mean = f"{sum(accuracies) / len(accuracies):.2f}" if accuracies else ""
        shares = [
            " ".join(f"{share(run, *parts):.3g}" for run in group)
            for parts in (("overflowed", "results"), ("dropped", "products"))
        ]
        yield f"| {text} | {cell(group)} | {mean} | {shares[0]} | {shares[1]} |"


def places(runs: List[Run], text: str) -> Iterator[str]:
    """Where an accumulator's results overflow, and where its products are dropped."""
    counted: Dict[Tuple[str, str], Dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for run in by_accumulator(runs)[text]:
        for counts in run.get("counts", []):
            for name in ("results", "overflowed", "products", "dropped", "lsb"):
                counted[counts["layer"], counts["pass"]][name] += counts[name]
    yield f"\n{text}:\n\n| layer | pass | overflowed, % | dropped, % |\n|---|---|---|---|"
    for (layer, which), c in counted.items():
        yield (f"| {layer} | {which} | {100 * c['overflowed'] / max(1, c['results']):.3g} | "
               f"{100 * c['dropped'] / max(1, c['products']):.3g} |")  # fmt: skip


def read(path: Path) -> List[Run]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--net", choices=tuple(NETS), default="mlp")
    add("--accumulator", action="append", metavar="BITS,LSB,RULE", help="or fp32; default: the grid")
    add("--seed", type=int, action="append", help="repeatable (default: 1 and 2)")
    add("--epochs", type=int)
    add("--examples", type=int, help="to train on")
    add("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    add("--out", type=Path, help="JSON lines, to which runs are added")
    add("--table", type=Path, help="prints what is in such a file, and trains nothing")
    add("--places", action="append", default=[], metavar="BITS,LSB,RULE",
        help="with --table: where this one overflows")  # fmt: skip
    options = parser.parse_args()
    if options.table:
        runs = read(options.table)
        print("\n".join(tables(runs)))
        for text in options.places:
            print("\n".join(places(runs, text)))
        return 0
    if not options.out:
        parser.error("--out: name a file for the runs")
    torch.set_num_threads(1)
    keep_freed_memory()
    warnings.simplefilter("ignore")  # of many overflows: they are what is counted
    train = NETS[options.net](options)
    known = {(run["accumulator"], run["seed"]) for run in read(options.out)}
    for text in options.accumulator or [FP32, *grid()]:
        for seed in options.seed or [1, 2]:
            if (text, seed) not in known:
                run = trained(train, text, seed)
                with options.out.open("a") as file:
                    file.write(json.dumps(run) + "\n")
                print(f"{text} seed {seed}: {cell([run])}, {run['seconds']} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
