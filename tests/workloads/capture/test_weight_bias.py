"""WBC's mean: exact, rounded once, whatever the order."""

import random
from fractions import Fraction

import pot_reference
import pytest
import torch
from pot_reference import float_of_bits

import potomac_capture as pc

LARGEST = float_of_bits(0x7F7FFFFF)
SMALLEST = float_of_bits(1)


def mean(values):
    return pc.exact_mean(torch.tensor(values, dtype=torch.float32)).item()


def test_random_bit_patterns_of_the_whole_float_range():
    source = random.Random(7)
    for count in (1, 2, 3, 5, 7, 16, 33, 100, 257):
        for low, high in ((0, 0x7F7FFFFF), (0, 0x01000000), (0x3F000000, 0x3F800000)):
            values = [
                float_of_bits(source.randint(low, high) | source.getrandbits(1) << 31)
                for _ in range(count)
            ]
            assert mean(values) == pot_reference.mean(values)


def test_a_sum_that_floating_point_would_lose():
    assert mean([1e30, 1.0, -1e30, 0.0]) == 0.25


def test_ties_go_to_even():
    one_ulp = 2.0**-23
    assert mean([1.0, 1.0 + one_ulp]) == 1.0
    assert mean([1.0 + one_ulp, 1.0 + 2 * one_ulp]) == 1.0 + 2 * one_ulp
    assert mean([-1.0, -1.0 - one_ulp]) == -1.0
    # Just above the tie: a value far too small for a float sum decides.
    assert mean([2.0, 2.0 + 2 * one_ulp, SMALLEST, 0.0]) == 1.0 + one_ulp


def test_subnormal_means_round_to_the_subnormal_quantum():
    assert mean([SMALLEST, 0.0]) == 0.0
    assert mean([3 * SMALLEST, 0.0]) == 2 * SMALLEST
    assert mean([SMALLEST, SMALLEST, SMALLEST, 0.0]) == SMALLEST
    assert mean([float_of_bits(0x7FFFFF), float_of_bits(0x800000)]) == float_of_bits(
        0x800000
    )


def test_a_mean_that_rounds_to_zero_is_plus_zero():
    result = pc.exact_mean(torch.tensor([-SMALLEST, 0.0]))
    assert result.view(torch.int32).item() == 0


def test_largest_floats_do_not_overflow():
    assert mean([LARGEST] * 5) == LARGEST
    assert mean([-LARGEST] * 5) == -LARGEST
    assert mean([LARGEST, -LARGEST]) == 0.0


def test_order_does_not_matter():
    x = torch.randn(5000) * torch.exp2(torch.randint(-60, 60, (5000,)).float())
    expected = pc.exact_mean(x)
    for _ in range(3):
        assert pc.exact_mean(x[torch.randperm(5000)]) == expected
    assert pc.exact_mean(x.reshape(50, 100).t()) == expected
    assert expected.item() == pot_reference.mean(x.tolist())


def test_correction_is_one_float_subtraction():
    x = torch.randn(64, 9) + 0.3
    m = Fraction(pc.exact_mean(x).item())
    expected = [
        pot_reference.to_binary32(Fraction(v) - m) for v in x.flatten().tolist()
    ]
    assert pc.weight_bias_correction(x).flatten().tolist() == expected


def test_a_difference_beyond_the_float_range_is_refused_for_what_it_is():
    message = r"^fc.W: element 2 \(flat index\): subtracting the tensor's mean leaves"
    values = torch.tensor([[-LARGEST, -LARGEST], [LARGEST, -LARGEST]])
    with pytest.raises(ValueError, match=message):
        pc.weight_bias_correction(values, "fc.W")
    with pytest.raises(ValueError, match=message):
        pc.weight_bias_correction(values.clone().requires_grad_(), "fc.W")


def test_a_difference_of_exactly_the_largest_float_is_in_range():
    below = -13981013 * 2.0**104  # with it three times the mean is -2^127
    first = LARGEST - 2.0**127
    corrected = pc.weight_bias_correction(torch.tensor([first, below, below, below]))
    assert corrected[0].item() == LARGEST
    with pytest.raises(ValueError, match="element 0 "):
        pc.weight_bias_correction(
            torch.tensor([first + 2.0**104, below, below, below])
        )


def test_nan_infinity_and_empty_are_refused_by_name():
    with pytest.raises(ValueError, match="fc.W: element 1 "):
        pc.exact_mean(torch.tensor([0.0, float("inf")]), "fc.W")
    with pytest.raises(ValueError, match="fc.W: an empty"):
        pc.exact_mean(torch.empty(0), "fc.W")
