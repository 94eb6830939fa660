#!/usr/bin/env python3
"""Trains a small Transformer to translate English words into German ones, letter by letter, in FP32
and in ALS-PoTQ, and captures a step.

    translate_words.py                                   # every mode, with loss and accuracy
    translate_words.py --mode wbc+prc --capture trace.h5 # one mode, and a trace of it

An encoder and a decoder of two layers each, every product of theirs quantized: projections,
q k^T and a v of attention, feed-forward layers and the output. The trace is of the step in the
middle of the first seed's run, in the last of the chosen modes: 32 pairs of words. Runs are
deterministic: the same options on the same machine give the same figures.
"""

import argparse
import gzip
import math
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

import torch
from torch import nn
from torch.nn import functional

import potomac_capture as pc
from training import Progress, compare, groups_of, parsed, parser_of, quantize

BATCH = 128
TEST_PAIRS = 2000
LONGEST = 14  # letters of a word
PAD, START, END, SPECIAL = 0, 1, 2, 3

WIDTH, HEADS, HIDDEN, LAYERS = 64, 4, 128, 2


@dataclass
class Words:
    """Pairs of words as numbers of letters: source [N,T], target [N,T+1] from START to END."""

    source: torch.Tensor
    target: torch.Tensor

    def part(self, chosen: slice) -> "Words":
        return Words(self.source[chosen], self.target[chosen])


