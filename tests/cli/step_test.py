"""The whole training step, from the outside: its counts and their prices, recomputed from the trace."""

from __future__ import annotations

import json
import pathlib

import h5py
import numpy as np
import pytest
from reports import energy_of

SOURCE = pathlib.Path(__file__).resolve().parents[2]

MACHINE = """\
array: {rows: 16, cols: 16, dataflow: os}
clock_mhz: 500
memory:
  dram: {bandwidth_gb_s: 4, latency_ns: 20}
"""


def report_of(potomac, trace, *more):
    (potomac.folder / "m.yaml").write_text(MACHINE)
    done = potomac("run", trace, "--arch", "m.yaml", "--engine", "count", "--out", "o", *more)
    assert done.returncode == 0, done.stderr
    return json.loads((potomac.folder / "o/report.json").read_text()), done.stdout


def tensors_of(trace):
    """What each layer has: its kind, whether its weights learn, and elements and bits of W, A and G."""
    with h5py.File(trace) as file:
        for layer in file["layers"].values():
            sizes = {name: (int(np.prod(layer[name].shape)), int(layer[name].attrs["bits"]))
                     for name in "WAG" if name in layer}  # fmt: skip
            kind = layer.attrs["kind"]
            yield kind.decode() if isinstance(kind, bytes) else kind, sizes


UPDATE = {  # of one weight: multiplications, additions, divisions, roots, states
    "sgd-momentum": (2, 2, 0, 0, 1),
    "adam": (6, 4, 1, 1, 2),
}


