"""The engines on arrays: products of codes against sums in Python's own integers; workloads made in
Python against the same in files."""

import random
import sys

import h5py
import numpy as np
import pytest
from conftest import TRACES, WITH_ORIGINALS

import potomac


def value_of(code, bits):
    """(sign, exponent) of a code, or None for zero: a sign bit over a two's-complement exponent."""
    exponent_bits = bits - 1
    field = code & ((1 << exponent_bits) - 1)
    exponent = field - (1 << exponent_bits) if field >> (exponent_bits - 1) else field
    if exponent == -(1 << (exponent_bits - 1)):
        return None
    return (-1 if code >> exponent_bits else 1), exponent


def summed(a, b, widths, accumulator):
    """Each sum in the order of K, in an accumulator of that width: sums, overflows, drops."""
    tops = [(1 << (bits - 2)) - 1 for bits in widths]
    lsb = -sum(tops) if accumulator.lsb is None else accumulator.lsb
    low, high = -(1 << (accumulator.bits - 1)), (1 << (accumulator.bits - 1)) - 1
    sums = np.zeros((a.shape[0], b.shape[1]), np.int64)
    overflows = dropped = 0
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            total = 0
            for k in range(a.shape[1]):
                x, y = value_of(int(a[i, k]), widths[0]), value_of(int(b[k, j]), widths[1])
                if x is None or y is None:
                    continue
                shift = x[1] + y[1] - lsb
                if shift < 0:
                    dropped += 1
                    continue
                total += x[0] * y[0] << shift
                if not low <= total <= high:
                    overflows += 1
                    if accumulator.overflow == "saturate":
                        total = max(low, min(high, total))
                    else:
                        total = (total - low) % (1 << accumulator.bits) + low
            sums[i, j] = total
    return sums, lsb, overflows, dropped


def drawn_codes(random, shape, bits):
    codes = [code for code in range(1 << bits) if code != (1 << (bits - 1)) | (1 << (bits - 2))]
    flat = [random.choice(codes) for _ in range(shape[0] * shape[1])]
    return np.array(flat, np.uint8).reshape(shape)


@pytest.mark.parametrize("seed", range(40))
def test_a_product_is_the_sum_in_order(seed):
    draw = random.Random(seed)
    widths = (draw.randint(3, 5), draw.randint(3, 5))
    m, n, k = draw.randint(1, 9), draw.randint(1, 9), draw.randint(1, 60)
    a, b = drawn_codes(draw, (m, k), widths[0]), drawn_codes(draw, (k, n), widths[1])
    largest = sum((1 << (bits - 2)) - 1 for bits in widths)
    lsb = draw.choice([None, -largest, draw.randint(-largest, largest)])
    needed = largest - (-largest if lsb is None else lsb) + 2
    accumulator = potomac.Accumulator(
        max(16, needed + draw.randint(0, 3)), lsb, draw.choice(["wrap", "saturate"])
    )
    scales = (draw.randint(-20, 20), draw.randint(-20, 20))
    sums, lsb, overflows, dropped = summed(a, b, widths, accumulator)
    for engine in ("fast", "systemc"):
        got = potomac.gemm(a, b, accumulator, bits=widths, scales=scales, engine=engine)
        assert np.array_equal(got.acc, sums), (seed, accumulator)
        assert (got.overflows, got.dropped) == (overflows, dropped), (seed, accumulator)
        assert got.exponent == lsb + sum(scales)
    values = potomac.gemm(
        potomac.dequantize_codes(a, widths[0], scales[0]),
        potomac.dequantize_codes(b, widths[1], scales[1]),
        accumulator, bits=widths, scales=scales,
    )  # fmt: skip
    assert np.array_equal(values.acc, sums)


def test_codes_are_read_where_they_lie():
    codes = np.zeros((1, 64, 64), np.uint8)
    before = sys.getrefcount(codes)
    workload = potomac.Workload([potomac.Layer("x", "matmul", codes, codes, codes)])
    assert sys.getrefcount(codes) == before + 3
    one = potomac.run(workload).totals["zero_operand_macs_value"][0]
    codes[:] = 8
    assert potomac.run(workload).totals["zero_operand_macs_value"][0] > one == 0
    del workload
    assert sys.getrefcount(codes) == before


