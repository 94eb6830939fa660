"""`potomac run`, `trace info` and `sweep` from the outside: results, files, refusals."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import subprocess
import time

import h5py
import numpy as np
import pytest
from reports import energy_of, of, reduction_of


SOURCE = pathlib.Path(__file__).resolve().parents[2]


def read_json(path: pathlib.Path) -> dict:
    return json.loads(path.read_text())


def test_report_has_the_documented_keys_and_consistent_sums(potomac, trace, arch):
    done = potomac("run", trace, "--arch", arch, "--out", "o")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    report = read_json(potomac.folder / "o/report.json")
    assert list(report) == ["format", "version", "potomac", "engine", "architecture", "dram_preset",
                            "machines", "workload", "selection", "passes", "totals", "assumed",
                            "step", "energy", "comparisons", "methods", "files"]  # fmt: skip
    assert report["version"] == 3
    array = {"rows": 16, "cols": 16}
    assert report["machines"] == {
        "mf_mac": {"unit": "mf_mac", "array": array, "clock_mhz": 500.0, "operands": "codes"},
        "fp32_mac": {"unit": "fp32_mac", "array": array, "clock_mhz": 500.0,
                     "operands": "dequantized"},
    }  # fmt: skip
    assert report["selection"] == {
        "layers": ["*"], "passes": ["forward", "backward-data", "backward-weight"], "left_out": 0,
    }  # fmt: skip
    assert report["engine"] == "fast"
    gemms = report["passes"]
    assert len(gemms) == 14
    assert set(gemms[0]) == {"layer", "pass", "gemms", "trained_with", "machines"}
    assert list(of(gemms[0])) == list(of(gemms[0], "fp32_mac"))
    assert {"macs", "zero_operand_macs", "accumulator", "folds", "utilization", "cycles", "time_s",
            "actions", "toggles", "tiles", "tiles_chosen_for", "tiles_cost", "stall_by",
            "memory"} == set(of(gemms[0]))  # fmt: skip
    for entry in gemms:
        gemm = {**entry, **of(entry)}
        assert of(entry, "fp32_mac")["accumulator"] is None
        cycles = gemm["cycles"]
        assert cycles["total"] == sum(cycles[part] for part in
                                      ("preload", "stream", "drain", "stall"))  # fmt: skip
        shapes = gemm["gemms"]
        assert gemm["macs"] == sum(s["count"] * s["m"] * s["n"] * s["k"] for s in shapes)
        actions = gemm["actions"]
        assert actions["exponent_add"] + actions["gated_mac"] == gemm["macs"]
        assert cycles["stream"] == sum(
            s["count"] * -(-s["m"] // 16) * -(-s["n"] // 16) * (s["k"] + 16 + 16 - 2) for s in shapes
        )
        assert cycles["drain"] == 16
    totals = of(report["totals"])
    assert totals["macs"] == sum(of(gemm)["macs"] for gemm in gemms)
    assert totals["time_s"] == totals["cycles"]["total"] / 500e6
    assert [energy["machine"] for energy in report["energy"]] == ["mf_mac", "fp32_mac"]
    energy = energy_of(report)
    assert energy["table"] == "paper-2302.14458"
    assert energy["accounting"] == "operation"
    assert energy["unit"] == "pJ"
    assert energy["total"] == pytest.approx(totals["macs"] * 0.155)
    assert reduction_of(report) == pytest.approx(1 - 0.155 / 4.6)
    assert reduction_of(report, "fp32_multiplier") == pytest.approx(1 - 0.155 / 3.7)
    assert sum(row["total"] for row in energy["by_layer"]) == pytest.approx(energy["total"])
    assert sum(row["energy"] for row in energy["by_action"].values()) == pytest.approx(
        energy["total"]
    )
    # What people quote: watts, operations for each joule, energy times delay, energy an input.
    assert energy["power_w"] == pytest.approx(energy["total"] * 1e-12 / totals["time_s"])
    assert energy["tops_per_w"] == pytest.approx(2 / 0.155)
    assert energy["energy_delay_js"] == pytest.approx(energy["total"] * 1e-12 * totals["time_s"])
    assert report["workload"]["batch"] == 16
    assert energy["energy_per_input"] == pytest.approx(energy["total"] / 16)


def test_layers_csv_says_what_report_json_says(potomac, trace, arch):
    potomac("run", trace, "--arch", arch, "--out", "o", "--energy", "paper-2302.14458",
            "--energy", "tpuv4i-7nm")  # fmt: skip
    gemms = read_json(potomac.folder / "o/report.json")["passes"]
    with (potomac.folder / "o/layers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(gemms)
    for row, gemm in zip(rows, gemms):
        assert (row["layer"], row["pass"]) == (gemm["layer"], gemm["pass"])
        for name, machine in gemm["machines"].items():
            assert int(row[f"{name}_cycles_total"]) == machine["cycles"]["total"]
            for action, count in machine["actions"].items():
                assert int(row[f"{name}_actions_{action}"]) == count
        assert float(row["energy[mf_mac,paper-2302.14458,operation]"]) > 0
        assert float(row["energy[fp32_mac,tpuv4i-7nm,operation]"]) > 0


def test_strided_backward_data_in_phases_or_with_holes(potomac, trace, arch):
    """The same results, and 44% fewer MACs: those that the layer's other passes have too."""
    macs, passes, dumps = {}, {}, {}
    for form in ("phases", "zero_insert"):
        done = potomac("run", trace, "--arch", arch, "--set", f"lowering.strided_backward_data={form}",
                       "--out", form, "--dump-outputs", f"{form}.h5")  # fmt: skip
        assert done.returncode == 0, done.stderr
        report = read_json(potomac.folder / f"{form}/report.json")
        macs[form] = of(report["totals"])["macs"]
        passes[form] = {(p["layer"], p["pass"]): p for p in report["passes"]}
        with h5py.File(potomac.folder / f"{form}.h5") as file:
            dumps[form] = {
                f"{layer}/{kind}": (acc["acc"][...], acc["acc"].attrs["scale_exponent"])
                for layer, kinds in file["gemms"].items() for kind, acc in kinds.items()
            }  # fmt: skip
    assert macs == {"phases": 109_645_824, "zero_insert": 196_349_952}
    conv = passes["phases"]["001-conv2", "backward-data"]
    assert of(conv)["macs"] == of(passes["phases"]["001-conv2", "forward"])["macs"]
    assert [gemm["k"] for gemm in conv["gemms"]] == [32, 64, 128]
    assert [gemm["count"] for gemm in conv["gemms"]] == [1, 2, 1]
    assert dumps["phases"].keys() == dumps["zero_insert"].keys()
    for name, (acc, exponent) in dumps["phases"].items():
        other, other_exponent = dumps["zero_insert"][name]
        assert exponent == other_exponent
        assert (acc == other).all()


