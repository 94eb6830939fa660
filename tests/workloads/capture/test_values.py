"""Quantization from values to values: the C++ form and the PyTorch one give the same bits; stochastic
rounding is by its definition."""

import os
import subprocess
import sys
import warnings
from fractions import Fraction

import h5py
import pytest
import torch
from conftest import CAPTURE
from torch import nn
from torch.nn import functional

import potomac_capture as pc
from potomac_capture import native, values
from potomac_capture.quantizer import GRADIENT_ROUNDINGS, ROUNDINGS, random_bits
from potomac_capture.ratio_clipping import quantized_clipped
from potomac_capture.weight_bias import quantized_corrected

SCALES = (1.0, 1e-38, 1e38, 1e-44, 0.0)


def in_pytorch(monkeypatch, compute):
    with monkeypatch.context() as patch:
        patch.setattr(native, "library", lambda: None)
        return compute()


def bits_of(result):
    """Everything that must be the same: the bits, and the layout, in whose order sums go on."""
    if isinstance(result, torch.Tensor):
        return result.stride(), result.contiguous().view(torch.int32).tolist()
    return [bits_of(r) for r in result] if isinstance(result, tuple) else result


def views_of(x):
    return {
        "as it is": x,
        "transposed": x.transpose(0, 2),
        "with holes": x[:, ::2],
        "expanded": x.expand(2, *x.shape),
        "one element": x[:1, :1, :1],
        "a number": x[0, 0, 0],
    }


def clipped_parts(x, gamma, bits, rounding):
    powers, clipped = quantized_clipped(x, gamma, bits, rounding, "x")
    if clipped is None:
        return tuple(powers)
    return *powers, clipped.indices.tolist(), clipped.signs, clipped.largest


def test_there_is_a_compiled_form():
    assert native.library() is not None


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("bits", [3, 5, 8])
def test_both_forms_give_the_same_bits(scale, bits, monkeypatch):
    generator = torch.Generator().manual_seed(bits)
    x = torch.randn(7, 33, 5, generator=generator).clamp(-3, 3) * scale
    x[0, 0, 0], x[0, 1, 0] = 0.0, -0.0

    def expect_same(compute):
        assert bits_of(compute()) == bits_of(in_pytorch(monkeypatch, compute))

    for view in views_of(x).values():
        for rounding in GRADIENT_ROUNDINGS:
            expect_same(lambda: values.quantized_values(view, bits, rounding, "x", key=5))
        for rounding in ROUNDINGS:
            expect_same(lambda: tuple(quantized_corrected(view, bits, rounding, "x")))
            for gamma in (0.01, 0.7):
                expect_same(lambda: clipped_parts(view, gamma, bits, rounding))
        expect_same(lambda: pc.exact_mean(view))


@pytest.mark.parametrize("options", [{}, {"activation_terms": 2, "gradient_rounding": "stochastic"}])
def test_both_forms_train_alike(options, monkeypatch):
    def trained():
        torch.manual_seed(3)
        model = pc.quantize(
            nn.Sequential(nn.Conv2d(2, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 16, 3)),
            **options,
        )
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        for _ in range(5):
            optimizer.zero_grad()
            x, y = torch.randn(4, 2, 6, 6), torch.randint(3, (4,))
            functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        return tuple(p.detach() for p in model.parameters())

    assert bits_of(trained()) == bits_of(in_pytorch(monkeypatch, trained))


def test_threads_do_not_show():
    x = torch.randn(500_000)
    alone = torch.get_num_threads()
    results = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        results.append(
            [values.quantized_values(x, 5, r, "x", key=1) for r in GRADIENT_ROUNDINGS]
        )
    torch.set_num_threads(alone)
    for one, other in zip(*results):
        assert torch.equal(one, other)


@pytest.mark.parametrize("form", ["compiled", "pytorch"])
def test_what_cannot_be_quantized_is_refused_in_both_forms(form, monkeypatch):
    if form == "pytorch":
        monkeypatch.setattr(native, "library", lambda: None)
    bad = torch.ones(2, 3)
    bad[1, 2] = float("nan")
    for refused in (
        lambda: values.quantized_values(bad, 5, "log2", "conv.A"),
        lambda: quantized_corrected(bad, 5, "log2", "conv.A"),
        lambda: quantized_clipped(bad, 0.5, 5, "log2", "conv.A"),
    ):
        with pytest.raises(ValueError, match=r"conv\.A: element 5 "):
            refused()
    largest = torch.finfo(torch.float32).max
    with pytest.raises(ValueError, match="fc.W: element 2 .*: subtracting the tensor's mean"):
        spread = torch.tensor([-largest, -largest, largest, -largest])
        quantized_corrected(spread, 5, "log2", "fc.W")