def read_pairs(path: Path) -> List[Tuple[str, str]]:
    """English and German words of the dictionary, each English one once, in its order."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            lines = file.read().split("\n")
    except FileNotFoundError:
        sys.exit(
            f"{path} is missing: install Debian's dict-freedict-eng-deu, or name its file "
            "with --data"
        )
    pairs: Dict[str, str] = {}
    for line, following in zip(lines, lines[1:]):
        # "winter /wˈɪntə/", and below it "Winter <masc>".
        english = re.fullmatch(r"([a-z]+) /.*/", line)
        if english is None or len(english[1]) > LONGEST:
            continue
        german = re.sub(r"<[^>]*>|\[[^]]*\]|\([^)]*\)", "", following).strip()
        if re.fullmatch(r"[A-Za-zÄÖÜäöüß]+", german) and len(german) <= LONGEST:
            pairs.setdefault(english[1], german)
    return list(pairs.items())


def encode(pairs: List[Tuple[str, str]]) -> Tuple[Words, str]:
    """The pairs in numbers, and the letters in the order of theirs."""
    letters = "".join(sorted({letter for pair in pairs for word in pair for letter in word}))
    numbers = {letter: SPECIAL + i for i, letter in enumerate(letters)}
    source = torch.full((len(pairs), LONGEST), PAD)
    target = torch.full((len(pairs), LONGEST + 2), PAD)
    for i, (english, german) in enumerate(pairs):
        source[i, : len(english)] = torch.tensor([numbers[c] for c in english])
        inner = [START, *(numbers[c] for c in german), END]
        target[i, : len(inner)] = torch.tensor(inner)
    return Words(source, target), letters


class WordTransformer(nn.Module):
    """nn.Transformer between learned embeddings of letters and places, and a linear output."""

    def __init__(self, letters: int) -> None:
        super().__init__()
        self.source_letters = nn.Embedding(SPECIAL + letters, WIDTH, PAD)
        self.target_letters = nn.Embedding(SPECIAL + letters, WIDTH, PAD)
        self.places = nn.Embedding(LONGEST + 1, WIDTH)
        self.transformer = nn.Transformer(
            WIDTH, HEADS, LAYERS, LAYERS, HIDDEN, dropout=0.0, batch_first=True
        )
        # Sequences have several lengths: one more of PyTorch's ways around plain products.
        self.transformer.encoder.enable_nested_tensor = False
        self.out = nn.Linear(WIDTH, SPECIAL + letters)

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        padding = source == PAD
        ahead = torch.full((target.shape[1],) * 2, float("-inf")).triu(1)
        hidden = self.transformer(
            self.source_letters(source) + self.places(torch.arange(source.shape[1])),
            self.target_letters(target) + self.places(torch.arange(target.shape[1])),
            tgt_mask=ahead,
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
        )
        return self.out(hidden)


def loss_of(model: nn.Module, words: Words) -> Tuple[torch.Tensor, float]:
    """Cross entropy a letter, and the percentage of letters that are right."""
    wanted = words.target[:, 1:]
    scores = model(words.source, words.target[:, :-1])
    loss = functional.cross_entropy(scores.transpose(1, 2), wanted, ignore_index=PAD)
    counted = wanted != PAD
    right = (scores.argmax(-1) == wanted) & counted
    return loss, 100.0 * int(right.sum()) / int(counted.sum())


def evaluate(model: nn.Module, words: Words) -> Tuple[float, float]:
    model.eval()
    with torch.no_grad():
        loss, right = loss_of(model, words)
    model.train()
    return float(loss), right


def train(
    mode: str, seed: int, options: argparse.Namespace, data: Tuple[Words, Words], letters: int,
    trace: Optional[Path], seen: Callable[[nn.Module], None] = lambda model: None,
) -> Tuple[float, float, float]:  # fmt: skip
    """Trains one model; test loss, percentage of letters right, and the seconds taken. `seen` is
    called with the trained model."""
    words, test = data
    torch.manual_seed(seed)
    model = WordTransformer(letters)
    quantize(model, mode, options)
    optimizer = torch.optim.Adam(groups_of(model, options), lr=options.learning_rate)
    count = len(words.source)
    steps = math.ceil(count / BATCH) * options.epochs
    # A short warm-up, then down to zero along half a cosine.
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(1.0, (step + 1) / 100) * 0.5 * (1.0 + math.cos(math.pi * step / steps)),
    )
    order = torch.Generator().manual_seed(seed)
    progress, started, step = Progress(steps), time.monotonic(), 0
    for epoch in range(1, options.epochs + 1):
        for chosen in torch.randperm(count, generator=order).split(BATCH):
            batch = Words(words.source[chosen], words.target[chosen])
            if step == steps // 2 and trace:
                capture_step(model, batch.part(slice(options.captured)), step, seed, trace, options)
            optimizer.zero_grad()
            loss_of(model, batch)[0].backward()
            optimizer.step()
            schedule.step()
            step += 1
            progress.show(step, f"{mode} seed {seed} epoch {epoch}")
        progress.clear()
        loss, right = evaluate(model, test)
        seconds = time.monotonic() - started
        print(f"{mode} seed {seed} epoch {epoch}/{options.epochs}: test loss {loss:.4f} a letter, "
              f"{right:.2f}% of letters right, {seconds:.0f} s", flush=True)  # fmt: skip
    seen(model)
    return loss, right, seconds


def capture_step(
    model: nn.Module, words: Words, step: int, seed: int, path: Path,
    options: argparse.Namespace,
) -> None:  # fmt: skip
    """Traces a forward and backward of the batch's first pairs; updates nothing."""
    model.zero_grad()
    source = {"dataset": "FreeDict English-German", "step": step, "seed": seed}
    with pc.capture(model, path, **source, originals=options.originals):
        loss_of(model, words)[0].backward()


def parse(arguments: Optional[List[str]]) -> argparse.Namespace:
    parser = parser_of(__doc__, epochs=8, learning_rate=1e-3, captured=32)
    add = parser.add_argument
    add("--subset", type=int, metavar="N", help="first N pairs only, of them a fifth for the test")
    add("--data", type=Path, default=Path("/usr/share/dictd/freedict-eng-deu.dict.dz"))
    options = parsed(parser, arguments)
    if (options.subset or 10) < 10:
        parser.error("--subset is at least 10")
    return options


def main(arguments: Optional[List[str]] = None) -> int:
    options = parse(arguments)
    words, letters = encode(read_pairs(options.data)[: options.subset])
    # The dictionary is in the order of the German words: the test is of all parts of it.
    mixed = torch.randperm(len(words.source), generator=torch.Generator().manual_seed(0))
    words = Words(words.source[mixed], words.target[mixed])
    held_out = min(TEST_PAIRS, len(mixed) // 5)
    data = words.part(slice(held_out, None)), words.part(slice(held_out))
    print(f"{len(data[0].source)} pairs, {held_out} more for the test, {len(letters)} letters")
    compare(
        options,
        {"test loss": 4, "letters right, %": 2, "seconds": 0},
        lambda mode, seed, trace: train(mode, seed, options, data, len(letters), trace),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
