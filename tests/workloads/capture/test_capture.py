"""capture: the trace's layout, what its codes are, and steps it refuses."""

import time
import warnings

import h5py
import numpy as np
import pytest
import torch
from test_accumulators import MODELS
from torch import nn

import potomac_capture as pc

ACCUMULATORS = ("acc_bits", "acc_lsb", "acc_overflow")
SOURCE = {"dataset": "random", "step": 3, "seed": 1}


class Network(nn.Module):
    """Strided, padded, dilated, grouped convolutions, and linear layers."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 3)  # registered first, runs last
        self.stem = nn.Conv2d(2, 4, 3, stride=2, padding=1)
        inner = nn.Conv2d(4, 8, (3, 1), padding="same", dilation=2, groups=2)
        self.blocks = nn.ModuleList([inner])

    def forward(self, x):
        x = self.stem(x).relu()
        x = self.blocks[0](x).relu()
        return self.head(x.mean((2, 3)))


def step(model, x=None):
    x = torch.randn(5, 2, 8, 7) if x is None else x
    model(x).square().mean().backward()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trace.h5"


@pytest.fixture
def model():
    return pc.quantize(Network())


def captured(model, path, x=None, **options):
    with pc.capture(model, path, **{**SOURCE, **options}):
        step(model, x)
    return h5py.File(path, "r")


def plain(attributes, without=()):
    """Attributes as Python values; h5py gives texts of fixed length as bytes."""
    values = {k: v.tolist() for k, v in attributes.items() if k not in without}
    return {k: v.decode() if isinstance(v, bytes) else v for k, v in values.items()}


def test_every_byte_lies_under_a_checksum(model, path):
    with captured(model, path) as trace:
        assert trace.libver == ("v110", "v110") or trace.id.get_create_plist().get_version()[0] >= 2
        for node in (trace, *trace["layers"].values()):
            for key in node.attrs:
                assert not h5py.check_string_dtype(node.attrs.get_id(key).dtype) or (
                    h5py.check_string_dtype(node.attrs.get_id(key).dtype).length
                )


def test_root_attributes(model, path):
    with captured(model, path) as trace:
        assert plain(trace.attrs) == {
            "format": "potomac-trace",
            "version": 2,
            "model": "Network",
            "framework": "pytorch " + torch.__version__.rsplit(".", 1)[0],
            "dataset": "random",
            "step": 3,
            "seed": 1,
            "rounding": "log2",
        }
        for key in ("version", "step", "seed"):
            assert trace.attrs.get_id(key).dtype == np.int64


def test_layers_come_in_forward_order_with_their_geometry(model, path):
    with captured(model, path) as trace:
        layers = trace["layers"]
        assert list(layers) == ["000-stem", "001-blocks.0", "002-head"]
        assert plain(layers["000-stem"].attrs, ACCUMULATORS) == {
            "kind": "conv2d",
            "input_grad": 0,
            "stride": [2, 2],
            "padding": [1, 1],
            "dilation": [1, 1],
            "groups": 1,
        }
        assert plain(layers["001-blocks.0"].attrs, ACCUMULATORS) == {
            "kind": "conv2d",
            "input_grad": 1,
            "stride": [1, 1],
            "padding": [2, 0],
            "dilation": [2, 2],
            "groups": 2,
        }
        assert plain(layers["002-head"].attrs, ACCUMULATORS) == {"kind": "linear", "input_grad": 1}


def test_tensors_have_the_shapes_and_storage_of_the_format(model, path):
    shapes = {
        "000-stem": {"W": (4, 2, 3, 3), "A": (5, 2, 8, 7), "G": (5, 4, 4, 4)},
        "001-blocks.0": {"W": (8, 2, 3, 1), "A": (5, 4, 4, 4), "G": (5, 8, 4, 4)},
        "002-head": {"W": (3, 8), "A": (5, 8), "G": (5, 3)},
    }
    with captured(model, path) as trace:
        for name, tensors in shapes.items():
            assert set(trace["layers"][name]) == {"W", "A", "G"}
            for role, shape in tensors.items():
                dataset = trace["layers"][name][role]
                assert dataset.shape == shape and dataset.dtype == np.uint8
                assert dataset.chunks and dataset.compression == "gzip"
                assert dataset.fletcher32
                assert set(dataset.attrs) - {"producer"} == {
                    "bits", "beta", "exact_zeros", "underflows",
                }  # fmt: skip
                zeros = int((dataset[...] == 8).sum())
                assert dataset.attrs["exact_zeros"] + dataset.attrs["underflows"] == zeros
                assert dataset.attrs.get_id("beta").dtype == np.int64
                assert dataset.attrs["bits"] == 5


def test_zeros_of_the_step_and_zeros_of_the_quantizer_are_told_apart(path):
    model = pc.quantize(nn.Sequential(nn.Linear(4, 2)), pc.Config(wbc=False))
    a = torch.tensor([[1.0, 0.0, 1e-9, -0.0], [0.5, -1e-12, 0.25, 0.0]])
    with captured(model, path, a) as trace:
        attributes = trace["layers/000-0/A"].attrs
        assert (attributes["exact_zeros"], attributes["underflows"]) == (3, 2)


def test_layers_are_numbered_with_as_many_digits_as_the_last_needs(path):
    model = nn.Sequential(*(nn.Linear(1, 1) for _ in range(1001)))
    with captured(pc.quantize(model), path, torch.ones(1, 1)) as trace:
        names = list(trace["layers"])
        assert [names[0], names[1000]] == ["0000-0", "1000-1000"]
        assert [int(name.split("-")[1]) for name in names] == list(range(1001))


def test_codes_are_what_the_step_computed_with(path):
    """The trace's values, run through plain autograd, give the step's gradients."""
    layer = pc.quantize(nn.Linear(6, 4), pc.Config(gamma=0.6))
    model = nn.Sequential(layer)
    a = torch.randn(7, 6, requires_grad=True)
    g = torch.randn(7, 4)
    with pc.capture(model, path, **SOURCE):
        y = model(a)
        y.backward(g)
    with h5py.File(path) as trace:
        values = {
            role: pc.dequantize(
                torch.from_numpy(dataset[()]),
                int(dataset.attrs["bits"]),
                int(dataset.attrs["beta"]),
            )
            for role, dataset in trace["layers/000-linear"].items()
        }
    torch.testing.assert_close(y, values["A"] @ values["W"].t() + layer.bias)
    dw = values["G"].t() @ values["A"]
    torch.testing.assert_close(layer.weight.grad, dw - dw.mean())
    kept = a.abs() <= layer.gamma * a.abs().max()
    assert not kept.all()
    torch.testing.assert_close(a.grad, values["G"] @ values["W"] * kept)


def test_capturing_does_not_change_the_step(path):
    torch.manual_seed(5)
    one = pc.quantize(Network())
    torch.manual_seed(5)
    two = pc.quantize(Network())
    x = torch.randn(5, 2, 8, 7)
    captured(one, path, x).close()
    step(two, x)
    for p, q in zip(one.parameters(), two.parameters()):
        assert (p.grad is None) == (q.grad is None)
        assert p.grad is None or torch.equal(p.grad, q.grad)


def test_every_code_is_canonical(model, path):
    with captured(model, path) as trace:
        for layer in trace["layers"].values():
            for dataset in layer.values():
                codes = dataset[()]
                assert codes.max() < 32 and not (codes == 0x18).any()
                assert ((codes & 15) == 7).any()  # the largest element sets the scale


def test_leading_dimensions_become_one_batch(path):
    model = pc.quantize(nn.Linear(6, 4))
    with captured(model, path, torch.randn(2, 3, 6)) as trace:
        assert trace["layers/000-linear/A"].shape == (6, 6)
        assert trace["layers/000-linear/G"].shape == (6, 4)
        assert trace.attrs["model"] == b"Linear"


def test_an_unbatched_sample(path):
    model = pc.quantize(nn.Linear(6, 4))
    with captured(model, path, torch.randn(6)) as trace:
        assert trace["layers/000-linear/A"].shape == (1, 6)


def test_options_show_in_the_trace(path):
    options = pc.Config(bits=4, last_layer_grad_bits=6, rounding="linear", wbc=False)
    model = pc.quantize(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)), options)
    with captured(model, path, torch.randn(3, 4), model_name="mlp") as trace:
        assert trace.attrs["rounding"] == b"linear" and trace.attrs["model"] == b"mlp"
        bits = [trace[f"layers/{n}/G"].attrs["bits"] for n in ("000-0", "001-1")]
        assert bits == [4, 6]
        assert trace["layers/001-1/W"].attrs["bits"] == 4


def test_the_same_step_gives_the_same_bytes(tmp_path):
    files = []
    for name in ("one.h5", "two.h5"):
        torch.manual_seed(9)
        captured(pc.quantize(Network()), tmp_path / name).close()
        files.append((tmp_path / name).read_bytes())
        time.sleep(1.1)  # HDF5 would note the second in which something was made
    assert files[0] == files[1]


def test_large_tensors_are_stored_in_several_chunks(path):
    model = pc.quantize(nn.Linear(1000, 700))
    with captured(model, path, torch.randn(2, 1000)) as trace:
        assert trace["layers/000-linear/W"].chunks == (262, 1000)


class SharedLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(self.layer(x))


def two_backwards(model, x):
    loss = model(x).sum()
    loss.backward(retain_graph=True)
    loss.backward()


@pytest.mark.parametrize(
    "make, body, message",
    [
        (lambda: nn.Linear(4, 4), lambda m, x: m(x), "forward but no backward"),
        (lambda: nn.Linear(4, 4), two_backwards, "more than one backward"),
        (lambda: nn.Linear(4, 4), lambda m, x: None, "no quantized layer ran"),
    ],
)
def test_refused_steps_leave_no_file(tmp_path, make, body, message):
    model = pc.quantize(make())
    with pytest.raises(pc.CaptureError, match=message):
        with pc.capture(model, tmp_path / "trace.h5", **SOURCE):
            body(model, torch.randn(3, 4))
    assert list(tmp_path.iterdir()) == []
    model(torch.randn(3, 4)).sum().backward()  # the model trains on as before


def test_a_model_that_is_not_quantized_is_refused(path):
    with pytest.raises(pc.CaptureError, match="call quantize"):
        with pc.capture(Network(), path, **SOURCE):
            pass


def test_an_error_in_the_step_keeps_the_earlier_file(model, path):
    path.write_bytes(b"earlier")
    with pytest.raises(ZeroDivisionError):
        with pc.capture(model, path, **SOURCE):
            step(model)
            1 / 0
    assert path.read_bytes() == b"earlier"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_in_writing_leaves_nothing_behind(model, path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        captured(model, path)
    assert list(path.parent.iterdir()) == []


# --- what a trace knows of the training --------------------------------------------------------


def producers(trace):
    """By layer: who made A, and W where it is no parameter."""
    return {
        name: {
            role: layer[role].attrs["producer"].decode()
            for role in "WA"
            if layer[role].attrs["producer"]
        }
        for name, layer in trace["layers"].items()
    }


class Branches(nn.Module):
    """Results that go two ways, meet again, are changed in place, and are W."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.stem, self.branch = nn.Conv2d(2, 3, 1), nn.Conv2d(3, 3, 3, padding=1)
        self.head, self.gate = nn.Linear(3, 4), nn.Linear(3, 4)

    def forward(self, x):
        x = torch.relu_(self.norm(self.stem(x)))
        y = self.branch(x)
        y += x
        rows = y.mean((2, 3))
        joined = torch.zeros(rows.shape[0], 6)
        joined[:, :3] = rows
        queries, keys = self.head(joined[:, :3]), self.gate(torch.ones(5, 3))
        return (queries @ keys.t()).softmax(-1)