def test_batches_are_products_of_their_own():
    draw = random.Random(1)
    a = np.stack([drawn_codes(draw, (3, 20), 5) for _ in range(4)])
    b = np.stack([drawn_codes(draw, (20, 7), 5) for _ in range(4)])
    together = potomac.gemm(a, b)
    for i in range(4):
        assert np.array_equal(together.acc[i], potomac.gemm(a[i], b[i]).acc)


@pytest.mark.parametrize("exponent", [0, -26, -150, -170, 64, 100, 2000, -3000])
def test_values_are_rounded_once(exponent):
    draw = random.Random(exponent)
    sums = [draw.getrandbits(draw.randint(1, 63)) * draw.choice([1, -1]) for _ in range(2000)]
    sums += [2**63 - 1, -(2**63), 2**24 + 1, 2**53 + 1, (2**24 + 1) * 2**30 + 1, (2**25 + 1) * 2**29]
    got = potomac.GemmResult(np.array(sums, np.int64), exponent, 0, 0).values()
    for total, value in zip(sums, got):
        assert value == rounded(total, exponent), (total, exponent)


def rounded(total, exponent):
    """total * 2^exponent to binary32, to nearest even, in integers."""
    magnitude = abs(total)
    if magnitude == 0:
        return 0.0
    lowest = max(exponent + magnitude.bit_length() - 24, -149)  # what the last bit weighs
    shift = lowest - exponent
    if shift <= 0:
        kept = magnitude << -shift
    else:
        kept, rest = magnitude >> shift, magnitude & ((1 << shift) - 1)
        half = 1 << (shift - 1)
        kept += rest > half or (rest == half and kept & 1)
    if kept.bit_length() + lowest > 128:
        return float("inf") if total > 0 else float("-inf")
    return float(np.ldexp(float(kept if total > 0 else -kept), lowest))


def test_quantizing_is_the_captures():
    pc = pytest.importorskip("potomac_capture")
    import torch

    x = torch.randn(37, 11, generator=torch.Generator().manual_seed(3))
    codes, scale = potomac.quantize_values(x.numpy())
    of_capture = pc.quantize_tensor(x, 5, "log2")
    assert np.array_equal(codes, of_capture[0].numpy()) and scale == int(of_capture[1])


def layers_of(trace):
    """A trace's layers as Python's: arrays that were read by h5py."""
    layers = []
    with h5py.File(trace, "r") as file:
        for name, group in sorted(file["layers"].items()):
            attributes = group.attrs
            kind = attributes["kind"]
            kind = kind.decode() if isinstance(kind, bytes) else str(kind)
            tensors = {key: group[key] for key in ("W", "A", "G") if key in group}
            geometry = {
                key: [int(n) for n in attributes[key]]
                for key in ("stride", "padding", "dilation") if key in attributes
            }  # fmt: skip
            layers.append(
                potomac.Layer(
                    name.split("-", 1)[1], kind, *(np.ascontiguousarray(t[()]) for t in tensors.values()),
                    bits=tuple(int(t.attrs["bits"]) for t in tensors.values()),
                    scales=tuple(int(t.attrs["beta"]) for t in tensors.values()),
                    groups=int(attributes.get("groups", 1)),
                    input_grad=bool(attributes["input_grad"]),
                    weight_grad=bool(attributes.get("weight_grad", 1)), **geometry,
                )
            )  # fmt: skip
    return layers


@pytest.mark.parametrize("trace", TRACES, ids=lambda path: path.stem)
def test_layers_made_in_python_are_those_of_the_trace(trace):
    made = potomac.run(potomac.Workload(layers_of(trace), name="made"), toggles=True)
    read = potomac.run(trace, toggles=True)
    # Of layers made of codes, what multiplies has no originals.
    other = ("layer", "fp32_mac") if trace == WITH_ORIGINALS else ("layer",)
    columns = [c for c in read.passes.columns if not c.startswith(other)]
    assert made.passes[columns].equals(read.passes[columns])
    assert made.workload["model"] == "made"


