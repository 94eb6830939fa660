"""quantize(model): what it changes, what it leaves, what it refuses."""

import copy
import io
import warnings

import pytest
import torch
from torch import nn

import potomac_capture as pc


def network():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6 * 6, 3)
    )


def test_layers_keep_their_identity_parameters_and_hooks():
    model = network()
    conv, weight = model[0], model[0].weight
    seen = []
    conv.register_forward_hook(lambda *_: seen.append("hook"))
    assert pc.quantize(model) is model
    assert model[0] is conv and conv.weight is weight
    assert isinstance(conv, nn.Conv2d) and isinstance(model[3], nn.Linear)
    model(torch.randn(2, 1, 8, 8))
    assert seen == ["hook"]


def test_gamma_is_a_parameter_of_every_layer_only_with_prc():
    with_prc = pc.quantize(network(), pc.Config(gamma=0.5))
    assert [float(g) for g in pc.gammas(with_prc)] == [0.5, 0.5]
    assert {"0.gamma", "3.gamma"} <= {n for n, _ in with_prc.named_parameters()}
    without = pc.quantize(network(), pc.Config(prc=False))
    assert pc.gammas(without) == []
    assert set(without.state_dict()) == set(network().state_dict())


def test_a_quantized_model_can_be_copied_saved_and_printed():
    model = pc.quantize(network(), pc.Config(last_layer_grad_bits=6))
    x = torch.randn(2, 1, 8, 8)
    assert torch.equal(copy.deepcopy(model)(x), model(x))
    buffer = io.BytesIO()
    torch.save(model, buffer)
    buffer.seek(0)
    assert torch.equal(torch.load(buffer)(x), model(x))
    assert "bits=5, gradient_bits=6, rounding=log2, wbc=True, prc=True" in str(model)


def test_a_model_that_is_one_layer():
    layer = nn.Linear(3, 2)
    assert pc.quantize(layer) is layer
    with pytest.raises(ValueError, match="layer 'linear', A"):
        layer(torch.full((1, 3), float("nan")))


def test_last_layer_can_be_named():
    model = network()
    pc.quantize(model, pc.Config(last_layer="0", last_layer_grad_bits=6))
    assert model[0].how.gradient_bits == 6 and model[3].how.gradient_bits == 5


@pytest.mark.parametrize(
    "bad, message",
    [
        (
            nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"),
            "padding_mode='reflect'",
        ),
        (nn.Conv2d(1, 1, 4, padding="same"), "pads unevenly"),
        (nn.Linear(2, 2).double(), "float64"),
    ],
)
def test_layers_that_a_trace_cannot_hold_are_refused_and_nothing_changes(bad, message):
    model = nn.Sequential(nn.Linear(2, 2), bad)
    with pytest.raises(ValueError, match=f"layer '1'.*{message}"):
        pc.quantize(model)
    assert type(model[0]) is nn.Linear


def test_a_model_with_nothing_to_quantize_is_refused():
    with pytest.raises(ValueError, match="nothing|no nn.Linear"):
        pc.quantize(nn.ReLU())
    model = pc.quantize(network())
    with pytest.raises(ValueError, match="left to quantize"):
        pc.quantize(model)


def test_an_unknown_last_layer_is_refused():
    with pytest.raises(ValueError, match="last_layer 'head'.*: 0, 3"):
        pc.quantize(network(), pc.Config(last_layer="head"))


@pytest.mark.parametrize(
    "options", [{"bits": 2}, {"last_layer_grad_bits": 9}, {"rounding": "up"}]
)
def test_impossible_configurations_are_refused(options):
    with pytest.raises(ValueError):
        pc.Config(**options)


def test_layers_that_stay_fp32_are_named():
    class OwnLinear(nn.Linear):
        pass

    model = nn.Sequential(nn.Linear(2, 2), OwnLinear(2, 2), nn.LSTM(2, 2))
    with pytest.warns(UserWarning, match=r"1 \(OwnLinear\), 2 \(LSTM\)"):
        pc.quantize(model)
    assert type(model[1]) is OwnLinear
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pc.quantize(network())
