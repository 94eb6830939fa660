"""ONNX models: layers, extents and weights against the graphs themselves, counted a second time."""

from __future__ import annotations

import json
import pathlib
import warnings
from math import prod

import h5py
import numpy as np
import onnx
import pytest
from reports import of
import torch
import torchvision
from onnx import TensorProto, helper, numpy_helper, shape_inference
from potomac_capture import exact_mean
from torch import nn

GRAPHS = pathlib.Path("/usr/share/libonnx-testdata/data")
TAKEN = {"Conv", "ConvInteger", "QLinearConv", "ConvTranspose", "Gemm", "MatMul", "MatMulInteger",
         "QLinearMatMul"}  # fmt: skip


def export(potomac, model: nn.Module, inputs, **options) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, inputs, str(potomac.folder / "net.onnx"), opset_version=14,
            training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False, **options,
        )  # fmt: skip
    return "net.onnx"


def info(potomac, *arguments) -> dict:
    done = potomac("trace", "info", *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def macs_of(layer: dict, wanted: str = "forward") -> int:
    return sum(gemm["macs"] for gemm in layer["gemms"] if gemm["pass"] == wanted)


def gemms_of(layer: dict) -> list[tuple]:
    return [(g["pass"], g["count"], g["m"], g["n"], g["k"]) for g in layer["gemms"]]


# --- ONNX's own graphs ------------------------------------------------------------------------------


def counted(model: onnx.ModelProto) -> list[int]:
    """Each linear node's MACs from its shapes, as the operators are defined."""
    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {t.name: list(t.dims) for t in graph.initializer}
    for value in [*graph.input, *graph.value_info, *graph.output]:
        shapes.setdefault(value.name, [d.dim_value for d in value.type.tensor_type.shape.dim])
    counts: list[int] = []
    for node in graph.node:
        if node.op_type not in TAKEN or node.domain:
            continue
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        second = node.input[3 if node.op_type.startswith("QLinear") else 1]
        a, b, out = (shapes[name] for name in (node.input[0], second, node.output[0]))
        if "Conv" in node.op_type:
            if node.op_type == "ConvTranspose":
                counts.append(transposed_macs(a, b, out, attributes))
            else:
                counts.append(prod(out) * prod(b[1:]))
        elif node.op_type == "Gemm":
            counts.append(prod(out) * a[0 if attributes.get("transA") else 1])
        else:
            counts.append(prod(out) * a[-1])
    return counts


def transposed_macs(a: list[int], w: list[int], out: list[int], attributes: dict) -> int:
    """Where an input, through a tap, meets an output: without what is cut off."""
    axes = len(a) - 2
    total = a[0] * a[1] * w[1]
    for axis in range(axes):
        size, taps, extent = a[2 + axis], w[2 + axis], out[2 + axis]
        stride = attributes.get("strides", [1] * axes)[axis]
        dilation = attributes.get("dilations", [1] * axes)[axis]
        full = (size - 1) * stride + dilation * (taps - 1) + 1
        more = attributes.get("output_padding", [0] * axes)[axis]
        if "output_shape" in attributes or "auto_pad" in attributes:
            cut = max(0, full + more - extent)
            before = cut // 2 if attributes.get("auto_pad") == b"SAME_UPPER" else cut - cut // 2
        else:
            before = attributes.get("pads", [0] * 2 * axes)[axis]
        places = np.add.outer(np.arange(size) * stride, np.arange(taps) * dilation) - before
        total *= int(((places >= 0) & (places < extent)).sum())
    return total


def linear_graphs() -> list[pathlib.Path]:
    paths = sorted(GRAPHS.rglob("model.onnx"))
    assert len(paths) > 1000
    return [p for p in paths if TAKEN & {n.op_type for n in onnx.load(p).graph.node}]


def test_every_linear_graph_of_onnx_has_the_macs_of_its_definition(potomac):
    seen = 0
    for path in linear_graphs():
        wanted = counted(onnx.load(path))
        found = info(potomac, path)
        macs = [macs_of(layer) for layer in found["layers"]]
        # Phases have slots for taps that meet no output; what is counted does not.
        for layer, mac, count in zip(found["layers"], macs, wanted, strict=True):
            if layer["kind"].startswith("conv_transpose"):
                assert mac >= count
                done = potomac("run", path, "--arch", "os-16x16", "--passes", "forward", "--layers",
                               layer["name"], "--out", "out")  # fmt: skip
                assert done.returncode == 0, done.stderr
                report = json.loads((potomac.folder / "out/report.json").read_text())
                (ran,) = report["passes"]
                assert mac - of(ran)["zero_operand_macs"]["structural"] == count, path
            else:
                assert mac == count, path
        seen += 1
    assert seen > 50


def test_other_graphs_are_refused_by_the_names_of_their_operators(potomac):
    linear = set(linear_graphs())
    others = [path for path in sorted(GRAPHS.rglob("model.onnx")) if path not in linear]
    for path in others[::10]:
        if {"LSTM", "GRU", "RNN", "Einsum"} & {n.op_type for n in onnx.load(path).graph.node}:
            continue
        error = potomac.refuses("trace", "info", path)
        assert "has no linear layer" in error or "is not known; bind it" in error, error
    relu = potomac.refuses("run", GRAPHS / "node/test_relu/model.onnx", "--arch", "os-16x16",
                           "--out", "out")  # fmt: skip
    assert "it has Relu (not a matrix product)" in relu


def test_einsum_is_a_matmul(potomac):
    batch = GRAPHS / "node/test_einsum_batch_matmul/model.onnx"
    (layer,) = info(potomac, batch)["layers"]
    shape = [d.dim_value for d in onnx.load(batch).graph.output[0].type.tensor_type.shape.dim]
    assert layer["kind"] == "matmul"
    assert gemms_of(layer)[0][:4] == ("forward", shape[0], shape[1], shape[2])
    error = potomac.refuses("trace", "info", GRAPHS / "node/test_einsum_sum/model.onnx")
    assert "Einsum" in error


# --- models exported by PyTorch ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "model"),
    [("resnet18", torchvision.models.resnet18), ("mobilenet-v2", torchvision.models.mobilenet_v2)],
)
def test_a_torchvision_model_is_the_shipped_description(potomac, name, model):
    file = export(
        potomac, model(), torch.randn(2, 3, 224, 224), input_names=["images"],
        dynamic_axes={"images": {0: "n"}},
    )  # fmt: skip
    exported = info(potomac, file, "--batch", 6)
    shipped = info(potomac, name, "--batch", 6)
    assert exported["dimensions"] == {"batch": 6}
    assert [gemms_of(a) for a in exported["layers"]] == [gemms_of(b) for b in shipped["layers"]]
    assert exported["layers"][0]["name"].endswith(("conv1", "features.0.0"))
    kinds = {part["kind"] for part in exported["not_included"]}
    assert "BatchNormalization" in kinds and "Conv" not in kinds


