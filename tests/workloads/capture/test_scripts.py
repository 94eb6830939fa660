"""What is special in public training scripts, small: every product of their steps is quantized, and
captured as it ran."""

import math
import warnings

import h5py
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

import potomac_capture as pc


class LanguageModel(nn.Module):
    """An LSTM whose output layer shares the embedding's weight."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(11, 8)
        self.lstm = nn.LSTM(8, 8, 2, batch_first=True)
        self.out = nn.Linear(8, 11)
        self.out.weight = self.words.weight

    def forward(self, tokens):
        return self.out(self.lstm(self.words(tokens))[0])


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode, self.decode = nn.Linear(12, 6), nn.Linear(3, 12)

    def forward(self, x):
        mean, log_variance = self.encode(x).chunk(2, -1)
        z = mean + torch.exp(0.5 * log_variance) * torch.full_like(mean, 0.3)
        return torch.sigmoid(self.decode(z)), mean, log_variance


class InPlaceResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.bn = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.one, self.two = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1)
        self.head = nn.Linear(4, 5)

    def forward(self, x):
        x = F.relu(self.bn(self.stem(x)), inplace=True)
        y = self.one(x)
        y += self.two(x)
        return self.head(y.relu_().mean((2, 3)))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.deep = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 8, 3, 2, 1)
        self.up, self.last = nn.ConvTranspose2d(8, 4, 2, 2), nn.Conv2d(8, 2, 3, padding=1)

    def forward(self, x):
        skipped = F.relu(self.down(x))
        return self.last(torch.cat([skipped, F.relu(self.up(F.relu(self.deep(skipped))))], 1))


class GraphAttention(nn.Module):
    """GAT over a dense adjacency: scores are outer sums, messages a matmul."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(6, 4) / 3)
        self.source, self.target = nn.Parameter(torch.randn(4, 1)), nn.Parameter(torch.randn(4, 1))
        self.register_buffer("near", torch.eye(7) + torch.ones(7, 7).tril(-1) > 0)

    def forward(self, x):
        h = torch.mm(x, self.w)
        scores = F.leaky_relu(h @ self.source + (h @ self.target).T)
        return torch.matmul(scores.masked_fill(~self.near, -9e15).softmax(1), h)


class Mixture(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(6, 3)
        self.experts = nn.ModuleList(nn.Linear(6, 4) for _ in range(3))

    def forward(self, x):
        weights = self.gate(x).softmax(-1)
        chosen = torch.arange(len(x)) % 2  # the third has nothing to do
        y = x.new_zeros(len(x), 4)
        for number, expert in enumerate(self.experts):
            y = y.index_add(0, (chosen == number).nonzero()[:, 0], expert(x[chosen == number]))
        return y * weights.max(-1, keepdim=True).values


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.actor, self.critic = nn.Linear(4, 8), nn.Linear(8, 2), nn.Linear(8, 1)

    def forward(self, states):
        """A forward for each step of an episode."""
        seen = [F.relu(self.body(state)) for state in states]
        return torch.stack([self.actor(h).log_softmax(-1).sum() + self.critic(h).sum() for h in seen])


class Dlrm(nn.Module):
    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleList(nn.EmbeddingBag(9, 4, mode="sum") for _ in range(3))
        self.bottom, self.top = nn.Linear(5, 4), nn.Linear(4 + 6, 1)

    def forward(self, dense, sparse):
        x = F.relu(self.bottom(dense))
        all_ = torch.stack([x] + [table(ids) for table, ids in zip(self.tables, sparse)], 1)
        pairs = torch.bmm(all_, all_.transpose(1, 2))
        row, column = torch.tril_indices(4, 4, -1)
        return self.top(torch.cat([x, pairs[:, row, column]], 1))


class Diffusion(nn.Module):
    """A block conditioned on time: GroupNorm, SiLU, attention over pixels by einsum."""

    def __init__(self):
        super().__init__()
        self.time, self.conv = nn.Linear(8, 4), nn.Conv2d(4, 4, 3, padding=1)
        self.norm, self.qkv, self.out = nn.GroupNorm(2, 4), nn.Conv2d(4, 12, 1), nn.Conv2d(4, 4, 1)

    def forward(self, x, t):
        angles = t[:, None] * torch.arange(1, 5) / 4
        x = self.conv(F.silu(self.norm(x))) + self.time(torch.cat([angles.sin(), angles.cos()], -1))[:, :, None, None]
        q, k, v = self.qkv(x).flatten(2).chunk(3, 1)
        weights = torch.einsum("bci,bcj->bij", q, k).softmax(-1)
        return x + self.out(torch.einsum("bij,bcj->bci", weights, v).view_as(x))


class Scan(nn.Module):
    """Mamba's: a state that is carried through time by elementwise products."""

    def __init__(self):
        super().__init__()
        self.inward, self.step, self.mix = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 2 * 3)
        self.decay, self.out = nn.Parameter(-torch.rand(6, 3)), nn.Linear(6, 4)

    def forward(self, x):
        u = F.silu(self.inward(x))
        delta = F.softplus(self.step(u))
        b, c = self.mix(u).chunk(2, -1)
        state, ys = x.new_zeros(len(x), 6, 3), []
        for t in range(x.shape[1]):
            state = torch.exp(delta[:, t, :, None] * self.decay) * state + (delta * u)[:, t, :, None] * b[:, t, None]
            ys.append(torch.einsum("bdn,bn->bd", state, c[:, t]))
        return self.out(torch.stack(ys, 1))


