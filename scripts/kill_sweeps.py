#!/usr/bin/python3
"""Kills sweeps at random moments, and looks at what they leave.

    scripts/kill_sweeps.py [--kills 1000] [--seed 1] [--program build/sim/potomac]

A sweep is begun, killed with SIGKILL after a time that is drawn, and begun again in the same folder,
until it is done; then another one begins in a new folder. What somebody could read in the store
before a kill must be there behind it, no point may be there twice, and in the end sweep.csv must be,
byte by byte, that of a sweep that nobody killed. Exit status: 0 so it was, 1 if not.
"""

import argparse
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from typing import Dict, Optional, Set, Tuple

ROOT = pathlib.Path(__file__).resolve().parents[1]

# Many points that take a few microseconds each, so that kills fall into commits too; and some of a
# memory that take longer.
SPECS = (
    """
workload: resnet18
arch: os-16x16
engine: count
energy: [horowitz-45nm]
parameters:
  array.dataflow: [os, ws, is]
  array.rows: {from: 1, to: 60, step: 1}
  array.cols: {from: 1, to: 60, step: 1}
""",
    """
workload: resnet18
arch: ws-32x32
engine: count
energy: [horowitz-45nm]
accounting: structural
parameters:
  array.rows: [16, 32]
  memory.first.kib: {from: 32, to: 72, step: 8}
  memory.dram.bandwidth_gb_s: [12.8, 25.6]
""",
)


class Wrong(Exception):
    """What a kill has broken."""


def rows_of(folder: pathlib.Path) -> Set[Tuple[int, bytes]]:
    """The places of the sweep that have their point, and its key; what a reader sees now."""
    file = folder / "results.sqlite"
    if not file.exists():
        return set()
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as store:
        if not store.execute("SELECT 1 FROM sqlite_master WHERE name = 'sweep_points'").fetchone():
            return set()
        rows = store.execute("SELECT s.id, p.key FROM sweep_points s JOIN points p ON p.id = s.point")
        return set(rows.fetchall())


def check_whole(folder: pathlib.Path) -> None:
    with closing(sqlite3.connect(folder / "results.sqlite")) as store:
        if store.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            raise Wrong("the store is damaged")
        points = store.execute("SELECT count(*), count(DISTINCT key) FROM points").fetchone()
        if points[0] != points[1]:
            raise Wrong(f"{points[0]} points have {points[1]} keys")
        for table in ("totals", "energy"):
            extra = store.execute(
                f"SELECT count(*) FROM {table} WHERE id % (1 << 40) NOT IN (SELECT id FROM points)"
            ).fetchone()[0]
            if extra:
                raise Wrong(f"{extra} rows of {table} are of no point")


class Killer:
    def __init__(self, program: str, seed: int) -> None:
        self.program = program
        self.random = random.Random(seed)
        self.kills = 0
        self.sweeps = 0
        self.rows_checked = 0
        self.expected: Dict[str, Tuple[bytes, float]] = {}

    def undisturbed(self, spec: pathlib.Path) -> Tuple[bytes, float]:
        """What nobody killed writes, and its seconds."""
        key = spec.read_text()
        if key not in self.expected:
            begun = time.monotonic()
            folder = spec.parent / "undisturbed"
            subprocess.run([self.program, "sweep", spec, "--out", folder], check=True,
                           stdout=subprocess.DEVNULL)  # fmt: skip
            seconds = time.monotonic() - begun
            self.expected[key] = ((folder / "sweep.csv").read_bytes(), seconds)
        return self.expected[key]

    def one_sweep(self, text: str, kills: int) -> None:
        """Kills a sweep up to so many times, then lets it end."""
        with tempfile.TemporaryDirectory(prefix="kill-sweeps-") as name:
            spec = pathlib.Path(name) / "sweep.yaml"
            spec.write_text(text)
            expected, seconds = self.undisturbed(spec)
            out = pathlib.Path(name) / "out"
            known: Set[Tuple[int, bytes]] = set()
            ended = False
            while kills > 0 and not ended:
                process = subprocess.Popen(
                    [self.program, "sweep", spec, "--out", out], stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL)  # fmt: skip
                # Most soon, so that a sweep is killed many times.
                share = 1.2 if self.random.random() < 0.2 else 0.2
                time.sleep(self.random.uniform(0.0, share * seconds))
                if process.poll() is None:
                    known |= self.seen_while_it_runs(out)
                    process.send_signal(signal.SIGKILL)
                    kills -= 1
                    self.kills += 1
                ended = process.wait() == 0
                left = rows_of(out)
                if not known <= left:
                    raise Wrong(f"{len(known - left)} rows that were there are lost")
                known = left
                self.rows_checked += len(left)
            subprocess.run([self.program, "sweep", spec, "--out", out], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
            check_whole(out)
            if (out / "sweep.csv").read_bytes() != expected:
                raise Wrong("sweep.csv is not that of an undisturbed sweep")
            left_behind = sorted(os.listdir(out))
            if left_behind != ["results.sqlite", "sweep.csv"]:
                raise Wrong(f"the folder holds {left_behind}")
            self.sweeps += 1

    def seen_while_it_runs(self, folder: pathlib.Path) -> Set[Tuple[int, bytes]]:
        # Now and then: reading takes longer than most moments that a kill should fall into.
        if self.random.random() < 0.7:
            return set()
        try:
            return rows_of(folder)
        except sqlite3.OperationalError:
            return set()  # it was just being made, or ended


def main(arguments: Optional[list] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--program", default=str(ROOT / "build/sim/potomac"))
    asked = parser.parse_args(arguments)
    killer = Killer(asked.program, asked.seed)
    try:
        while killer.kills < asked.kills:
            text = SPECS[killer.sweeps % len(SPECS)]
            killer.one_sweep(text, min(25, asked.kills - killer.kills))
    except Wrong as wrong:
        print(f"seed {asked.seed}, kill {killer.kills}: {wrong}", file=sys.stderr)
        return 1
    print(f"{killer.kills} kills (seed {asked.seed}) of {killer.sweeps} sweeps: no row was lost in "
          f"{killer.rows_checked} looked for, none was there twice, and every sweep.csv was that of "
          "an undisturbed sweep")
    return 0


if __name__ == "__main__":
    sys.exit(main())