def test_vision_transformer_with_dynamic_batch(potomac):
    model = torchvision.models.VisionTransformer(
        image_size=32, patch_size=8, num_layers=2, num_heads=4, hidden_dim=24, mlp_dim=40,
        num_classes=7,
    )  # fmt: skip
    file = export(
        potomac, model, torch.randn(2, 3, 32, 32), input_names=["x"],
        dynamic_axes={"x": {0: "batch"}},
    )  # fmt: skip
    b, t, e = 5, 17, 24
    macs = [macs_of(layer) for layer in info(potomac, file, "--batch", b)["layers"]]
    block = [b * t * 3 * e * e, b * t * t * e, b * t * t * e, b * t * e * e, b * t * e * 40,
             b * t * e * 40]  # fmt: skip
    assert macs == [b * 16 * e * 3 * 64, *block, *block, b * e * 7]


class Translator(nn.Module):
    """Embeddings, an encoder, a decoder with a mask, cross attention, and an LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(50, 16)
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True), 1
        )
        self.decoder = nn.TransformerDecoderLayer(16, 4, 32, batch_first=True, norm_first=True)
        self.rest = nn.LSTM(16, 8, batch_first=True)
        self.out = nn.Linear(16, 50)

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        memory = self.encoder(self.words(source))
        length = target.shape[1]
        mask = torch.full((length, length), float("-inf")).triu(1)
        hidden = self.decoder(self.words(target), memory, tgt_mask=mask)
        return self.out(hidden) + self.rest(hidden)[0].mean()


def test_attention_with_two_dynamic_lengths(potomac):
    tokens = torch.zeros(2, 5, dtype=torch.long), torch.zeros(2, 7, dtype=torch.long)
    file = export(
        potomac, Translator(), tokens, input_names=["source", "target"],
        dynamic_axes={"source": {0: "batch", 1: "length"}, "target": {0: "batch", 1: "out"}},
    )  # fmt: skip
    error = potomac.refuses("trace", "info", file, "--batch", 3)
    assert "its dimension 'length' is not known; bind it: --length N" in error
    error = potomac.refuses("trace", "info", file, "--batch", 3, "--length", 6)
    assert "its dimension 'out' is not known; bind it: --dim out=N" in error
    found = info(potomac, file, "--batch", 3, "--length", 6, "--dim", "out=9")
    assert found["dimensions"] == {"batch": 3, "length": 6, "out": 9}
    b, s, t, e, f = 3, 6, 9, 16, 32
    encoder = [b * s * 3 * e * e, b * s * s * e, b * s * s * e, b * s * e * e, b * s * e * f,
               b * s * f * e]  # fmt: skip
    decoder = [b * t * 3 * e * e, b * t * t * e, b * t * t * e, b * t * e * e,
               b * t * e * e, b * s * 2 * e * e, b * t * s * e, b * t * s * e, b * t * e * e,
               b * t * e * f, b * t * f * e]  # fmt: skip
    recurrent = [b * t * e * 32, *[b * 8 * 32] * t]
    layers = found["layers"]
    assert [macs_of(x) for x in layers] == [*encoder, *decoder, b * t * e * 50, *recurrent]
    # Embeddings learn: every layer hands a gradient on, but the state that the LSTM begins with.
    first = [layer["name"] for layer in layers if not layer["input_grad"]]
    assert first == ["019-rest.LSTM.weight_hh"]


class Painter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv1d(4, 6, 5, stride=2, padding=2)
        self.up = nn.ConvTranspose1d(6, 4, 3, stride=2, padding=1, output_padding=1)
        self.wide = nn.ConvTranspose2d(4, 8, (3, 2), (2, 1), (1, 0), (1, 0), 2, True, (1, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.wide(self.up(self.down(x)).unsqueeze(2))


def test_transposed_convolutions_have_the_extents_that_torch_gives_them(potomac):
    model = Painter()
    x = torch.randn(3, 4, 11)
    up = model.up(model.down(x))
    wide = model(x)
    assert potomac("trace", "import", export(potomac, model, x), "-o", "net.yaml").returncode == 0
    for file in ("net.onnx", "net.yaml"):
        down, upward, last = info(potomac, file)["layers"]
        assert not down["input_grad"] and upward["input_grad"]
        assert upward["kind"] == last["kind"] == "conv_transpose2d"
        assert upward["tensors"]["G"]["shape"] == [3, 4, 1, up.shape[2]]
        assert last["tensors"]["G"]["shape"] == list(wide.shape)
        assert (last["groups"], last["dilation"], last["stride"]) == (2, [1, 2], [2, 1])


# --- weights ----------------------------------------------------------------------------------------


def quantized(values: np.ndarray, bits: int = 5) -> tuple[np.ndarray, int]:
    """WBC and ALS-PoTQ by their definitions, in double precision: exponents (None: zero) and beta."""
    values = values.astype(np.float32)
    values = values - np.float32(exact_mean(torch.from_numpy(values.copy())))
    top = 2 ** (bits - 2) - 1
    with np.errstate(divide="ignore"):
        logs = np.log2(np.abs(values.astype(np.float64)))
    beta = int(np.round(logs.max())) - top
    exponent = np.where(logs == -np.inf, -999, np.round(logs)) - beta
    signed = np.where(exponent < -top, 0.0, np.sign(values) * np.exp2(np.maximum(exponent, -top)))
    return signed, beta


def decoded(dataset: h5py.Dataset) -> np.ndarray:
    bits = int(dataset.attrs["bits"])
    codes = dataset[...].astype(int)
    zero, sign = 1 << (bits - 2), 1 << (bits - 1)
    field = codes & (sign - 1)
    magnitude = np.exp2(np.where(field >= zero, field - sign, field).astype(float))
    return np.where(codes == zero, 0.0, np.where(codes & sign, -magnitude, magnitude))


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.tokens = nn.Linear(36, 12)  # on three axes: MatMul by a transposed constant
        self.head = nn.Linear(48, 5)  # on two: Gemm

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.tokens(self.up(self.conv(x)).flatten(2))
        return self.head(x.flatten(1))


def test_initializers_become_quantized_weights(potomac):
    torch.manual_seed(3)
    model = Small()
    file = export(potomac, model, torch.randn(2, 3, 7, 7))
    done = potomac("trace", "synth", file, "-o", "net.h5", "--density", "W=0.5,A=0.5", "--seed", 9)
    assert done.returncode == 0, done.stderr
    with h5py.File(potomac.folder / "net.h5") as trace:
        assert b"; weights are the model's" in trace.attrs["synthesis"]
        names = {name.split("-", 1)[1]: name for name in trace["layers"]}
        for name in ("conv", "up", "tokens", "head"):
            w = trace["layers"][names[name]]["W"]
            expected, beta = quantized(getattr(model, name).weight.detach().numpy())
            np.testing.assert_array_equal(decoded(w), expected, err_msg=name)
            assert w.attrs["beta"] == beta
        # Activations are drawn: half of them zero.
        zeros = decoded(trace["layers"][names["conv"]]["A"]) == 0
        assert 0.3 < zeros.mean() < 0.7
    ran = potomac("run", "net.h5", "--arch", "os-16x16", "--out", "out")
    assert ran.returncode == 0 and "weights are the model's" in ran.stdout


def linear_model(folder: pathlib.Path, weights: TensorProto, batch: int | str = 2) -> None:
    inputs, outputs = weights.dims
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, inputs])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, outputs])], [weights],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    onnx.save(model, str(folder / "net.onnx"))


@pytest.mark.parametrize("form", ["float32", "float16", "float64", "bfloat16", "typed",
                                  "external", "large"])  # fmt: skip
def test_weights_in_every_form_of_the_format(potomac, form):
    values = np.random.default_rng(5).normal(size=(6, 4)).astype(np.float32)
    if form == "large":  # left in the file until they are wanted
        values = np.random.default_rng(6).normal(size=(300, 100)).astype(np.float32)
        weights = numpy_helper.from_array(values, "w")
    elif form == "typed":
        weights = helper.make_tensor("w", TensorProto.FLOAT, (6, 4), values.ravel().tolist())
    elif form == "bfloat16":
        upper = values.view(np.uint32) >> 16
        values = (upper << 16).astype(np.uint32).view(np.float32)
        weights = TensorProto(name="w", data_type=TensorProto.BFLOAT16, dims=(6, 4),
                              raw_data=upper.astype("<u2").tobytes())  # fmt: skip
    elif form == "external":
        weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=(6, 4))
        weights.data_location = TensorProto.EXTERNAL
        for key, value in (("location", "w.bin"), ("offset", "16"), ("length", "96")):
            weights.external_data.add(key=key, value=value)
        (potomac.folder / "w.bin").write_bytes(bytes(16) + values.astype("<f4").tobytes())
    else:
        values = values.astype(form)
        weights = numpy_helper.from_array(values, "w")
    linear_model(potomac.folder, weights)
    assert potomac("trace", "synth", "net.onnx", "-o", "net.h5").returncode == 0
    with h5py.File(potomac.folder / "net.h5") as trace:
        (layer,) = trace["layers"].values()
        expected, beta = quantized(values.T)
        np.testing.assert_array_equal(decoded(layer["W"]), expected)
        assert layer["W"].attrs["beta"] == beta


def test_extents_that_depend_on_data_are_named(potomac):
    known = numpy_helper.from_array(np.ones((6, 4), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("NonZero", ["x"], ["where"], "find"),
         helper.make_node("Cast", ["where"], ["floats"], to=TensorProto.FLOAT),
         helper.make_node("MatMul", ["floats", "floats"], ["lost"], "lost"),
         helper.make_node("MatMul", ["x", "w"], ["y"], "kept")], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], [known],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    onnx.save(model, str(potomac.folder / "net.onnx"))
    found = info(potomac, "net.onnx")
    assert [layer["name"] for layer in found["layers"]] == ["000-kept"]
    assert {
        "name": "lost",
        "kind": "MatMul",
        "reason": "extents are not known from node 'find' (NonZero) on",
    } in found["not_included"]


# --- mistakes ---------------------------------------------------------------------------------------


def test_weights_that_cannot_be_read(potomac):
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=(6, 4))
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../w.bin")
    linear_model(potomac.folder, weights)
    synth = ("trace", "synth", "net.onnx", "-o", "net.h5")
    assert "'../w.bin', which is not beside the model" in potomac.refuses(*synth)
    weights.external_data[0].value = "w.bin"
    linear_model(potomac.folder, weights)
    assert "w.bin, which cannot be read" in potomac.refuses(*synth)
    (potomac.folder / "w.bin").write_bytes(bytes(95))
    assert "its shape needs 96 bytes" in potomac.refuses(*synth)
    short = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=(6, 4), raw_data=bytes(92))
    linear_model(potomac.folder, short)
    error = potomac.refuses(*synth)
    assert "initializer 'w': its shape [6, 4] of FLOAT needs 96 bytes; its raw_data has 92" in error
    nan = numpy_helper.from_array(np.full((6, 4), np.nan, np.float32), "w")
    linear_model(potomac.folder, nan)
    assert "initializer 'w'" in potomac.refuses(*synth)


def test_dimensions_that_are_not_there(potomac):
    fixed = numpy_helper.from_array(np.ones((6, 4), np.float32), "w")
    linear_model(potomac.folder, fixed)
    error = potomac.refuses("trace", "info", "net.onnx", "--batch", 3)
    assert "its inputs' extents are fixed: export it with dynamic_axes" in error
    linear_model(potomac.folder, fixed, "rows")
    assert "its dimension 'rows' is not known; bind it: --batch N" in potomac.refuses(
        "trace", "info", "net.onnx"
    )
    error = potomac.refuses("trace", "info", "net.onnx", "--dim", "row=3")
    assert "there is no 'row' to bind to 3; this model has rows" in error
    for option in (("--batch", 3), ("--dim", "rows=3")):
        (layer,) = info(potomac, "net.onnx", *option)["layers"]
        assert layer["tensors"]["A"]["shape"] == [3, 6]
    assert "cannot be 0" in potomac.refuses("trace", "info", "net.onnx", "--batch", 0)


def test_what_is_no_model(potomac):
    (potomac.folder / "net.onnx").write_bytes(b"\x08\x07not a model")
    assert "is not an ONNX model, or is damaged" in potomac.refuses("trace", "info", "net.onnx")
    (potomac.folder / "net.onnx").write_bytes(b"")
    assert "is not an ONNX model, or is damaged" in potomac.refuses("trace", "info", "net.onnx")
    assert "cannot be read" in potomac.refuses("trace", "info", "none.onnx")
    linear_model(potomac.folder, numpy_helper.from_array(np.ones((6, 4), np.float32), "w"))
    model = onnx.load(str(potomac.folder / "net.onnx"))
    model.opset_import[0].version = 99
    onnx.save(model, str(potomac.folder / "net.onnx"))
    error = potomac.refuses("trace", "info", "net.onnx")
    assert "opset 99; known are those up to 23; export it with opset_version=23" in error
    model.opset_import[0].version = 13
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 7
    onnx.save(model, str(potomac.folder / "net.onnx"))
    error = potomac.refuses("trace", "info", "net.onnx")
    assert "node 'y' (MatMul): its operands [" in error and "have no common K" in error