@pytest.mark.parametrize("dataflow", ["os", "ws", "is"])
@pytest.mark.parametrize("issue", ["serial", "pipelined"])
def test_results_depend_on_neither_dataflow_nor_issue(potomac, trace, arch, dataflow, issue):
    """Nor on the engine, whose cycles and counts are the same too."""
    reports, dumps = {}, {}
    for name, engine, settings in (
        ("plain", "fast", []),
        ("fast", "fast", [f"array.dataflow={dataflow}", f"array.issue={issue}"]),
        ("systemc", "systemc", [f"array.dataflow={dataflow}", f"array.issue={issue}"]),
    ):
        options = [word for setting in settings for word in ("--set", setting)]
        done = potomac("run", trace, "--arch", arch, *options, "--engine", engine, "--out", name,
                       "--layers", "*conv1", "--layers", "*fc2", "--dump-outputs", f"{name}.h5")  # fmt: skip
        assert done.returncode == 0, done.stderr
        reports[name] = read_json(potomac.folder / name / "report.json")
        with h5py.File(potomac.folder / f"{name}.h5") as file:
            dumps[name] = {f"{layer}/{kind}": acc["acc"][...]
                           for layer, kinds in file["gemms"].items() for kind, acc in kinds.items()}  # fmt: skip
    for name in ("fast", "systemc"):
        assert dumps[name].keys() == dumps["plain"].keys()
        for place, values in dumps[name].items():
            assert (values == dumps["plain"][place]).all(), place
        for key in ("macs", "zero_operand_macs"):
            assert of(reports[name]["totals"])[key] == of(reports["plain"]["totals"])[key]
    assert reports["systemc"]["passes"] == reports["fast"]["passes"]


def test_a_file_system_without_locks_is_no_reason_not_to_read(potomac, trace, arch):
    (potomac.folder / "nolock.c").write_text(
        "#include <errno.h>\n"
        "int flock(int fd, int how) { (void)fd; (void)how; errno = ENOLCK; return -1; }\n"
    )
    subprocess.run(["cc", "-shared", "-fPIC", "nolock.c", "-o", "nolock.so"],
                   cwd=potomac.folder, check=True)  # fmt: skip
    environment = {**os.environ, "LD_PRELOAD": str(potomac.folder / "nolock.so")}
    done = potomac("run", trace, "--arch", arch, "--out", "o", "--dump-outputs", "x.h5",
                   env=environment)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (potomac.folder / "x.h5").stat().st_size > 0


def test_any_number_of_threads_gives_the_same_files(potomac, trace, arch):
    for threads in (1, 2, 5):
        potomac("run", trace, "--arch", arch, "--out", f"o{threads}", "--threads", threads,
                "--dump-outputs", f"{threads}.h5")  # fmt: skip
    for name in ("report.json", "layers.csv"):
        texts = {(potomac.folder / f"o{threads}" / name).read_text() for threads in (1, 2, 5)}
        assert len(texts) == 1
    assert len({(potomac.folder / f"{threads}.h5").read_bytes() for threads in (1, 2, 5)}) == 1


def test_selection_by_layer_and_pass(potomac, trace, arch):
    potomac("run", trace, "--arch", arch, "--out", "o", "--layers", "*conv*",
            "--passes", "backward-weight,forward")  # fmt: skip
    report = read_json(potomac.folder / "o/report.json")
    assert report["selection"] == {
        "layers": ["*conv*"], "passes": ["backward-weight", "forward"], "left_out": 8,
    }  # fmt: skip
    assert "8 other passes are left out" in " ".join(potomac("report", "o").stdout.split())
    gemms = report["passes"]
    assert [(gemm["layer"][4:], gemm["pass"]) for gemm in gemms] == [
        (layer, kind) for layer in ("conv1", "conv2", "conv3")
        for kind in ("forward", "backward-weight")
    ]  # fmt: skip


def test_vcd_of_one_gemm(potomac, trace, arch):
    done = potomac("run", trace, "--arch", arch, "--out", "o", "--layers", "*fc2*",
                   "--vcd", "w.vcd", "--vcd-gemm", "004-fc2/forward")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    text = (potomac.folder / "w.vcd").read_text()
    assert "$enddefinitions" in text
    assert "pe_15_15" in text
    # 174 cycles and one edge before and after, two edges a cycle.
    times = sum(line.startswith("#") for line in text.splitlines())
    assert 2 * 174 <= times <= 2 * 174 + 8
    assert sorted(path.name for path in potomac.folder.iterdir()) == [
        "o", "w.codes.txt", "w.gtkw", "w.vcd"
    ]  # fmt: skip


def test_trace_info_shows_layers_gemms_and_histograms(potomac, trace):
    done = potomac("trace", "info", trace)
    assert done.returncode == 0, done.stderr
    for text in ("000-conv1", "004-fc2", "12544", "backward-weight"):
        assert text in done.stdout
    info = json.loads(potomac("trace", "info", trace, "--format", "json").stdout)
    assert len(info["layers"]) == 5


# --- older traces ---------------------------------------------------------------------------------


def write_old_trace(trace: pathlib.Path, path: pathlib.Path) -> None:
    """The shipped trace as plain h5py writes it: no checksums on metadata, variable-length texts."""
    with h5py.File(trace) as source, h5py.File(path, "w") as old:
        def copy(node, into):
            for key, value in node.attrs.items():
                into.attrs[key] = value.decode() if isinstance(value, bytes) else value
            for name, child in node.items():
                if isinstance(child, h5py.Group):
                    copy(child, into.create_group(name))
                else:
                    data = into.create_dataset(name, data=child[...], chunks=True, compression=1)
                    data.attrs.update(child.attrs)

        copy(source, old)


