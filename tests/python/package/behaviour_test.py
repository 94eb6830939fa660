"""The package among threads, signals, callbacks and mistakes."""

import pathlib
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import ROOT, TRACES

import potomac


def test_importing_it_imports_neither_pandas_nor_torch():
    code = "import potomac, sys; print({'pandas', 'torch', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_hundred_runs_in_threads_are_one_run():
    alone = potomac.run(TRACES[0]).report

    def run(i):
        return potomac.run(TRACES[0], threads=1 + i % 3).report == alone

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(100)))


def test_other_threads_run_meanwhile():
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(potomac.run, "resnet50", batch=256, set={
            "memory.first.kib": 4, "memory.second.kib": 4, "memory.results.kib": 4})  # fmt: skip
        turns = 0
        while not future.done():
            turns += 1
            time.sleep(0.001)
        assert turns > 10
        future.result()


LONG = {
    "a run": f"run({str(TRACES[0])!r}, engine='systemc')",
    "planning": "sweep('resnet50', {'array.rows': range(1, 2000)}, set={'memory.first.kib': 4, "
                "'memory.second.kib': 4, 'memory.results.kib': 4})",
    "cases": "verify(100000)",
}  # fmt: skip


@pytest.mark.parametrize("what", LONG)
def test_ctrl_c_ends_it(what):
    code = f"import potomac\nprint('begin', flush=True)\npotomac.{LONG[what]}\n"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        time.sleep(0.3)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        took = time.monotonic() - begin
    assert said.strip().endswith("KeyboardInterrupt")
    assert took < 10, took  # on a machine that does other work; a second where it is idle


def test_what_progress_raises_ends_it(tmp_path):
    calls = []

    def progress(done, total):
        calls.append((done, total))
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        potomac.run(TRACES[0], dump_outputs=tmp_path / "outputs.h5", progress=progress)
    assert len(calls) == 1
    assert list(tmp_path.iterdir()) == []


def test_progress_ends_at_all_of_it():
    calls = []
    potomac.run(TRACES[0], progress=lambda *call: calls.append(call))
    assert calls[-1][0] == calls[-1][1] > 10**8
    assert calls == sorted(calls)


def test_a_bad_architecture_is_refused_as_on_the_command_line(program, tmp_path):
    bad = tmp_path / "bad.yaml"
    for text in ("array: {rows: 0}\n", "array: {row: 3}\n", "array: [", "clock_mhz: fast\n"):
        bad.write_text(text)
        said = program("run", TRACES[0], "--arch", bad, "--out", "out", status=2)
        with pytest.raises(potomac.InputError) as refusal:
            potomac.run(TRACES[0], bad)
        assert said == f"potomac: error: {refusal.value}\n"