def test_who_feeds_whom_is_traced(path):
    model = pc.quantize(Branches())
    with captured(model, path, torch.randn(4, 2, 5, 5)) as trace:
        assert producers(trace) == {
            "000-stem": {},
            "001-branch": {"A": "000-stem"},
            "002-head": {"A": "000-stem/001-branch"},
            "003-gate": {},
            "004-matmul": {"A": "002-head", "W": "003-gate"},
        }


def test_what_is_frozen_or_detached_feeds_all_the_same(path):
    teacher, student = nn.Linear(3, 3), nn.Linear(3, 2)
    teacher.requires_grad_(False)
    model = pc.quantize(nn.Sequential(teacher, nn.ReLU(), student))
    with captured(model, path, torch.randn(4, 3)) as trace:
        assert producers(trace) == {"000-0": {}, "001-2": {"A": "000-0"}}
    with pc.capture(model, path, **SOURCE):
        model[2](model[0](torch.randn(4, 3)).detach()).sum().backward()
    with h5py.File(path) as trace:
        assert producers(trace) == {"000-0": {}, "001-2": {"A": "000-0"}}


def test_both_powers_of_a_have_its_producers(path):
    model = pc.quantize(nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2)), activation_terms=2)
    with captured(model, path, torch.randn(4, 3)) as trace:
        assert producers(trace) == {
            "000-0": {}, "001-0.second": {}, "002-1": {"A": "000-0"}, "003-1.second": {"A": "000-0"},
        }  # fmt: skip