def python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(CAPTURE / "src"), **environment},
    )  # fmt: skip


QUANTIZE = (
    "import torch, potomac_capture as pc; from potomac_capture import native\n"
    "y = pc.quantize(torch.nn.Linear(3, 2))(torch.ones(1, 3)); print(native.library())"
)


def test_without_the_package_potomac_it_runs_in_pytorch_and_says_so():
    done = python(QUANTIZE)
    assert done.stdout == "None\n" and done.stderr.count("UserWarning") == 1
    assert "POTOMAC_CAPTURE_NATIVE=0" in done.stderr


def test_pytorch_can_be_asked_for():
    done = python(QUANTIZE, POTOMAC_CAPTURE_NATIVE="0")
    assert (done.stdout, done.stderr) == ("None\n", "")


def test_a_library_in_the_cache_is_not_loaded(tmp_path):
    """It was, once: another user's folder could be named as the cache."""
    (tmp_path / "potomac-capture").mkdir()
    (tmp_path / "potomac-capture/quantizer-0123456789abcdef.so").write_text("planted")
    done = python(QUANTIZE, XDG_CACHE_HOME=str(tmp_path))
    assert done.stdout == "None\n"
    assert len(list(tmp_path.rglob("*"))) == 2


# --- stochastic rounding --------------------------------------------------------------------------


def test_random_bits_are_splitmix64s():
    """The numbers that the program of its author prints them for the state 1234567."""
    unsigned = [z % 2**64 for z in random_bits(1234567, 3).tolist()]
    assert unsigned == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_stochastic_codes_are_by_definition():
    """Element by element, in integers, from the random number of its index."""
    x = torch.randn(3000) * torch.logspace(-9, 0, 3000)
    bits, key = 5, 2**63 + 11
    codes, beta = pc.quantize_tensor(x, bits, "stochastic", key=key)
    got = pc.dequantize(codes, bits, beta)
    top = max(abs(Fraction(v)) for v in x.tolist())
    log2_of_top = next(n for n in range(-200, 200) if Fraction(2) ** n >= top)
    assert beta == log2_of_top - 7
    lowest = Fraction(2) ** (beta - 7)
    for value, random, result in zip(x.tolist(), random_bits(key, 3000).tolist(), got.tolist()):
        exact, share = abs(Fraction(value)), Fraction(random % 2**64, 2**64)
        if exact < lowest:
            expected = lowest if share < exact / lowest else Fraction(0)
        else:
            floor = next(lowest * 2**n for n in range(15) if exact < lowest * 2 ** (n + 1))
            # Up with the probability of the fraction, to the 23 bits that it has.
            steps = int(share * 2**23)
            expected = floor * 2 if exact / floor - 1 + Fraction(steps, 2**23) >= 1 else floor
        assert abs(Fraction(result)) == expected and (result == 0 or (result < 0) == (value < 0))


@pytest.mark.parametrize("value", [1.0, 1.3, 0.77, 1e-3, 3e-5])
def test_stochastic_rounding_is_unbiased(value):
    x = torch.full((100_001,), value)
    x[-1] = 1.5
    got = values.quantized_values(x, 5, "stochastic", "x", key=99)[:-1].double()
    assert len(set(got.tolist())) <= 2
    low, high = got.min().item(), got.max().item()
    error = ((high - value) * (value - low) / 100_000) ** 0.5
    assert abs(got.mean().item() - value) <= 6 * error + 1e-7 * value


def test_a_seed_makes_a_stochastic_step_reproducible():
    model = pc.quantize(nn.Linear(8, 4), gradient_rounding="stochastic")
    x, g = torch.randn(16, 8), torch.randn(16, 4)

    def gradient(seed):
        torch.manual_seed(seed)
        model.zero_grad()
        model(x).backward(g)
        return model.weight.grad.clone()

    assert torch.equal(gradient(1), gradient(1)) and not torch.equal(gradient(1), gradient(2))


