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


def test_gamma_is_a_buffer_of_every_layer_only_with_prc():
    with_prc = pc.quantize(network(), pc.Config(gamma=0.5))
    assert [float(g) for g in pc.gammas(with_prc)] == [0.5, 0.5]
    assert {"0.gamma", "3.gamma"} <= {n for n, _ in with_prc.named_buffers()}
    assert [n for n, _ in with_prc.named_parameters()] == [n for n, _ in network().named_parameters()]
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


def test_a_compiled_module_is_refused_and_nothing_changes():
    model = nn.Sequential(nn.Linear(2, 2), torch.jit.script(nn.Linear(2, 2)))
    with pytest.raises(TypeError, match="module '1' is compiled.*exclude it"):
        pc.quantize(model)
    assert type(model[0]) is nn.Linear
    pc.quantize(model, exclude=["1"])
    assert [layer.how.name for layer in pc.quantized_layers(model)] == ["0"]
    assert model(torch.ones(1, 2)).shape == (1, 2)
    model = nn.Sequential(nn.Linear(2, 2))
    model[0].weight = nn.Parameter(torch.ones(2, 2, dtype=torch.int8), requires_grad=False)
    with pytest.raises(ValueError, match="layer '0': weights are torch.int8"):
        pc.quantize(model)


def test_options_are_a_config_or_its_fields():
    assert pc.quantize(network(), bits=6)[0].how.bits == 6
    with pytest.raises(TypeError, match="not dict; or write its fields"):
        pc.quantize(network(), {"bits": 6})
    with pytest.raises(TypeError, match="not both: bits"):
        pc.quantize(network(), pc.Config(), bits=6)


def test_checkpoints_of_the_fp32_model_and_back():
    plain, model = network(), pc.quantize(network())
    model.load_state_dict(plain.state_dict())
    assert torch.equal(model[3].weight, plain[3].weight) and float(model[0].gamma) > 0.9
    with torch.no_grad():
        model[3].weight.zero_()
    plain.load_state_dict(pc.fp32_state_dict(model))
    assert not plain[3].weight.any()
    again = pc.quantize(network())
    with torch.no_grad():
        model[0].gamma.fill_(0.5)
    again.load_state_dict(model.state_dict())
    assert float(again[0].gamma) == 0.5


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.body(x))


def test_what_is_excluded_stays_as_it_is():
    x = torch.randn(3, 4)
    for exclude in (["body"], ["body.*"], [nn.Sequential]):
        model = Nested()
        expected = model.body(x)
        pc.quantize(model, exclude=exclude)
        assert [layer.how.name for layer in pc.quantized_layers(model)] == ["head"]
        assert torch.equal(model.body(x), expected)
    with pytest.raises(ValueError, match="no module 'tail'"):
        pc.quantize(Nested(), exclude=["tail"])
    with pytest.raises(TypeError, match="names and classes"):
        pc.quantize(Nested(), exclude=[3])


def test_a_model_with_nothing_to_quantize_is_refused():
    with pytest.raises(ValueError, match="no weights left to quantize"):
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


def test_nothing_is_warned_of_where_nothing_stays_fp32():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pc.quantize(network())
