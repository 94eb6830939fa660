"""inspect: what it says is what a captured step has."""

import warnings

import h5py
import potomac
import pytest
import torch
from test_accumulators import MODELS
from torch import nn

import potomac_capture as pc

PASSES = ("forward", "backward-data", "backward-weight")


@pytest.mark.parametrize("kind", MODELS)
def test_it_is_what_is_captured(kind, tmp_path):
    torch.manual_seed(1)
    model, extents = MODELS[kind]()
    x = torch.randn(extents)
    classes = [type(module) for module in model.modules()]
    seen = pc.inspect(model, x)
    assert [type(module) for module in model.modules()] == classes
    assert not any("how" in module.__dict__ for module in model.modules())
    path = tmp_path / "t.h5"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what stays FP32
        with pc.capture(pc.quantize(model), path, dataset="d", step=0, seed=0):
            y = model(x)
            (y[0] if isinstance(y, tuple) else y).sum().backward()
    macs = potomac.run(path, engine="count").passes.set_index(["layer", "pass"])["mf_mac_macs"]
    with h5py.File(path) as trace:
        assert [p.name for p in seen.products] == [n.split("-", 1)[1] for n in trace["layers"]]
        for product, (name, layer) in zip(seen.products, trace["layers"].items()):
            assert product.kind == layer.attrs["kind"].decode()
            assert (product.w, product.a, product.g) == tuple(layer[role].shape for role in "WAG")
            passes = [which for which in PASSES if (name, which) in macs]
            assert product.step_macs == len(passes) * product.forward_macs
            if "transpose" not in product.kind:  # whose forward has phases
                assert product.forward_macs == macs[name, "forward"]
        left = [(part.name, part.kind) for part in seen.left_out]
        parts = trace["not_included"].values() if "not_included" in trace else ()
        assert left == [(p.attrs["name"].decode(), p.attrs["kind"].decode()) for p in parts]


def test_what_is_excluded_or_not_seen_is_named_and_totals_are_sums():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.third = (nn.Linear(8, 8) for _ in range(3))

        def forward(self, x):
            return torch.cdist(self.second(self.first(x)), self.third(x))

    seen = pc.inspect(Model(), torch.randn(5, 8), exclude=["second"])
    assert [p.name for p in seen.products] == ["first", "third"]
    assert seen.forward_macs == 2 * 5 * 8 * 8 and seen.step_macs == 2 * 2 * 5 * 8 * 8
    assert [(p.name, p.kind) for p in seen.left_out] == [("second", "Linear"), ("Model", "_cdist_forward")]
    text = str(seen).splitlines()
    assert text[0].split() == ["product", "kind", "W", "A", "G", "forward", "MACs", "step", "MACs"]
    assert text[-3].split() == ["total", "640", "1,280"]
    assert text[-1] == (
        "stays FP32: Model (_cdist_forward), FP32: not intercepted; 1 product of 200 MACs, [5, 8] x [5, 8]"
    )


def test_a_model_on_the_meta_device_takes_no_memory():
    model = nn.Linear(1 << 20, 1 << 20, device="meta")
    assert pc.inspect(model, torch.empty(2, 1 << 20, device="meta")).forward_macs == 1 << 41


def test_bad_input_is_a_line():
    model = pc.quantize(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="the model is quantized; inspect the model before"):
        pc.inspect(model, torch.randn(1, 2))
    with pytest.raises(ValueError, match="exclude: the model has no module 'fc'"):
        pc.inspect(nn.Linear(2, 2), torch.randn(1, 2), exclude=["fc"])
