"""capture: what a step computes is what the trace holds, counted a second time."""

import copy
import pickle
import sys
import threading
import warnings
from contextlib import nullcontext

import h5py
import numpy as np
import potomac
import pytest
import torch
import torchvision
from torch import nn
from torch.utils.checkpoint import checkpoint

import potomac_capture as pc

SOURCE = {"dataset": "random", "step": 3, "seed": 1}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trace.h5"


def captured(model, path, body, **options):
    """The layers of a trace: name -> (kind, passes, shapes)."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pc.capture(model, path, **SOURCE, **options):
            body(model)
    return layers_of(path)


def layers_of(path):
    layers = {}
    with h5py.File(path) as trace:
        for name, layer in trace["layers"].items():
            grads = layer.attrs["input_grad"], layer.attrs.get("weight_grad", 1)
            passes = "f" + "d" * int(grads[0]) + "w" * int(grads[1])
            assert ("G" in layer) == (len(passes) > 1)
            shapes = {role: tuple(layer[role].shape) for role in layer}
            shapes.setdefault("G", tuple(layer.attrs.get("g_shape", ())))
            layers[name.split("-", 1)[1]] = layer.attrs["kind"].decode(), passes, shapes
    return layers


def macs_of(layers, wanted="f"):
    """MACs by the definition of each kind, from the shapes of its tensors."""
    total = 0
    for kind, passes, shapes in layers.values():
        w, a, g = (shapes[role] for role in "WAG")
        per_pass = {
            "linear": lambda: np.prod(a) * w[0],
            "matmul": lambda: np.prod(a) * w[2],
            "conv2d": lambda: np.prod(g) * np.prod(w[1:]),
            "conv_transpose2d": lambda: np.prod(a) * np.prod(w[1:]),
        }[kind]()
        total += int(per_pass) * sum(passes.count(letter) for letter in wanted)
    return total


def left_out(path):
    with h5py.File(path) as trace:
        return [
            tuple(part.attrs[key].decode() for key in ("name", "kind", "reason"))
            for part in trace.get("not_included", {}).values()
        ]


def mean(model, *inputs):
    model(*inputs).square().mean().backward()


# --- counts ----------------------------------------------------------------------------


def test_a_perceptron(path):
    model = pc.quantize(nn.Sequential(nn.Linear(7, 11), nn.ReLU(), nn.Linear(11, 5)))
    layers = captured(model, path, lambda m: mean(m, torch.randn(3, 7)))
    assert [v[1] for v in layers.values()] == ["fw", "fdw"]
    assert macs_of(layers, "fdw") == 3 * (2 * 7 * 11 + 3 * 11 * 5)


def test_resnet18_has_the_published_macs(path):
    """1.814 GMAC at 224 x 224: 49 times those of 32 x 32 in the body, as fc is 512 x 1000."""
    model = pc.quantize(torchvision.models.resnet18())
    layers = captured(model, path, lambda m: mean(m, torch.randn(2, 3, 32, 32)))
    body = macs_of(layers) // 2 - 512 * 1000
    assert abs(49 * body + 512 * 1000 - 1.814e9) < 1e6
    assert len(layers) == 21 and next(iter(layers)) == "conv1"


def test_a_transformer_encoder(path):
    b, t, e, f = 2, 6, 16, 24
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(e, 4, f, batch_first=True), 3)
    layers = captured(pc.quantize(model), path, lambda m: mean(m, torch.randn(b, t, e)))
    each = b * t * (3 * e * e + 2 * t * e + e * e + 2 * e * f)
    assert macs_of(layers) == 3 * each
    assert macs_of(layers, "w") == 3 * each and macs_of(layers, "d") == 3 * each - b * t * 3 * e * e
    assert [name for name in layers if name.startswith("layers.0")] == [
        "layers.0.self_attn.in_proj", "layers.0.self_attn.matmul",
        "layers.0.self_attn.matmul#2", "layers.0.self_attn.out_proj",
        "layers.0.linear1", "layers.0.linear2",
    ]  # fmt: skip
    kinds = [kind for kind, *_ in layers.values()]
    assert kinds == ["linear", "matmul", "matmul", "linear", "linear", "linear"] * 3


def test_an_lstm(path):
    b, t, i, h = 3, 5, 6, 4
    model = pc.quantize(nn.LSTM(i, h, batch_first=True))
    layers = captured(
        model, path, lambda m: m(torch.randn(b, t, i))[0].square().mean().backward()
    )
    assert macs_of(layers) == b * t * 4 * h * (i + h)
    # The state of the first step is given, and needs no gradient.
    assert [v[1] for v in layers.values()] == ["fw", "fw", *["fdw"] * (t - 1)]


def test_tied_weights(path):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(20, 8)
            self.fc = nn.Linear(8, 8)
            self.out = nn.Linear(8, 20, bias=False)
            self.out.weight = self.words.weight

        def forward(self, x):
            return self.out(self.fc(self.words(x)))

    layers = captured(pc.quantize(Tied()), path, lambda m: mean(m, torch.zeros(3, 4).long()))
    assert macs_of(layers, "fdw") == 3 * 3 * 4 * (8 * 8 + 8 * 20)
    assert list(layers) == ["fc", "out"]


def test_low_rank_adaptation(path):
    class Lora(nn.Module):
        def __init__(self):
            super().__init__()
            self.frozen = nn.Linear(8, 8).requires_grad_(False)
            self.a = nn.Parameter(torch.randn(2, 8))
            self.b = nn.Parameter(torch.randn(8, 2))

        def forward(self, x):
            return self.frozen(x) + x @ self.a.t() @ self.b.t()

    model = pc.quantize(nn.Sequential(Lora(), Lora()))
    layers = captured(model, path, lambda m: mean(m, torch.randn(5, 8)))
    assert {name: v[1] for name, v in layers.items()} == {
        "0.frozen": "f", "0.a": "fw", "0.b": "fdw",
        "1.frozen": "fd", "1.a": "fdw", "1.b": "fdw",
    }  # fmt: skip
    assert macs_of(layers, "fdw") == 5 * (64 + 2 * 16 + 3 * 16 + 2 * 64 + 6 * 16)


# --- steps that are more than one forward and one backward -------------------------------


def test_frozen_layers_have_no_backward_weight(path):
    def network():
        return nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6), nn.Linear(6, 2))

    expected = {"0": "f", "2": "f", "3": "fw"}
    for quantized_first in (False, True):
        model = pc.quantize(network()) if quantized_first else network()
        model[0].requires_grad_(False)
        model[2].requires_grad_(False)
        model = model if quantized_first else pc.quantize(model)
        layers = captured(model, path, lambda m: mean(m, torch.randn(4, 6)))
        assert {name: v[1] for name, v in layers.items()} == expected
        assert layers["2"][2]["G"] == (4, 6)
    middle = pc.quantize(network())
    middle[2].requires_grad_(False)
    layers = captured(middle, path, lambda m: mean(m, torch.randn(4, 6)))
    assert {name: v[1] for name, v in layers.items()} == {"0": "fw", "2": "fd", "3": "fdw"}


def test_a_teacher_under_no_grad_is_forward_only(path):
    class Distill(nn.Module):
        def __init__(self):
            super().__init__()
            self.teacher = nn.ConvTranspose2d(2, 3, 3, stride=2, output_padding=1)
            self.student = nn.ConvTranspose2d(2, 3, 3, stride=2, output_padding=1)

        def forward(self, x):
            with torch.no_grad():
                wanted = self.teacher(x)
            return self.student(x) - wanted

    layers = captured(pc.quantize(Distill()), path, lambda m: mean(m, torch.randn(2, 2, 4, 4)))
    assert layers["teacher"] == ("conv_transpose2d", "f", layers["student"][2])
    assert layers["student"][1] == "fw"


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(x) - self.fc(-x)


def test_a_layer_that_is_used_twice_is_two_layers(path):
    layers = captured(pc.quantize(Siamese()), path, lambda m: mean(m, torch.randn(2, 4)))
    assert list(layers) == ["fc", "fc#2"]
    with h5py.File(path) as trace:
        assert not np.array_equal(trace["layers/000-fc/A"], trace["layers/001-fc#2/A"])
        assert np.array_equal(trace["layers/000-fc/W"], trace["layers/001-fc#2/W"])


def test_accumulated_gradients_are_captured_all_or_one(path):
    model = pc.quantize(nn.Linear(4, 3))
    inputs = torch.randn(3, 2, 4)

    def accumulate(m):
        for x in inputs:
            mean(m, x)

    assert list(captured(model, path, accumulate)) == ["linear", "linear#2", "linear#3"]
    with h5py.File(path) as trace:
        second = trace["layers/001-linear#2/A"][()]
    assert list(captured(model, path, accumulate, micro_batch=1)) == ["linear"]
    with h5py.File(path) as trace:
        assert np.array_equal(trace["layers/000-linear/A"], second)
    with pytest.raises(pc.CaptureError, match="no micro-batch 3: the model was called 3 times"):
        captured(model, path, accumulate, micro_batch=3)


@pytest.mark.parametrize("reentrant", [True, False])
def test_what_a_checkpoint_computes_again_is_counted_once(path, tmp_path, reentrant):
    class Checkpointed(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(4, 4)
            self.body = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
            self.checkpoints = True

        def forward(self, x):
            x = self.first(x)
            for _ in range(2):
                if self.checkpoints:
                    x = checkpoint(self.body, x, use_reentrant=reentrant)
                else:
                    x = self.body(x)
            return x

    model = pc.quantize(Checkpointed())
    x = torch.randn(3, 4)
    layers = captured(model, path, lambda m: mean(m, x))
    model.checkpoints = False
    for p in model.parameters():
        p.grad = None
    assert captured(model, tmp_path / "plain.h5", lambda m: mean(m, x)) == layers
    with h5py.File(path) as one, h5py.File(tmp_path / "plain.h5") as other:
        for name, layer in one["layers"].items():
            for role, dataset in layer.items():
                assert np.array_equal(dataset, other["layers"][name][role]), (name, role)


# --- what stays FP32 ---------------------------------------------------------------------


def test_what_stays_fp32_is_warned_of_and_in_the_trace(path):
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)
            self.kept = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
            self.projected = nn.LSTM(4, 4, proj_size=2)

        def forward(self, x):
            y = self.fc(self.kept(x))
            y = y + self.projected(y)[0].sum()
            y = y + torch.cdist(y, y[:4])
            return y + torch.ones(y.shape[0], 3).long().matmul(torch.ones(3, 4).long())

    model = pc.quantize(Mixed(), exclude=["kept"])

    def body(m):
        y = m(torch.randn(5, 4))
        (y @ y.t()).mean().backward()

    with pytest.warns(UserWarning, match=r"stay FP32: kept \(Sequential\), projected \(LSTM\)"):
        with pc.capture(model, path, **SOURCE):
            body(model)
    assert list(layers_of(path)) == ["fc"]
    reasons = {(name, kind): reason for name, kind, reason in left_out(path)}
    assert reasons[("kept", "Sequential")] == "FP32: excluded; 1 product of 80 MACs, [5, 4] x [4, 4]"
    assert reasons[("projected", "LSTM")].startswith("FP32: not intercepted; ")
    assert reasons[("Mixed", "_cdist_forward")].startswith("FP32: not intercepted; ")
    assert reasons[("outside of the model", "mm")].startswith("FP32: run by no module of the model; ")
    assert reasons[("Mixed", "mm")] == "of integers, which are not quantized; 1 product of 60 MACs, [5, 3] x [3, 4]"


def test_a_model_that_is_all_quantized_leaves_nothing_out(path):
    model = pc.quantize(nn.TransformerDecoderLayer(8, 2, 8, batch_first=True))
    x, memory = torch.randn(2, 3, 8), torch.randn(2, 4, 8)
    captured(model, path, lambda m: mean(m, x, memory))
    assert left_out(path) == []


# --- mistakes, before the step is run ----------------------------------------------------


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"seed": None}, TypeError, "seed is an integer, not None; write 0"),
        ({"seed": 2**63}, ValueError, "seed does not fit 64 bits"),
        ({"step": 1.5}, TypeError, "step is an integer"),
        ({"dataset": None}, TypeError, "dataset is a text"),
        ({"model_name": 3}, TypeError, "model_name is a text"),
    ],
)
def test_arguments_are_checked_first(path, options, error, message):
    ran = []
    with pytest.raises(error, match=message):
        with pc.capture(pc.quantize(nn.Linear(2, 2)), path, **{**SOURCE, **options}):
            ran.append(1)
    assert not ran and not path.exists()


def test_a_missing_folder_is_noticed_first(tmp_path):
    ran = []
    for target, error in (("none/x.h5", FileNotFoundError), (".", IsADirectoryError)):
        with pytest.raises(error):
            with pc.capture(pc.quantize(nn.Linear(2, 2)), tmp_path / target, **SOURCE):
                ran.append(1)
    assert not ran


class Experts(nn.Module):
    """Two experts have tokens, the third has none."""

    def __init__(self):
        super().__init__()
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(8, 6), nn.Linear(6, 4)) for _ in range(3))

    def forward(self, x):
        chosen = torch.tensor([0, 0, 1, 1, 1])
        out = x.new_zeros(5, 4)
        for number, expert in enumerate(self.experts):
            out[chosen == number] = expert(x[chosen == number])
        return out


def test_an_expert_without_tokens_multiplies_nothing(path):
    model = pc.quantize(Experts())
    layers = captured(model, path, lambda m: mean(m, torch.randn(5, 8)))
    assert list(layers) == [f"experts.{e}.{i}" for e in range(2) for i in range(2)]
    idle = [p.grad for p in model.experts[2].parameters()]
    assert all(g is None or not g.any() for g in idle)


def test_of_an_empty_batch_there_is_nothing_to_capture(path):
    model = pc.quantize(nn.Linear(2, 2))
    with pytest.raises(pc.CaptureError, match="no quantized layer ran"):
        captured(model, path, lambda m: m(torch.empty(0, 2)).sum().backward())
    assert not path.exists()


# --- threads -----------------------------------------------------------------------------------


def trained_alone(path, seed, model):
    """Losses and gradients of a few steps, the last one captured."""
    generator = torch.Generator().manual_seed(seed)
    seen = []
    for step in range(6):
        x = torch.randn(32, 24, generator=generator)
        model.zero_grad()
        capture = pc.capture(model, path, dataset="d", step=step, seed=seed)
        with capture if step == 5 else nullcontext():
            loss = model(x).square().mean()
            loss.backward()
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        seen += [loss.detach().clone(), *(g.clone() for g in gradients)]
    return seen


def test_two_models_in_two_threads_are_each_what_they_are_alone(tmp_path):
    def model(seed):
        torch.manual_seed(seed)
        return pc.quantize(nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 8)))

    seeds = (1, 2, 3, 4)
    alone = [trained_alone(tmp_path / f"alone{s}.h5", s, model(s)) for s in seeds]
    models = [model(s) for s in seeds]
    together = [None] * len(seeds)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # threads take turns within an operation's Python
    try:

        def run(i):
            together[i] = trained_alone(tmp_path / f"together{seeds[i]}.h5", seeds[i], models[i])

        threads = [threading.Thread(target=run, args=(i,)) for i in range(len(seeds))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    for one, other, seed in zip(alone, together, seeds):
        assert all(torch.equal(a, b) for a, b in zip(one, other))
        files = [tmp_path / f"{when}{seed}.h5" for when in ("alone", "together")]
        assert files[0].read_bytes() == files[1].read_bytes()
    assert torch.autograd.backward.__module__ == "torch.autograd"


# --- weights that products make ------------------------------------------------------------------


@pytest.mark.parametrize("made", [
    nn.utils.parametrizations.orthogonal, nn.utils.parametrizations.spectral_norm,
    nn.utils.spectral_norm,
])  # fmt: skip
def test_products_that_make_a_weight_stay_exact(made, path):
    torch.manual_seed(2)
    plain = nn.Sequential(nn.Linear(12, 12), nn.ReLU(), made(nn.Linear(12, 12)))
    quantized = pc.quantize(copy.deepcopy(plain), wbc=False)
    x = torch.randn(4, 12)
    with pytest.warns(UserWarning, match="not in the trace"):
        with pc.capture(quantized, path, **SOURCE):
            mean(quantized, x)
    plain(x)
    # The weight that the forward used, as hooks leave it, or as it is made anew without training.
    plain.eval(), quantized.eval()
    used = [dict(m[2].named_buffers()).get("weight", m[2].weight) for m in (plain, quantized)]
    assert torch.equal(*used)
    with h5py.File(path) as trace:
        assert list(trace["layers"]) == ["000-0", "001-2"]
        w = trace["layers/001-2/W"]
        codes, beta = pc.quantize_tensor(used[1].detach(), 5, "log2", "W")
        assert np.array_equal(w[()], codes.numpy()) and w.attrs["beta"] == beta
        parts = trace["not_included"].values()
        forward = [part for part in parts if part.attrs["name"] != b"a backward"]
        assert {part.attrs["reason"].split(b";")[0] for part in forward} == {b"FP32: makes a weight"}


# --- several models, many steps --------------------------------------------------------------------


def test_a_step_of_two_models_is_one_trace(path):
    torch.manual_seed(0)
    generator = pc.quantize(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 8)))
    judge = pc.quantize(nn.Sequential(nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 1)))
    with pc.capture({"generator": generator, "judge": judge}, path, **SOURCE):
        made = generator(torch.randn(3, 4))
        (judge(torch.randn(3, 8)).mean() - judge(made.detach()).mean()).backward()
        judge(made).mean().backward()
    with h5py.File(path) as trace:
        assert trace.attrs["model"] == b"Sequential+Sequential"
        assert [name.split("-", 1)[1] for name in trace["layers"]] == [
            "generator.0", "generator.2", "judge.0", "judge.2", "judge.0#2", "judge.2#2",
            "judge.0#3", "judge.2#3",
        ]  # fmt: skip
        layers = {name.split("-", 1)[1]: layer for name, layer in trace["layers"].items()}
        assert layers["judge.0"]["A"].attrs["producer"] == b""
        for use in ("judge.0#2", "judge.0#3"):
            assert layers[use]["A"].attrs["producer"] == b"001-generator.2"
        assert [layers[f"judge.0{use}"].attrs["input_grad"] for use in ("", "#2", "#3")] == [0, 0, 1]


def test_a_model_and_a_part_of_it_may_be_captured_at_once(path, tmp_path):
    model = pc.quantize(nn.Sequential(nn.Linear(8, 16), nn.Linear(16, 4)))
    x = torch.randn(5, 8)
    with pc.capture(model, path, **SOURCE), pc.capture(model[0], tmp_path / "part.h5", **SOURCE):
        mean(model, x)
    assert [passes for _, passes, _ in layers_of(path).values()] == ["fw", "fdw"]
    assert [passes for _, passes, _ in layers_of(tmp_path / "part.h5").values()] == ["fw"]
    with h5py.File(path) as whole, h5py.File(tmp_path / "part.h5") as part:
        for role in "WAG":
            assert np.array_equal(whole["layers/000-0"][role], part["layers/000-0"][role])


@pytest.mark.parametrize(("model", "error", "message"), [
    ({"a.b": nn.Linear(2, 2)}, TypeError, "'a.b' is no name without dots"),
    ({}, pc.CaptureError, "there is no model"),
    ({"one": nn.Linear(2, 2)}, pc.CaptureError, "one has no quantized layer"),
])  # fmt: skip
def test_models_that_are_none(model, error, message, path):
    with pytest.raises(error, match=message):
        with pc.capture(model, path, **SOURCE):
            raise AssertionError("the body was run")


def test_every_nth_step_is_captured(tmp_path):
    model = pc.quantize(nn.Linear(4, 2))
    for step in range(7):
        with pc.capture(model, tmp_path / "t-{step}.h5", dataset="d", step=step, seed=0, every=3):
            mean(model, torch.randn(3, 4))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t-0.h5", "t-3.h5", "t-6.h5"]
    with h5py.File(tmp_path / "t-6.h5") as trace:
        assert trace.attrs["step"] == 6
    for name, every, message in (("t.h5", 3, "name the step in it"), ("t-{step}.h5", 0, "from 1")):
        with pytest.raises(ValueError, match=message):
            with pc.capture(model, tmp_path / name, **SOURCE, every=every):
                raise AssertionError("the body was run")


class OwnFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w.t()

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return g @ w, g.t() @ x


def test_products_of_a_function_of_the_scripts_own_are_named(path):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.w = nn.Linear(8, 8), nn.Parameter(torch.randn(4, 8))

        def forward(self, x):
            return OwnFunction.apply(self.fc(x), self.w)

    model = pc.quantize(Model())
    with pytest.warns(UserWarning, match=r"as they stay FP32: a backward \(mm\)"):
        with pc.capture(model, path, **SOURCE):
            mean(model, torch.randn(5, 8))
    assert {name: passes for name, (_, passes, _) in layers_of(path).items()} == {"fc": "fw", "w": "f"}
    assert left_out(path) == [
        ("a backward", "mm", "FP32: of what stays FP32, or of the script's own functions; 2 products of 320 MACs, the first [5, 4] x [4, 8]"),
    ]  # fmt: skip


# --- gradients of gradients ------------------------------------------------------------------------


@pytest.mark.parametrize("layers", [1, 2])
def test_a_second_derivative_is_refused_in_a_line_that_names_the_layer(layers):
    """Never silently zero: of a single layer too, whose own gradient comes in as a constant."""
    parts = [nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 1)] if layers == 2 else [nn.Linear(2, 1)]
    model = pc.quantize(nn.Sequential(*parts))
    x = torch.randn(8, 2, requires_grad=True)
    (dx,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
    with pytest.raises(ValueError, match=r"layer '\d': a gradient of its gradient .*exclude=\["):
        dx.square().mean().backward()


def test_a_graph_of_gradients_that_is_not_differentiated_is_no_matter():
    model = pc.quantize(nn.Linear(2, 1))
    x = torch.randn(8, 2, requires_grad=True)
    (plain,) = torch.autograd.grad(model(x).sum(), x)
    (graph,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
    assert torch.equal(plain, graph)
    model(x).sum().backward(create_graph=True)
    assert torch.equal(x.grad, plain)


# --- methods that are called without the module ----------------------------------------------------


class Coder(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight_of_code = nn.Parameter(torch.randn(4, 8))
        self.back = nn.Linear(4, 8)

    def decode(self, z):
        return nn.functional.linear(z, self.weight_of_code)

    def forward(self, x):
        return self.back(self.decode(x))

    def training_step(self, x):
        return self(x).square().mean() + self.decode(x).square().mean()

    def reset_weights(self):
        with torch.no_grad():
            square = torch.eye(4) * 1.1
            self.weight_of_code.copy_(square @ self.weight_of_code)


def test_a_method_is_quantized_as_the_module_is(path):
    torch.manual_seed(0)
    model = pc.quantize(Coder())
    x = torch.randn(3, 8)
    inner = []
    model.back.register_forward_pre_hook(lambda _, args: inner.append(args[0].detach()))
    assert torch.equal(model.forward(x), model(x))
    assert torch.equal(model.decode(x), inner[0])
    assert not torch.equal(model.decode(x), nn.functional.linear(x, model.weight_of_code))
    layers = captured(model, path, lambda m: m.training_step(x).backward())
    assert list(layers) == ["weight_of_code", "back", "weight_of_code#2"]
    assert left_out(path) == []
    again = pickle.loads(pickle.dumps(pc.quantize(Coder())))
    assert again.decode.__name__ == "decode"


def test_methods_that_make_weights_stay_exact():
    model = pc.quantize(Coder())
    before = model.weight_of_code.detach().clone()
    model.reset_weights()
    assert torch.equal(model.weight_of_code, (torch.eye(4) * 1.1) @ before)


# --- passes that ran -------------------------------------------------------------------------------


@pytest.mark.parametrize("accumulator", [None, potomac.Accumulator(32, -8, "saturate")])
def test_gradients_of_the_input_alone_have_no_backward_weight(accumulator, path):
    model = pc.quantize(nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 4)), accumulator=accumulator)
    x = torch.randn(3, 8, requires_grad=True)
    whole = torch.autograd.grad(model(x).sum(), [x, *(p for p in model.parameters() if p.dim())])
    seen = {}
    layers = captured(model, path, lambda m: seen.update(dx=torch.autograd.grad(m(x).sum(), x)))
    assert torch.equal(seen["dx"][0], whole[0])
    for passes in (passes for _, passes, _ in layers.values()):
        assert passes == "fd"


def test_a_layer_whose_gradients_nobody_asks_for_has_a_forward_alone(path):
    model = pc.quantize(nn.Sequential(nn.Linear(8, 6), nn.Linear(6, 4)), wbc=False)
    x = torch.randn(3, 8)
    (expected,) = torch.autograd.grad(model(x).sum(), model[1].weight)
    layers = captured(model, path, lambda m: m(x).sum().backward(inputs=[m[1].weight]))
    assert torch.equal(model[1].weight.grad, expected) and model[0].weight.grad is None
    first, second = (passes for _, passes, _ in layers.values())
    assert (first, second) == ("f", "fw")


def test_a_gradient_is_computed_again_from_a_graph_that_is_kept():
    model = pc.quantize(nn.Linear(4, 3))
    loss = model(torch.randn(2, 4)).square().sum()
    first = torch.autograd.grad(loss, model.weight, retain_graph=True)
    second = torch.autograd.grad(loss, model.weight)
    assert torch.equal(*first, *second)


def test_training_without_a_capture_says_once_what_stays_fp32():
    class Distances(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.kept = nn.Linear(8, 8), nn.Linear(8, 8)

        def forward(self, x):
            return torch.cdist(self.kept(self.fc(x)), x)

    model = pc.quantize(Distances(), exclude=["kept"])
    x = torch.randn(5, 8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with torch.no_grad():
            model(x)
        model.eval()
        model(x)
    model.train()
    with pytest.warns(UserWarning) as said:
        plain = model(x)
    (message,) = [str(warning.message) for warning in said]
    assert message == (
        "not quantized in this training: Distances (_cdist_forward): FP32: not intercepted; "
        "1 product of 200 MACs, [5, 8] x [5, 8]"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(model(x), plain)
        copy.deepcopy(model)(x)
