"""Layers: forward on quantized operands, gradients against calculation by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import potomac_capture as pc
from potomac_capture.ratio_learning import GAMMA_RANGE


def fake_quantize(x, bits=5, rounding="log2"):
    codes, beta = pc.quantize_tensor(x.detach(), bits, rounding)
    return pc.dequantize(codes, bits, beta)


def config(**options):
    return pc.Config(**{"wbc": False, "prc": False, **options})


def one_layer(layer, **options):
    return pc.quantize(layer, config(**options))


def close(got, expected):
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-6)


# A step of a 2 x 2 layer, small enough to follow on paper. In the log2 domain
# 3 -> 4, 5 -> 4 (sqrt(2) * 4 = 5.66), 0.7 -> 0.5, 1.5 -> 2, -0.3 -> -0.25.
W = [[3.0, -0.3], [1.5, 0.7]]
WQ = [[4.0, -0.25], [2.0, 0.5]]
A = [[5.0, 1.5]]
AQ = [[4.0, 2.0]]
G = [[3.0, -0.3]]
GQ = [[4.0, -0.25]]


def paper_step(a=A, **options):
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(W))
        layer.bias.copy_(torch.tensor([0.1, 0.2]))
    layer = one_layer(layer, **options)
    a = torch.tensor(a, requires_grad=True)
    y = layer(a)
    y.backward(torch.tensor(G))
    return layer, a, y


def test_a_linear_step_on_paper():
    layer, a, y = paper_step()
    close(y, torch.tensor([[4 * 4 - 0.25 * 2 + 0.1, 2 * 4 + 0.5 * 2 + 0.2]]))
    close(a.grad, torch.tensor([[4 * 4 - 0.25 * 2, 4 * -0.25 - 0.25 * 0.5]]))
    close(layer.weight.grad, torch.tensor([[4 * 4.0, 4 * 2.0], [-1.0, -0.5]]))
    close(layer.bias.grad, torch.tensor([3.0, -0.3]))  # of G before quantization


def test_wbc_subtracts_the_mean_forward_and_backward():
    layer, a, y = paper_step(wbc=True)
    mean = pc.exact_mean(torch.tensor(W))
    wq = fake_quantize(torch.tensor(W) - mean)
    close(y, torch.tensor(AQ) @ wq.t() + torch.tensor([0.1, 0.2]))
    close(a.grad, torch.tensor(GQ) @ wq)
    straight = torch.tensor([[16.0, 8.0], [-1.0, -0.5]])
    close(layer.weight.grad, straight - straight.mean())


def test_prc_stops_the_gradient_of_what_it_clips_and_gives_it_to_gamma():
    # t = 0.75 * 8 = 6: 8 is clipped to 6, 6 itself is not; both quantize to 8.
    layer, a, y = paper_step([[8.0, 6.0]], prc=True, gamma=0.75)
    gq = torch.tensor(GQ)
    da = gq @ torch.tensor(WQ)
    close(a.grad, torch.tensor([[0.0, da[0, 1].item()]]))
    close(layer.gamma.grad, da[0, 0] * 8.0)
    close(layer.weight.grad, gq.t() @ torch.tensor([[8.0, 8.0]]))
    close(y, torch.tensor([[8 * 4 - 0.25 * 8 + 0.1, 2 * 8 + 0.5 * 8 + 0.2]]))


def test_gamma_gradient_follows_the_sign_of_the_clipped_element():
    layer, a, _ = paper_step([[1.0, -8.0]], prc=True, gamma=0.5)
    da = torch.tensor(GQ) @ torch.tensor(WQ)
    close(layer.gamma.grad, -da[0, 1] * 8.0)
    assert a.grad[0, 1] == 0 and a.grad[0, 0] == da[0, 0]


@pytest.mark.parametrize("magnitude", [1.0, 1e-30, 1e30])
def test_gamma_gradient_sums_over_clipped_elements(magnitude):
    layer = one_layer(nn.Linear(40, 10), prc=True, gamma=0.3)
    a = (torch.randn(20, 40) * magnitude).requires_grad_()
    g = torch.randn(20, 10)
    layer(a).backward(g)
    da = fake_quantize(g) @ fake_quantize(layer.weight)
    largest = a.detach().abs().max()
    clipped = a.detach().abs() > layer.gamma.detach() * largest
    assert 10 < clipped.sum() < 700
    close(a.grad, da.masked_fill(clipped, 0.0))
    expected = (da * a.detach().sign())[clipped].sum() * largest
    torch.testing.assert_close(
        layer.gamma.grad / largest, expected / largest, rtol=1e-4, atol=1e-4
    )


def test_a_layer_whose_input_needs_no_gradient_computes_none():
    layer = one_layer(nn.Linear(4, 3), prc=True, gamma=0.5)
    a = torch.randn(5, 4)
    layer(a).sum().backward()
    assert layer.weight.grad is not None
    assert layer.gamma.grad is None and a.grad is None


@pytest.mark.parametrize("start, kept", [(3.0, 1), (-1.0, 0)])
def test_gamma_is_projected_into_its_range(start, kept):
    layer = one_layer(nn.Linear(4, 3), prc=True)
    with torch.no_grad():
        layer.gamma.fill_(start)
    layer(torch.randn(5, 4))
    assert layer.gamma.item() == GAMMA_RANGE[kept]


@pytest.mark.parametrize(
    "geometry",
    [
        {"kernel_size": 3},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {
            "kernel_size": (3, 2),
            "stride": (2, 1),
            "padding": (1, 0),
            "dilation": (1, 2),
        },
        {"kernel_size": 3, "padding": "same", "dilation": 2},
        {"kernel_size": 2, "padding": "valid"},
        {"kernel_size": 3, "padding": 1, "groups": 2},
        {"kernel_size": 3, "padding": 1, "groups": 4, "stride": 2},
    ],
    ids=str,
)
@pytest.mark.parametrize("rounding", ["log2", "linear"])
def test_a_convolution_step_is_autograd_on_quantized_values(geometry, rounding):
    conv = nn.Conv2d(4, 8, **geometry)
    plain = nn.Conv2d(4, 8, **geometry)
    a = torch.randn(3, 4, 9, 8)
    one_layer(conv, wbc=True, rounding=rounding)
    corrected = pc.weight_bias_correction(conv.weight.detach())
    with torch.no_grad():
        plain.weight.copy_(fake_quantize(corrected, rounding=rounding))
        plain.bias.copy_(conv.bias)
    a1 = a.clone().requires_grad_()
    a2 = fake_quantize(a, rounding=rounding).requires_grad_()
    y1, y2 = conv(a1), plain(a2)
    close(y1, y2)
    g = torch.randn_like(y1)
    y1.backward(g)
    y2.backward(fake_quantize(g, rounding=rounding))
    close(a1.grad, a2.grad)
    close(conv.weight.grad, plain.weight.grad - plain.weight.grad.mean())
    torch.testing.assert_close(conv.bias.grad, g.sum((0, 2, 3)), rtol=1e-4, atol=1e-4)


def test_prc_in_a_convolution():
    conv = one_layer(nn.Conv2d(2, 3, 3, padding=1), prc=True, gamma=0.4)
    a = torch.randn(2, 2, 6, 6, requires_grad=True)
    y = conv(a)
    g = torch.randn_like(y)
    y.backward(g)
    clipped = a.abs() > conv.gamma * a.abs().max()
    da = functional.conv_transpose2d(
        fake_quantize(g), fake_quantize(conv.weight), padding=1
    )
    close(a.grad, da.masked_fill(clipped, 0.0))
    expected = ((da * a.sign())[clipped].sum() * a.abs().max()).detach()
    close(conv.gamma.grad, expected)


def test_leading_dimensions_and_none_at_all():
    layer = one_layer(nn.Linear(6, 5), wbc=True, prc=True)
    a = torch.randn(2, 3, 4, 6, requires_grad=True)
    y = layer(a)
    g = torch.randn_like(y)
    y.backward(g)
    dw, da = layer.weight.grad.clone(), a.grad.clone()
    layer.weight.grad = None
    flat = a.detach().reshape(-1, 6).requires_grad_()
    layer(flat).backward(g.reshape(-1, 5))
    close(layer.weight.grad, dw)
    close(flat.grad, da.reshape(-1, 6))
    assert layer(torch.randn(6)).shape == (5,)


def test_an_unbatched_image():
    conv = one_layer(nn.Conv2d(2, 3, 3), wbc=True, prc=True)
    a = torch.randn(2, 6, 6)
    close(conv(a), conv(a.unsqueeze(0))[0])


def test_last_layer_gradient_may_be_wider():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    pc.quantize(model, config(last_layer_grad_bits=6))
    assert [layer.how.gradient_bits for layer in pc.quantized_layers(model)] == [5, 6]
    # 2^-20 of the largest is below a 5-bit range of 2^-14, and within a 6-bit one.
    g = torch.tensor([[1.0, 2.0**-20, 0.0, 0.0]])
    for layer, reached in zip(model, (False, True)):
        layer(torch.ones(1, 4)).backward(g)
        assert bool(layer.weight.grad[1].abs().sum() > 0) == reached


def test_a_nan_names_its_layer_and_tensor():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    pc.quantize(model)
    with pytest.raises(ValueError, match=r"layer '0', A: element 1 "):
        model(torch.tensor([[1.0, float("nan")]]))
    loss = model(torch.ones(1, 2))
    with pytest.raises(ValueError, match=r"layer '1', G: element 0 "):
        loss.backward(torch.tensor([[float("inf"), 0.0]]))
    with torch.no_grad():
        model[1].weight[1, 0] = float("nan")
    with pytest.raises(ValueError, match=r"layer '1', W: element 2 "):
        model(torch.ones(1, 2))


def test_a_small_network_learns():
    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
    pc.quantize(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x = torch.rand(512, 2) * 2 - 1
    y = (x[:, 0] * x[:, 1] > 0).long()
    for _ in range(300):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    assert (model(x).argmax(1) == y).float().mean() > 0.9
