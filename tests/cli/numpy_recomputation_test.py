"""The accumulators that `potomac run` dumps, recomputed from the trace in NumPy.

Nothing of Potomac is used: codes are decoded here, convolutions are written as sums over kernel
positions (not as the lowered matrices that the simulator walks), in exact 64-bit integers.
"""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from conftest import ROOT


def values_of(dataset: h5py.Dataset) -> np.ndarray:
    """Codes as integers in units of 2^(beta - e_max): +-2^(e + e_max), or 0."""
    bits = int(dataset.attrs["bits"])
    codes = dataset[...].astype(np.int64)
    half = 1 << (bits - 2)
    field = codes & (2 * half - 1)
    exponent = np.where(field >= half, field - 2 * half, field)
    magnitude = np.left_shift(np.int64(1), np.maximum(exponent + half - 1, 0))
    signed = np.where(codes >> (bits - 1) == 1, -magnitude, magnitude)
    return np.where(field == half, 0, signed)


def unit_exponent(dataset: h5py.Dataset) -> int:
    """The integers above count units of 2^this."""
    e_max = (1 << (int(dataset.attrs["bits"]) - 2)) - 1
    return int(dataset.attrs["beta"]) - e_max


def windows(layer: h5py.Group, padded: np.ndarray, p: int, q: int, kh: int, kw: int):
    """The [B, C, P, Q] view of a padded input that meets kernel position (kh, kw)."""
    stride = layer.attrs["stride"]
    dilation = layer.attrs["dilation"]
    top, left = kh * dilation[0], kw * dilation[1]
    return padded[
        :,
        :,
        top : top + stride[0] * (p - 1) + 1 : stride[0],
        left : left + stride[1] * (q - 1) + 1 : stride[1],
    ]


def conv_gemms(layer: h5py.Group) -> dict[str, np.ndarray]:
    assert int(layer.attrs["groups"]) == 1
    w, a, g = (values_of(layer[name]) for name in "WAG")
    batch, channels, height, width = a.shape
    outputs, _, kernel_h, kernel_w = w.shape
    _, _, p, q = g.shape
    pad_h, pad_w = (int(x) for x in layer.attrs["padding"])
    # Room for windows that a stride leaves hanging over the far edge.
    padded = np.pad(a, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    forward = np.zeros((batch, outputs, p, q), np.int64)
    d_padded = np.zeros_like(padded)
    d_w = np.zeros_like(w)
    for kh in range(kernel_h):
        for kw in range(kernel_w):
            seen = windows(layer, padded, p, q, kh, kw)
            forward += np.einsum("bcpq,oc->bopq", seen, w[:, :, kh, kw])
            d_w[:, :, kh, kw] = np.einsum("bopq,bcpq->oc", g, seen)
            windows(layer, d_padded, p, q, kh, kw)[...] += np.einsum(
                "bopq,oc->bcpq", g, w[:, :, kh, kw]
            )
    d_a = d_padded[:, :, pad_h : pad_h + height, pad_w : pad_w + width]
    return {
        "forward": forward.transpose(0, 2, 3, 1).reshape(-1, outputs),
        "backward-data": d_a.transpose(0, 2, 3, 1).reshape(-1, channels),
        "backward-weight": d_w.reshape(outputs, -1),
    }


def linear_gemms(layer: h5py.Group) -> dict[str, np.ndarray]:
    w, a, g = (values_of(layer[name]) for name in "WAG")
    return {"forward": a @ w.T, "backward-data": g @ w, "backward-weight": g.T @ a}


def matmul_gemms(layer: h5py.Group) -> dict[str, np.ndarray]:
    w, a, g = (values_of(layer[name]) for name in "WAG")
    return {
        "forward": a @ w,
        "backward-data": g @ w.transpose(0, 2, 1),
        "backward-weight": a.transpose(0, 2, 1) @ g,
    }


GEMMS = {"conv2d": conv_gemms, "linear": linear_gemms, "matmul": matmul_gemms}
OPERANDS = {"forward": "AW", "backward-data": "GW", "backward-weight": "GA"}


def wrapped(values: np.ndarray, bits: int) -> np.ndarray:
    half = 1 << (bits - 1)
    return ((values + half) & ((1 << bits) - 1)) - half


@pytest.mark.parametrize("name", ["fashion-cnn-b16", "words-transformer-b32"])
def test_every_accumulator_of_the_shipped_traces(potomac, name):
    trace = ROOT / f"workloads/traces/{name}.h5"
    done = potomac("run", trace, "--arch", "paper-os-16x16", "--out", "o", "--dump-outputs", "out.h5")
    assert done.returncode == 0, done.stderr
    compared = 0
    with h5py.File(trace) as recorded, h5py.File(potomac.folder / "out.h5") as dumped:
        assert sorted(dumped["gemms"]) == sorted(recorded["layers"])
        for name, layer in recorded["layers"].items():
            kind = layer.attrs["kind"]
            kind = kind.decode() if isinstance(kind, bytes) else kind
            gemms = GEMMS[kind](layer)
            if not layer.attrs["input_grad"]:
                del gemms["backward-data"]
            assert sorted(dumped["gemms"][name]) == sorted(gemms)
            for gemm, expected in gemms.items():
                acc = dumped["gemms"][name][gemm]["acc"]
                assert acc.dtype == np.int64
                np.testing.assert_array_equal(acc[...], wrapped(expected, 32))
                first, second = (layer[operand] for operand in OPERANDS[gemm])
                assert acc.attrs["scale_exponent"] == unit_exponent(first) + unit_exponent(second)
                compared += acc.size
    assert compared > 100_000


def test_the_fp32_baseline_of_the_shipped_trace(potomac, trace, arch):
    """Where nothing was rounded, binary32 sums are the exact ones; everywhere they are close."""
    done = potomac(
        "run", trace, "--arch", arch, "--out", "o", "--dump-outputs", "out.h5",
        "--simulate-baseline", "--layers", "*fc*",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with h5py.File(potomac.folder / "out.h5") as dumped:
        for layer in dumped["gemms"].values():
            for gemm in layer.values():
                exact = np.ldexp(
                    gemm["acc"][...].astype(np.float64), int(gemm["acc"].attrs["scale_exponent"])
                )
                fp32 = gemm["fp32"][...].astype(np.float64)
                assert gemm["fp32"].dtype == np.float32
                largest = np.abs(exact).max()
                assert np.abs(fp32 - exact).max() <= 1e-5 * largest
                assert (fp32 == exact).mean() > 0.2