def test_an_older_trace_is_refused_and_can_be_imported(potomac, trace, arch):
    write_old_trace(trace, potomac.folder / "old.h5")
    line = potomac.refuses("trace", "info", "old.h5")
    assert "without checksums" in line
    assert "potomac trace import old.h5 -o NEW.h5" in line
    done = potomac("trace", "import", "old.h5", "-o", "new.h5")
    assert done.returncode == 0, done.stderr
    for name, file in (("a", "new.h5"), ("b", trace)):
        potomac("run", file, "--arch", arch, "--out", name)
    a, b = (read_json(potomac.folder / name / "report.json") for name in "ab")
    assert a["passes"] == b["passes"]
    # The same layers give the same bytes.
    assert (potomac.folder / "new.h5").read_bytes() == trace.read_bytes()


def test_an_old_trace_may_not_reach_into_other_files(potomac, trace):
    write_old_trace(trace, potomac.folder / "old.h5")
    with h5py.File(potomac.folder / "old.h5", "r+") as old:
        group = old["layers/003-fc1"]
        attributes, codes = dict(group["W"].attrs), group["W"][...]
        del group["W"]
        (potomac.folder / "secret").write_bytes(codes.tobytes())
        data = group.create_dataset("W", codes.shape, codes.dtype, external=[("secret", 0, codes.size)])
        data.attrs.update(attributes)
    line = potomac.refuses("trace", "import", "old.h5", "-o", "new.h5")
    assert "layers/003-fc1/W: its data lies in another file" in line


def test_an_old_trace_with_flipped_bits_is_refused_in_a_line_or_imported(potomac, trace):
    """libhdf5 may die of one: in a process of its own."""
    write_old_trace(SOURCE / "tests/fuzz/corpora/trace/small.h5", potomac.folder / "old.h5")
    good = (potomac.folder / "old.h5").read_bytes()
    draw = random.Random(11)
    outcomes = set()
    for _ in range(80):
        bad = bytearray(good)
        for _ in range(draw.randint(1, 3)):
            bad[draw.randrange(len(bad) // 2)] ^= 1 << draw.randrange(8)
        (potomac.folder / "bad.h5").write_bytes(bad)
        done = potomac("trace", "import", "bad.h5", "-o", "new.h5")
        assert done.returncode in (0, 2), (done.returncode, done.stderr)
        assert done.stderr.count("\n") == (done.returncode == 2)
        assert [p.name for p in potomac.folder.iterdir() if p.name.startswith(".")] == []
        outcomes.add(done.returncode)
    assert outcomes == {0, 2}


def test_an_import_never_replaces_its_input(potomac, trace):
    write_old_trace(trace, potomac.folder / "old.h5")
    before = (potomac.folder / "old.h5").read_bytes()
    assert "is an input" in potomac.refuses("trace", "import", "old.h5", "-o", "./old.h5")
    potomac.refuses("trace", "import", "absent.h5", "-o", "new.h5")
    assert (potomac.folder / "old.h5").read_bytes() == before


def test_not_included_parts_are_in_the_report(potomac, trace, arch):
    path = potomac.folder / "part.h5"
    shutil.copy(trace, path)
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        part = file.create_group("not_included/000000")
        for key, text in dict(name="encoder.lstm", kind="LSTM", reason="a recurrence").items():
            part.attrs[key] = np.bytes_(text)
    done = potomac("run", path, "--arch", arch, "--layers", "*fc2*", "--out", "o")
    assert done.returncode == 0, done.stderr
    assert read_json(potomac.folder / "o/report.json")["workload"]["not_included"] == [
        {"name": "encoder.lstm", "kind": "LSTM", "reason": "a recurrence"}
    ]
    assert "left out   encoder.lstm (LSTM): a recurrence\n" in potomac("trace", "info", path).stdout


# --- --set ----------------------------------------------------------------------------------------


def test_set_is_the_same_as_writing_the_key_into_the_file(potomac, trace, arch):
    potomac("run", trace, "--arch", arch, "--set", "array.rows=8", "--set",
            "pe.accumulator.bits=40", "--out", "a")  # fmt: skip
    (potomac.folder / "arch.yaml").write_text(
        "array: {rows: 8}\npe: {accumulator: {bits: 40, lsb: -8, overflow: saturate}}\n"
    )
    potomac("run", trace, "--arch", "arch.yaml", "--out", "b")
    assert (potomac.folder / "a/report.json").read_bytes() == (
        potomac.folder / "b/report.json"
    ).read_bytes()


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("array.rows", "is not KEY=VALUE"),
        ("array.rows=0", "key 'array.rows': '0' is not a whole number from 1 to 4096"),
        ("array.rowz=8", "is no key of an architecture; did you mean 'array.rows'? use array.rows"),
        ("array.dataflow=zz", "use one of: os"),
        ("pe.zero_gating=maybe", "true or false"),
    ],
)
def test_a_set_that_does_not_fit(potomac, trace, arch, assignment, message):
    line = potomac.refuses("run", trace, "--arch", arch, "--set", assignment, "--out", "o")
    assert "--set" in line and message in line


# --- sweeps ---------------------------------------------------------------------------------------


def write_sweep(folder: pathlib.Path, trace: pathlib.Path, arch: pathlib.Path, rest: str):
    path = folder / "sweep.yaml"
    path.write_text(f"trace: {trace}\narch: {arch}\nenergy: [paper-2302.14458]\n{rest}")
    return path


