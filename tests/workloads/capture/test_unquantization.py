"""unquantize: a plain model again, its weights those that were multiplied."""

import copy
import io

import pytest
import torch
import torch.fx
from torch import nn

import potomac_capture as pc


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.loose = nn.Parameter(torch.randn(5, 4))

    def forward(self, x):
        x = self.norm(self.conv(x)).flatten(2).transpose(1, 2)
        x = self.attention(x, x, x)[0]
        return torch.relu(x @ self.loose.t())


def test_it_is_a_plain_model_with_the_weights_that_were_multiplied():
    torch.manual_seed(1)
    model = Net()
    classes = [type(m) for m in model.modules()]
    x = torch.randn(2, 1, 6, 6)
    # Without PRC and of 8 bits, only the rounding of activations tells the two apart.
    pc.quantize(model, prc=False)
    names = [name for name, _ in model.named_parameters()]
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    statistics = model.norm.running_mean.clone()
    assert pc.unquantize(model, x) is model
    assert [type(m) for m in model.modules()] == classes
    assert not any("how" in m.__dict__ for m in model.modules()) and model.training
    assert torch.equal(model.norm.running_mean, statistics)
    assert [name for name, _ in model.named_parameters()] == [n for n in names if "gamma" not in n]
    for name in ("conv.weight", "attention.in_proj_weight", "attention.out_proj.weight", "loose"):
        weight = dict(model.named_parameters())[name].detach()
        codes, beta = pc.quantize_tensor(pc.weight_bias_correction(before[name], "W"), 5, "log2", "W")
        assert torch.equal(weight, pc.dequantize(codes, 5, beta)), name
    assert torch.equal(model.conv.bias, before["conv.bias"])


def test_without_inputs_weights_are_what_was_trained():
    model = pc.quantize(nn.Sequential(nn.Linear(4, 3), nn.utils.spectral_norm(nn.Linear(3, 3))))
    before = model[0].weight.detach().clone()
    pc.unquantize(model)
    assert torch.equal(model[0].weight, before) and not list(pc.gammas(model))
    hooks = model[1]._forward_pre_hooks.values()
    assert [type(hook).__name__ for hook in hooks] == ["SpectralNorm"]
    nn.utils.remove_spectral_norm(model[1])
    pc.quantize(model)


def test_exporters_take_it():
    x = torch.randn(2, 4)
    model = pc.unquantize(pc.quantize(nn.Sequential(nn.Linear(4, 3), nn.ReLU())), x)
    traced = torch.jit.trace(model, x)
    assert torch.equal(traced(x), model(x)) and torch.equal(torch.jit.script(model)(x), model(x))
    file = io.BytesIO()
    torch.onnx.export(model, x, file)
    assert len(file.getvalue()) > 100


def test_what_cannot_be_taken_back_is_a_line():
    with pytest.raises(ValueError, match="the model is not quantized"):
        pc.unquantize(nn.Linear(2, 2))

    half = pc.quantize(nn.Linear(2, 2)).bfloat16()
    with pytest.raises(ValueError, match="call model.float"):
        pc.unquantize(half, torch.randn(1, 2).bfloat16())

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.randn(4, 4))

        def forward(self, x):
            return nn.functional.linear(x, self.w) + nn.functional.linear(x, self.w[:2]).sum()

    model = pc.quantize(Twice())
    with pytest.raises(ValueError, match="rounded in more ways than one; leave out inputs"):
        pc.unquantize(model, torch.randn(3, 4))
    assert pc.unquantize(model) is model


@pytest.mark.parametrize("export", [
    lambda model, x: torch.jit.trace(model, x),
    lambda model, x: torch.jit.script(model),
    lambda model, x: torch.onnx.export(model, x, io.BytesIO()),
], ids=["trace", "script", "onnx"])  # fmt: skip
def test_an_export_of_a_quantized_model_says_what_to_do(export):
    model, x = pc.quantize(nn.Sequential(nn.Linear(4, 3))), torch.randn(2, 4)
    with pytest.raises(TypeError, match=r"no TorchScript and no ONNX; export what unquantize\("):
        export(model, x)
    with pytest.raises(ValueError, match="layer '0', A"):
        model(torch.full((1, 4), float("nan")))  # nothing was left behind
    export(pc.unquantize(copy.deepcopy(model), x), x)


def test_functorch_is_refused_before_anything_runs():
    import functorch

    model = pc.quantize(nn.Linear(4, 3))
    with pytest.raises(RuntimeError, match="do not support the use of autograd.Function"):
        functorch.vmap(model)(torch.randn(2, 4))
    assert model(torch.randn(2, 4)).shape == (2, 3)


def test_a_graph_of_fx_is_quantized_as_its_module_is():
    plain = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    graph, x = torch.fx.symbolic_trace(copy.deepcopy(plain)), torch.randn(5, 4)
    assert torch.equal(pc.quantize(graph)(x), pc.quantize(plain)(x))
