"""The shipped traces: whole, canonical, and regenerable by the commands beside them."""

import re
import shlex

import fashion_mnist
import h5py
import numpy as np
import pytest
import torch
import translate_words

import potomac_capture as pc

NAME = "fashion-cnn-b16.h5"
NORMALIZED = "fashion-batchnorm-b4.h5"
SHIPPED = [NAME, NORMALIZED, "words-transformer-b32.h5"]
CONV = {
    "000-conv1": ((16, 1, 3, 3), (16, 1, 28, 28), (16, 16, 28, 28), 1),
    "001-conv2": ((32, 16, 3, 3), (16, 16, 28, 28), (16, 32, 14, 14), 2),
    "002-conv3": ((64, 32, 3, 3), (16, 32, 14, 14), (16, 64, 7, 7), 2),
}
LINEAR = {
    "003-fc1": ((128, 3136), (16, 3136), (16, 128)),
    "004-fc2": ((10, 128), (16, 128), (16, 10)),
}


@pytest.fixture
def trace(traces):
    with h5py.File(traces / NAME, "r") as file:
        yield file


def values(dataset):
    bits, beta = int(dataset.attrs["bits"]), int(dataset.attrs["beta"])
    return pc.dequantize(torch.from_numpy(dataset[()]), bits, beta)


def test_it_is_about_a_megabyte_or_less(traces):
    assert (traces / NAME).stat().st_size < 1.2e6


def test_root_and_layers(trace):
    assert trace.attrs["format"] == b"potomac-trace" and trace.attrs["version"] == 2
    assert trace.attrs["model"] == b"FashionCnn"
    assert trace.attrs["dataset"] == b"Fashion-MNIST"
    assert trace.attrs["rounding"] == b"log2"
    assert list(trace["layers"]) == [*CONV, *LINEAR]
    for name, layer in trace["layers"].items():
        assert layer.attrs["input_grad"] == (name != "000-conv1")
    for name, (w, a, g, stride) in CONV.items():
        layer = trace["layers"][name]
        assert layer.attrs["kind"] == b"conv2d" and layer.attrs["groups"] == 1
        assert layer.attrs["stride"].tolist() == [stride] * 2
        assert layer.attrs["padding"].tolist() == layer.attrs["dilation"].tolist()
        assert layer.attrs["padding"].tolist() == [1, 1]
        assert [layer[role].shape for role in "WAG"] == [w, a, g]
    for name, shapes in LINEAR.items():
        layer = trace["layers"][name]
        assert layer.attrs["kind"] == b"linear"
        assert [layer[role].shape for role in "WAG"] == list(shapes)


@pytest.mark.parametrize("name", SHIPPED)
def test_it_is_of_a_training_with_the_sums_of_the_shipped_machines(traces, name):
    with h5py.File(traces / name) as trace:
        for layer in trace["layers"].values():
            bits, lsbs, saturates = (
                layer.attrs[f"acc_{key}"].tolist() for key in ("bits", "lsb", "overflow")
            )
            there = [1, int(layer.attrs["input_grad"]), 1]
            assert bits == [32 * one for one in there] and lsbs == [-8 * one for one in there]
            assert saturates == there


def test_every_layer_says_who_feeds_it(trace):
    made = [layer["A"].attrs["producer"].decode() for layer in trace["layers"].values()]
    assert made == ["", "000-conv1", "001-conv2", "002-conv3", "003-fc1"]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_code_is_canonical_and_the_scale_is_used(traces, name):
    with h5py.File(traces / name) as trace:
        for layer in trace["layers"].values():
            for role in "WAG":
                codes, attributes = layer[role][()], layer[role].attrs
                assert attributes["bits"] == 5
                assert codes.dtype == np.uint8 and codes.max() < 32
                assert not (codes == 0x18).any()
                assert ((codes & 15) == 7).any()
                zeros = attributes["exact_zeros"] + attributes["underflows"]
                assert zeros == (codes == 8).sum()


def test_it_is_a_step_of_training(trace):
    """A are images and outputs of ReLU; the last G a softmax minus a label, over 16."""
    layers = trace["layers"]
    for name, layer in layers.items():
        after_relu = name != "000-conv1"
        assert bool((values(layer["A"]) >= 0).all()) == after_relu
    assert values(layers["000-conv1/A"]).min() == -1  # black, -0.81 when normalised
    g = values(layers["004-fc2/G"])
    assert ((g < 0).sum(1) == 1).sum() >= 8  # one label in a row, unless rounded off
    assert g.abs().max() <= 1 / 16
    predicted = values(layers["004-fc2/A"]) @ values(layers["004-fc2/W"]).t()
    right = (predicted.argmax(1) == g.argmin(1)).float().mean()
    assert right > 0.6


