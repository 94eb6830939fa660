"""SCALE-Sim's topologies and configurations: cycles are its formula, layer by layer."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest
from reports import of

CONV_HEADER = (
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, "
    "Strides,"
)
# Rows as they are found in the wild: windows that hang over the edge, spaces, blank lines and lines
# of commas, columns of a spreadsheet behind, depthwise by name and by one filter, a missing newline.
CONV = f"""{CONV_HEADER},,Eh,Ew,e2
,,,,,,,,,,,,
Conv1,224,224,7,7,3,64,2,,,110,110,12100
Conv2     ,27         ,27        ,5            ,5           ,96      ,256       ,1      ,

Conv3,  112, 112,    3, 3,      32,      1,     1,
 DP4, 14, 15, 3, 3, 12, 1, 2,
DP5, 9, 9, 3, 3, 4, 2, 2, 1:1,
Odd, 13, 10, 4, 3, 5, 6, 3,
Last, 7, 7, 3, 3, 16, 8, 2,
FC,1,1,1,1,512,1000,1,"""
GEMM = "Layer,M,N,K,\r\nQKT,1024,1024,64,\r\n2,37,128,2048,\r\n\r\nsmall,1,1,1,"
CONFIG = """[general]
run_name = a_run

[architecture_presets]
# as a user writes it
ArrayHeight:    24
ArrayWidth = 12
IfmapSramSzkB:   64
Bandwidth : 10
Dataflow : {}