@pytest.mark.parametrize("optimizer", list(UPDATE))
@pytest.mark.parametrize("name", ["fashion-cnn-b16", "words-transformer-b32"])
def test_counts_are_those_of_the_tensors(potomac, optimizer, name):
    trace = SOURCE / f"workloads/traces/{name}.h5"
    report, _ = report_of(potomac, trace, "--step", optimizer)
    parts = {part["part"]: part for part in report["step"]["parts"]}
    assert list(parts) == ["quantize W", "quantize A", "quantize G", "weight update"]
    multiply, add, divide, root, states = UPDATE[optimizer]
    expected = {part: dict.fromkeys(("read", "written", "add_32", "add_8"), 0) for part in parts}
    weights = 0
    for kind, sizes in tensors_of(trace):
        for tensor, (elements, bits) in sizes.items():
            part = expected[f"quantize {tensor}"]
            part["read"] += 32 * elements
            part["written"] += bits * elements
            part["add_32"] += (3 if tensor == "A" else 2) * elements
            part["add_8"] += elements
        weights += sizes["W"][0] if kind != "matmul" else 0
    expected["weight update"] = {
        "read": weights * 32 * (2 + states), "written": weights * 32 * (1 + states),
        "add_32": weights, "add_8": weights,
    }  # fmt: skip
    for part, counts in expected.items():
        work = parts[part]["machines"]["mf_mac"]
        assert work["dram_read_bits"] == counts["read"]
        assert work["dram_written_bits"] == counts["written"]
        assert work["integer_add_32"] == counts["add_32"]
        assert work["integer_add_8"] == counts["add_8"]
        # 4 GB/s at 500 MHz are 64 bits a cycle.
        assert work["cycles"] == -(-(counts["read"] + counts["written"]) // 64)
    assert parts["quantize W"]["machines"]["mf_mac"]["fp32_add"] == 2 * weights
    for machine in ("mf_mac", "fp32_mac"):
        update = parts["weight update"]["machines"][machine]
        assert update["fp32_multiply"] == multiply * weights
        assert update["fp32_add"] == add * weights
        assert update["fp32_divide"] == divide * weights
        assert update["fp32_square_root"] == root * weights
    for tensor in "WAG":
        assert not any(parts[f"quantize {tensor}"]["machines"]["fp32_mac"].values())
    assert parts["weight update"]["machines"]["fp32_mac"]["integer_add_32"] == 0


def test_energy_is_that_of_the_counts(potomac, trace):
    plain, _ = report_of(potomac, trace, "--energy", "horowitz-45nm", "--accounting", "structural")
    report, shown = report_of(
        potomac, trace, "--energy", "horowitz-45nm", "--accounting", "structural", "--step", "adam"
    )
    assert report["energy"] == plain["energy"]  # to the bit
    assert report["totals"] == plain["totals"]
    for line in report["step"]["assumptions"]:
        assert line.split(",")[0][:40] in " ".join(shown.split())
    for accounting in ("structural", "operation"):
        of_machine = {}
        for machine in ("mf_mac", "fp32_mac"):
            energy = energy_of(report["step"], machine, accounting)
            of_machine[machine] = energy
            price = {unit["entry"]: unit["value"] for unit in energy["unit_energies"]}
            dram = price.get("dram_access_64.low", 0) / 64
            total = energy_of(report, machine, accounting)["total"]
            assert energy["gemms"] == total
            for part, priced in zip(report["step"]["parts"], energy["parts"]):
                work = part["machines"][machine]
                newton = 4 * (work["fp32_divide"] + work["fp32_square_root"])
                value = (
                    (work["fp32_multiply"] + newton) * price["fp32_multiply"]
                    + (work["fp32_add"] + newton) * price["fp32_add"]
                    + work["integer_add_32"] * price["integer_add.32"]
                    + work["integer_add_8"] * price["integer_add.8"]
                    + (work["dram_read_bits"] + work["dram_written_bits"]) * dram
                )
                assert priced["part"] == part["part"]
                assert priced["energy"] == pytest.approx(value, rel=1e-12)
                total += value
            assert energy["total"] == pytest.approx(total, rel=1e-12)
            assert energy["gemms_share"] == pytest.approx(energy["gemms"] / energy["total"])
            if accounting == "structural":
                assert energy["total_dram_high"] > energy["total"]
            else:
                assert energy["total_dram_high"] is None
        (reduction,) = [one["reduction"] for one in report["step"]["comparisons"]
                        if one["accounting"] == accounting and not one["dram_high"]]  # fmt: skip
        assert reduction == pytest.approx(
            1 - of_machine["mf_mac"]["total"] / of_machine["fp32_mac"]["total"]
        )


def test_a_stored_step_is_read_and_priced_again(potomac, trace):
    report, _ = report_of(potomac, trace, "--layers", "00[34]*", "--step", "sgd-momentum")
    shown = potomac("report", "o")
    assert shown.returncode == 0, shown.stderr
    assert "Training step with sgd-momentum" in shown.stdout
    again = potomac(
        "report", "o", "--energy", "tpuv4i-7nm", "--accounting", "structural", "--format", "json"
    )
    assert again.returncode == 0, again.stderr
    step = json.loads(again.stdout)["step"]
    assert step["parts"] == report["step"]["parts"]
    assert [(one["table"], one["accounting"], one["machine"]) for one in step["energy"]] == [
        ("tpuv4i-7nm", accounting, machine) for accounting in ("structural", "operation")
        for machine in ("mf_mac", "fp32_mac")
    ]  # fmt: skip
    report["step"]["parts"][0]["machines"]["mf_mac"]["dram_read_bits"] += 64
    (potomac.folder / "o/report.json").write_text(json.dumps(report))
    assert "step.parts[0].machines.mf_mac.cycles" in potomac.refuses("report", "o")


def test_frozen_weights_and_given_inputs_take_no_part(potomac):
    (potomac.folder / "net.yaml").write_text(
        "format: potomac-model\nversion: 1\nmodel: two layers\ndimensions: {batch: 8}\n"
        "input: [batch, 32]\nlayers:\n"
        "  - {linear: frozen, outputs: 64, input_grad: false, weight_grad: false}\n"
        "  - {linear: learns, outputs: 16}\n"
    )
    report, _ = report_of(potomac, "net.yaml", "--step", "sgd-momentum")
    parts = {part["part"]: part["machines"]["mf_mac"] for part in report["step"]["parts"]}
    assert parts["weight update"]["fp32_multiply"] == 2 * 64 * 16
    assert parts["quantize W"]["integer_add_8"] == 32 * 64 + 64 * 16
    assert parts["quantize G"]["integer_add_8"] == 8 * 16


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--step", "rmsprop"), "rmsprop"),
        (("--step", "adam", "--passes", "forward"), "a step has all passes"),
    ],
)
def test_a_step_that_cannot_be_is_refused(potomac, trace, options, said):
    (potomac.folder / "m.yaml").write_text(MACHINE)
    assert said in potomac.refuses("run", trace, "--arch", "m.yaml", "--out", "o", *options)


def test_without_a_memory_it_has_no_traffic_to_pay_for(potomac, trace):
    done = potomac("run", trace, "--arch", "os-16x16", "--layers", "004*", "--step", "adam", "--out", "o")
    assert done.returncode == 0, done.stderr
    step = json.loads((potomac.folder / "o/report.json").read_text())["step"]
    assert all(part["machines"]["mf_mac"]["cycles"] == 0 for part in step["parts"])
    assert any("there is no memory" in line for line in step["assumptions"])
