"""Activations as sums of two powers: twice the additions on the array, and none more on a machine
that multiplies."""

from __future__ import annotations

import csv
import json

import h5py
import numpy as np
import potomac_capture as pc
import pytest
import torch
from torch import nn

ARRAY = ("--set", "array.rows=4", "--set", "array.cols=8")


@pytest.fixture
def traces(potomac):
    """The same step of the same model, of one power and of two; what the second's layers gave."""
    outputs = {}
    for terms in (1, 2):
        torch.manual_seed(4)
        model = nn.Sequential(
            nn.Conv2d(2, 3, 3, padding=1, bias=False), nn.Flatten(), nn.Linear(3 * 25, 6, bias=False)
        )
        pc.quantize(model, activation_terms=terms, gradient_rounding="stochastic")
        x = torch.randn(2, 2, 5, 5)
        with pc.capture(model, potomac.folder / f"{terms}.h5", dataset="d", step=0, seed=4):
            y = model(x)
            y.square().sum().backward()
        outputs[terms] = y.detach().numpy(), model[2].weight.grad.numpy()
    return outputs


def report(potomac, trace, *options):
    out = potomac.folder / "out"
    done = potomac("run", trace, "--arch", "os-16x16", *ARRAY, *options, "--out", str(out))
    assert done.returncode == 0, done.stderr
    return json.loads((out / "report.json").read_text())


def test_every_engine_counts_the_second_power_on_one_side_alone(potomac, traces):
    one = report(potomac, "1.h5")
    firsts = {(p["layer"].split("-")[1], p["pass"]): p for p in one["passes"]}
    for engine in ("count", "fast", "systemc"):
        two = report(potomac, "2.h5", "--engine", engine)
        seconds = [p for p in two["passes"] if p["layer"].endswith(".second")]
        assert [(p["layer"], p["pass"]) for p in seconds] == [
            ("001-0.second", "forward"), ("001-0.second", "backward-weight"),
            ("003-2.second", "forward"), ("003-2.second", "backward-weight"),
        ]  # fmt: skip
        for record in seconds:
            first = firsts[record["layer"].split("-")[1].split(".")[0], record["pass"]]
            assert record["macs"] == first["macs"] and record["gemms"] == first["gemms"]
            assert record["cycles"] == first["cycles"]
            assert record["baseline_macs"] == 0 and record["baseline_cycles"]["total"] == 0
            assert set(record["baseline_actions"].values()) == {0}
        more = sum(p["macs"] for p in seconds)
        assert two["totals"]["macs"] == one["totals"]["macs"] + more
        assert two["totals"]["baseline_macs"] == one["totals"]["macs"]
        assert two["totals"]["baseline_cycles"] == one["totals"]["baseline_cycles"]
        for single, double in zip(one["energy"], two["energy"]):
            assert double["fp32_mac"] == pytest.approx(single["fp32_mac"], rel=1e-12)
            grown = (one["totals"]["macs"] + more) / one["totals"]["macs"]
            assert double["mf_mac"] == pytest.approx(single["mf_mac"] * grown, rel=1e-12)
            assert 0 < double["reduction"] < single["reduction"]
            methods = [{m["name"]: m.get("total") for m in e["methods"]} for e in (single, double)]
            assert methods[0]["int8_mac"] == methods[1]["int8_mac"]
            rows = {row["layer"]: row for row in double["by_layer"]}
            assert rows["003-2.second"]["reduction"] is None and rows["003-2.second"]["mf_mac"] > 0


def test_toggles_and_stored_reports_and_sweeps_agree(potomac, traces):
    run = report(potomac, "2.h5", "--toggles")
    second = next(p for p in run["passes"] if p["layer"] == "003-2.second")
    assert set(second["baseline_toggles"].values()) == {0}
    assert sum(second["toggles"].values()) > 0
    shown = potomac("report", "out")
    assert shown.returncode == 0, shown.stderr
    (potomac.folder / "sweep.yaml").write_text(
        "workload: 2.h5\narch: os-16x16\nparameters: {array.rows: [4], array.cols: [8]}\n"
        "energy: [paper-2302.14458]\n"
    )
    done = potomac("sweep", "sweep.yaml", "--out", "swept")
    assert done.returncode == 0, done.stderr
    swept = json.loads((potomac.folder / "swept/sweep.json").read_text())["points"][0]
    again = report(potomac, "2.h5", "--engine", "fast")
    assert swept["totals"] == again["totals"]
    rows = list(csv.DictReader((potomac.folder / "swept/sweep.csv").open()))
    reductions = [float(v) for k, v in rows[0].items() if k.endswith("_reduction")]
    assert "" not in rows[0]
    assert reductions == [pytest.approx(e["reduction"]) for e in again["energy"]]


def test_both_powers_together_are_the_steps_results(potomac, traces):
    report(potomac, "2.h5", "--dump-outputs", "dump.h5", "--simulate-baseline")
    with h5py.File(potomac.folder / "dump.h5") as dump:
        assert "fp32" in dump["gemms/002-2/forward"]
        assert "fp32" not in dump["gemms/003-2.second/forward"]

        def values(layer, what):
            acc = dump[f"gemms/{layer}/{what}/acc"]
            return acc[:].astype(float) * 2.0 ** acc.attrs["scale_exponent"]

        y = values("002-2", "forward") + values("003-2.second", "forward")
        dw = values("002-2", "backward-weight") + values("003-2.second", "backward-weight")
    expected_y, expected_dw = traces[2]
    np.testing.assert_allclose(y, expected_y, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dw - dw.mean(), expected_dw, rtol=1e-4, atol=1e-5)


def test_trace_info_and_import_keep_it(potomac, traces):
    shown = potomac("trace", "info", "2.h5").stdout
    assert "003-2.second: linear, second power of A, no input gradient" in shown
    assert "rounding   log2, of G stochastic" in shown
    done = potomac("trace", "import", "2.h5", "-o", "copy.h5")
    assert done.returncode == 0, done.stderr
    one, other = (
        json.loads(potomac("trace", "info", name, "--format", "json").stdout)
        for name in ("2.h5", "copy.h5")
    )
    assert one["layers"] == other["layers"] and other["gradient_rounding"] == "stochastic"
    assert [layer["term"] for layer in other["layers"]] == [1, 2, 1, 2]