def test_g_alone_is_rounded_by_chance():
    torch.manual_seed(0)
    model = pc.quantize(nn.Linear(8, 4), gradient_rounding="stochastic", prc=False)
    x = torch.randn(16, 8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(model(x), model(x))


# --- a sum of two powers --------------------------------------------------------------------------


def test_two_terms_are_the_power_and_the_power_of_the_rest():
    layer = pc.quantize(nn.Linear(5, 3), activation_terms=2, prc=False, wbc=False)
    a = torch.randn(7, 5)
    first = values.quantized_values(a, 5, "log2", "a")
    aq = first + values.quantized_values(a - first, 5, "log2", "a")
    assert (aq - a).abs().sum() < 0.5 * (first - a).abs().sum()
    wq = values.quantized_values(layer.weight, 5, "log2", "w")
    y = layer(a)
    assert torch.equal(y, functional.linear(aq, wq, layer.bias))
    g = torch.randn(7, 3)
    y.backward(g)
    gq = values.quantized_values(g, 5, "log2", "g")
    torch.testing.assert_close(layer.weight.grad, gq.t() @ aq)


@pytest.mark.parametrize("frozen", [False, True])
def test_the_trace_has_the_second_powers_products_by_themselves(frozen, tmp_path):
    model = nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 3))
    model[1].weight.requires_grad_(not frozen)
    pc.quantize(model, activation_terms=2, gradient_rounding="stochastic")
    seen = []
    model[1].register_forward_hook(lambda m, inputs, y: seen.append(inputs[0].detach()))
    with pc.capture(model, tmp_path / "t.h5", dataset="d", step=1, seed=2):
        model(torch.randn(7, 5)).square().sum().backward()
    with h5py.File(tmp_path / "t.h5") as trace:
        assert trace.attrs["gradient_rounding"] == b"stochastic"
        layers = trace["layers"]
        assert list(layers) == ["000-0", "001-0.second", "002-1", "003-1.second"]
        first, second = layers["002-1"], layers["003-1.second"]
        assert "term" not in first.attrs and second.attrs["term"] == 2
        assert first.attrs["input_grad"] == 1 and second.attrs["input_grad"] == 0
        assert first["W"][:].tolist() == second["W"][:].tolist()
        assert ("G" in second) != frozen
        if not frozen:
            assert first["G"][:].tolist() == second["G"][:].tolist()
        coded = [
            pc.dequantize(torch.from_numpy(layer["A"][:]), 5, int(layer["A"].attrs["beta"]))
            for layer in (first, second)
        ]
    clipped = pc.prc_clip(seen[0], model[1].gamma)
    assert (sum(coded) - clipped).abs().max() < 0.25 * clipped.abs().max()
    assert torch.equal(coded[0], values.quantized_values(clipped, 5, "log2", "a"))


def test_the_traced_g_is_that_of_the_step(tmp_path):
    model = pc.quantize(nn.Linear(6, 4), gradient_rounding="stochastic", wbc=False, prc=False)
    x, g = torch.randn(9, 6), torch.randn(9, 4)
    with pc.capture(model, tmp_path / "t.h5", dataset="d", step=1, seed=2):
        model(x).backward(g)
    with h5py.File(tmp_path / "t.h5") as trace:
        layer = trace["layers/000-linear"]
        w, a, g = (
            pc.dequantize(torch.from_numpy(layer[r][:]), 5, int(layer[r].attrs["beta"])) for r in "WAG"
        )
    assert torch.equal(model.weight.grad, g.t() @ a)


def test_gammas_gradient_is_that_of_what_is_clipped_whatever_the_terms():
    a = torch.tensor([[8.0, -8.0, 5.0]])
    gradients = []
    for terms in (1, 2):
        layer = pc.quantize(nn.Linear(3, 2, bias=False), activation_terms=terms, wbc=False, gamma=0.7)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor([[1.0, 2.0, 4.0], [0.5, 1.0, 2.0]]))
        layer(a.clone().requires_grad_()).backward(torch.ones(1, 2))
        gradients.append(layer.gamma.grad.item())
    assert gradients[0] == pytest.approx((1.5 - 3.0) * 8.0)
    assert gradients[1] == pytest.approx(gradients[0])


@pytest.mark.parametrize(
    "options", [{"activation_terms": 3}, {"gradient_rounding": "up"}, {"rounding": "stochastic"}]
)
def test_what_is_no_option_is_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        pc.Config(**options)
