"""PRC: the limit is one binary32 product, and the clip keeps signs."""

import math
import random
from fractions import Fraction

import pot_reference
import pytest
import torch
from pot_reference import float_of_bits

import potomac_capture as pc
from potomac_capture.ratio_clipping import quantized_clipped


def test_limit_is_rounded_to_nearest_even():
    source = random.Random(3)
    for _ in range(300):
        gamma = float_of_bits(source.randint(0x3A000000, 0x3F800000))
        largest = float_of_bits(source.randint(1, 0x7F7FFFFF))
        limit = pot_reference.to_binary32(Fraction(gamma) * Fraction(largest))
        clipped = pc.prc_clip(torch.tensor([largest, -largest]), gamma).tolist()
        assert clipped == ([limit, -limit] if limit else [largest, -largest])


def test_only_what_exceeds_the_limit_is_clipped():
    x = torch.tensor([-4.0, -2.0, -1.0, 0.0, 1.999, 2.0, 2.001, 3.0])
    assert pc.prc_clip(x, 0.5).tolist() == torch.clamp(x, -2.0, 2.0).tolist()


def test_gamma_one_clips_nothing():
    x = torch.randn(1000)
    assert torch.equal(pc.prc_clip(x, 1.0), x)


def test_a_limit_of_zero_clips_nothing():
    x = torch.tensor([float_of_bits(1), -float_of_bits(1), 0.0])
    assert torch.equal(pc.prc_clip(x, 0.25), x)
    zeros = torch.zeros(3)
    assert torch.equal(pc.prc_clip(zeros, 0.5), zeros)


@pytest.mark.parametrize("gamma", [0.0, -0.5, 1.0000001, math.nan])
def test_gamma_outside_its_range_is_refused(gamma):
    with pytest.raises(ValueError, match="gamma"):
        pc.prc_clip(torch.ones(2), gamma)
    with pytest.raises(ValueError, match="gamma"):
        pc.Config(gamma=gamma)


def test_training_path_equals_clip_then_quantize():
    for scale in (1.0, 1e-38, 1e-42, 3e38):
        x = (torch.randn(500) / 5).clamp(-1, 1) * scale
        for gamma in (0.013, 0.7, 0.95, 1.0):
            codes, beta = pc.quantize_tensor(pc.prc_clip(x, gamma))
            (got, _, _), _ = quantized_clipped(x, gamma, 5, "log2", "x")
            assert got.tolist() == pc.dequantize(codes, 5, beta).tolist()


def test_nan_is_refused_by_name():
    with pytest.raises(ValueError, match="conv.A: element 0 "):
        pc.prc_clip(torch.tensor([math.nan]), 0.5, "conv.A")
