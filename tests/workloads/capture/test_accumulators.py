"""Training with a machine's sums: each is the one that the simulator computes of the captured step."""

import copy
import json
import os
import warnings

import h5py
import numpy as np
import pytest
import torch
from torch import nn

import potomac
import potomac_capture as pc
from potomac_capture import accumulators, native

SEED = int(os.environ.get("POTOMAC_SUMS_SEED", "20261128"))
CASES = int(os.environ.get("POTOMAC_SUMS_CASES", "24"))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.into = nn.Linear(6, 8)
        self.heads = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        x = self.into(x)
        return self.heads(x, x, x)[0]


def convolutions(kind, channels, *options):
    layers = [kind(a, b, **o) for a, b, o in zip(channels, channels[1:], options)]
    return nn.Sequential(*[m for layer in layers for m in (layer, nn.ReLU())])


# Each kind of product, in the shapes that are hard to get right: (model, extents of its input).
MODELS = {
    "linear": lambda: (nn.Sequential(nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 5)), (6, 9)),
    "linear of three axes": lambda: (nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3)), (2, 3, 5)),
    "matmul": lambda: (Attention(), (2, 5, 6)),
    "conv1d": lambda: (convolutions(nn.Conv1d, (2, 4, 6), {"kernel_size": 3, "stride": 2, "padding": 1},
                                    {"kernel_size": 2, "groups": 2}), (2, 2, 9)),
    "conv2d": lambda: (convolutions(nn.Conv2d, (2, 4, 6, 6), {"kernel_size": 3, "padding": 1},
                                    {"kernel_size": 3, "stride": 2, "padding": 1, "groups": 2},
                                    {"kernel_size": (1, 3), "dilation": (1, 2), "groups": 6}), (2, 2, 9, 9)),
    "same": lambda: (convolutions(nn.Conv2d, (2, 4, 3), {"kernel_size": 2, "padding": "same"},
                                  {"kernel_size": 4, "padding": "same", "dilation": 1}), (2, 2, 5, 6)),
    "conv3d": lambda: (convolutions(nn.Conv3d, (2, 3, 4), {"kernel_size": 2, "padding": 1},
                                    {"kernel_size": 2, "stride": 2}), (2, 2, 3, 4, 4)),
    "transposed": lambda: (convolutions(nn.ConvTranspose2d, (4, 6, 4),
                                        {"kernel_size": 3, "stride": 2, "output_padding": 1, "groups": 2},
                                        {"kernel_size": 2, "padding": 1}), (2, 4, 3, 4)),
    "recurrent": lambda: (nn.LSTM(4, 5, batch_first=True), (2, 3, 4)),
}  # fmt: skip


def drawn_accumulator(random, first):
    bits = int(random.choice([14, 16, 20, 24, 28, 32, 40, 48]))
    # The last layer's G has six bits: its products reach 2^22.
    lowest = 22 - (bits - 2)
    rules = ["number"] + ["exact"] * (lowest <= -22) + ["auto"]
    rule = str(random.choice(rules))
    lsb = lowest + int(random.integers(0, 12)) if rule == "number" else rule
    overflow = str(random.choice(["wrap", "saturate"]))
    overrides = []
    if random.random() < 0.4:
        overrides = [
            {"pass": str(random.choice(accumulators.PASSES)), "lsb": lowest + 3},
            {"layer": f"{first}*", "overflow": "saturate"},
        ]
    return potomac.Accumulator(bits, lsb, overflow), overrides


def in_place(acc, shape, which, kind):
    """A pass's [groups, M, N] as the tensor that it is (docs/layers.md)."""
    if which == "backward-weight" or "conv" not in kind:
        return acc.reshape(shape)
    groups = acc.reshape(-1, *acc.shape[-2:])
    images = groups.reshape(len(groups), shape[0], *shape[2:], -1)
    return np.moveaxis(images, (0, -1), (1, 2)).reshape(shape)