CODES = np.full((2, 2), 8, np.uint8)
LAYER = {"name": "fc", "kind": "linear", "w": (4, 3), "a": (2, 3)}
MISTAKES = {
    "no path": (lambda: potomac.run(3), "workload: a int is no path"),
    "no model": (lambda: potomac.run("resnet5"), "did you mean 'resnet50'"),
    "no key": (lambda: potomac.run("resnet18", set={"array.row": 1}), "did you mean 'array.rows'"),
    "no mapping": (lambda: potomac.run("resnet18", set=["array.rows"]), "a list is no mapping"),
    "value": (lambda: potomac.run("resnet18", set={"array.rows": "many"}), "array.rows"),
    "object": (lambda: potomac.run("resnet18", set={"array.rows": []}), "a list is no value"),
    "engine": (lambda: potomac.run("resnet18", engine="fats"), "engine: there is no 'fats'"),
    "shapes": (lambda: potomac.run("resnet18", engine="fast"), "computes with values"),
    "table": (lambda: potomac.run("resnet18", energy="horowitz"), "energy table 'horowitz'"),
    "accounting": (lambda: potomac.run("resnet18", accounting="all"), "accounting"),
    "rival": (lambda: potomac.run("resnet18", against="int7"), "against"),
    "pass": (lambda: potomac.run("resnet18", passes="backwards"), "passes: there is no 'backwards'"),
    "layers": (lambda: potomac.run("resnet18", layers="nothing"), "nothing is selected"),
    "dimension": (lambda: potomac.run("resnet18", batch=0), "out of range"),
    "twice": (lambda: potomac.run("resnet18", batch=1, dimensions={"batch": 2}), "binds 'batch' again"),
    "float": (lambda: potomac.run("resnet18", batch=1.5), "is no whole number"),
    "threads": (lambda: potomac.run("resnet18", threads=-1), "threads: -1"),
    "progress": (lambda: potomac.run("resnet18", progress=3), "a int cannot be called"),
    "no report": (lambda: potomac.load("/nowhere"), "/nowhere"),
    "nothing": (lambda: potomac.report(), "there is no result"),
    "values": (lambda: potomac.sweep("resnet18", {"array.rows": 3}), "is no list"),
    "swept key": (lambda: potomac.sweep("resnet18", {"array.row": [3]}), "did you mean"),
    "format": (lambda: potomac.report(potomac.run("resnet18"), format="pdf"), "there is no 'pdf'"),
    "list": (lambda: potomac.gemm([[1]], CODES), "is no NumPy array"),
    "type": (lambda: potomac.gemm(CODES.astype(np.int64), CODES), "its type is int64"),
    "order": (lambda: potomac.gemm(np.full((4, 2), 8, np.uint8).T, CODES), "not C-contiguous"),
    "axes": (lambda: potomac.gemm(CODES[0], CODES), "axes"),
    "fit": (lambda: potomac.gemm(np.full((2, 3), 8, np.uint8), CODES), "do not fit"),
    "empty": (lambda: potomac.gemm(CODES[:0], CODES), "an extent is 0"),
    "code": (lambda: potomac.gemm(CODES + 91, CODES), "code 0x63 at [0, 0, 0]"),
    "zero": (lambda: potomac.gemm(CODES + 16, CODES), "negative zero"),
    "not a power": (lambda: potomac.gemm(np.full((2, 2), 3, np.float32), CODES), "element 0 is 3"),
    "infinite": (lambda: potomac.gemm(np.full((2, 2), np.inf, np.float32), CODES), "is inf"),
    "narrow": (lambda: potomac.gemm(CODES, CODES, potomac.Accumulator(16)), "accumulator"),
    "rule": (lambda: potomac.gemm(CODES, CODES, potomac.Accumulator(overflow="trap")), "overflow"),
    "sums": (lambda: potomac.gemm(CODES, CODES, engine="count"), "computes no sums"),
    "bits": (lambda: potomac.gemm(CODES, CODES, bits=9), "bits"),
    "nan": (lambda: potomac.quantize_values(np.full(3, np.nan, np.float32)), "is not a number"),
    "double": (lambda: potomac.quantize_values(np.zeros(3)), "its type is float64"),
    "no layer": (lambda: potomac.Workload([]), "layer"),
    "other": (lambda: potomac.Workload([3]), "a int is no layer"),
    "kind": (lambda: potomac.Workload([potomac.Layer("x", "conv", (1,), (1,))]), "conv2d"),
    "extents": (lambda: potomac.Workload([potomac.Layer("x", "linear", (4, 3), (2, 5))]), "x"),
    "half": (lambda: potomac.Workload([potomac.Layer("x", "linear", (2, 2), CODES)]), "only one of"),
    "gradient": (lambda: potomac.Workload([potomac.Layer("x", "linear", CODES, CODES)]), "g has no"),
    "bound": (lambda: potomac.Workload([potomac.Layer(**LAYER)], batch=2), "'batch' binds nothing"),
    "no sums": (lambda: potomac.layer_sums(potomac.Layer(**LAYER)), "has shapes but no values"),
    "no such layer": (lambda: potomac.layer_sums(CODES), "a ndarray is none"),
    "no such pass": (
        lambda: potomac.layer_sums(potomac.Layer("x", "linear", CODES, CODES, input_grad=False,
                                                 weight_grad=False), "backward-data"),
        "has no pass backward-data"),
    "case": (lambda: potomac.verify(0), "cases: 0"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(mistake):
    attempt, said = MISTAKES[mistake]
    with pytest.raises(potomac.InputError) as refusal:
        attempt()
    assert isinstance(refusal.value, ValueError)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_report_of_another_version_is_refused(tmp_path):
    potomac.run("resnet18").save(tmp_path)
    report = tmp_path / "report.json"
    report.write_text(report.read_text().replace('"version": 3', '"version": 2', 1))
    with pytest.raises(potomac.InputError, match="version 2"):
        potomac.load(tmp_path)


def test_an_architecture_follows_the_table_of_keys():
    machine = potomac.Architecture("ws-32x32", {"array.cols": np.int64(8), "pe.zero_gating": False})
    assert (machine["array.rows"], machine["array.cols"], machine["array.dataflow"]) == (32, 8, "ws")
    assert machine["memory.first.kib"] is None
    other = potomac.Architecture(machine)
    other["clock_mhz"] = 250
    assert other != machine and machine["clock_mhz"] == 500
    with pytest.raises(potomac.InputError):
        other["memory.dram.preset"] = "ddr9"
    assert other["memory.dram.preset"] is None  # a value that is refused changes nothing
    names = [key["name"] for key in machine.keys()]
    assert list(machine.to_dict()) == names and set(machine) < set(names)
    assert potomac.run("resnet18", machine).architecture == machine
    assert set(potomac.Architecture.names()) == {p.stem for p in (ROOT / "sim/architectures").glob("*")}


def test_the_stub_is_the_modules(tmp_path):
    allowed = tmp_path / "allowed"
    # pybind11's classes have a metaclass of its own.
    classes = (
        "Architecture", "Asked", "Layer", "Result", "Summing", "Sweep", "TrainingSums", "Workload",
    )  # fmt: skip
    allowed.write_text("".join(f"potomac._native.{name}\n" for name in classes))
    package = pathlib.Path(potomac.__file__).parent
    # Beside the stub nothing: what the package imports takes ten times as long to check.
    (tmp_path / "stubs/potomac").mkdir(parents=True)
    (tmp_path / "stubs/potomac/__init__.pyi").write_text("")
    shutil.copy(package / "_native.pyi", tmp_path / "stubs/potomac")
    done = subprocess.run(
        ["stubtest", "--allowlist", allowed, "potomac._native"], capture_output=True, text=True,
        check=False, cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(package.parent),
             "MYPYPATH": str(tmp_path / "stubs")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
