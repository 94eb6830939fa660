"""`report SWEEP --where --sort --pareto --limit` against the same asked of sweep.csv in Python."""

from __future__ import annotations

import csv
import io
import json
import random

import pytest

ENERGY = "energy[mf_mac,horowitz-45nm,structural]"
SPEC = """
workload: resnet18
arch: os-16x16
energy: [horowitz-45nm]
accounting: structural
parameters:
  array.dataflow: [os, ws, is]
  array.rows: [8, 16, 24]
  array.cols: {from: 8, to: 32, step: 8}
  pe.operand_bits: [5, 4]
"""


@pytest.fixture
def swept(potomac):
    (potomac.folder / "sweep.yaml").write_text(SPEC)
    done = potomac("sweep", "sweep.yaml", "--out", "s")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO((potomac.folder / "s/sweep.csv").read_text())))
    done_rows = [row for row in rows if row["status"] == "done"]
    assert 0 < len(done_rows) < len(rows)
    return potomac, done_rows


def answer(potomac, *options):
    done = potomac("report", "s", *options, "--format", "csv")
    assert (done.returncode, done.stderr) == (0, "")
    return list(csv.DictReader(io.StringIO(done.stdout)))


def points(rows):
    return [int(row["point"]) for row in rows]


def number(row, column):
    return float(row[column])


@pytest.mark.parametrize(("condition", "holds"), [
    ("array.rows * array.cols <= 256 and array.dataflow = ws",
     lambda r: number(r, "array.rows") * number(r, "array.cols") <= 256 and r["array.dataflow"] == "ws"),
    ("not array.dataflow = os or mf_mac_utilization > 0.9",
     lambda r: r["array.dataflow"] != "os" or number(r, "mf_mac_utilization") > 0.9),
    (f"{ENERGY} / 1e9 < 40 and array.dataflow != 'is'",
     lambda r: number(r, ENERGY) / 1e9 < 40 and r["array.dataflow"] != "is"),
    # What is not known compares false, and only what is not known does so with its opposite.
    ("mf_mac_actions_overflow >= 0 or mf_mac_actions_overflow < 0", lambda r: False),
    ("point >= 0", lambda r: True),
])  # fmt: skip
def test_where(swept, condition, holds):
    potomac, rows = swept
    wanted = points([row for row in rows if holds(row)])
    if wanted:
        assert points(answer(potomac, "--where", condition)) == wanted
    else:
        assert "holds for no point that ran" in potomac.refuses("report", "s", "--where", condition)


def test_sort_and_limit(swept):
    potomac, rows = swept
    wanted = sorted(rows, key=lambda r: (r["array.dataflow"], -number(r, "mf_mac_time_s"), int(r["point"])))
    asked = answer(potomac, "--sort", "array.dataflow,mf_mac_time_s desc")
    assert points(asked) == points(wanted)
    assert all(row["mf_mac_time_s"] == own["mf_mac_time_s"] for row, own in zip(asked, wanted))
    assert points(answer(potomac, "--sort", "array.dataflow,mf_mac_time_s desc", "--limit", "5")) == points(wanted)[:5]
    # Numbers sort as numbers: 8 before 16.
    assert [row["array.rows"] for row in answer(potomac, "--sort", "array.rows", "--limit", "1")] == ["8"]


@pytest.mark.parametrize("seed", range(6))
def test_the_front_is_what_no_point_dominates(swept, seed):
    potomac, rows = swept
    draw = random.Random(seed)
    columns = ["mf_mac_time_s", ENERGY, "mf_mac_utilization", "array.rows", "mf_mac_cycles_drain", f"power_w[{ENERGY[7:]}"]
    quantities = draw.sample(columns, draw.randint(1, 4))
    more = [draw.random() < 0.4 for _ in quantities]
    signed = {int(row["point"]): [(-1 if m else 1) * number(row, q) for q, m in zip(quantities, more)] for row in rows}
    front = {p for p, a in signed.items()
             if not any(all(x <= y for x, y in zip(b, a)) and b != a for b in signed.values())}  # fmt: skip
    asked = ",".join(f"{q} max" if m else q for q, m in zip(quantities, more))
    print("seed", seed, asked)
    answered = answer(potomac, "--pareto", asked)
    assert {int(row["point"]) for row in answered if row["pareto"] == "1"} == front
    assert points(answered) == points(rows)
    # A table has the front alone.
    table = potomac("report", "s", "--pareto", asked).stdout
    assert f"\n{len(front)} of {len(rows)} points are on the Pareto front.\n" in table
    assert len(table.splitlines()) == len(front) + 4


def test_forms(swept):
    potomac, rows = swept
    options = ["--columns", f"mf_mac_cycles_total,{ENERGY}", "--sort", "mf_mac_cycles_total", "--limit", "3"]
    asked = answer(potomac, *options)
    assert list(asked[0]) == ["point", "array.dataflow", "array.rows", "array.cols", "pe.operand_bits",
                              "mf_mac_cycles_total", ENERGY]  # fmt: skip
    told = json.loads(potomac("report", "s", *options, "--format", "json").stdout)
    assert [[str(value) if isinstance(value, str) else float(value) for value in row.values()] for row in told] == [
        [value if not value.replace(".", "").isdigit() else float(value) for value in row.values()] for row in asked]  # fmt: skip
    for form, begins in (("table", "point"), ("markdown", "| point |"), ("latex", "\\begin{tabular}")):
        text = potomac("report", "s", *options, "--format", form).stdout
        assert text.lstrip().startswith(begins) and asked[0]["mf_mac_cycles_total"] in text
    assert potomac("report", "s").returncode == 0


@pytest.mark.parametrize(("options", "said"), [
    (["--where", "array.row = 8"], "'array.row = 8' at character 1: there is no 'array.row'; did you mean 'array.rows'?"),
    (["--sort", "mf_mac_time"], "'mf_mac_time' is no column of the sweep; did you mean 'mf_mac_time_s'?"),
    (["--pareto", "point,point,point,point,point"], "names 5 quantities; choose 4 at most"),
    (["--sort", "point falling"], "'falling' stands behind a column; write NAME, or NAME desc"),
    (["--limit", "0"], "--limit"),
    (["--energy", "horowitz-45nm"], "leave out --energy"),
    (["s"], "one sweep is shown at a time"),
])  # fmt: skip
def test_what_cannot_be_asked_is_one_line(swept, options, said):
    potomac, _ = swept
    assert said in potomac.refuses("report", "s", *options)
