"""Training with a machine's sums: each is the one that the simulator computes of the captured step."""

import copy
import json
import os
import signal
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
    for entry in result.report["passes"]:
        of_machine, trained = entry["machines"]["mf_mac"]["accumulator"], entry["trained_with"]
        assert {key: trained[key] for key in of_machine} == of_machine, f"{where}; {entry['layer']}"
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


# --- what training is told -------------------------------------------------------------------------


def paper():
    return potomac.Accumulator()  # 32 bits, exact, wrap


def one_line(call, *parts):
    with pytest.raises(ValueError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message and all(part in message for part in parts), message


def perceptron(seed=1):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 4))


def test_overflows_are_counted_warned_of_once_and_forgotten():
    model = pc.quantize(perceptron(), accumulator=paper(), wbc=False, prc=False)
    with torch.no_grad():
        model[0].weight.fill_(1.0)
    x = torch.ones(8, 64)  # 64 largest products of one sign: eight are too many
    with pytest.warns(UserWarning, match="layer '0', forward: 100% of the results overflowed"):
        model(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(x).sum().backward()
    counts = potomac.overflows(model, reset=True)["0"]["forward"]
    assert counts.results == counts.overflowed == 2 * 8 * 16
    assert counts.overflows == 2 * 8 * 16 * 4 and counts.dropped == 0  # 64 * 2^28 is 4 turns
    assert counts.macs == counts.products == 2 * 8 * 16 * 64
    assert (counts.bits, counts.lsb, counts.overflow) == (32, -14, "wrap")
    assert pc.overflows(model) == {}


def test_dropped_products_are_counted_by_pass():
    drop_all = [{"pass": "backward-weight", "bits": 16, "lsb": 15}]
    model = pc.quantize(perceptron(), accumulator=paper(), overrides=drop_all)
    model(torch.randn(8, 64)).square().sum().backward()
    assert not model[0].weight.grad.any()
    for passes in pc.overflows(model).values():
        counts = passes["backward-weight"]
        assert counts.dropped == counts.products > 0
        assert passes["forward"].dropped == 0


def test_auto_never_overflows_and_wraps_or_clamps_alike():
    results = []
    for rule in ("wrap", "saturate"):
        model = pc.quantize(perceptron(), accumulator=potomac.Accumulator(16, "auto", rule))
        model(torch.ones(8, 64)).square().sum().backward()
        counts = [c for passes in pc.overflows(model).values() for c in passes.values()]
        assert sum(c.overflows + c.overflowed for c in counts) == 0
        results.append([p.grad for p in model.parameters() if p.grad is not None])
    assert all(torch.equal(*pair) for pair in zip(*results))


def test_a_copied_and_a_stored_model_count_for_themselves(tmp_path):
    model = pc.quantize(perceptron(), accumulator=potomac.Accumulator(20, 4))
    x = torch.randn(8, 64)
    expected = model(x)
    torch.save(model, tmp_path / "m.pt")
    for again in (copy.deepcopy(model), torch.load(tmp_path / "m.pt")):
        assert torch.equal(again(x), expected)
        assert pc.overflows(again)["0"]["forward"].results == 2 * 8 * 16
    assert pc.overflows(model)["0"]["forward"].results == 8 * 16


@pytest.mark.parametrize("scale", [1.0, 2.0**-70, 2.0**-75])
def test_results_are_rounded_once(scale):
    """Sums of powers of two with more bits than a float32 has, and subnormal ones."""
    layer = nn.Linear(3, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[2.0**7, 2.0**-5, 2.0**-7]]) * scale)
    pc.quantize(layer, accumulator=potomac.Accumulator(48), wbc=False, prc=False)
    a = torch.tensor([[2.0**7, 2.0**-5, 2.0**-7], [2.0**7, 2.0**-5, -(2.0**-7)]]) * scale
    exact = (layer.weight.detach().double() * a.double()).sum(1, keepdim=True)
    assert torch.equal(layer(a).detach(), exact.float())


def test_a_result_beyond_float32_names_its_layer():
    layer = nn.Sequential(nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        layer[0].weight.fill_(2.0**100)
    pc.quantize(layer, accumulator=paper(), wbc=False, prc=False)
    one_line(lambda: layer(torch.full((1, 2), 2.0**100)), "layer '0', forward", "FP32's range")


def test_what_cannot_be_is_said_in_a_line_before_anything_has_changed(monkeypatch):
    model = perceptron()

    def refused(*parts, **options):
        one_line(lambda: pc.quantize(model, **options), *parts)
        assert type(model) is nn.Sequential and not hasattr(model[0], "how")

    refused("layer 0", "12 bits", "set pe.accumulator.bits to 30", accumulator=potomac.Accumulator(12))
    refused("layer 2", "46", accumulator=paper(), last_layer_grad_bits=6)
    refused("give potomac.Accumulator", accumulator=32)
    refused("overflow", accumulator=potomac.Accumulator(overflow="trap"))
    refused("lsbs", accumulator=paper(), overrides=[{"layer": "0", "lsbs": 3}])
    refused("changes nothing", accumulator=paper(), overrides=[{"layer": "0"}])
    refused("40 bits are more", accumulator=paper(), overrides=[{"layer": "0", "bits": 40}])
    refused("give accumulator", overrides=[{"layer": "0", "lsb": 3}])
    elsewhere = nn.Linear(3, 2, device="meta")
    one_line(lambda: pc.quantize(elsewhere, accumulator=paper()), "meta", "model.cpu()")
    monkeypatch.setattr(native, "library", lambda: None)
    refused("compiled core", accumulator=paper())
    pc.quantize(model)
    one_line(lambda: pc.overflows(model), "give quantize() one")


def test_a_tensor_of_another_device_is_said_in_a_line():
    layer = pc.quantize(nn.Linear(3, 2), accumulator=paper(), wbc=False, prc=False)
    one_line(lambda: layer.to("meta")(torch.empty(1, 3, device="meta")), "CPU")


def test_a_forked_process_sums_with_threads_of_its_own():
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        model = pc.quantize(perceptron(), accumulator=potomac.Accumulator(20, 4))
        x = torch.randn(64, 64)
        expected = model(x).detach()
        child = os.fork()
        if child == 0:
            signal.alarm(20)  # rather than wait for threads that are not there
            torch.set_num_threads(1)
            os._exit(0 if torch.equal(model(x), expected) else 1)
        assert os.waitpid(child, 0)[1] == 0
    finally:
        torch.set_num_threads(threads)
