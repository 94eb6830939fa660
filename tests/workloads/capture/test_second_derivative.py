"""Gradients of gradients, beside a model in which autograd itself goes straight through the quantizer;
and gradients that are not finite."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import potomac
import potomac_capture as pc


class Through(torch.autograd.Function):
    """Values in place of others, as the identity."""

    @staticmethod
    def forward(ctx, x, values):
        return values

    @staticmethod
    def backward(ctx, g):
        return g, None


class OfGradient(torch.autograd.Function):
    """The identity, whose gradient is quantized."""

    @staticmethod
    def forward(ctx, y):
        return y.clone()

    @staticmethod
    def backward(ctx, g):
        return fake(g)


def fake(x):
    codes, beta = pc.quantize_tensor(x.detach())
    return Through.apply(x, pc.dequantize(codes, 5, beta))


def reference_operands(a, w, gamma, wbc):
    if gamma is not None:
        limit = (float(gamma) * a.detach().abs().max()).item()
        a = a.clamp(-limit, limit)
    if wbc:
        w = Through.apply(w - w.mean(), w.detach() - pc.exact_mean(w))
    return fake(a), fake(w)


class ReferenceLinear(nn.Linear):
    gamma, wbc = None, False

    def forward(self, x):
        a, w = reference_operands(x, self.weight, self.gamma, self.wbc)
        return OfGradient.apply(F.linear(a, w)) + self.bias


class ReferenceConv(nn.Conv2d):
    gamma, wbc = None, False

    def forward(self, x):
        a, w = reference_operands(x, self.weight, self.gamma, self.wbc)
        y = F.conv2d(a, w, None, self.stride, self.padding)
        return OfGradient.apply(y) + self.bias.view(-1, 1, 1)


def perceptron(linear):
    return nn.Sequential(linear(3, 16), nn.Tanh(), linear(16, 16), nn.Tanh(), linear(16, 1))


def convolutional(linear, conv):
    return nn.Sequential(
        conv(2, 4, 3, padding=1), nn.Softplus(), conv(4, 6, 3, stride=2), nn.Softplus(), nn.Flatten(),
        linear(24, 1),
    )  # fmt: skip


def pair(kind, **options):
    torch.manual_seed(7)
    if kind == "perceptron":
        model, reference = perceptron(nn.Linear), perceptron(ReferenceLinear)
    else:
        model = convolutional(nn.Linear, nn.Conv2d)
        reference = convolutional(ReferenceLinear, ReferenceConv)
    reference.load_state_dict(model.state_dict())
    pc.quantize(model, second_derivatives=True, gamma=0.8, **options)
    for layer in reference.modules():
        if isinstance(layer, (ReferenceLinear, ReferenceConv)):
            layer.gamma = 0.8 if options.get("prc", True) else None
            layer.wbc = options.get("wbc", True)
    shape = (16, 3) if kind == "perceptron" else (8, 2, 6, 6)
    return model, reference, torch.randn(shape)


def physics(model, x):
    """As of a differential equation: of the output's derivative alone, and with the output."""
    x = x.clone().requires_grad_()
    y = model(x)
    (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    return (slope.flatten(1)[:, 0] + y[:, 0]).square().mean() + y.square().mean(), x


def penalty(model, x):
    """As of a WGAN-GP's critic: the norm of the gradient, and no output in the loss."""
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean(), x


def meta(model, x):
    """As of MAML: a loss behind a step of gradient descent."""
    parameters = dict(model.named_parameters())
    inner = model(x).square().mean()
    gradients = torch.autograd.grad(inner, list(parameters.values()), create_graph=True)
    return sum((p - 0.1 * g).square().sum() for p, g in zip(parameters.values(), gradients)), x


@pytest.mark.parametrize("options", [{"wbc": False, "prc": False}, {"prc": False}, {}], ids=str)
@pytest.mark.parametrize("loss", [physics, penalty, meta])
@pytest.mark.parametrize("kind", ["perceptron", "convolutional"])
def test_second_derivatives_go_straight_through(kind, loss, options):
    model, reference, x = pair(kind, **options)
    results = []
    for one in (model, reference):
        value, inputs = loss(one, x)
        value.backward()
        results.append((value.detach(), [p.grad for p in one.parameters()]))
    torch.testing.assert_close(results[0][0], results[1][0], rtol=1e-4, atol=1e-6)
    for (name, _), got, expected in zip(model.named_parameters(), results[0][1], results[1][1]):
        if expected is None:
            assert got is None or not got.any(), name
            continue
        scale = expected.abs().max()
        torch.testing.assert_close(got / scale, expected / scale, rtol=1e-3, atol=1e-4, msg=name)
    assert any(g is not None and g.any() for g in results[0][1])


def test_with_the_sums_of_a_machine_they_are_the_same():
    gradients = []
    for accumulator in (None, potomac.Accumulator(48)):
        model, _, x = pair("perceptron", accumulator=accumulator)
        value, _ = physics(model, x)
        value.backward()
        gradients.append([p.grad for p in model.parameters()])
    for plain, machines in zip(*gradients):
        torch.testing.assert_close(plain, machines, rtol=1e-3, atol=1e-5)


def test_a_first_derivative_is_what_it_is_without():
    gradients = []
    for second in (False, True):
        torch.manual_seed(7)
        model = pc.quantize(perceptron(nn.Linear), second_derivatives=second)
        model(torch.ones(4, 3)).square().sum().backward()
        gradients.append([p.grad for p in model.parameters()])
    for plain, other in zip(*gradients):
        assert torch.equal(plain, other)


def test_a_third_derivative_is_refused():
    model, _, x = pair("perceptron")
    value, inputs = physics(model, x)
    (second,) = torch.autograd.grad(value, inputs, create_graph=True)
    with pytest.raises(ValueError, match=r"layer '\d': its third derivatives are asked for"):
        second.square().sum().backward()


def test_capture_of_a_step_with_them_says_why_not(tmp_path):
    model, _, x = pair("perceptron")
    with pytest.raises(pc.CaptureError, match="more than one backward for one forward"):
        with pc.capture(model, tmp_path / "t.h5", dataset="random", step=0, seed=0):
            physics(model, x)[0].backward()
    assert list(tmp_path.iterdir()) == []


# --- gradients that are not finite --------------------------------------------------------


@pytest.mark.parametrize("accumulator", [None, potomac.Accumulator(48)], ids=["fp32", "machine"])
def test_a_scale_that_is_too_large_shows_in_the_gradients(accumulator):
    """What a GradScaler does: scale, look for what is not finite, skip, and halve."""
    torch.manual_seed(0)
    model = pc.quantize(perceptron(nn.Linear), nonfinite_gradients="pass", accumulator=accumulator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = [p.detach().clone() for p in model.parameters()]
    scale, skipped, x = 2.0**140, 0, torch.randn(16, 3)
    for _ in range(40):
        optimizer.zero_grad()
        (model(x).square().mean() * torch.tensor(scale, dtype=torch.float64).float()).backward()
        gradients = [p.grad for p in model.parameters()]
        if not all(g.isfinite().all() for g in gradients):
            assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before))
            skipped, scale = skipped + 1, scale / 2
            continue
        for gradient in gradients:
            gradient /= scale
        optimizer.step()
        break
    assert 10 < skipped < 40
    assert not any(torch.equal(p, q) for p, q in zip(list(model.parameters())[:-1], before))


def test_without_the_option_it_is_refused_in_a_line_that_names_it():
    model = pc.quantize(nn.Linear(2, 2))
    with pytest.raises(ValueError, match=r"G: element 0 .* inf; .*nonfinite_gradients='pass'") as error:
        model(torch.ones(1, 2)).backward(torch.tensor([[float("inf"), 0.0]]))
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="nonfinite_gradients is refuse or pass, not 'yes'"):
        pc.Config(nonfinite_gradients="yes")
