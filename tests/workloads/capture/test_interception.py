"""Products wherever a model makes them: outputs and gradients against plain autograd on
quantized values, written out a second time."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

import potomac_capture as pc


class _Straight(torch.autograd.Function):
    """Q forward, nothing backward; or the other way round."""

    @staticmethod
    def forward(ctx, x, direction):
        ctx.direction = direction
        return quantized(x) if direction == "forward" else x.clone()

    @staticmethod
    def backward(ctx, g):
        return quantized(g) if ctx.direction == "backward" else g, None


def quantized(x):
    codes, beta = pc.quantize_tensor(x.detach().contiguous())
    return pc.dequantize(codes, 5, beta)


def q(x):
    return _Straight.apply(x, "forward")


def g(y):
    return _Straight.apply(y, "backward")


def linear(a, w, bias=None):
    y = g(functional.linear(q(a), q(w)))
    return y if bias is None else y + bias


def bmm(a, w):
    return g(torch.matmul(q(a), q(w)))


def plain(model, **options):
    return pc.quantize(model, wbc=False, prc=False, **options)


def same(model, reference, *inputs):
    """Outputs and all gradients of the quantized model and of the reference."""
    results = []
    for function in (model, reference):
        for p in model.parameters():
            p.grad = None
        leaves = [x.detach().clone().requires_grad_() for x in inputs]
        y = function(*leaves)
        torch.manual_seed(4)
        y.backward(torch.randn(y.shape))
        results.append([y, *(x.grad for x in leaves), *(p.grad for p in model.parameters())])
    for got, expected in zip(*results):
        assert (got is None) == (expected is None)
        if got is not None:
            torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


class Functional(nn.Module):
    """A module whose forward is a function of its input and its weight."""

    def __init__(self, function, *shape):
        super().__init__()
        self.w = nn.Parameter(torch.randn(*shape))
        self.function = function

    def forward(self, x):
        return self.function(x, self.w)


@pytest.mark.parametrize(
    "function, shape",
    [
        (lambda x, w: functional.linear(x, w), (7, 6)),
        (lambda x, w: x @ w.t(), (7, 6)),
        (lambda x, w: torch.matmul(x, w.t()), (7, 6)),
        (lambda x, w: x.matmul(w.t()), (7, 6)),
        (lambda x, w: torch.einsum("bti,oi->bto", x, w), (7, 6)),
        (lambda x, w: (w @ x.transpose(1, 2)).transpose(1, 2), (7, 6)),
        (lambda x, w: torch.mm(x.reshape(-1, 6), w.t()).view(2, 5, 7), (7, 6)),
        (lambda x, w: torch.addmm(torch.zeros(7), x.reshape(-1, 6), w.t()).view(2, 5, 7), (7, 6)),
    ],
    ids=["linear", "@", "matmul", "method", "einsum", "W@x", "mm", "addmm"],
)
def test_every_way_to_multiply_by_weights_is_one_product(function, shape):
    model = plain(Functional(function, *shape))
    same(model, lambda x: linear(x, model.w), torch.randn(2, 5, 6))


@pytest.mark.parametrize(
    "function, reference",
    [
        (lambda a, b: a @ b.transpose(1, 2), lambda a, b: bmm(a, b.transpose(1, 2))),
        (lambda a, b: torch.bmm(a, b.transpose(1, 2)), lambda a, b: bmm(a, b.transpose(1, 2))),
        (lambda a, b: torch.einsum("bid,bjd->bij", a, b),
         lambda a, b: bmm(a, b.transpose(1, 2))),
        (lambda a, b: torch.einsum("bid,bjd->jbi", a, b),
         lambda a, b: bmm(a, b.transpose(1, 2)).permute(2, 0, 1)),
        (lambda a, b: a @ b[0].t(), lambda a, b: bmm(a, b[0].t())),
        (lambda a, b: a @ b[:, 0, :, None], lambda a, b: bmm(a, b[:, 0, :, None])),
        (lambda a, b: a[0, 0] @ b.transpose(1, 2),
         lambda a, b: bmm(a[0, :1], b.transpose(1, 2))[:, 0]),
        (lambda a, b: a @ b[0, 0], lambda a, b: bmm(a, b[0, 0, :, None])[..., 0]),
        (lambda a, b: a[:, None] @ b[None].transpose(2, 3),
         lambda a, b: bmm(a[:, None], b[None].transpose(2, 3))),
        (lambda a, b: torch.baddbmm(a @ b.transpose(1, 2), a, b.transpose(1, 2), beta=2, alpha=3),
         lambda a, b: 2 * bmm(a, b.transpose(1, 2)) + 3 * bmm(a, b.transpose(1, 2))),
    ],
    ids=["@", "bmm", "einsum", "permuted", "2d", "vectors", "1d@", "@1d", "broadcast", "baddbmm"],
)  # fmt: skip
def test_every_way_to_multiply_two_tensors_is_one_product(function, reference):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.unused = nn.Linear(1, 1)

        def forward(self, a, b):
            return function(a, b)

    same(plain(Model()), reference, torch.randn(3, 5, 4), torch.randn(3, 6, 4))


@pytest.mark.parametrize("bias", [True, False])
def test_convolutions_of_one_axis_and_transposed_ones(bias):
    conv = plain(nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2, bias=bias))
    same(conv, lambda x: with_bias(conv, g(functional.conv1d(
        q(x), q(conv.weight), None, 2, 1, 1, 2))), torch.randn(2, 4, 9))  # fmt: skip
    up = plain(nn.ConvTranspose2d(4, 6, (3, 2), (2, 1), (1, 0), (1, 0), 2, bias, (1, 2)))
    same(up, lambda x: with_bias(up, g(functional.conv_transpose2d(
        q(x), q(up.weight), None, (2, 1), (1, 0), (1, 0), 2, (1, 2)))),
        torch.randn(2, 4, 5, 6))  # fmt: skip
    up1 = plain(nn.ConvTranspose1d(4, 3, 4, stride=2, padding=1, bias=bias))
    same(up1, lambda x: with_bias(up1, g(functional.conv_transpose1d(
        q(x), q(up1.weight), None, 2, 1))), torch.randn(2, 4, 5))  # fmt: skip


def test_convolutions_of_three_axes():
    conv = plain(nn.Conv3d(2, 4, (1, 2, 3), (2, 1, 1), (0, 1, 2), groups=2))
    same(conv, lambda x: with_bias(conv, g(functional.conv3d(
        q(x), q(conv.weight), None, (2, 1, 1), (0, 1, 2), 1, 2))),
        torch.randn(2, 2, 4, 5, 6))  # fmt: skip
    even = plain(nn.Conv3d(2, 3, (2, 1, 4), padding="same"))
    same(even, lambda x: with_bias(even, g(functional.conv3d(
        q(x), q(even.weight), padding="same"))), torch.randn(1, 2, 4, 3, 6))  # fmt: skip
    up = plain(nn.ConvTranspose3d(2, 3, 3, (1, 2, 2), 1, (0, 1, 1)))
    same(up, lambda x: with_bias(up, g(functional.conv_transpose3d(
        q(x), q(up.weight), None, (1, 2, 2), 1, (0, 1, 1)))), torch.randn(2, 2, 3, 4, 5))  # fmt: skip


def with_bias(layer, y):
    if layer.bias is None:
        return y
    return y + layer.bias.view(1, -1, *[1] * (y.dim() - 2))


def test_uneven_same_padding_and_other_padding_modes():
    conv = plain(nn.Conv2d(2, 3, (4, 3), padding="same"))
    same(conv, lambda x: with_bias(conv, g(functional.conv2d(
        q(x), q(conv.weight), padding="same"))), torch.randn(2, 2, 6, 7))  # fmt: skip
    reflect = plain(nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"))
    same(reflect, lambda x: with_bias(reflect, g(functional.conv2d(
        q(functional.pad(x, (1, 1, 1, 1), mode="reflect")), q(reflect.weight)))),
        torch.randn(2, 2, 6, 7))  # fmt: skip


def test_bilinear():
    layer = plain(nn.Bilinear(3, 4, 5))

    def reference(x, z):
        part = linear(x, layer.weight.permute(0, 2, 1).reshape(20, 3)).view(-1, 5, 4)
        return bmm(part, z[:, :, None])[..., 0] + layer.bias

    same(layer, reference, torch.randn(6, 3), torch.randn(6, 4))


def attention(layer, query, key, value, mask=None):
    """nn.MultiheadAttention, batch first, written out."""
    e, h = layer.embed_dim, layer.num_heads
    if torch.equal(query, key) and torch.equal(key, value):
        parts = linear(query, layer.in_proj_weight, layer.in_proj_bias).chunk(3, -1)
    else:  # key and value are the same
        kv = linear(key, layer.in_proj_weight[e:], layer.in_proj_bias[e:])
        parts = linear(query, layer.in_proj_weight[:e], layer.in_proj_bias[:e]), *kv.chunk(2, -1)
    heads = [p.unflatten(-1, (h, e // h)).transpose(1, 2) for p in parts]
    scores = bmm(heads[0] * (e // h) ** -0.5, heads[1].transpose(-1, -2))
    scores = scores if mask is None else scores + mask
    mixed = bmm(scores.softmax(-1), heads[2]).transpose(1, 2).flatten(2)
    return linear(mixed, layer.out_proj.weight, layer.out_proj.bias)


@pytest.mark.parametrize("training", [True, False])
def test_multi_head_attention(training):
    layer = plain(nn.MultiheadAttention(12, 3, batch_first=True)).train(training)
    x, memory = torch.randn(2, 5, 12), torch.randn(2, 7, 12)
    mask = torch.full((5, 5), float("-inf")).triu(1)
    for weights in (True, False):
        same_attention(layer, lambda a: layer(a, a, a, need_weights=weights)[0],
                       lambda a: attention(layer, a, a, a), x)  # fmt: skip
    same_attention(layer, lambda a: layer(a, a, a, attn_mask=mask)[0],
                   lambda a: attention(layer, a, a, a, mask), x)  # fmt: skip
    same_attention(layer, lambda a, m: layer(a, m, m)[0],
                   lambda a, m: attention(layer, a, m, m), x, memory)  # fmt: skip


def same_attention(layer, function, reference, *inputs):
    class Called(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, *args):
            return function(*args)

    same(Called(), reference, *inputs)


def test_a_transformer_takes_no_path_around_the_quantizer():
    """In eval and under no_grad PyTorch would fuse it."""
    for layer in (
        nn.TransformerEncoderLayer(16, 2, 24, 0.0, batch_first=True),
        nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 24, 0.0, batch_first=True), 2),
    ):
        model = plain(copy.deepcopy(layer)).eval()
        layer.eval()
        x = torch.randn(3, 6, 16)
        with torch.no_grad():
            fused, exact = model(x), layer(x)
        torch.testing.assert_close(fused, model(x).detach())
        assert (fused - exact).abs().max() > 1e-3
        same(model, lambda a, m=model: encoder(m, a), x)


def encoder(model, x):
    for layer in getattr(model, "layers", [model]):
        x = layer.norm1(x + attention(layer.self_attn, x, x, x))
        hidden = linear(x, layer.linear1.weight, layer.linear1.bias).relu()
        x = layer.norm2(x + linear(hidden, layer.linear2.weight, layer.linear2.bias))
    return x


def test_an_lstm_over_time():
    layer = plain(nn.LSTM(3, 4, batch_first=True))

    def reference(x):
        gates = linear(x.transpose(0, 1).reshape(-1, 3), layer.weight_ih_l0, layer.bias_ih_l0)
        h = c = torch.zeros(2, 4)
        outputs = []
        for gi in gates.view(5, 2, 16):
            i, f, u, o = (gi + linear(h, layer.weight_hh_l0, layer.bias_hh_l0)).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * u.tanh()
            h = o.sigmoid() * c.tanh()
            outputs.append(h)
        return torch.stack(outputs, 1)

    same_attention(layer, lambda x: layer(x)[0], reference, torch.randn(2, 5, 3))


@pytest.mark.parametrize("make", [
    lambda: (nn.Linear(6, 4), torch.randn(3, 6)),
    lambda: (nn.Conv1d(3, 4, 3), torch.randn(2, 3, 8)),
    lambda: (nn.Conv2d(3, 4, 3), torch.randn(2, 3, 5, 5)),
], ids=["linear", "conv1d", "conv2d"])  # fmt: skip
@pytest.mark.parametrize("norm", [
    nn.utils.weight_norm, nn.utils.spectral_norm, nn.utils.parametrizations.orthogonal,
])  # fmt: skip
def test_a_weight_that_is_computed_is_corrected_and_its_activations_clipped(make, norm):
    """It is as the same weight held by a plain layer."""
    layer, x = make()
    layer = pc.quantize(norm(layer).eval())
    layer(x)  # in front of which the weight is computed
    weight = layer.weight.detach().clone()
    plainly, _ = make()
    with torch.no_grad():
        plainly.weight.copy_(weight)
        plainly.bias.copy_(layer.bias)
    outputs = []
    for module in (layer, pc.quantize(plainly)):
        a = x.clone().requires_grad_()
        y = module(a)
        y.square().sum().backward()
        outputs.append((y.detach(), a.grad, module.gamma.grad))
    for one, other in zip(*outputs):
        torch.testing.assert_close(one, other)
    assert outputs[0][2] != 0


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize(
    "options", [{}, {"num_layers": 2, "bidirectional": True, "batch_first": True}, {"bias": False}],
    ids=["plain", "deep", "no bias"],
)  # fmt: skip
def test_recurrences_are_taken_apart_as_pytorch_defines_them(kind, options, monkeypatch):
    """With the quantizer made the identity, they are PyTorch's own."""
    from potomac_capture import quantized_product, values

    identity = lambda x, bits, *_: values.Powers(x.detach().clone(), bits, 0)  # noqa: E731
    monkeypatch.setattr(quantized_product, "quantized", identity)
    layer = kind(6, 5, **options)
    model = plain(copy.deepcopy(layer))
    batch = torch.randn(4, 3, 6)
    lengths = nn.utils.rnn.pack_padded_sequence(torch.randn(5, 4, 6), [5, 3, 3, 1])
    for x in (batch, lengths):
        got, expected = model(x), layer(x)
        flat = lambda r: [r[0].data, *(r[1] if isinstance(r[1], tuple) else [r[1]])]  # noqa: E731
        for one, other in zip(flat(got), flat(expected)):
            torch.testing.assert_close(one, other)
    cells = {nn.LSTM: nn.LSTMCell, nn.GRU: nn.GRUCell, nn.RNN: nn.RNNCell}
    cell = cells[kind](6, 5)
    again = plain(copy.deepcopy(cell))
    got, expected = again(batch[0]), cell(batch[0])
    for one, other in zip(*(r if isinstance(r, tuple) else [r] for r in (got, expected))):
        torch.testing.assert_close(one, other)


