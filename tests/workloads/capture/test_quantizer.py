"""ALS-PoTQ: codes, scale and values against exact rational arithmetic."""

import math
import random

import pot_reference
import pytest
import torch
from pot_reference import float_of_bits

import potomac_capture as pc
from potomac_capture.values import quantized_values

ROUNDINGS = ("log2", "linear")
WIDTHS = range(3, 9)
LARGEST = float_of_bits(0x7F7FFFFF)


def tensor(values):
    return torch.tensor(values, dtype=torch.float32)


def check_against_reference(values, bits, rounding):
    x = tensor(values)
    codes, beta, exact = pot_reference.quantize(x.tolist(), bits, rounding)
    got, got_beta = pc.quantize_tensor(x, bits, rounding)
    assert got.dtype == torch.uint8
    assert (got.tolist(), got_beta) == (codes, beta)
    saturated = [max(-LARGEST, min(LARGEST, float(v))) for v in exact]
    assert pc.dequantize(got, bits, beta).tolist() == saturated
    assert quantized_values(x, bits, rounding, "x").tolist() == saturated


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("scale", [-149, -140, -126, -112, 0, 60, 127])
def test_random_values_at_every_scale(bits, rounding, scale):
    """Around the subnormals, in the middle, and at the top of the float32 range."""
    source = random.Random(1000 * bits + scale)
    values = []
    for _ in range(200):
        exponent = scale + source.uniform(-2.5 * 2 ** (bits - 2), 0.99)
        # ldexp, because 2.0 ** 127.9 is finite in binary64 and stays in binary32.
        value = math.ldexp(2.0 ** (exponent % 1), int(exponent // 1))
        values.append(source.choice((-1, 1)) * min(value, LARGEST))
    check_against_reference(values, bits, rounding)


@pytest.mark.parametrize("rounding, switch", [("log2", 0x3504F4), ("linear", 0x400000)])
@pytest.mark.parametrize("exponent", [1, 2, 30, 127, 200, 254])
def test_switch_of_rounding_lies_between_two_neighbours(rounding, switch, exponent):
    below = float_of_bits((exponent << 23) | (switch - 1))
    above = float_of_bits((exponent << 23) | switch)
    low = pc.quantize_tensor(tensor([below]), 5, rounding)[1]
    high = pc.quantize_tensor(tensor([above]), 5, rounding)[1]
    assert (low, high) == (exponent - 127 - 7, exponent - 127 - 6)
    check_against_reference([above, below, -below], 5, rounding)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_every_subnormal_exponent_is_normalised(rounding):
    """2^k and its neighbours below 2^-126, alone (so that they set the scale)."""
    for k in range(23):
        for bits in {(1 << k) - 1, 1 << k, (1 << k) + 1, 3 << k >> 1, 0x5A8279 >> k}:
            if bits:
                check_against_reference([float_of_bits(bits)], 5, rounding)


@pytest.mark.parametrize("bits", WIDTHS)
def test_lowest_exponent_is_kept_and_the_next_is_zero(bits):
    e_max = 2 ** (bits - 2) - 1
    top = 2.0**60
    x = tensor([top, top * 2.0 ** (-2 * e_max), top * 2.0 ** (-2 * e_max - 1)])
    codes, beta = pc.quantize_tensor(x, bits)
    mask = 2 ** (bits - 1) - 1
    assert codes.tolist() == [e_max, -e_max & mask, 2 ** (bits - 2)]
    assert beta == 60 - e_max


@pytest.mark.parametrize("bits", WIDTHS)
def test_every_canonical_code_survives_a_round_trip(bits):
    e_max = 2 ** (bits - 2) - 1
    codes = [c for c in range(2**bits) if c != 2 ** (bits - 1) + 2 ** (bits - 2)]
    x = pc.dequantize(torch.tensor(codes, dtype=torch.uint8), bits, 3)
    assert x.abs().max() == 2.0 ** (e_max + 3)
    again, beta = pc.quantize_tensor(x, bits)
    assert (again.tolist(), beta) == (codes, 3)


def test_a_five_bit_code_is_sign_above_twos_complement_exponent():
    x = tensor([128.0, -128.0, 1.0, 2.0**-7, -(2.0**-7), 0.0, -0.0, 2.0**-9])
    codes, beta = pc.quantize_tensor(x, 5)
    assert codes.tolist() == [0x07, 0x17, 0x00, 0x09, 0x19, 0x08, 0x08, 0x08]
    assert beta == 0


def test_all_zero_tensor_is_zero_codes_and_beta_zero():
    for bits in WIDTHS:
        codes, beta = pc.quantize_tensor(tensor([0.0, -0.0, 0.0]), bits)
        assert (codes.tolist(), beta) == ([2 ** (bits - 2)] * 3, 0)
        assert pc.dequantize(codes, bits, beta).tolist() == [0.0] * 3


def test_largest_float_rounds_up_and_saturates_only_in_dequantization():
    x = tensor([LARGEST, -LARGEST, 1.5e38, 1.0])
    codes, beta = pc.quantize_tensor(x, 5)
    assert beta == 128 - 7
    assert codes.tolist() == [7, 0x17, 6, 8]
    values = pc.dequantize(codes, 5, beta).tolist()
    assert values == [LARGEST, -LARGEST, 2.0**127, 0.0]


def test_dequantize_beyond_the_float_range():
    codes = torch.tensor([7, 0x17, 0x09, 0x08], dtype=torch.uint8)
    assert pc.dequantize(codes, 5, 400).tolist() == [LARGEST, -LARGEST, LARGEST, 0.0]
    assert pc.dequantize(codes, 5, -150).tolist() == [
        2.0**-143,
        -(2.0**-143),
        2.0**-149,
        0.0,
    ]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_name_the_tensor_and_the_first_index(bad):
    x = torch.ones(2, 3, 4)
    x[1, 0, 2] = bad
    x[1, 2, 3] = math.nan
    with pytest.raises(ValueError, match=r"conv1\.A: element 14 "):
        pc.quantize_tensor(x, name="conv1.A")
    with pytest.raises(ValueError, match=r"conv1\.A: element 14 "):
        quantized_values(x, 5, "log2", "conv1.A")


def test_empty_tensor_is_refused_by_name():
    with pytest.raises(ValueError, match="fc1.W: an empty tensor"):
        pc.quantize_tensor(torch.empty(0, 3), name="fc1.W")


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="float64"):
        pc.quantize_tensor(torch.ones(2, dtype=torch.float64))


@pytest.mark.parametrize("bits", [2, 9])
def test_other_widths_are_refused(bits):
    with pytest.raises(ValueError, match="3 to 8 bits"):
        pc.quantize_tensor(torch.ones(2), bits)


def test_other_roundings_are_refused():
    with pytest.raises(ValueError, match="log2, linear"):
        pc.quantize_tensor(torch.ones(2), 5, "nearest")


def test_layout_of_the_tensor_does_not_matter():
    x = torch.randn(4, 6, 5, 3)
    expected, beta = pc.quantize_tensor(x)
    for view in (x.to(memory_format=torch.channels_last), x.transpose(0, 3)):
        codes, other = pc.quantize_tensor(view)
        if view.shape != x.shape:
            codes = codes.transpose(0, 3)
        assert torch.equal(codes, expected) and other == beta


def test_input_is_left_alone():
    x = torch.randn(100)
    before = x.clone()
    pc.quantize_tensor(x)
    quantized_values(x, 5, "log2", "x")
    assert torch.equal(x, before)


def test_no_element_is_more_than_half_an_octave_off():
    x = torch.randn(10000)
    q = quantized_values(x, 8, "log2", "x")
    assert ((q / x).log2().abs() <= 0.5000001).all()