def test_what_nobody_saw_being_made_has_no_producer(path):
    """A kernel of the user's own, below PyTorch's functions."""

    class Unseen(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return torch._C._from_dlpack(torch._C._to_dlpack(x)).clone()

        @staticmethod
        def backward(ctx, g):
            return g

    one, two = nn.Linear(3, 3), nn.Linear(3, 2)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = one, two

        def forward(self, x):
            return self.two(Unseen.apply(self.one(x)))

    with captured(pc.quantize(Model()), path, torch.randn(4, 3)) as trace:
        assert "producer" not in trace["layers/001-two/A"].attrs
        assert trace["layers/000-one/A"].attrs["producer"] == b""


def test_fp32_sums_have_no_accumulator(model, path):
    with captured(model, path) as trace:
        for layer in trace["layers"].values():
            for key in ACCUMULATORS:
                assert layer.attrs[key].tolist() == [0, 0, 0]


def test_originals_are_what_was_neither_clipped_nor_corrected(path):
    layer = pc.quantize(nn.Linear(6, 4), pc.Config(gamma=0.6))
    a, g = torch.randn(7, 6), torch.randn(7, 4)
    with pc.capture(nn.Sequential(layer), path, **SOURCE, originals=True):
        layer(a).backward(g)
    with h5py.File(path) as trace:
        traced = trace["layers/000-linear"]
        assert set(traced) == {"W", "A", "G", "W_fp32", "A_fp32", "G_fp32"}
        for role, values in (("W", layer.weight), ("A", a), ("G", g)):
            dataset = traced[f"{role}_fp32"]
            assert dataset.dtype == np.float32 and dataset.fletcher32
            assert np.array_equal(dataset[()], values.detach().numpy())


def test_originals_are_those_of_the_step_not_of_later(path):
    layer = pc.quantize(nn.Linear(6, 4))
    with pc.capture(nn.Sequential(layer), path, **SOURCE, originals=True):
        layer(torch.randn(7, 6)).sum().backward()
        before = layer.weight.detach().clone()
        with torch.no_grad():
            layer.weight.zero_()
    with h5py.File(path) as trace:
        assert np.array_equal(trace["layers/000-linear/W_fp32"][()], before.numpy())


# --- a captured step is the step that it would have been ---------------------------------------


def step_of(model, x):
    """What a script makes of a model's output: numbers, other types, 0-dim tensors, gradients."""
    model.zero_grad()
    y = model(x)
    y = y[0] if isinstance(y, tuple) else y
    scaled = (y * 0.1 + 1) / 3
    total = scaled.sum()
    seen = [scaled, total.bfloat16() * 0.5, torch.tensor(3, dtype=torch.int32) * 2, total.double() * 0.1]
    mask = torch.arange(5)
    mask.bitwise_and_(6)
    seen.append(mask)
    scaled.square().mean().backward()
    return [t.detach().clone() for t in seen] + [
        p.grad.clone() for p in model.parameters() if p.grad is not None
    ]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("kind", MODELS)
def test_values_and_types_of_a_step_are_the_same_captured(kind, dtype, path):
    torch.manual_seed(3)
    model, extents = MODELS[kind]()
    model = pc.quantize(model).to(dtype)
    x = torch.randn(extents, dtype=dtype)
    plain_step = step_of(model, x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what stays FP32
        with pc.capture(model, path, **SOURCE, originals=True):
            captured_step = step_of(model, x)
    assert len(plain_step) == len(captured_step)
    for one, other in zip(plain_step, captured_step):
        assert one.dtype == other.dtype and torch.equal(one, other)


def test_a_graph_may_be_used_again_behind_the_capture(path):
    model = pc.quantize(nn.Linear(4, 4))
    with pc.capture(model, path, **SOURCE):
        y = model(torch.randn(2, 4))
        y.sum().backward(retain_graph=True)
    before = path.read_bytes()
    first = model.weight.grad.clone()
    y.sum().backward()
    assert torch.equal(model.weight.grad, 2 * first) and path.read_bytes() == before


def test_inference_mode_is_captured(path):
    model = pc.quantize(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)))
    x = torch.randn(5, 8)
    with pc.capture(model, path, **SOURCE), torch.inference_mode():
        y = model(x)
    assert torch.equal(y, model(x))
    with h5py.File(path) as trace:
        assert [layer.attrs["weight_grad"] for layer in trace["layers"].values()] == [0, 0]