def test_sweep_makes_a_row_a_point(potomac, trace, arch):
    spec = write_sweep(potomac.folder, trace, arch, "layers: '*fc*'\n"
                       "parameters: {array.rows: [8, 16], array.cols: [16, 32], "
                       "pe.accumulator.bits: [20, 32]}\n")  # fmt: skip
    done = potomac("sweep", spec, "--out", "s")
    assert done.returncode == 0, done.stderr
    with (potomac.folder / "s/sweep.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    assert sorted(path.name for path in (potomac.folder / "s").iterdir()) == [
        "results.sqlite", "sweep.csv"]  # fmt: skip
    # 20 bits cannot hold 2^22: refused, with what would help, and the others go on.
    assert [row["status"] for row in rows] == ["refused", "done"] * 4
    assert "pe.accumulator" in rows[0]["message"]
    for row in rows[1::2]:
        settings = [word for key in ("array.rows", "array.cols", "pe.accumulator.bits")
                    for word in ("--set", f"{key}={row[key]}")]  # fmt: skip
        potomac("run", trace, "--arch", arch, *settings, "--layers", "*fc*", "--out", "o")
        run = read_json(potomac.folder / "o/report.json")
        for name, machine in run["totals"]["machines"].items():
            assert int(row[f"{name}_cycles_total"]) == machine["cycles"]["total"]
            assert float(row[f"{name}_time_s"]) == machine["time_s"]
        assert int(row["mf_mac_actions_overflow"]) == of(run["totals"])["actions"]["overflow"]
        for energy in run["energy"]:
            where = f"{energy['machine']},{energy['table']},{energy['accounting']}"
            assert float(row[f"energy[{where}]"]) == energy["total"]  # to the bit
            for figure in ("power_w", "tops_per_w", "energy_delay_js", "energy_per_input"):
                assert row[f"{figure}[{where}]"] == (
                    "" if energy[figure] is None else str(energy[figure])
                )
        assert float(row["reduction[fp32_mac,paper-2302.14458,operation]"]) == reduction_of(run)
        assert float(row["reduction[fp32_multiplier,paper-2302.14458,operation]"]) == (
            reduction_of(run, "fp32_multiplier")
        )


def test_sweep_is_the_same_for_any_number_of_threads(potomac, trace, arch):
    spec = write_sweep(potomac.folder, trace, arch, "layers: '*fc*'\n"
                       "parameters: {array.rows: [4, 8, 16], pe.zero_gating: [true, false]}\n")  # fmt: skip
    for threads in (1, 3):
        potomac("sweep", spec, "--out", f"s{threads}", "--threads", threads)
    one, other = (potomac.folder / f"s{threads}/sweep.csv" for threads in (1, 3))
    assert one.read_bytes() == other.read_bytes()


def test_sweep_of_a_key_that_the_base_file_leaves_out(potomac, trace):
    (potomac.folder / "min.yaml").write_text("array: {rows: 8}\n")
    spec = write_sweep(potomac.folder, trace, potomac.folder / "min.yaml",
                       "layers: '*fc2*'\nparameters: {pe.accumulator.bits: [30, 32]}\n")  # fmt: skip
    done = potomac("sweep", spec, "--out", "s")
    assert done.returncode == 0, done.stderr
    with (potomac.folder / "s/sweep.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["pe.accumulator.bits"] for row in rows] == ["30", "32"]


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("parameters: {array.rowz: [8]}\n", "array.rowz"),
        ("parameters: {array.rows: [8, 0]}\n", "whole number from 1 to"),
        ("parameters: {array.rows: []}\n", "has no values"),
        ("parameters: {}\n", "names no parameter"),
        ("parametres: {}\n", "parametres"),
        ("parameters: {pe.accumulator.bits: [16]}\n", "no point of the sweep can run"),
        ("parameters: {array.rows: [8]}\nlayers: nothing\n", "select nothing"),
        ("parameters: {array.rows.deep: [8]}\n", "array.rows.deep': is no key of an architecture"),
        ("parameters: {array..rows: [8]}\n", "line 4, key 'parameters.array..rows'"),
        ("parameters: {.rows: [8]}\n", "is no key of an architecture"),
    ],
)
def test_sweep_refuses_a_bad_spec(potomac, trace, arch, rest, message):
    spec = write_sweep(potomac.folder, trace, arch, rest)
    assert message in potomac.refuses("sweep", spec, "--out", "s")


def test_a_point_too_large_for_its_engine_is_refused_alone(potomac, trace, arch):
    spec = write_sweep(potomac.folder, trace, arch, "layers: '*fc2*'\nengine: systemc\n"
                       "parameters: {array.rows: [4, 4096], array.cols: [32]}\n")  # fmt: skip
    assert potomac("sweep", spec, "--out", "s").returncode == 0
    with (potomac.folder / "s/sweep.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["done", "refused"]
    assert "use --engine fast" in rows[1]["message"]
    assert rows[1]["mf_mac_cycles_preload"] == ""
    assert rows[1]["reduction[fp32_mac,paper-2302.14458,operation]"] == ""
    assert float(rows[0]["reduction[fp32_mac,paper-2302.14458,operation]"]) > 0.9


def test_a_sweeps_own_table_comes_before_the_current_folders(potomac, trace, arch):
    table = (SOURCE / "energy/tables/tpuv4i-7nm.yaml").read_text()
    (potomac.folder / "beside").mkdir()
    (potomac.folder / "beside/t.yaml").write_text(table.replace("tpuv4i-7nm", "beside", 1))
    (potomac.folder / "t.yaml").write_text(table.replace("tpuv4i-7nm", "current", 1))
    (potomac.folder / "beside/sweep.yaml").write_text(
        f"trace: {trace}\narch: {arch}\nenergy: [t.yaml]\nlayers: '*fc2*'\n"
        "parameters: {array.rows: [8]}\n"
    )
    assert potomac("sweep", "beside/sweep.yaml", "--out", "s").returncode == 0
    assert '"energy[mf_mac,beside,operation]"' in (potomac.folder / "s/sweep.csv").read_text()


# --- refusals -------------------------------------------------------------------------------------


def test_a_missing_trace(potomac, arch):
    assert "nowhere.h5" in potomac.refuses("run", "nowhere.h5", "--arch", arch, "--out", "o")


def test_a_truncated_trace(potomac, trace, arch):
    (potomac.folder / "cut.h5").write_bytes(trace.read_bytes()[:200_000])
    assert "cut.h5" in potomac.refuses("run", "cut.h5", "--arch", arch, "--out", "o")


def test_a_corrupted_chunk(potomac, trace, arch):
    damaged = potomac.folder / "damaged.h5"
    shutil.copy(trace, damaged)
    with h5py.File(damaged, "r") as file:
        chunk = file["layers/003-fc1/W"].id.get_chunk_info(0)
    with damaged.open("r+b") as file:
        file.seek(chunk.byte_offset + chunk.size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0x55]))
    message = potomac.refuses("run", damaged, "--arch", arch, "--out", "o")
    assert "003-fc1/W" in message


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda f: f.attrs.__setitem__("version", 99), "version"),
        (lambda f: f.attrs.__setitem__("format", "other"), "format"),
        (lambda f: f["layers/004-fc2"].__delitem__("G"), "004-fc2"),
        (lambda f: f["layers/004-fc2/W"].__setitem__((0, 0), 0x18), "004-fc2/W"),
        (lambda f: f["layers/000-conv1"].attrs.__setitem__("stride", [3, 1]), "000-conv1"),
    ],
    ids=["version", "format", "missing tensor", "non-canonical code", "shapes that do not fit"],
)
def test_a_wrong_trace(potomac, trace, arch, edit, message):
    wrong = potomac.folder / "wrong.h5"
    shutil.copy(trace, wrong)
    with h5py.File(wrong, "r+") as file:
        edit(file)
    line = potomac.refuses("run", wrong, "--arch", arch, "--out", "o", "--dump-outputs", "d.h5")
    assert "wrong.h5" in line
    assert message in line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("array: {rows: 16, colz: 16}\n", "line 1, key 'array.colz': is not a known key"),
        ("array: {rows: 0}\n", "array.rows"),
        ("array: {rows: 100000000}\n", "array.rows"),
        ("pe:\n  accumulator: {bits: 65}\n", "line 2, key 'pe.accumulator.bits'"),
        ("pe: {accumulator: {bits: 24}}\n", "set pe.accumulator.bits to 30 or more"),
        ("pe: {operand_bits: 4}\n", "set pe.operand_bits to 5 or more"),
        ("array: [1, 2\n", "line"),
        ("", "is empty"),
    ],
)
def test_a_wrong_architecture(potomac, trace, text, message):
    (potomac.folder / "arch.yaml").write_text(text)
    line = potomac.refuses("run", trace, "--arch", "arch.yaml", "--out", "o")
    assert message in line


