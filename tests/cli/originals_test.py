"""Traces with FP32 originals: what multiplies computes with these, in every engine."""

import csv
import json
import shutil

import h5py
import numpy as np
import pytest
from conftest import ROOT
from reports import of

TRACE = ROOT / "workloads/traces/fashion-batchnorm-b4.h5"


@pytest.fixture
def without(potomac):
    """The same trace without its originals."""
    path = potomac.folder / "without.h5"
    shutil.copy(TRACE, path)
    with h5py.File(path, "r+") as file:
        for layer in file["layers"].values():
            for role in "WAG":
                del layer[f"{role}_fp32"]
    return path


def report(potomac, *arguments):
    done = potomac("run", *arguments, "--arch", "os-16x16", "--out", "o")
    assert done.returncode == 0, done.stderr
    return json.loads((potomac.folder / "o/report.json").read_text()), done.stdout


def test_reports_say_which_operands_they_had(potomac, without):
    for trace, said, in_words in ((TRACE, "originals", True), (without, "dequantized", False)):
        result, text = report(potomac, trace, "--engine", "count", "--against", "int8_mac")
        machines = result["machines"]
        assert machines["mf_mac"]["operands"] == "codes"
        assert machines["fp32_mac"]["operands"] == machines["int8_mac"]["operands"] == said
        assert ("compute with the originals" in text) == in_words
        again = potomac("report", "o")
        assert ("compute with the originals" in again.stdout) == in_words


def test_zeros_are_those_of_the_originals(potomac):
    with h5py.File(TRACE) as trace:
        layer = trace["layers/004-fc2"]
        w, a = (layer[f"{role}_fp32"][()] != 0 for role in "WA")
        met = int((a.astype(int) @ w.T.astype(int)).sum())
    result, _ = report(potomac, TRACE, "--layers", "004-fc2", "--passes", "forward",
                       "--against", "int8_mac")  # fmt: skip
    entry = result["passes"][0]
    for machine in ("fp32_mac", "int8_mac"):
        zeros = of(entry, machine)["zero_operand_macs"]
        assert zeros == {"structural": 0, "value": of(entry)["macs"] - met}
    # Codes are zero where values were too small, too.
    totals = report(potomac, TRACE, "--engine", "count")[0]["totals"]
    own, originals = (of(totals, m)["zero_operand_macs"] for m in ("mf_mac", "fp32_mac"))
    assert own["structural"] == originals["structural"] and own["value"] > originals["value"]


def test_every_engine_counts_the_same(potomac):
    layers = ("--layers", "00[034]*", "--against", "int8_mac")
    passes = {}
    for engine in ("count", "fast", "systemc"):
        options = () if engine == "count" else ("--simulate-baseline",)
        passes[engine] = report(potomac, TRACE, *layers, "--engine", engine, *options)[0]["passes"]
    for engine in ("fast", "systemc"):
        for counted, seen in zip(passes["count"], passes[engine], strict=True):
            for machine in ("fp32_mac", "int8_mac"):
                assert of(counted, machine) == of(seen, machine), f"{engine} {seen['layer']}"


def test_toggles_are_those_of_real_mantissas(potomac, without):
    options = ("--layers", "004-fc2", "--toggles")
    fast = report(potomac, TRACE, *options)[0]
    stepped = report(potomac, TRACE, *options, "--engine", "systemc")[0]
    coded = report(potomac, without, *options)[0]
    assert fast["passes"] == stepped["passes"]
    real, codes = (of(r["totals"], "fp32_mac")["toggles"] for r in (fast, coded))
    assert real["operand"] > 3 * codes["operand"] and real["accumulator"] > 2 * codes["accumulator"]
    assert of(fast["totals"])["toggles"] == of(coded["totals"])["toggles"]


def test_results_are_those_of_the_originals(potomac):
    report(potomac, TRACE, "--layers", "004-fc2", "--simulate-baseline", "--dump-outputs", "d.h5")
    with h5py.File(TRACE) as trace, h5py.File(potomac.folder / "d.h5") as dump:
        w, a, g = (trace[f"layers/004-fc2/{role}_fp32"][()] for role in "WAG")
        for which, first, second in (("forward", a, w), ("backward-data", g, w.T),
                                     ("backward-weight", g.T, a.T)):  # fmt: skip
            sums = np.zeros((len(first), len(second)), np.float32)
            for k in range(first.shape[1]):
                sums = sums + first[:, k : k + 1] * second[:, k]
            assert np.array_equal(dump[f"gemms/004-fc2/{which}/fp32"][()], sums)


def test_a_sweep_is_its_runs(potomac):
    """With the baseline's zeros gated, its energy depends on them."""
    (potomac.folder / "s.yaml").write_text(
        f"workload: {TRACE}\narch: os-16x16\nlayers: '00[14]*'\n"
        "energy: [horowitz-45nm]\naccounting: structural\n"
        "parameters: {array.rows: [8, 16], lowering.strided_backward_data: [phases, zero_insert],\n"
        "             baseline.zero_gating: [true, false], pe.accumulator.lsb: [-8, 0]}\n"
    )
    done = potomac("sweep", "s.yaml", "--out", "s")
    assert done.returncode == 0, done.stderr
    with (potomac.folder / "s/sweep.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16
    for row in rows:
        settings = [f"--set={key}={row[key]}" for key in row if "." in key and "[" not in key]
        result = report(potomac, TRACE, "--layers", "00[14]*", "--energy", "horowitz-45nm",
                        "--accounting", "structural", *settings)[0]  # fmt: skip
        for energy in result["energy"]:
            where = f"{energy['machine']},{energy['table']},{energy['accounting']}"
            assert float(row[f"energy[{where}]"]) == energy["total"]


def test_imports_keep_originals_sums_and_producers(potomac):
    done = potomac("trace", "import", TRACE, "-o", "again.h5")
    assert done.returncode == 0, done.stderr
    assert (potomac.folder / "again.h5").read_bytes() == TRACE.read_bytes()


def test_trace_info_tells_of_them(potomac):
    text = potomac("trace", "info", TRACE).stdout
    assert "sums       32 bits, lsb -8, saturate" in text and "originals  W, A and G" in text
    info = json.loads(potomac("trace", "info", TRACE, "--format", "json").stdout)
    assert info["originals"] is True
    layer = info["layers"][1]
    assert layer["tensors"]["A"]["producers"] == ["000-conv1"]
    assert layer["tensors"]["W"]["producers"] == []
    assert layer["trained_with"]["forward"] == {"bits": 32, "lsb": -8, "overflow": "saturate"}