# --- products that stay FP32 are named -----------------------------------------------------------

IDENTITY = torch.eye(5).to_sparse()
SPARSE = "of sparse tensors, which are not quantized"
LEFT = {
    "_cdist_forward": (torch.cdist, "320 MACs, [5, 8] x [8, 8]"),
    "conv_tbc": (
        lambda a, w: torch.conv_tbc(a[:, None], w[None], torch.zeros(8)), "320 MACs, [5, 1, 8] x [1, 8, 8]",
    ),
    "_sparse_addmm": (lambda a, w: torch.sparse.mm(IDENTITY, a + w.sum()), "40 MACs, [5, 5] x [5, 8]"),
    "mm": (lambda a, w: IDENTITY @ (a + w.sum()), "40 MACs, [5, 5] x [5, 8]"),
    "_embedding_bag": (
        lambda a, w: a.sum() + nn.functional.embedding_bag(
            torch.zeros(2, 3, dtype=torch.long), w, mode="sum", per_sample_weights=torch.ones(2, 3)
        ),
        "48 MACs, [8, 8] x [6]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", LEFT)
def test_a_product_that_is_not_quantized_is_named(kind, path):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(8, 8)
            self.w = nn.Parameter(torch.randn(8, 8))

        def forward(self, x):
            return LEFT[kind][0](self.first(x), self.w)

    with pytest.warns(UserWarning, match=rf"not in the trace, as they stay FP32: Model \({kind}\)"):
        with captured(pc.quantize(Model()), path, torch.randn(5, 8)) as trace:
            part = plain(trace["not_included/000000"].attrs)
            assert list(trace["layers"]) == ["000-first"]
    reason = SPARSE if kind in ("mm", "_sparse_addmm") else "FP32: not intercepted"
    assert part == {"name": "Model", "kind": kind, "reason": f"{reason}; 1 product of {LEFT[kind][1]}"}