def name_of(layer):
    """ "003-fc#2.second" is a use of "fc.second"."""
    name, _, use = layer.partition("-")[2].partition("#")
    return name + (".second" if use.endswith(".second") else "")


def results_of(model, step):
    """What every pass of a step returned: by layer as a trace calls it, and pass."""
    seen = {}
    run = accumulators.MachineSums.run

    def noting(self, layer, name, which, *rest):
        result = run(self, layer, name, which, *rest)
        seen.setdefault((name, which), []).append(result.clone())
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accumulators.MachineSums, "run", noting)
        step()
    return seen


@pytest.mark.parametrize("case", range(CASES))
def test_every_sum_is_the_simulators(case, tmp_path):
    random = np.random.default_rng([SEED, case])
    kind = list(MODELS)[case % len(MODELS)]
    torch.manual_seed(int(random.integers(2**31)))
    model, extents = MODELS[kind]()
    first = next((name for name, _ in model.named_children()), "")
    accumulator, overrides = drawn_accumulator(random, first)
    terms = int(random.choice([1, 1, 2]))
    where = f"POTOMAC_SUMS_SEED={SEED}, case {case}: {kind}, {accumulator}, {overrides}, {terms} terms"
    pc.quantize(
        model, accumulator=accumulator, overrides=overrides, activation_terms=terms,
        last_layer_grad_bits=6, gradient_rounding=str(random.choice(["log2", "stochastic"])),
    )  # fmt: skip
    x = torch.randn(extents)
    x[..., 0] = 0

    def step():
        with pc.capture(model, tmp_path / "t.h5", dataset="d", step=0, seed=case):
            y = model(x)
            y = y[0] if isinstance(y, tuple) else y
            (y * torch.randn(y.shape) * 10.0 ** int(random.integers(-3, 4))).sum().backward()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # many overflows, and what stays FP32
        seen = results_of(model, step)
    keys = {
        "pe.operand_bits": 8, "pe.accumulator.bits": accumulator.bits,
        "pe.accumulator.lsb": accumulator.lsb, "pe.accumulator.overflow": accumulator.overflow,
        "pe.accumulator.overrides": json.dumps(overrides),
        "array.dataflow": str(random.choice(["os", "ws", "is"])),
        "lowering.strided_backward_data": str(random.choice(["phases", "zero_insert"])),
    }  # fmt: skip
    result = potomac.run(tmp_path / "t.h5", set=keys, dump_outputs=tmp_path / "o.h5")
    compared = 0
    of_record = {(r["layer"], r["pass"]): r for r in result.passes.to_dict("records")}
    counts = pc.overflows(model)
    totals = {}
    with h5py.File(tmp_path / "o.h5") as dump, h5py.File(tmp_path / "t.h5") as trace:
        uses = {}
        for layer, passes in dump["gemms"].items():
            for which, group in passes.items():
                uses.setdefault((name_of(layer), which), []).append((layer, group))
        for (name, which), groups in uses.items():
            # Of what is used again, backward passes run in the opposite order.
            results = seen[name, which] if which == "forward" else seen[name, which][::-1]
            assert len(results) == len(groups), where
            for (layer, group), got in zip(groups, results):
                kind = trace["layers"][layer].attrs["kind"].decode()
                acc = in_place(group["acc"][:], got.shape, which, kind)
                scale = int(group["acc"].attrs["scale_exponent"])
                expected = np.ldexp(acc.astype(np.float64), scale).astype(np.float32)
                assert np.array_equal(got.numpy(), expected), f"{where}; {layer} {which}"
                record = of_record[layer, which]
                for count, column in (("overflows", "overflow"), ("overflowed", "overflowed_result"),
                                      ("dropped", "dropped_product")):  # fmt: skip
                    at = (name, which, count)
                    totals[at] = totals.get(at, 0) + record[f"mf_mac_actions_{column}"]
                compared += got.numel()
    assert compared > 0 and sum(map(len, seen.values())) == len(of_record), where
    for (name, which, count), total in totals.items():
        assert getattr(counts[name][which], count) == total, f"{where}; {name} {which} {count}"
