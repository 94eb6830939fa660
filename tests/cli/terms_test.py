"""Activations as sums of two powers: twice the additions on the array, and none more on a machine
that multiplies."""

from __future__ import annotations

import csv
import json

import h5py
import numpy as np
import potomac_capture as pc
import pytest
from reports import energy_of, method_of, of, reduction_of
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
            assert of(record)["macs"] == of(first)["macs"] and record["gemms"] == first["gemms"]
            assert of(record)["cycles"] == of(first)["cycles"]
            baseline = of(record, "fp32_mac")
            assert baseline["macs"] == 0 and baseline["cycles"]["total"] == 0
            assert set(baseline["actions"].values()) == {0}
            assert baseline["zero_operand_macs"] == {"structural": 0, "value": 0}
        more = sum(of(p)["macs"] for p in seconds)
        macs = of(one["totals"])["macs"]
        assert of(two["totals"])["macs"] == macs + more
        assert of(two["totals"], "fp32_mac")["macs"] == macs
        cycles = [of(run["totals"], "fp32_mac")["cycles"] for run in (one, two)]
        assert cycles[0] == cycles[1]
        energies = [energy_of(run, "fp32_mac")["total"] for run in (one, two)]
        assert energies[1] == pytest.approx(energies[0], rel=1e-12)
        energies = [energy_of(run)["total"] for run in (one, two)]
        assert energies[1] == pytest.approx(energies[0] * (macs + more) / macs, rel=1e-12)
        assert 0 < reduction_of(two) < reduction_of(one)
        assert method_of(one, "int8_mac")["total"] == method_of(two, "int8_mac")["total"]
        rows = [{row["layer"]: row["total"] for row in energy_of(two, machine)["by_layer"]}
                for machine in ("mf_mac", "fp32_mac")]  # fmt: skip
        assert rows[0]["003-2.second"] > 0 and rows[1]["003-2.second"] == 0


def test_toggles_and_stored_reports_and_sweeps_agree(potomac, traces):
    run = report(potomac, "2.h5", "--toggles")
    second = next(p for p in run["passes"] if p["layer"] == "003-2.second")
    assert set(of(second, "fp32_mac")["toggles"].values()) == {0}
    assert sum(of(second)["toggles"].values()) > 0
    shown = potomac("report", "out")
    assert shown.returncode == 0, shown.stderr
    (potomac.folder / "sweep.yaml").write_text(
        "workload: 2.h5\narch: os-16x16\nparameters: {array.rows: [4], array.cols: [8]}\n"
        "energy: [paper-2302.14458]\n"
    )
    done = potomac("sweep", "sweep.yaml", "--out", "swept")
    assert done.returncode == 0, done.stderr
    again = report(potomac, "2.h5", "--engine", "fast")
    (row,) = csv.DictReader((potomac.folder / "swept/sweep.csv").open())
    assert "" not in row
    for machine in ("mf_mac", "fp32_mac"):
        totals = of(again["totals"], machine)
        assert int(row[f"{machine}_cycles_total"]) == totals["cycles"]["total"]
        energy = row[f"energy[{machine},paper-2302.14458,operation]"]
        assert float(energy) == energy_of(again, machine)["total"]
    assert float(row["reduction[fp32_mac,paper-2302.14458,operation]"]) == reduction_of(again)


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
