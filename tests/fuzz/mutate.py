#!/usr/bin/env python3
"""Runs `potomac` on mutated inputs of every kind, and on mutated command lines: it reads them, or refuses them in
a line with status 2, within ten seconds, and leaves nothing behind.

    mutate.py PROGRAM [--cases N] [--seed S] [--jobs J]

Prints each failure with the number of its case, which `--only CASE` makes again and keeps.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPORA = ROOT / "tests/fuzz/corpora"
SECONDS = 10


def seeds() -> dict[str, list[pathlib.Path]]:
    """Files of each kind, small ones."""
    found = {folder.name: sorted(folder.iterdir()) for folder in CORPORA.iterdir()}
    found["architecture"] += sorted((ROOT / "sim/architectures").glob("*.yaml"))
    found["energy"] += sorted((ROOT / "energy/tables").glob("*.yaml"))
    found["preset"] += sorted((ROOT / "sim/dram").glob("*.yaml"))
    found["model"] += [ROOT / f"workloads/models/{name}.yaml" for name in ("alexnet", "lenet5") if
                       (ROOT / f"workloads/models/{name}.yaml").exists()]  # fmt: skip
    return found


# What is run on a file of each kind; IN is the file. Layers are few, so that it is quick.
RUN = ["--arch", "os-16x16", "--out", "o"]
COMMANDS = {
    "onnx": [["trace", "info", "IN.onnx"], ["run", "IN.onnx", "--batch", "2", "--dim", "length=3", *RUN],
             ["trace", "synth", "IN.onnx", "-o", "o.h5"]],
    "trace": [["trace", "info", "IN.h5"], ["run", "IN.h5", *RUN], ["trace", "import", "IN.h5", "-o", "o.h5"]],
    "report": [["report", "IN.json"], ["report", "IN.json", "--format", "csv"]],
    "architecture": [["run", "SMALL", "--arch", "IN.yaml", "--out", "o"]],
    "scalesim-config": [["run", "SMALL", "--arch", "IN.cfg", "--out", "o"],
                        ["trace", "import", "IN.cfg", "-o", "o.yaml"]],
    "scalesim-topology": [["trace", "info", "IN.csv"], ["trace", "import", "IN.csv", "-o", "o.yaml"]],
    "model": [["trace", "info", "IN.yaml"], ["run", "IN.yaml", *RUN]],
    "energy": [["run", "SMALL", "--energy", "IN.yaml", *RUN]],
    "sweep": [["sweep", "IN.yaml", "--workload", "SMALL", "--out", "o"]],
    "preset": [["run", "SMALL", "--set", "memory.dram.preset=IN.yaml", *RUN]],
}  # fmt: skip
LINES = [
    ["run", "SMALL", *RUN, "--set", "array.rows=8", "--layers", "*fc*", "--passes", "forward,backward-data"],
    ["run", "SMALL", *RUN, "--density", "W=0.5,A=0.4,G=0.3", "--accounting", "structural"],
    ["run", "SMALL.h5", *RUN, "--dump-outputs", "d.h5", "--threads", "1", "--simulate-baseline"],
    ["run", "SMALL.h5", *RUN, "--vcd", "w.vcd", "--vcd-gemm", "001-fc/forward", "--vcd-cycles", "0:50"],
    ["trace", "synth", "SMALL", "-o", "o.h5", "--density", "W=0.5,A=1", "--exponents", "W=1:2:3", "--seed", "3"],
    ["trace", "info", "SMALL.h5", "--format", "json"],
    ["sensitivity", "SMALL", "--arch", "os-16x16"],
    ["models", "--batch", "2"],
    ["report", "SMALL.json", "--format", "markdown", "--energy", "horowitz-45nm"],
]
NUMBERS = ["0", "-1", "1e999", "nan", "4294967296", "9223372036854775808", "1.5", "999999999999", "", "true", "~"]
WORDS = ["{", "}", "[", "]", ",", ":", '"', "'", "\\", "\0", "\x1b[2J", "=cmd", "../..", "&a", "*a", "<<: *a", "- -",
         "\ufeff", "\u00a0", "é" * 300, "(" * 3000, "[" * 3000, "a" * 5000]  # fmt: skip


def mutated(data: bytes, draw: random.Random) -> bytes:
    data = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 4, 12))):
        place = draw.randrange(len(data) + 1)
        kind = draw.randrange(7)
        if kind == 0 and data:
            data[min(place, len(data) - 1)] = draw.randrange(256)
        elif kind == 1 and data:
            data[min(place, len(data) - 1)] ^= 1 << draw.randrange(8)
        elif kind == 2:
            data[place:place] = draw.choice(WORDS).encode()
        elif kind == 3:
            del data[place : place + draw.choice((1, 4, 40, 4000))]
        elif kind == 4:
            piece = data[place : place + draw.choice((1, 8, 64))]
            data[place:place] = piece * draw.choice((1, 2, 50))
        elif kind == 5:
            end = place
            while end < len(data) and chr(data[end]).isdigit():
                end += 1
            data[place:end] = draw.choice(NUMBERS).encode()
        else:
            data = data[:place]
    return bytes(data)


def mutated_line(line: list[str], draw: random.Random) -> list[str]:
    line = list(line)
    for _ in range(draw.choice((1, 1, 2, 3))):
        place = draw.randrange(len(line))
        kind = draw.randrange(5)
        if kind == 0:
            line[place] = draw.choice(NUMBERS + WORDS).replace("\0", "")
        elif kind == 1 and len(line) > 1:
            del line[place]
        elif kind == 2:
            line.insert(place, draw.choice(line))
        elif kind == 3:
            other = draw.randrange(len(line))
            line[place], line[other] = line[other], line[place]
        else:
            line[place] = mutated(line[place].encode(), draw).decode("utf-8", "replace").replace("\0", "")[:2000]
    return line


class Mutator:
    def __init__(self, program: str, seed: int) -> None:
        self.program, self.seed, self.files = program, seed, seeds()

    def failure(self, case: int, keep: pathlib.Path | None = None) -> str | None:
        """What went wrong in a case; None if nothing did."""
        with tempfile.TemporaryDirectory(prefix="potomac-mutate-") as name:
            folder = pathlib.Path(name)
            wrong = self._failure(case, folder)
            if wrong and keep:
                shutil.copytree(folder, keep, dirs_exist_ok=True)
            return wrong

    def _failure(self, case: int, folder: pathlib.Path) -> str | None:
        draw = random.Random(f"{self.seed}/{case}")
        shutil.copy(CORPORA / "model/small.yaml", folder / "small.yaml")
        shutil.copy(CORPORA / "trace/small.h5", folder / "small.h5")
        shutil.copy(CORPORA / "report/small.json", folder / "small.json")
        if draw.random() < 0.12:
            line = mutated_line(draw.choice(LINES), draw)
        else:
            kind = draw.choice(sorted(COMMANDS))
            line = list(draw.choice(COMMANDS[kind]))
            target = next(word.split("=")[-1] for word in line if word.split("=")[-1].startswith("IN."))
            (folder / target).write_bytes(mutated(draw.choice(self.files[kind]).read_bytes(), draw))
        line = [w.replace("SMALL.h5", "small.h5").replace("SMALL.json", "small.json").replace("SMALL", "small.yaml")
                for w in line]  # fmt: skip
        before = set(folder.rglob("*"))
        try:
            done = subprocess.run(
                [self.program, *line], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"more than {SECONDS} s: {line}"
        said = done.stderr.decode("utf-8", "replace")
        if done.returncode not in (0, 2) or "internal fault" in said:
            return f"status {done.returncode}: {line}: {said[:300]}"
        if done.returncode == 2:
            lines = [one for one in said.rstrip("\n").split("\n") if not one.startswith("potomac: note: ")]
            if len(lines) != 1 or not lines[0].startswith("potomac: error: ") or "\x1b" in said:
                return f"no line: {line}: {said[:300]!r}"
            left = set(folder.rglob("*")) - before
            if left and line[0] != "sweep":
                return f"left behind {sorted(str(p.relative_to(folder)) for p in left)}: {line}: {said[:200]}"
        return None


def run(program: str, cases: int, seed: int, jobs: int) -> list[str]:
    mutator = Mutator(program, seed)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        results = pool.map(mutator.failure, range(cases))
        return [f"case {case}: {wrong}" for case, wrong in enumerate(results) if wrong]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("program")
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", type=int, metavar="CASE")
    options = parser.parse_args()
    program = str(pathlib.Path(options.program).resolve())
    if options.only is not None:
        keep = pathlib.Path(f"mutated-{options.only}")
        print(Mutator(program, options.seed).failure(options.only, keep) or "nothing wrong")
        return 0
    failures = run(program, options.cases, options.seed, options.jobs)
    print("\n".join([*failures, f"seed {options.seed}: {options.cases} inputs, {len(failures)} failures"]))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