def test_what_is_not_a_product_of_real_tensors_is_left_alone():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x):
            whole = torch.arange(16).view(4, 4)
            turned = torch.complex(x, x) @ torch.eye(4, dtype=torch.complex64)
            return self.fc(x), whole @ whole, turned, torch.einsum("ij->ji", x)

    x = torch.randn(4, 4)
    fc, whole, turned, transposed = plain(Model())(x)
    assert whole.dtype == torch.int64 and torch.equal(turned, torch.complex(x, x))
    assert torch.equal(transposed, x.t())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_models_of_other_types(dtype):
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)).to(dtype)
    y = plain(model)(torch.randn(5, 4, dtype=dtype))
    y.sum().backward()
    assert y.dtype == model[0].weight.grad.dtype == dtype


def test_autocast_changes_no_product():
    model = plain(nn.Linear(4, 3))
    x = torch.randn(5, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = model(x)
        y.float().sum().backward()
    assert torch.equal(y.float(), model(x))
    assert model.weight.grad is not None


def test_an_error_in_a_forward_leaves_nothing_behind():
    class Fails(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(2, 2)

        def forward(self, x):
            self.fc(x)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        plain(Fails())(torch.ones(1, 2))
    a = torch.randn(2, 2)
    assert torch.equal(nn.functional.linear(a, torch.eye(2)), a)  # FP32 outside
    assert pc.scope.running_modules() == []