[sparsity]
SparsitySupport : false
"""


def rows_of(text: str) -> list[list[str]]:
    rows = [[field.strip() for field in row] for row in csv.reader(io.StringIO(text))]
    return [row for row in rows if any(row)]


def folded_gemms(text: str) -> list[list[tuple[int, int, int]]]:
    """The GEMMs (M, N, K) that SCALE-Sim makes of each layer, by its own rounding."""
    header, *rows = rows_of(text)
    if header[1] == "M":
        return [[(int(row[1]), int(row[2]), int(row[3]))] for row in rows]
    layers = []
    for row in rows:
        height, width, kh, kw, channels, filters, stride = (int(field) for field in row[1:8])
        p = math.ceil((height - kh + stride) / stride)
        q = math.ceil((width - kw + stride) / stride)
        if "DP" in row[0]:
            layers.append([(p * q, filters, kh * kw)] * channels)
        else:
            layers.append([(p * q, filters, kh * kw * channels)])
    return layers


def formula(dataflow: str, rows: int, cols: int, m: int, n: int, k: int) -> int:
    sr, sc, t = {"os": (m, n, k), "ws": (k, n, m), "is": (k, m, n)}[dataflow]
    folds = math.ceil(sr / rows) * math.ceil(sc / cols)
    return folds * ((rows if dataflow != "os" else 0) + rows + cols + t - 2)


def check_cycles(potomac, topology, text: str, dataflow: str, rows: int, cols: int) -> None:
    done = potomac("run", topology, "--arch", "os-16x16", "--set", f"array.rows={rows}",
                   "--set", f"array.cols={cols}", "--set", f"array.dataflow={dataflow}",
                   "--passes", "forward", "--out", "o")  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads((potomac.folder / "o/report.json").read_text())
    layers = folded_gemms(text)
    assert len(report["passes"]) == len(layers)
    for one, gemms in zip(report["passes"], layers):
        cycles = of(one)["cycles"]
        expected = sum(formula(dataflow, rows, cols, *gemm) for gemm in gemms)
        assert cycles["preload"] + cycles["stream"] == expected, one["layer"]
        assert cycles["stall"] == 0


@pytest.mark.parametrize("dataflow", ["os", "ws", "is"])
@pytest.mark.parametrize(("name", "text"), [("conv.csv", CONV), ("gemm.csv", GEMM)])
@pytest.mark.parametrize(("rows", "cols"), [(32, 32), (8, 128), (3, 5)])
def test_cycles_are_the_formula(potomac, dataflow, name, text, rows, cols):
    (potomac.folder / name).write_bytes(text.encode())
    check_cycles(potomac, name, text, dataflow, rows, cols)


def test_an_imported_topology_runs_as_the_file_itself(potomac):
    (potomac.folder / "net.csv").write_text(CONV)
    done = potomac("trace", "import", "net.csv", "-o", "net.yaml", "--batch", 3)
    assert done.stdout == "net.yaml: a model description of 8 layers\n", done.stderr
    assert potomac("run", "net.csv", "--arch", "ws-32x32", "--batch", 3, "--out", "a").returncode == 0
    assert potomac("run", "net.yaml", "--arch", "ws-32x32", "--out", "b").returncode == 0
    one, other = (json.loads((potomac.folder / f"{o}/report.json").read_text()) for o in "ab")
    assert one["passes"] == other["passes"]
    assert one["passes"][0]["layer"] == "000-Conv1"
    assert one["workload"]["dimensions"] == {"batch": 3}
    assert not any(p["layer"] == "000-Conv1" and p["pass"] == "backward-data" for p in one["passes"])


@pytest.mark.parametrize("dataflow", ["os", "WS", "is"])
def test_a_configuration_becomes_an_architecture(potomac, dataflow):
    (potomac.folder / "net.csv").write_text(GEMM)
    (potomac.folder / "scale.cfg").write_text(CONFIG.format(dataflow))
    done = potomac("trace", "import", "scale.cfg", "-o", "arch.yaml")
    assert done.stdout == (
        f"arch.yaml: an architecture of 24 x 12 PEs, {dataflow.lower()}\n"
        "not carried over: IfmapSramSzkB, Bandwidth\n"
    ), done.stderr
    for arch, out in (("scale.cfg", "a"), ("arch.yaml", "b")):
        assert potomac("run", "net.csv", "--arch", arch, "--out", out).returncode == 0
    one, other = (json.loads((potomac.folder / f"{o}/report.json").read_text()) for o in "ab")
    assert one["architecture"] == other["architecture"]
    assert one["passes"] == other["passes"]
    array = one["architecture"]["array"]
    assert array == {"rows": 24, "cols": 12, "dataflow": dataflow.lower(), "issue": "serial"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no layer"),
        ("a\n", "line 1: is the header of no SCALE-Sim topology"),
        ("a\tb\tc\n", "line 1: its fields are separated by tabs"),
        (f"{CONV_HEADER}\n", "holds no layer"),
        (f"{CONV_HEADER}\n\nc,1,1,1,1,1,1\n", "line 3: has 7 fields"),
        (f"{CONV_HEADER}\nc,8,8,3,3,x,1,1,\n", "line 2: channels is 'x'"),
        (f"{CONV_HEADER}\nc,8,8,3,3,1.5,1,1,\n", "line 2: channels is '1.5'"),
        (f"{CONV_HEADER}\nc,8,8,3,3,1,0,1,\n", "line 2: the number of filters is '0'"),
        (f"{CONV_HEADER}\nc,8,8,3,9,1,1,1,\n", "line 2: its filter spans 9, but its IFMAP has 8"),
        (f"{CONV_HEADER}\nc,8,8,3,3,1,1,1,2:4,\n", "line 2: its sparsity is '2:4'"),
        (f"{CONV_HEADER}\na\x1bb,8,8,3,3,1,1,1,\n", "line 2: its name is 'a\\x1Bb'"),
        ("Layer,M,N,K,Batch\ng,1,2,3,x,\n", "line 2: the batch is 'x'"),
        ("Layer,M,N,K,\ng,1,2,3,2:4,\n", "line 2: its sparsity is '2:4'"),
        (f"{CONV_HEADER}\nc,99999999,99999999,1,1,99999999,1,1,\n", "is absurdly large"),
        ("Layer,M,N,K,\ng,1,2,\n", "line 2: K is ''"),
        ("Layer,M,N,K,\ng,1,2\n", "line 2: has 3 fields"),
        ("Layer,M,N,K,\ng,-1,2,3,\n", "line 2: M is '-1'"),
    ],
)
def test_a_malformed_topology_is_refused(potomac, text, message):
    (potomac.folder / "net.csv").write_text(text)
    assert message in potomac.refuses("run", "net.csv", "--arch", "os-16x16", "--out", "o")
    assert "net.csv" in potomac.refuses("trace", "import", "net.csv", "-o", "net.yaml")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("ArrayHeight:    24", "ArrayHeight: 0"), "line 6: key 'ArrayHeight'"),
        (("ArrayHeight:    24", "ArrayHeight: many"), "line 6: key 'ArrayHeight'"),
        (("ArrayHeight:    24", ""), "does not say arrayheight"),
        (("Dataflow : ws", "Dataflow : rs"), "line 10: key 'Dataflow'"),
        (("SparsitySupport : false", "SparsitySupport : True"), "asks for sparsity"),
        (("Bandwidth : 10", "Bandwidth"), "line 9: 'Bandwidth' is not KEY : VALUE"),
        (("Bandwidth : 10", "arrayHEIGHT: 3"), "line 9: [architecture_presets] arrayheight stands in line 6"),
        (("[sparsity]", "[general]"), "line 12: [general] stands in line 1 already"),
    ],
)
def test_a_malformed_configuration_is_refused(potomac, change, message):
    (potomac.folder / "net.csv").write_text(GEMM)
    (potomac.folder / "scale.cfg").write_text(CONFIG.format("ws").replace(*change))
    line = potomac.refuses("run", "net.csv", "--arch", "scale.cfg", "--out", "o")
    assert message in line
    assert "scale.cfg" in line


def test_shapes_are_no_trace(potomac):
    (potomac.folder / "net.csv").write_text(GEMM)
    line = potomac.refuses("trace", "import", "net.csv", "-o", "net.h5")
    assert "shapes without values" in line
    line = potomac.refuses("run", "net.csv", "--batch", 2, "--arch", "os-16x16", "--out", "o")
    assert "its GEMMs say all of their extents" in line


CONV_ROW = "8, 9, 3, 2, 4, 6, 2,"


@pytest.mark.parametrize(
    "header",
    ["Layer name, IFMAP Width, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,",
     "Layer name,\u00a0 IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,",
     "\ufeffLayer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,",
     "name,a,b,c,d,e,f,g,"],
)  # fmt: skip
def test_a_header_is_skipped_as_the_peer_does(potomac, header):
    (potomac.folder / "net.csv").write_text(f"{header}\nGroup title,\nBlock/Conv, {CONV_ROW}\n")
    done = potomac("trace", "info", "net.csv", "--format", "json")
    assert done.returncode == 0, done.stderr
    (layer,) = json.loads(done.stdout)["layers"]
    assert layer["name"] == "000-Block.Conv"
    assert layer["tensors"]["A"]["shape"] == [1, 4, 8, 9]
    assert layer["tensors"]["W"]["shape"] == [6, 4, 3, 2]


def layers_of(potomac, text, *options):
    (potomac.folder / "net.csv").write_text(text)
    done = potomac("trace", "info", "net.csv", "--format", "json", *options)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return found["layers"], found["not_included"] if "not_included" in found else []


def test_columns_that_the_header_names_are_used(potomac):
    header = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, "
    (layer,), _ = layers_of(potomac, f"{header} Stride H, Stride W, Batch Size,\nL, 9, 9, 3, 3, 4, 8, 1, 2, 32,\n")
    assert layer["tensors"]["A"]["shape"] == [32, 4, 9, 9]
    assert layer["tensors"]["G"]["shape"] == [32, 8, 7, 4]
    line = potomac.refuses("trace", "info", "net.csv", "--batch", 2)
    assert "has no dimension 'batch'; its rows say their batch" in line
    (one, two, three), _ = layers_of(potomac, "Layer,M,N,K,Batch,\na,4,5,6,16,\nb,4,5,6,1,\nc,4,5,6,,\n")
    assert (one["kind"], two["kind"], three["kind"]) == ("matmul", "linear", "linear")
    assert one["tensors"]["W"]["shape"] == [16, 6, 5]
    (one,), _ = layers_of(potomac, "Layer,M,N,K,\na,4,5,6,3,\n")  # as the peer takes it
    assert one["tensors"]["A"]["shape"] == [3, 4, 6]


def test_columns_without_effect_are_said(potomac):
    (potomac.folder / "net.csv").write_text(f"{CONV_HEADER} Colour,\nc, {CONV_ROW} red,\n")
    done = potomac("run", "net.csv", "--arch", "os-16x16", "--out", "o")
    assert done.returncode == 0 and "column 'Colour' (SCALE-Sim topology): it has no effect" in " ".join(
        done.stdout.split()
    )


def test_memory_of_a_configuration(potomac):
    (potomac.folder / "net.csv").write_text(GEMM)
    config = CONFIG.format("ws").replace("Bandwidth : 10", "OfmapSramSzkB: 32\nFilterSramSzkB: 16\nBandwidth : {}")
    user = "\ufeff" + config + "\n[run_presets]\nInterfaceBandwidth: USER\n"
    for bandwidth, gb_s in (("10", 15), ("10,20,6", 18)):
        (potomac.folder / "scale.cfg").write_text(user.format(bandwidth))
        done = potomac("run", "net.csv", "--arch", "scale.cfg", "--out", "o")
        assert done.returncode == 0 and done.stderr == "", done.stderr
        memory = json.loads((potomac.folder / "o/report.json").read_text())["architecture"]["memory"]
        assert [memory[part]["kib"] for part in ("first", "second", "results")] == [64, 16, 32]
        assert memory["dram"]["bandwidth_gb_s"] == gb_s
    (potomac.folder / "scale.cfg").write_text(user.format("ten"))
    line = potomac.refuses("run", "net.csv", "--arch", "scale.cfg", "--out", "p")
    assert "line 11, Bandwidth: 'ten' is no number of words in a cycle" in line
    (potomac.folder / "scale.cfg").write_text(config.format(10).replace("Dataflow", "Evil\x1b[2J: 3\nDataflow"))
    done = potomac("run", "net.csv", "--arch", "scale.cfg", "--out", "o")
    assert done.returncode == 0
    assert done.stderr == (
        "potomac: note: scale.cfg: nothing is made of IfmapSramSzkB, OfmapSramSzkB, FilterSramSzkB, Bandwidth, "
        "Evil\\x1B[2J\n"
    )