def test_an_output_folder_that_cannot_be(potomac, trace, arch):
    (potomac.folder / "file").write_text("")
    assert "file" in potomac.refuses("run", trace, "--arch", arch, "--out", "file/o")


def test_a_dump_that_cannot_be_written(potomac, trace, arch):
    (potomac.folder / "file").write_text("")
    line = potomac.refuses("run", trace, "--arch", arch, "--out", "o",
                           "--dump-outputs", "file/where.h5")  # fmt: skip
    assert "--dump-outputs: cannot be made a folder" in line


def test_a_full_disk_behind_standard_output_is_the_machines_fault(potomac, trace, arch):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [potomac.program, "run", trace, "--arch", arch, "--out", "o"],
            cwd=potomac.folder, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "standard output" in done.stderr


@pytest.mark.parametrize("dump", [[], ["--dump-outputs", "out.h5"]], ids=["report", "dump"])
def test_a_file_that_cannot_grow_leaves_nothing_partial(potomac, trace, arch, dump):
    # Stands for a full disk: writes beyond this size fail (the signal that would come is ignored).
    limit = 2000
    done = subprocess.run(
        [potomac.program, "run", trace, "--arch", arch, "--out", "o", *dump],
        cwd=potomac.folder, capture_output=True, text=True, check=False, restore_signals=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("potomac: error: ")
    assert done.stderr.count("\n") == 1
    assert [path for path in potomac.folder.rglob("*") if path.is_file()] == []


def test_unknown_tables_layers_and_gemms(potomac, trace, arch):
    line = potomac.refuses("run", trace, "--arch", arch, "--out", "o", "--energy", "nobody")
    assert "horowitz-45nm" in line
    line = potomac.refuses("run", trace, "--arch", arch, "--out", "o", "--layers", "zzz")
    assert "potomac trace info" in line
    line = potomac.refuses("run", trace, "--arch", arch, "--out", "o", "--vcd", "w.vcd",
                           "--vcd-gemm", "000-conv1/backward-data")  # fmt: skip
    assert "000-conv1/backward-data" in line
    waveform = ["run", trace, "--arch", arch, "--out", "o", "--vcd", "w.vcd", "--vcd-gemm",
                "004-fc2/forward", "--vcd-cycles"]  # fmt: skip
    assert "no window of the 174 cycles" in potomac.refuses(*waveform, "100:175")
    assert "FROM < TO <= 174" in potomac.refuses(*waveform, "20:20")
    for text in ("20", "20:", ":20", "-1:20", "1:2:3", "1:99999999999999999999"):
        assert "is not FROM:TO" in potomac.refuses(*waveform, text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "see: potomac --help"),
        (["run"], "see: potomac run --help"),
        (["fly"], "there is no command 'fly'; see: potomac --help"),
        (["runn", "t.h5"], "there is no command 'runn'; did you mean 'run'?"),
        (["info", "t.h5"], "there is no command 'info'"),
        (["help", "swep"], "did you mean 'sweep'?"),
        (["trace", "inof", "t.h5"], "did you mean 'info'? see: potomac trace --help"),
        (["--verison"], "there is no option '--verison'; did you mean '--version'?"),
        (["run", "x", "--enrgy", "y"], "no option '--enrgy'; did you mean '--energy'?"),
        (["run", "x", "--thraeds=3"], "no option '--thraeds'; did you mean '--threads'?"),
        (["sweep", "x", "--layers", "y"], "there is no option '--layers'; see: potomac sweep --help"),
        (["run", "x", "--arch", "y"], "--out is required"),
        (["trace", "info"], "see: potomac trace info --help"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(potomac, arguments, message):
    assert message in potomac.refuses(*arguments)


@pytest.mark.parametrize(
    ("option", "word", "choices"),
    [
        ("--engine", "slow", "fast, systemc"),
        ("--engine", "1", "fast, systemc"),
        ("--passes", "forward,sideways", "backward-data, backward-weight, forward"),
    ],
)
def test_a_word_that_is_no_choice(potomac, trace, arch, option, word, choices):
    line = potomac.refuses("run", trace, "--arch", arch, "--out", "o", option, word)
    assert option in line
    assert choices in line


def test_a_table_named_twice(potomac, trace, arch):
    line = potomac.refuses("run", trace, "--arch", arch, "--out", "o",
                           "--energy", "tpuv4i-7nm", "--energy", "tpuv4i-7nm")  # fmt: skip
    assert "a second table with the name 'tpuv4i-7nm'" in line


# --- outputs that must not be ---------------------------------------------------------------------


def test_an_output_never_replaces_an_input(potomac, trace, arch):
    mine = potomac.folder / "mine.h5"
    shutil.copy(trace, mine)
    (potomac.folder / "link.h5").symlink_to(mine)
    (potomac.folder / "arch.yaml").write_text(arch.read_text())
    before = mine.read_bytes()
    for output in ("mine.h5", "./mine.h5", "link.h5"):
        line = potomac.refuses("run", "mine.h5", "--arch", "arch.yaml", "--out", "o",
                               "--dump-outputs", output)  # fmt: skip
        assert "is an input of this run" in line
    line = potomac.refuses("run", "mine.h5", "--arch", "arch.yaml", "--out", "o",
                           "--dump-outputs", "arch.yaml")  # fmt: skip
    assert "is an input of this run" in line
    assert mine.read_bytes() == before
    assert not (potomac.folder / "o").exists()


@pytest.mark.parametrize("input_file", ["report.json", "layers.csv", "sweep.csv", "results.sqlite"])
def test_no_output_of_any_command_replaces_any_of_its_inputs(potomac, trace, arch, input_file):
    folder = potomac.folder / "o"
    folder.mkdir()
    architecture = folder / input_file
    shutil.copy(arch, architecture)
    spec = potomac.folder / "sweep.yaml"
    spec.write_text(f"trace: {trace}\narch: {architecture}\nparameters: {{array.rows: [8]}}\n")
    if input_file in ("sweep.csv", "results.sqlite"):
        line = potomac.refuses("sweep", spec, "--out", "o")
    else:
        line = potomac.refuses("run", trace, "--arch", architecture, "--out", "o")
        shutil.copy(trace, architecture)
        potomac.refuses("run", architecture, "--arch", arch, "--out", "o")
        table = trace.parents[2] / "energy/tables/paper-2302.14458.yaml"
        shutil.copy(table, architecture)
        potomac.refuses("run", trace, "--arch", arch, "--out", "o", "--energy", f"o/{input_file}")
    assert "--out: is an input of this run" in line
    if input_file == "sweep.csv":
        shutil.copy(spec, architecture)
        architecture.write_text(spec.read_text().replace(str(architecture), str(arch)))
        assert "is an input" in potomac.refuses("sweep", architecture, "--out", "o")


@pytest.mark.parametrize(
    "outputs",
    [
        ["--dump-outputs", "o/report.json"],
        ["--dump-outputs", "./o/../o/layers.csv"],
        ["--dump-outputs", "x.vcd", "--vcd", "x.vcd", "--vcd-gemm", "000-conv1/forward"],
    ],
)
def test_two_outputs_of_one_name(potomac, trace, arch, outputs):
    assert "is written by" in potomac.refuses("run", trace, "--arch", arch, "--out", "o", *outputs)


def test_the_folder_of_every_output_is_made(potomac, trace, arch):
    for _ in range(2):
        done = potomac("run", trace, "--arch", arch, "--out", "o", "--passes", "forward",
                       "--layers", "000*", "--dump-outputs", "o/new/d.h5")  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert (potomac.folder / "o/new/d.h5").is_file()
    assert potomac("trace", "import", trace, "-o", "far/away/t.h5").returncode == 0


@pytest.mark.parametrize("output", ["folder", "/dev/null", "folder/"])
def test_an_output_replaces_files_only(potomac, trace, arch, output):
    (potomac.folder / "folder").mkdir()
    potomac.refuses("run", trace, "--arch", arch, "--out", "o", "--dump-outputs", output)
    assert os.path.exists("/dev/null") and not os.path.isfile("/dev/null")


def test_a_folder_in_a_reports_place_is_refused_before_the_work(potomac, trace, arch):
    (potomac.folder / "o/report.json").mkdir(parents=True)
    assert "report.json" in potomac.refuses("run", trace, "--arch", arch, "--out", "o")
    assert not (potomac.folder / "o/layers.csv").exists()
    assert "names no folder" in potomac.refuses("run", trace, "--arch", arch, "--out", "")


def test_a_path_that_is_not_utf8_is_written_readable(potomac, trace, arch):
    name = os.fsencode(potomac.folder) + b"/tr\xe4ce.h5"
    shutil.copy(trace, name)
    done = subprocess.run([potomac.program, "run", name, "--arch", arch, "--out", "o"],
                          cwd=potomac.folder, capture_output=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "tr\N{REPLACEMENT CHARACTER}ce.h5" in (potomac.folder / "o/report.json").read_text()


def test_an_interrupted_run_leaves_nothing(potomac, trace, arch):
    process = subprocess.Popen(
        [potomac.program, "run", trace, "--arch", arch, "--out", "o", "--engine", "systemc",
         "--dump-outputs", "d.h5"], cwd=potomac.folder,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(potomac.folder.glob(".d.*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == -signal.SIGINT
    assert list(potomac.folder.rglob("*")) == []


def test_a_waveform_that_is_cut_off_is_the_machines_fault(potomac, trace, arch):
    limit = 2_000_000  # beyond every other file of this run
    done = subprocess.run(
        [potomac.program, "run", trace, "--arch", arch, "--out", "o", "--layers", "*fc2*",
         "--vcd", "w.vcd", "--vcd-gemm", "001-conv2/forward"],
        cwd=potomac.folder, capture_output=True, text=True, check=False, restore_signals=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "could not be written to its end" in done.stderr
    assert [path for path in potomac.folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "command", [[], ["run"], ["sweep"], ["trace"], ["trace", "info"], ["trace", "import"]]
)
def test_help_is_the_same_by_word_and_by_option(potomac, command):
    by_option = potomac(*command, "--help")
    assert by_option.returncode == 0
    assert " ".join(["Usage: potomac", *command]) in by_option.stdout
    assert potomac("help", *command).stdout == by_option.stdout


def test_whatever_a_file_is_called_what_is_printed_is_utf8(potomac, trace, arch):
    shutil.copy(trace, os.fsencode(potomac.folder) + b"/\xff.h5")
    shutil.copy(arch, os.fsencode(potomac.folder) + b"/\xe9.yaml")
    for arguments in (
        ["run", b"\xff.h5", "--arch", b"\xe9.yaml", "--out", b"\xfe"],
        ["trace", "info", b"\xff.h5"],
        ["report", b"\xfe"],
        ["report", b"\xfe", b"\xfe"],
        ["report", b"\xfe", b"\xfe", "--format", "csv"],
        ["report", b"\xfe", b"\xfe", "--format", "json"],
        ["trace", "import", b"\xff.h5", "-o", b"\xfd.h5"],
        ["run", b"\xff.h5", "--arch", b"no\x1b\xe9.yaml", "--out", "o"],
    ):
        done = subprocess.run([potomac.program, *arguments], cwd=potomac.folder,
                              capture_output=True, check=False)  # fmt: skip
        printed = (done.stdout + done.stderr).decode("utf-8")
        assert printed and "\x1b" not in printed


def test_toggles_are_asked_for_and_the_same_in_both_engines(potomac, trace, arch):
    for out, options in {
        "without": [],
        "fast": ["--toggles"],
        "systemc": ["--toggles", "--engine", "systemc"],
    }.items():
        done = potomac("run", trace, "--arch", arch, "--set", "array.dataflow=ws", "--layers",
                       "*conv1*", "--out", out, *options)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert ("register toggles" in done.stdout) == (out != "without")
    without, fast, systemc = (
        read_json(potomac.folder / out / "report.json") for out in ("without", "fast", "systemc")
    )
    for name in ("mf_mac", "fp32_mac"):
        assert of(without["totals"], name)["toggles"] is None
    assert fast["passes"] == systemc["passes"]
    toggles = of(fast["totals"])["toggles"]
    assert list(toggles) == ["operand", "skew", "stationary", "partial_sum", "accumulator",
                             "drain"]  # fmt: skip
    assert toggles["accumulator"] == toggles["drain"] == 0
    for name in ("mf_mac", "fp32_mac"):
        for register in ("operand", "skew", "stationary", "partial_sum"):
            counted = of(fast["totals"], name)["toggles"][register]
            assert counted > 0
            with (potomac.folder / "fast/layers.csv").open() as file:
                rows = list(csv.DictReader(file))
            assert sum(int(row[f"{name}_toggles_{register}"]) for row in rows) == counted
    with (potomac.folder / "without/layers.csv").open() as file:
        assert {row["mf_mac_toggles_operand"] for row in csv.DictReader(file)} == {""}
    assert "register toggles" in potomac("report", "fast").stdout


def test_count_is_fast_without_sums(potomac, trace):
    reports = []
    for engine in ("count", "fast"):
        done = potomac("run", trace, "--arch", "paper-os-16x16", "--engine", engine, "--out", engine)
        assert done.returncode == 0, done.stderr
        reports.append(read_json(potomac.folder / engine / "report.json"))
    count, fast = reports
    overflows = [
        (of(counted)["actions"].pop(name), of(seen)["actions"].pop(name))
        for counted, seen in zip(count["passes"], fast["passes"])
        for name in ("overflow", "overflowed_result")
    ]
    assert count["passes"] == fast["passes"]
    # Known where a bound proves that there is none; unknown wherever there is one.
    assert all(counted == seen == 0 for counted, seen in overflows if counted is not None)
    assert {counted for counted, _ in overflows} == {0, None}
    assert "not known" in potomac("report", "count").stdout
    for option in (["--toggles"], ["--dump-outputs", "x.h5"]):
        line = potomac.refuses("run", trace, "--arch", "os-16x16", "--engine", "count", "--out", "o",
                               *option)  # fmt: skip
        assert "engine fast" in line


def test_verify_agrees_and_repeats_itself(potomac, arch):
    first = potomac("verify", "--cases", "60", "--seed", "11")
    assert first.returncode == 0, first.stderr
    assert "60 cases" in first.stdout and "agree on every result" in first.stdout
    again = potomac("verify", "--cases", "60", "--seed", "11")
    strip = lambda text: text.rsplit("(", 1)[0]  # noqa: E731  (cases/s)
    assert strip(first.stdout) == strip(again.stdout)
    assert "1 cases" in potomac("verify", "--seed", "11", "--case", "7").stdout
    assert potomac("verify", "--arch", arch, "--cases", "5").returncode == 0


def test_verify_refuses_what_it_cannot_run(potomac):
    (potomac.folder / "large.yaml").write_text("array: {rows: 512, cols: 512}")
    line = potomac.refuses("verify", "--arch", "large.yaml")
    assert "512 x 512 PEs are too many" in line and "65536" in line
    assert "--cases" in potomac.refuses("verify", "--cases", "0")


@pytest.mark.parametrize(
    "name", ["os-16x16", "ws-32x32", "ws-128x128", "is-32x32", "paper-os-16x16"]
)
def test_shipped_architectures_run_the_shipped_trace(potomac, trace, name):
    file = SOURCE / f"sim/architectures/{name}.yaml"
    done = potomac("run", trace, "--arch", file, "--out", "o")
    assert done.returncode == 0, done.stderr
    array = read_json(potomac.folder / "o/report.json")["architecture"]["array"]
    assert f"{array['dataflow']}-{array['rows']}x{array['cols']}" == name.removeprefix("paper-")
    # The shipped traces are of trainings with the sums of the shipped machines.
    assert ("Trained with other sums" in done.stdout) == name.startswith("paper-")
    assert file.read_text().startswith("#")


# --- folders that are written to ------------------------------------------------------------------


def test_two_commands_into_one_folder(potomac, trace):
    """The second is refused with the process of the first, in whatever form the folder is named."""
    first = subprocess.Popen(
        [potomac.program, "run", str(trace), "--arch", "os-16x16", "--engine", "systemc", "--out", "o"],
        cwd=potomac.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        lock = potomac.folder / "o/.potomac-lock"
        for _ in range(500):
            if lock.exists() and lock.read_text():
                break
            time.sleep(0.01)
        (potomac.folder / "spec.yaml").write_text("workload: alexnet\narch: os-16x16\nparameters: {array.rows: [8]}\n")
        for command in (("run", "alexnet", "--arch", "os-16x16"), ("sweep", "spec.yaml")):
            for name in ("o", "./o/", str(potomac.folder / "o")):
                done = potomac(*command, "--out", name)
                assert done.returncode == 2, done.stderr
                assert f"process {first.pid} is writing there; wait for it, or name another" in done.stderr
        first.kill()
    finally:
        first.wait()
    assert lock.exists()  # nobody cleans up behind SIGKILL
    done = potomac("run", "alexnet", "--arch", "os-16x16", "--out", "o")
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (potomac.folder / "o").iterdir()) == ["layers.csv", "report.json"]


def test_what_a_killed_writer_left_is_swept_up(potomac):
    folder = potomac.folder / "o"
    command = ("run", "alexnet", "--arch", "os-16x16", "--out", "o")
    assert potomac(*command).returncode == 0
    token = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
    with subprocess.Popen(["true"]) as dead:
        pass
    leftover = folder / f".report.{token}-{dead.pid}-1.json"
    kept = [
        folder / f".report.{token}-{os.getpid()}-1.json",  # its writer lives
        folder / f".report.0badcafe-{dead.pid}-1.json",  # of another machine
        folder / f".report.{token}-{dead.pid}-1.txt",
        folder / f".other.{token}-{dead.pid}-1.json",
        folder / ".report.json",
    ]
    for file in (leftover, *kept):
        file.write_text("{")
    old = folder / ".report.0badcafe-7-1.json"
    old.write_text("{")
    os.utime(old, (1, 1))
    assert potomac(*command).returncode == 0
    assert not leftover.exists() and not old.exists()
    assert all(file.exists() for file in kept)


def test_links_are_replaced_and_never_followed(potomac):
    folder = potomac.folder / "o"
    folder.mkdir()
    names = ("report.json", "layers.csv", "sweep.csv")
    for name in names:
        (potomac.folder / f"outside-{name}").write_text("mine")
        (folder / name).symlink_to(potomac.folder / f"outside-{name}")
    assert potomac("run", "alexnet", "--arch", "os-16x16", "--out", "o").returncode == 0
    (potomac.folder / "spec.yaml").write_text("workload: alexnet\narch: os-16x16\nparameters: {array.rows: [8]}\n")
    done = potomac("sweep", "spec.yaml", "--out", "o")
    assert done.returncode == 0, done.stderr
    assert all((potomac.folder / f"outside-{name}").read_text() == "mine" for name in names)
    assert not any((folder / name).is_symlink() for name in names)
    # A store grows where it lies: through a link nothing is written at all.
    (potomac.folder / "outside.sqlite").write_bytes((folder / "results.sqlite").read_bytes())
    (folder / "results.sqlite").unlink()
    (folder / "results.sqlite").symlink_to(potomac.folder / "outside.sqlite")
    assert "results.sqlite: is a link" in potomac.refuses("sweep", "spec.yaml", "--out", "o")


def test_names_are_no_formulas_in_csv(potomac):
    (potomac.folder / "net.yaml").write_text(
        "format: potomac-model\nversion: 1\nmodel: m\ninput: [1, 4]\nlayers: [{linear: fc, outputs: 2}]\n"
    )
    assert potomac("trace", "synth", "net.yaml", "-o", "net.h5").returncode == 0
    for name in ("=cmd|x", "+1+1", "-2-3", "@SUM(A1)"):
        shutil.copy(potomac.folder / "net.h5", potomac.folder / "named.h5")
        with h5py.File(potomac.folder / "named.h5", "r+") as file:
            (old,) = file["layers"]
            file["layers"].move(old, name)
        done = potomac("run", "named.h5", "--arch", "os-16x16", "--out", "o")
        assert done.returncode == 0, done.stderr
        rows = list(csv.DictReader((potomac.folder / "o/layers.csv").open()))
        assert {row["layer"] for row in rows} == {f"'{name}"}
        assert any(row["mf_mac_accumulator_lsb"] == "-8" for row in rows)


def test_a_pass_pe_by_pe_without_values_knows_its_macs(potomac, arch):
    done = potomac("run", "alexnet", "--arch", arch, "--layers", "*fc8*", "--pe-map", "007-fc8/forward", "--out", "o")
    assert done.returncode == 0, done.stderr
    lines = (potomac.folder / "o/pe_map.csv").read_text().splitlines()
    assert lines[0] == "row,col,mf_mac_macs,mf_mac_gated,mf_mac_toggles,fp32_mac_macs,fp32_mac_gated,fp32_mac_toggles"
    # One row of outputs in 63 folds of 16 columns, the last of 8; none in the rows below.
    assert lines[1] == f"0,0,{63 * 4096},,,{63 * 4096},,"
    assert lines[16] == f"0,15,{62 * 4096},,,{62 * 4096},,"
    assert lines[17] == "1,0,0,,,0,,"
    assert len(lines) == 257


def test_a_pe_map_that_cannot_be_is_one_line(potomac, trace, arch):
    run = ["run", trace, "--arch", arch, "--out", "o", "--pe-map"]
    assert "'fc' is not LAYER/PASS" in potomac.refuses(*run, "fc")
    assert "there is no pass none/forward among those that are run" in potomac.refuses(*run, "none/forward")
    assert "there is no pass 000-conv1/backward-data" in potomac.refuses(*run, "000-conv1/backward-data")
    assert "among those that are run" in potomac.refuses(*run, "001-conv2/forward", "--passes", "backward-data")
    large = potomac.refuses(*run, "001-conv2/forward", "--engine", "count", "--set", "array.rows=2048", "--set",
                            "array.cols=1024")  # fmt: skip
    assert "the array has 2097152 PEs, and a map 1048576 at most" in large
