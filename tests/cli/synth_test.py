"""Synthetic values: drawn as they were asked for, recorded as synthetic, repeated in every report."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

NET = """format: potomac-model
version: 1
model: net
dimensions: {batch: 8}
bits: {W: 4, A: 5, G: 6}
input: [batch, 16, 20, 20]
layers:
  - {conv2d: conv, outputs: 64, kernel: 3, padding: 1}
  - {linear: fc, input: [batch, 3000], outputs: 100}
  - {matmul: mm, batch: batch, m: 100, n: 50, k: 60}
"""
MEAN_ERROR = 5.0  # standard deviations of a share


def histogram(dataset) -> tuple[float, dict[int, float], float]:
    """Shares of zeros, of exponents from the largest down, and of negatives, decoded anew."""
    bits = int(dataset.attrs["bits"])
    codes = np.asarray(dataset).ravel().astype(int)
    zero, sign = 1 << (bits - 2), 1 << (bits - 1)
    assert not (codes == zero | sign).any()
    nonzero = codes[codes != zero]
    field = nonzero & (sign - 1)
    exponents = np.where(field >= zero, field - sign, field)
    top = zero - 1
    shares = {top - e: (exponents == e).sum() / max(len(nonzero), 1) for e in range(-top, top + 1)}
    return (codes == zero).mean(), shares, ((nonzero & sign) != 0).mean() if len(nonzero) else 0.0


def close(share: float, expected: float, count: int) -> bool:
    return abs(share - expected) <= MEAN_ERROR * np.sqrt(0.25 / count) + 2 / 65536


def synth(potomac, *arguments):
    (potomac.folder / "net.yaml").write_text(NET)
    done = potomac("trace", "synth", "net.yaml", *arguments)
    assert done.returncode == 0, done.stderr
    return done


def test_values_are_drawn_as_asked(potomac):
    synth(potomac, "-o", "net.h5", "--density", "W=0.9,A=0.25", "--exponents", "W=1:2:5,G=0:0:3:1")
    with h5py.File(potomac.folder / "net.h5") as file:
        assert file.attrs["synthesis"] == (
            b"densities W 0.9, A 0.25, G 1, exponents W=1:2:5,G=0:0:3:1, seed 1, batch=8"
        )
        for layer in file["layers"].values():
            for name, density, bits in (("W", 0.9, 4), ("A", 0.25, 5), ("G", 1.0, 6)):
                data = layer[name]
                assert data.attrs["bits"] == bits
                zeros, shares, negatives = histogram(data)
                count = data.size
                if name != "A":  # a normal distribution's lowest exponents underflow
                    assert close(zeros, 1 - density, count)
                assert close(negatives, 0.5, count * density)
                expected = {"W": [1, 2, 5], "G": [0, 0, 3, 1]}.get(name)
                for i, weight in enumerate(expected or []):
                    assert close(shares[i], weight / sum(expected), count * density)
                if expected:
                    assert sum(shares[i] for i in range(len(expected))) == pytest.approx(1)
        assert 0.75 - 0.01 < histogram(file["layers/000-conv/A"])[0] < 0.75 + 0.01


def test_the_same_seed_gives_the_same_file(potomac):
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        synth(potomac, "-o", f"{name}.h5", "--seed", seed)
    one, same, other = ((potomac.folder / f"{name}.h5").read_bytes() for name in "abc")
    assert one == same
    assert one != other
    with h5py.File(potomac.folder / "a.h5") as file:
        conv, linear = (np.asarray(file[f"layers/{name}/G"]).ravel() for name in ("000-conv", "001-fc"))
        a = np.asarray(file["layers/001-fc/A"]).ravel()
    assert not np.array_equal(conv[: len(linear)], linear)
    assert abs(np.corrcoef(a[:-1], a[1:])[0, 1]) < 0.05


def test_values_like_a_captured_traces(potomac, trace):
    synth(potomac, "-o", "net.h5", "--like", trace)
    with h5py.File(potomac.folder / "net.h5") as drawn, h5py.File(trace) as captured:
        layers = list(captured["layers"].values())
        for name, kinds in (("000-conv", [b"conv2d"]), ("001-fc", [b"linear"]),
                            ("002-mm", [b"conv2d", b"linear"])):  # fmt: skip
            data = drawn[f"layers/{name}/A"]  # of 5 bits on both sides
            alike = [layer["A"] for layer in layers if layer.attrs["kind"] in kinds]
            codes = np.concatenate([np.asarray(tensor).ravel().astype(int) for tensor in alike])
            zeros, shares, negatives = histogram(data)
            assert close(zeros, (codes == 8).mean(), data.size)
            nonzero = codes[codes != 8]
            field = nonzero & 15
            exponents = np.where(field >= 8, field - 16, field)
            for e in range(-7, 8):
                assert close(shares[7 - e], (exponents == e).mean(), data.size * (1 - zeros))
            assert close(negatives, ((nonzero & 16) != 0).mean(), data.size * (1 - zeros) / 4)


def test_every_report_says_that_values_are_synthetic(potomac):
    synth(potomac, "-o", "net.h5", "--density", "A=0.5", "--batch", 2)
    said = "Synthetic values: densities W 1, A 0.5, G 1, exponents of a normal distribution, seed 1, batch=2"
    for engine in ("fast", "count", "systemc"):
        done = potomac("run", "net.h5", "--arch", "os-16x16", "--layers", "*mm", "--engine", engine,
                       "--set", "pe.operand_bits=6", "--set", "pe.accumulator.bits=48", "--out", engine)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert said in " ".join(done.stdout.split())
        report = json.loads((potomac.folder / engine / "report.json").read_text())
        assert report["workload"]["values"] == "synthetic"
        assert report["workload"]["synthesis"] in said
        assert said in " ".join(potomac("report", engine).stdout.split())
    assert "synthetic: densities W 1, A 0.5" in potomac("trace", "info", "net.h5").stdout
    potomac("trace", "import", "net.h5", "-o", "again.h5")
    assert (potomac.folder / "net.h5").read_bytes() == (potomac.folder / "again.h5").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--density", "W=1.5"), "--density"),
        (("--exponents", "W"), "--exponents: 'W' is no histogram"),
        (("--exponents", "W="), "is no histogram"),
        (("--exponents", "W=1:x"), "is no histogram"),
        (("--exponents", "W=0:0"), "is no histogram"),
        (("--exponents", "W=1,"), "is no histogram"),
        (("--exponents", "W=99999999999"), "is no histogram"),
        (("--like", "net.yaml"), "is not an HDF5 file"),
        (("--like", "none.h5"), "there is no such file"),
        (("--batch", "20000000"), "more than the 4294967296 of a trace"),
    ],
)
def test_a_wrong_request_is_refused(potomac, arguments, message):
    (potomac.folder / "net.yaml").write_text(NET)
    line = potomac.refuses("trace", "synth", "net.yaml", "-o", "net.h5", *arguments)
    assert message in line


def test_a_density_beside_like_is_refused(potomac, trace):
    (potomac.folder / "net.yaml").write_text(NET)
    line = potomac.refuses("trace", "synth", "net.yaml", "-o", "net.h5", "--like", trace, "--density",
                           "W=1")  # fmt: skip
    assert "--like" in line
    line = potomac.refuses("trace", "synth", "net.yaml", "-o", "net.yaml")
    assert "net.yaml" in line
