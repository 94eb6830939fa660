"""What the examples share: their options, the modes that they compare, and training on a terminal."""

import argparse
import ctypes
import statistics
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, TextIO, Tuple

import torch
from torch import nn

import potomac_capture as pc

# WBC and PRC of each ALS-PoTQ mode.
POTQ_MODES: Dict[str, Tuple[bool, bool]] = {
    "potq": (False, False),
    "wbc": (True, False),
    "prc": (False, True),
    "wbc+prc": (True, True),
}
MODES = ("fp32", *POTQ_MODES)


def parser_of(
    documentation: str, epochs: int, learning_rate: float, captured: int
) -> argparse.ArgumentParser:
    """The options that every example has."""
    parser = argparse.ArgumentParser(
        description=documentation.split("\n\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--mode", action="append", choices=MODES, help="repeatable (default: all)")
    add("--epochs", type=int, default=epochs)
    add("--seed", type=int, action="append", help="repeatable (default: 1)")
    add("--capture", type=Path, metavar="FILE", help="write a trace here")
    add("--captured", type=int, default=captured, metavar="N", help="inputs of the batch that the trace has")
    add("--originals", action="store_true", help="the trace has W, A and G as FP32 too")
    add("--bits", type=int, default=5, help="width of the codes")
    add("--last-layer-grad-bits", type=int, metavar="B", help="width of the last G")
    add("--rounding", choices=("log2", "linear"), default="log2")
    add("--gradient-rounding", choices=("log2", "linear", "stochastic"), help="of G")
    add("--activation-terms", type=int, choices=(1, 2), default=1, help="powers of two an A is")
    add("--accumulator", metavar="BITS,LSB,RULE", type=accumulator_of,
        help="sums as a machine with it makes them: 32,exact,wrap; 20,4,saturate; 24,auto,wrap")  # fmt: skip
    add("--exclude", action="append", default=[], metavar="NAME", help="left in FP32; repeatable")
    add("--learning-rate", type=float, default=learning_rate)
    add("--gamma", type=float, default=0.95, help="PRC's initial clipping ratio")
    add("--gamma-step", type=float, default=0.0, help="of a step of its own; 0: the optimizer's")
    add("--gamma-rate", type=float, default=0.01, help="its share of the optimizer's learning rate")
    add("--threads", type=int, default=1)
    return parser


def accumulator_of(text: str) -> Any:
    """The potomac.Accumulator of "BITS,LSB,RULE"."""
    import potomac

    parts = text.split(",")
    if len(parts) != 3 or not parts[0].isdigit() or parts[2] not in ("wrap", "saturate"):
        raise argparse.ArgumentTypeError(f"{text!r} is not BITS,LSB,RULE, like 32,-8,saturate")
    bits, lsb, rule = parts
    return potomac.Accumulator(int(bits), lsb if lsb in ("exact", "auto") else int(lsb), rule)


def parsed(parser: argparse.ArgumentParser, arguments: Optional[List[str]]) -> argparse.Namespace:
    """The options, checked."""
    options = parser.parse_args(arguments)
    options.mode = options.mode or list(MODES)
    options.seed = options.seed or [1]
    if options.capture and options.mode[-1] not in POTQ_MODES:
        parser.error("--capture needs an ALS-PoTQ mode: the last --mode is fp32")
    if options.capture and not options.capture.resolve().parent.is_dir():
        parser.error(f"--capture: there is no folder {options.capture.resolve().parent}")
    if min(options.epochs, options.threads, options.captured) < 1:
        parser.error("--epochs, --threads and --captured are at least 1")
    return options


def quantize(model: nn.Module, mode: str, options: argparse.Namespace) -> None:
    """Makes the model one of the mode: nothing in fp32."""
    if mode in POTQ_MODES:
        wbc, prc = POTQ_MODES[mode]
        pc.quantize(
            model,
            bits=options.bits,
            last_layer_grad_bits=options.last_layer_grad_bits,
            wbc=wbc,
            prc=prc,
            rounding=options.rounding,
            gradient_rounding=options.gradient_rounding,
            activation_terms=options.activation_terms,
            gamma=options.gamma,
            gamma_step=options.gamma_step,
            exclude=options.exclude,
            accumulator=options.accumulator,
        )


def share_overflowed(model: nn.Module) -> float:
    """The percentage of the results so far that overflowed their accumulator; 0 in FP32."""
    try:
        counts = [c for passes in pc.overflows(model).values() for c in passes.values()]
    except ValueError:
        return 0.0
    return 100.0 * sum(c.overflowed for c in counts) / max(1, sum(c.results for c in counts))


def groups_of(model: nn.Module, options: argparse.Namespace) -> List[Dict[str, Any]]:
    """What an optimizer updates: the parameters, and gammas at a rate of their own."""
    groups: List[Dict[str, Any]] = [{"params": list(model.parameters())}]
    gammas = pc.gammas(model)
    if gammas and not options.gamma_step:
        groups.append({"params": gammas, "lr": options.learning_rate * options.gamma_rate, "weight_decay": 0.0})
    return groups


def compare(
    options: argparse.Namespace,
    columns: Dict[str, int],
    train: Callable[[str, int, Optional[Path]], Tuple[float, ...]],
) -> None:
    """Trains every mode with every seed, and prints what came out: a row each, and of several
    seeds their mean and standard deviation. The first seed's run in the last mode is captured.

    columns: what `train` returns, and with how many decimals it is printed."""
    keep_freed_memory()
    torch.set_num_threads(options.threads)
    results = {}
    for mode in options.mode:
        for seed in options.seed:
            captured = mode == options.mode[-1] and seed == options.seed[0]
            trace = options.capture if captured else None
            results[mode, seed] = train(mode, seed, trace)
    print(f"\n{'mode':10} {'seed':>8}" + "".join(f" {name:>16}" for name in columns))

    def row(mode: str, seed: str, values: Sequence[float]) -> None:
        print(f"{mode:10} {seed:>8}" + "".join(f" {v:16.{digits}f}" for v, digits in zip(values, columns.values())))

    for mode in options.mode:
        runs = [results[mode, seed] for seed in options.seed]
        for seed, values in zip(options.seed, runs):
            row(mode, str(seed), values)
        if len(runs) > 1:
            row(mode, "mean", [statistics.mean(column) for column in zip(*runs)])
            row(mode, "spread", [statistics.stdev(column) for column in zip(*runs)])
    if options.capture:
        print(f"\ntrace of {mode}, seed {options.seed[0]}: {options.capture}")


def keep_freed_memory() -> None:
    """Stops glibc from handing every freed tensor back to the system.

    A step frees and allocates the same large tensors again; without this, page faults
    take up to half of its time.
    """
    m_trim_threshold, m_mmap_threshold, largest = -1, -3, 2**31 - 1
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(m_mmap_threshold, largest)
        mallopt(m_trim_threshold, largest)


class Progress:
    """A bar that is redrawn on a terminal, and nothing elsewhere."""

    def __init__(self, steps: int, stream: TextIO = sys.stderr) -> None:
        self._steps = steps
        self._stream = stream
        self._started = time.monotonic()

    def show(self, step: int, label: str) -> None:
        if not self._stream.isatty():
            return
        filled = 30 * step // self._steps
        left = (time.monotonic() - self._started) / step * (self._steps - step)
        bar = "#" * filled + "." * (30 - filled)
        self._stream.write(
            f"\r{label} [{bar}] {step}/{self._steps} {left:4.0f} s left "
        )
        self._stream.flush()

    def clear(self) -> None:
        if self._stream.isatty():
            self._stream.write("\r\x1b[K")