@pytest.mark.parametrize(("name", "inputs"), [(NAME, 16), (NORMALIZED, 4)])
def test_the_regenerating_command_is_one_the_example_takes(traces, name, inputs):
    text = (traces / "README.md").read_text()
    command = re.search(rf"^ +.*(fashion_mnist\.py.*--capture {name})$", text, re.M)
    options = fashion_mnist.parse(shlex.split(command[1])[1:])
    assert options.mode == ["wbc+prc"] and options.bits == 5
    assert options.last_layer_grad_bits is None and options.captured == inputs
    assert (options.accumulator.bits, options.accumulator.lsb) == (32, -8)
    with h5py.File(traces / name) as trace:
        assert options.seed[0] == trace.attrs["seed"]
        steps = -(-(options.subset or 60000) // fashion_mnist.BATCH) * options.epochs
        assert trace.attrs["step"] == steps // 2
        assert options.originals == ("W_fp32" in trace["layers/004-fc2"])


def test_originals_are_what_the_codes_round(traces):
    """A and G within a rounding of their codes, W but for its mean; what PRC clipped beyond."""
    with h5py.File(traces / NORMALIZED) as trace:
        assert trace.attrs["model"] == b"NormalizedCnn"
        for layer in trace["layers"].values():
            for role in "AG":
                codes, original = values(layer[role]), torch.from_numpy(layer[f"{role}_fp32"][()])
                kept = codes != 0
                ratio = original[kept] / codes[kept]
                assert ratio.min() > 0.7 and (role == "A" or ratio.max() < 1.42)
                assert (original[~kept].abs() < codes[kept].abs().min()).all()
            w, original = values(layer["W"]), torch.from_numpy(layer["W_fp32"][()])
            assert torch.allclose(w, original - original.mean(), rtol=0.42, atol=float(w.abs().max()) / 1e3)


# --- the Transformer --------------------------------------------------------------------------

WORDS = "words-transformer-b32.h5"


@pytest.fixture
def words(traces):
    with h5py.File(traces / WORDS, "r") as file:
        yield file


def test_the_transformer_has_every_product_of_encoder_and_decoder(words, traces):
    assert (traces / WORDS).stat().st_size < 2.2e6
    assert words.attrs["model"] == b"WordTransformer" and "not_included" not in words
    names = [name.split("-", 1)[1] for name in words["layers"]]
    attention = ["in_proj", "matmul", "matmul#2", "out_proj"]
    encoder = [f"self_attn.{part}" for part in attention] + ["linear1", "linear2"]
    memory = ["in_proj", "in_proj#2", *attention[1:]]
    decoder = [f"self_attn.{part}" for part in attention]
    decoder += [f"multihead_attn.{part}" for part in memory] + ["linear1", "linear2"]
    assert names == [
        *(f"transformer.encoder.layers.{i}.{part}" for i in range(2) for part in encoder),
        *(f"transformer.decoder.layers.{i}.{part}" for i in range(2) for part in decoder),
        "out",
    ]
    # Letters and places are learned: every product hands a gradient on.
    assert all(layer.attrs["input_grad"] == 1 for layer in words["layers"].values())
    assert all("weight_grad" not in layer.attrs for layer in words["layers"].values())


def test_the_transformers_attention_is_one(words):
    """a of a v: a query's weights of its keys sum to one, and there is none for what lies ahead."""
    layers = {name.split("-", 1)[1]: layer for name, layer in words["layers"].items()}
    weights = values(layers["transformer.decoder.layers.0.self_attn.matmul#2"]["A"])
    assert bool((weights >= 0).all()) and weights.shape[1] == weights.shape[2]
    assert not weights.triu(1).any()
    assert ((weights.sum(-1) > 0.6) & (weights.sum(-1) < 1.6)).float().mean() > 0.95
    # The last G is a softmax minus a letter, of those that are not padding.
    g = values(layers["out"]["G"])
    rows = g[g.any(1)]
    assert 0 < len(rows) < len(g) and ((rows < 0).sum(1) == 1).float().mean() > 0.9


def test_the_transformers_regenerating_command_is_one_the_example_takes(traces, words):
    text = (traces / "README.md").read_text()
    command = re.search(r"^ +.*(translate_words\.py.*--capture.*)$", text, re.M)
    options = translate_words.parse(shlex.split(command[1])[1:])
    assert options.capture.name == WORDS and options.mode == ["wbc+prc"] and options.bits == 5
    pairs = len(translate_words.read_pairs(options.data)) - translate_words.TEST_PAIRS
    steps = -(-pairs // translate_words.BATCH) * options.epochs
    assert words.attrs["seed"] == options.seed[0] and words.attrs["step"] == steps // 2