SCRIPTS = {
    "language model": (LanguageModel, lambda: (torch.randint(11, (2, 5)),)),
    "vae": (Vae, lambda: (torch.rand(4, 12),)),
    "in-place resnet": (InPlaceResNet, lambda: (torch.randn(2, 3, 6, 6),)),
    "u-net": (UNet, lambda: (torch.randn(2, 2, 6, 6),)),
    "graph attention": (GraphAttention, lambda: (torch.randn(7, 6),)),
    "mixture of experts": (Mixture, lambda: (torch.randn(5, 6),)),
    "actor and critic": (ActorCritic, lambda: (torch.randn(3, 1, 4),)),
    "dlrm": (Dlrm, lambda: (torch.randn(3, 5), torch.randint(9, (3, 3, 2)))),
    "diffusion": (Diffusion, lambda: (torch.randn(2, 4, 4, 4), torch.rand(2))),
    "mamba's scan": (Scan, lambda: (torch.randn(2, 4, 4),)),
}


class Counter(TorchDispatchMode):
    """The MACs of whatever multiplies matrices, counted without any of our code."""

    def __init__(self):
        super().__init__()
        self.macs = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        result = func(*args, **(kwargs or {}))
        if name in ("mm", "bmm", "mv", "dot"):
            self.macs += args[0].numel() * (args[1].shape[-1] if name in ("mm", "bmm") else 1)
        elif name in ("addmm", "baddbmm", "addmv"):
            self.macs += args[1].numel() * (args[2].shape[-1] if name != "addmv" else 1)
        elif name == "convolution":
            x, w, transposed = args[0], args[1], args[6]
            pixels = x if transposed else result
            self.macs += pixels.numel() // pixels.shape[1] * w.numel()
        elif "mm" in name or "conv" in name or "rnn" in name or "lstm" in name:
            raise AssertionError(f"what does {name} multiply?")
        return result


def loss_of(model, inputs):
    outputs = model(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return sum(output.float().square().mean() for output in outputs)


def made(kind):
    torch.manual_seed(5)
    model, inputs = SCRIPTS[kind]
    return model(), inputs()


def steps(model, inputs, count, path=None):
    """Losses, and the gradients of the last step; which is captured if there is a path."""
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    losses = []
    for step in range(count):
        optimizer.zero_grad()
        if path is not None and step == count - 1:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # nothing stays FP32
                with pc.capture(model, path, dataset="d", step=step, seed=0):
                    loss = loss_of(model, inputs)
                    loss.backward()
        else:
            loss = loss_of(model, inputs)
            loss.backward()
        optimizer.step()
        losses.append(float(loss))
    return losses, [p.grad for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("kind", SCRIPTS)
def test_every_mac_of_the_forward_is_seen(kind):
    model, inputs = made(kind)
    # Fused recurrences multiply where a dispatch mode cannot see them.
    if kind != "language model":
        with Counter() as counter, torch.no_grad():
            model(*inputs)
        assert pc.inspect(model, inputs).forward_macs == counter.macs > 0
    else:
        gates, tokens = 4 * 8 * (8 + 8) * 2, 2 * 5
        assert pc.inspect(model, inputs).forward_macs == tokens * (gates + 8 * 11)
    assert pc.inspect(model, inputs).left_out == []


@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_captured_step_is_the_step_and_has_its_passes(kind, tmp_path):
    model, inputs = made(kind)
    seen = pc.inspect(model, inputs)
    losses, gradients = steps(pc.quantize(model), inputs, 3)
    assert all(math.isfinite(loss) for loss in losses)
    model, inputs = made(kind)
    again, captured = steps(pc.quantize(model), inputs, 3, tmp_path / "t.h5")
    assert losses == again and all(torch.equal(*pair) for pair in zip(gradients, captured))
    with h5py.File(tmp_path / "t.h5") as trace:
        layers = list(trace["layers"].values())
        assert "not_included" not in trace and len(layers) == len(seen.products)
        for layer, product in zip(layers, seen.products):
            passes = 1 + int(layer.attrs["input_grad"]) + int(layer.attrs.get("weight_grad", 1))
            assert passes * product.forward_macs == product.step_macs, product.name
