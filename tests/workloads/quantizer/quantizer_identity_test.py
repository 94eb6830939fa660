"""The C++ quantizer and the PyTorch package give the same bits for the same inputs.

POTOMAC_QUANTIZE_FLOATS names the program tests/workloads/quantizer/quantize_floats.cpp is built to.
"""

import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import torch

SOURCES = Path(__file__).resolve().parents[2] / "workloads" / "capture" / "src"
sys.path.insert(0, str(SOURCES))

import potomac_capture as pc  # noqa: E402

WIDTHS = range(3, 9)
ROUNDINGS = {"log2": 0, "linear": 0, "stochastic": 2**63 + 12345}  # and a key
SIGN = 1 << 31
LARGEST = 0x7F7FFFFF
# Just above sqrt(2) and exactly 1.5, as mantissas.
SWITCHES = (0x3504F4, 0x400000)


def random_patterns(seed, count, low, high):
    """Random values with exponent fields in low..high; 0 is subnormal."""
    source = random.Random(seed)
    return [
        source.getrandbits(1) << 31
        | source.randint(low, high) << 23
        | source.getrandbits(23)
        for _ in range(count)
    ]


def ties(low, high):
    """The switches of rounding and their neighbours in the binades low..high."""
    patterns = []
    for field in range(low, high + 1):
        for mantissa in SWITCHES:
            patterns += [field << 23 | (mantissa + step) for step in (-2, -1, 0, 1)]
    return [p | SIGN if i % 3 == 0 else p for i, p in enumerate(patterns)]


def subnormal_ties():
    """The leading 24 bits of sqrt(2) and of 1.5 shifted to each subnormal binade."""
    patterns = set()
    for shift in range(24):
        for significand in (0x800000 | SWITCHES[0], 0x800000 | SWITCHES[1]):
            for step in (-1, 0, 1):
                patterns.add(max((significand >> shift) + step, 0))
    return [p for p in sorted(patterns) if p <= LARGEST]


def cancelling(seed):
    """Values and almost their negatives: the mean is far below them."""
    values = random_patterns(seed, 40, 100, 160)
    return values + [v ^ SIGN for v in values[:-1]] + [values[-1] ^ SIGN ^ 1]


INPUTS = {
    "all exponents": random_patterns(1, 4000, 0, 254),
    "a few binades": random_patterns(2, 4000, 120, 130),
    "bottom": random_patterns(3, 2000, 0, 5),
    "top": random_patterns(4, 2000, 240, 254),
    "subnormals": random_patterns(5, 2000, 0, 0),
    "ties": ties(60, 127),
    "ties at the bottom": ties(0, 70) + [0],
    "ties at the top": ties(190, 254),
    "subnormal ties": subnormal_ties(),
    "zeros": [0, SIGN, 0],
    "one value": [0x3F99999A],
    "largest": [LARGEST, LARGEST | SIGN, 0x3F800000],
    "largest only": [LARGEST] * 7,
    "smallest": [1, SIGN | 1, 2, 0],
    "smallest only": [1],
    "mean that rounds to zero": [SIGN | 1, 0, 0],
    "mean of a tie": [0x3F800000, 0x3F800001],
    "cancellation": cancelling(6),
    "cancellation of the largest": [LARGEST, 1, LARGEST | SIGN, 3],
    "weights": random_patterns(7, 3000, 110, 122) + [SIGN] * 5,
}
GAMMAS = [1.0, 0.95, 0.5, 0.75, 0.3333333, 1e-3, 1e-30, 2.0**-149, 0.9999999]
GAMMAS += [random.Random(8).uniform(0.01, 1.0) for _ in range(20)]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("floats")
    paths = {}
    for number, (name, patterns) in enumerate(INPUTS.items()):
        paths[name] = folder / f"{number}.bin"
        paths[name].write_bytes(struct.pack(f"={len(patterns)}I", *patterns))
    return paths


def tensor_of(name):
    signed = struct.unpack(
        f"={len(INPUTS[name])}i", struct.pack(f"={len(INPUTS[name])}I", *INPUTS[name])
    )
    return torch.tensor(signed, dtype=torch.int32).view(torch.float32)


def bytes_of(x):
    patterns = x.reshape(-1).view(torch.int32).tolist()
    return struct.pack(f"={len(patterns)}i", *patterns)


def run(path, *arguments):
    program = os.environ["POTOMAC_QUANTIZE_FLOATS"]
    return subprocess.run(
        [program, str(path), *arguments], check=True, capture_output=True, timeout=60
    ).stdout


def expect_same_codes(x, path, bits, rounding):
    key = ROUNDINGS[rounding]
    codes, beta = pc.quantize_tensor(x, bits, rounding, key=key)
    expected = struct.pack("=i", beta) + bytes(codes.reshape(-1).tolist())
    assert run(path, "codes", str(bits), rounding, str(key)) == expected


@pytest.mark.parametrize("name", INPUTS)
def test_codes_and_beta(name, files):
    x = tensor_of(name)
    for bits in WIDTHS:
        for rounding in ROUNDINGS:
            expect_same_codes(x, files[name], bits, rounding)


@pytest.mark.parametrize("name", INPUTS)
def test_exact_mean(name, files):
    assert run(files[name], "mean") == bytes_of(pc.exact_mean(tensor_of(name)))


@pytest.mark.parametrize("name", INPUTS)
def test_weight_bias_correction(name, files, tmp_path):
    corrected = pc.weight_bias_correction(tensor_of(name))
    assert run(files[name], "wbc") == bytes_of(corrected)
    path = tmp_path / "corrected.bin"
    path.write_bytes(bytes_of(corrected))
    expect_same_codes(corrected, path, 5, "log2")


@pytest.mark.parametrize("name", INPUTS)
def test_ratio_clipping(name, files):
    x = tensor_of(name)
    for gamma in GAMMAS:
        rounded = torch.tensor(gamma, dtype=torch.float32)
        pattern = int(rounded.view(torch.int32))
        clipped = pc.prc_clip(x, float(rounded))
        assert run(files[name], "clip", f"{pattern:08x}") == bytes_of(clipped), gamma


def test_both_refuse_what_is_not_finite(tmp_path):
    for pattern in (0x7F800000, 0xFF800000, 0x7FC00000, 0x7F800001):
        path = tmp_path / "bad.bin"
        path.write_bytes(struct.pack("=2I", 0x3F800000, pattern))
        with pytest.raises(subprocess.CalledProcessError) as refused:
            run(path, "codes", "5", "log2", "0")
        assert b"index 1" in refused.value.stderr
        with pytest.raises(ValueError, match="element 1 "):
            pc.quantize_tensor(
                torch.tensor([0x3F800000, pattern - (1 << 32 if pattern >> 31 else 0)])
                .to(torch.int32)
                .view(torch.float32)
            )


def test_both_refuse_a_weight_that_leaves_the_range_without_its_mean(tmp_path):
    patterns = (LARGEST | SIGN, LARGEST | SIGN, LARGEST, LARGEST | SIGN)
    path = tmp_path / "large.bin"
    path.write_bytes(struct.pack("=4I", *patterns))
    with pytest.raises(subprocess.CalledProcessError) as refused:
        run(path, "wbc")
    said = b"index 2: subtracting the tensor's mean leaves FP32's range"
    assert said in refused.value.stderr
    largest = torch.finfo(torch.float32).max
    with pytest.raises(ValueError, match="element 2 .*: subtracting the tensor's mean"):
        pc.weight_bias_correction(torch.tensor([-largest, -largest, largest, -largest]))