@pytest.mark.parametrize("trace", TRACES, ids=lambda path: path.stem)
def test_a_layers_sums_are_those_of_a_run(trace, tmp_path):
    """Every accumulator of every pass, with one that wraps and drops."""
    machine = {"pe.accumulator.bits": 20, "pe.accumulator.lsb": -4,
               "pe.accumulator.overflow": "wrap"}  # fmt: skip
    result = potomac.run(trace, set=machine, dump_outputs=tmp_path / "outputs.h5").passes
    layers = layers_of(trace)
    dropped = overflows = 0
    with h5py.File(tmp_path / "outputs.h5", "r") as file:
        for name, passes in file["gemms"].items():
            for pass_name, group in passes.items():
                layer = layers[int(name.split("-")[0])]
                got = potomac.layer_sums(layer, pass_name, potomac.Accumulator(20, -4))
                assert np.array_equal(got.acc, group["acc"][()]), (name, pass_name)
                assert got.exponent == group["acc"].attrs["scale_exponent"]
                dropped += got.dropped
                overflows += got.overflows
    assert dropped == result["mf_mac_actions_dropped_product"].sum() > 0
    assert overflows == result["mf_mac_actions_overflow"].sum() > 0


def test_layers_of_shapes_are_the_models():
    read = potomac.Workload("resnet18")
    made = potomac.Workload(
        [potomac.Layer(layer["name"].split("-", 1)[1], layer["kind"], layer["w"], layer["a"],
                       layer["g"], input_grad=layer["input_grad"], **geometry_of(layer))
         for layer in read.layers]
    )  # fmt: skip
    assert made.values == "none"
    one, other = (potomac.run(workload).totals for workload in (read, made))
    assert one["cycles_total"].equals(other["cycles_total"])


def geometry_of(layer):
    """ResNet's: what its extents leave open."""
    if layer["kind"] != "conv2d":
        return {}
    kernel, pixels, places = layer["w"][-1], layer["a"][-1], layer["g"][-1]
    return {"padding": (kernel - 1) // 2, "stride": pixels // places}


def test_the_result_of_a_layer_follows():
    for layer, g in (
        (potomac.Layer("a", "linear", (4, 3), (2, 3)), (2, 4)),
        (potomac.Layer("a", "matmul", (2, 5, 7), (2, 3, 5)), (2, 3, 7)),
        (potomac.Layer("a", "conv2d", (8, 3, 3, 5), (2, 3, 9, 9), stride=2, padding=1), (2, 8, 5, 4)),
        (potomac.Layer("a", "conv_transpose2d", (3, 8, 2, 2), (1, 3, 4, 4), stride=2), (1, 8, 8, 8)),
        (potomac.Layer("a", "conv3d", (8, 3, 3, 3, 3), (1, 3, 5, 6, 7)), (1, 8, 3, 4, 5)),
    ):
        assert potomac.Workload([layer]).layers[0]["g"] == g


def test_a_module_is_its_description(program, tmp_path):
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten(),
        torch.nn.Linear(8 * 6 * 6, 10),
    )  # fmt: skip
    inputs = torch.zeros(4, 3, 6, 6)
    potomac.describe(model, inputs, tmp_path / "model.yaml")
    made = potomac.Workload(model, inputs)
    assert any("ReLU" in text for text in made.not_included)
    read = potomac.run(tmp_path / "model.yaml", "ws-32x32")
    assert potomac.run(made, "ws-32x32").passes.equals(read.passes)
    with pytest.raises(potomac.InputError, match="multiplies no tensors"):
        potomac.Workload(torch.nn.ReLU(), inputs)


def test_training_is_in_the_package():
    torch = pytest.importorskip("torch")
    import potomac_capture

    assert potomac.quantize is potomac_capture.quantize
    assert potomac_capture.native.library() is not None  # the bindings'
    model = potomac.quantize(torch.nn.Linear(4, 2))
    model(torch.ones(1, 4)).sum().backward()
