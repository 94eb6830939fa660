"""ONNX' operators, one by one: their extents and products beside PyTorch's, and what contradicts
itself, refused by the node's name."""

from __future__ import annotations

import math
import random

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx_test import export, info, macs_of
from torch import nn
from torch.nn import functional as F

import potomac_capture as pc

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def value(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def weights(name, *shape):
    return constant(name, np.ones(shape, np.float32))


def save(potomac, nodes, inputs, outputs=("Y",), initializers=(), opset=13, functions=(), domains=(),
         declared=()):  # fmt: skip
    """`inputs`: extents by name; `outputs`: names, or with extents too."""
    graph = helper.make_graph(
        list(nodes), "graph", [value(name, shape) for name, shape in inputs.items()],
        [value(o, None) if isinstance(o, str) else value(*o) for o in outputs], list(initializers),
        value_info=[value(*d) for d in declared],
    )  # fmt: skip
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    model = helper.make_model(graph, opset_imports=imports, functions=list(functions))
    onnx.save(model, str(potomac.folder / "net.onnx"))
    return "net.onnx"


def layers(potomac, *arguments):
    return info(potomac, "net.onnx", *arguments)["layers"]


def shape_of(potomac, extents, nodes, result="a", initializers=(), **options):
    """The extents of the tensor `result`, told by a product of its last axis with weights."""
    save(potomac, [*nodes, helper.make_node("Transpose", [result], ["t"]),
                   helper.make_node("Flatten", ["t"], ["f"], axis=0),
                   helper.make_node("MatMul", ["f", "W"], ["Y"])],
         extents, initializers=[*initializers, weights("W", options.pop("elements"), 2)], **options)  # fmt: skip
    (layer,) = layers(potomac)
    return layer["tensors"]["A"]["shape"]


# --- windows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool"])
def test_pools_are_as_large_as_torchs(potomac, kind):
    pool = {"MaxPool": F.max_pool2d, "AveragePool": F.avg_pool2d}[kind]
    draw = random.Random(7)
    seen = 0
    while seen < 25:
        kernel, stride = draw.randint(1, 4), draw.randint(1, 4)
        pad, extent = draw.randint(0, kernel // 2), draw.randint(kernel, 11)
        ceil = draw.random() < 0.7
        node = helper.make_node(kind, ["X"], ["p"], kernel_shape=[kernel] * 2, strides=[stride] * 2,
                                pads=[pad] * 4, ceil_mode=int(ceil))  # fmt: skip
        save(potomac, [node, helper.make_node("Conv", ["p", "W"], ["Y"])], {"X": [1, 3, extent, extent]},
             initializers=[weights("W", 4, 3, 1, 1)])  # fmt: skip
        expected = pool(torch.zeros(1, 3, extent, extent), kernel, stride, pad, ceil_mode=ceil)
        (layer,) = layers(potomac)
        assert layer["tensors"]["A"]["shape"] == list(expected.shape), (kernel, stride, pad, extent)
        seen += 1


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("pads", [None, [0, 0, 0, 0]])
def test_auto_pad_beside_no_pads(potomac, auto_pad, pads):
    for extent, kernel, stride in ((8, 3, 1), (8, 3, 2), (7, 2, 3), (9, 4, 1)):
        more = {"pads": pads} if pads else {}
        node = helper.make_node("Conv", ["X", "W"], ["Y"], auto_pad=auto_pad, strides=[stride] * 2, **more)
        save(potomac, [node], {"X": [1, 3, extent, extent]}, initializers=[weights("W", 4, 3, kernel, kernel)])
        (layer,) = layers(potomac)
        places = math.ceil((extent - (kernel - 1 if auto_pad == "VALID" else 0)) / stride)
        assert layer["tensors"]["G"]["shape"] == [1, 4, places, places]


@pytest.mark.parametrize(
    ("node", "problem"),
    [
        ({"auto_pad": "VALID", "pads": [1, 1, 1, 1]}, "auto_pad VALID and pads [1, 1, 1, 1], which exclude"),
        ({"auto_pad": "SOMEHOW"}, "'auto_pad' is 'SOMEHOW'"),
        ({"strides": [1]}, "'strides' has 1 numbers, where there are 2 spatial axes"),
        ({"strides": [0, 1]}, "attribute 'strides': is less than 1"),
        ({"dilations": [9, 9]}, "its window spans 19 of an axis of 8"),
        ({"kernel_shape": [5, 5]}, "'kernel_shape' is [5, 5], and its weights' is [3, 3]"),
        ({"group": 2}, "its input has 3 channels, its weights are [4, 3, 3, 3], in 2 groups"),
        ({"pads": [0, 0, 0, -1]}, "'pads' is [0, 0, 0, -1]: numbers from 0 on are"),
        ({"pads": [1, 1, 1, 1.5]}, "attribute 'pads' is numbers; the operator's is integers"),
    ],
)
def test_convolutions_that_contradict_themselves(potomac, node, problem):
    save(potomac, [helper.make_node("Conv", ["X", "W"], ["Y"], "conv", **node)], {"X": [1, 3, 8, 8]},
         initializers=[weights("W", 4, 3, 3, 3)])  # fmt: skip
    error = potomac.refuses("trace", "info", "net.onnx")
    assert "node 'conv' (Conv)" in error and problem in error


# --- products -------------------------------------------------------------------------------------


def drawn_equation(draw):
    letters = "abcde"[: draw.randint(2, 5)]
    extents = {letter: draw.randint(1, 4) for letter in letters}
    terms = ["".join(draw.sample(letters, draw.randint(1, len(letters)))) for _ in range(draw.randint(1, 3))]
    if draw.random() < 0.2:
        terms[0] += terms[0][0]  # a diagonal
    dots = draw.random() < 0.3
    implicit = draw.random() < 0.2
    present = sorted(set("".join(terms)))
    result = "".join(draw.sample(present, draw.randint(0, len(present))))
    shapes = [[extents[letter] for letter in term] for term in terms]
    if dots:
        broadcast = [draw.choice([1, 3]), 2]
        terms = [f"...{term}" for term in terms]
        shapes = [[draw.choice([1, b]) for b in broadcast][draw.randint(0, 1) :] + s for s in shapes]
        result = f"...{result}"
    return ",".join(terms) + ("" if implicit else f"->{result}"), shapes


class Einsum(nn.Module):
    def __init__(self, equation):
        super().__init__()
        self.equation, self.unused = equation, nn.Parameter(torch.ones(1))

    def forward(self, *operands):
        return torch.einsum(self.equation, *operands)


def test_every_einsum_is_what_the_capture_makes_of_it(potomac):
    """Both from the definition, in languages of their own."""
    draw = random.Random(3)
    read = 0
    for _ in range(90):
        equation, shapes = drawn_equation(draw)
        operands = [torch.ones(shape) for shape in shapes]
        expected = pc.inspect(Einsum(equation), operands)
        names = [f"X{i}" for i in range(len(shapes))]
        save(potomac, [helper.make_node("Einsum", names, ["Y"], equation=equation)],
             dict(zip(names, shapes)), [("Y", list(torch.einsum(equation, *operands).shape))])  # fmt: skip
        if not expected.products:
            assert "Einsum (not a matrix product)" in potomac.refuses("trace", "info", "net.onnx"), equation
            continue
        found = [macs_of(layer) for layer in layers(potomac)]
        assert found == [product.forward_macs for product in expected.products], (equation, shapes)
        read += 1
    assert read > 30


@pytest.mark.parametrize(
    ("op", "options", "shapes", "problem"),
    [
        ("Gemm", {}, [[4, 144], [100, 5]], "[4, 144] and [100, 5] have no common K"),
        ("Gemm", {"transB": 1}, [[4, 5], [6, 4]], "[4, 5] and [6, 4] (transB) have no common K"),
        ("Gemm", {}, [[4, 5], [5, 6], [7]], "its C is [7], and its product is [4, 6]"),
        ("MatMul", {}, [[2, 4, 5], [3, 5, 6]], "[2] and [3] do not fit one another"),
        ("Einsum", {"equation": "ij,jk->ik"}, [[2, 3], [4, 5]], "'j' of its equation is 3 and 4"),
        ("Einsum", {"equation": "ij,jk->iz"}, [[2, 3], [3, 5]], "has a letter that is in no operand"),
        ("Einsum", {"equation": "ij,jk->ik"}, [[2, 3]], "is of 2 operands, and it has 1"),
        ("Einsum", {"equation": "i!,jk->ik"}, [[2, 3], [3, 5]], "its equation 'i!,jk->ik' is none"),
    ],
)
def test_products_that_do_not_fit(potomac, op, options, shapes, problem):
    names = ["A", "B", "C"][: len(shapes)]
    save(potomac, [helper.make_node(op, names, ["Y"], "product", **options)], dict(zip(names, shapes)))
    error = potomac.refuses("trace", "info", "net.onnx")
    assert f"node 'product' ({op})" in error and problem in error


def test_a_reshape_of_another_count_is_refused(potomac):
    save(potomac, [helper.make_node("Reshape", ["X", "s"], ["a"], "view"),
                   helper.make_node("MatMul", ["a", "W"], ["Y"])],
         {"X": ["batch", 4, 6]}, initializers=[constant("s", np.array([1, 24])), weights("W", 24, 2)])  # fmt: skip
    assert macs_of(layers(potomac, "--batch", 1)[0]) == 48
    error = potomac.refuses("trace", "info", "net.onnx", "--batch", 6)
    assert "node 'view' (Reshape): its input [6, 4, 6] has 144 elements, and its shape [1, 24] has 24" in error


def test_what_is_declared_is_not_contradicted(potomac):
    nodes = [helper.make_node("MatMul", ["X", "W"], ["Y"], "product")]
    save(potomac, nodes, {"X": [4, 6]}, [("Y", [4, 3])], [weights("W", 6, 2)])
    error = potomac.refuses("trace", "info", "net.onnx")
    assert "node 'product' (MatMul): its output 'Y' is [4, 2], and the file declares [4, 3]" in error
    for fits in ([4, 2], ["rows", 2], [-1, 0], []):
        save(potomac, nodes, {"X": [4, 6]}, [("Y", fits)], [weights("W", 6, 2)])
        assert macs_of(layers(potomac)[0]) == 48


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_recurrences_have_the_products_that_the_capture_takes(potomac, kind, bidirectional):
    layer = kind(5, 7, 2, bidirectional=bidirectional)
    x = torch.zeros(6, 3, 5)
    wanted = pc.inspect(layer, x)
    export(potomac, layer, x)
    found = layers(potomac)
    assert sorted(map(macs_of, found)) == sorted(p.forward_macs for p in wanted.products)
    assert sum(macs_of(layer) for layer in found) == wanted.forward_macs
    first = [layer["name"] for layer in found if not layer["input_grad"]]
    directions = 2 if bidirectional else 1
    assert len(first) == directions * 3  # the input of the first, and states that sequences begin with


# --- what is learned ------------------------------------------------------------------------------


BEFORE = {
    "Pad": (["X", "p", "v"], {}, [constant("p", np.zeros(8, np.int64)), constant("v", np.float32(0))]),
    "Clip": (["X", "lo", "hi"], {}, [constant("lo", np.float32(0)), constant("hi", np.float32(6))]),
    "Sub": (["X", "mean"], {}, [weights("mean", 1, 3, 1, 1)]),
    "Resize": (["X", "", "s"], {}, [constant("s", np.array([1, 1, 2, 2], np.float32))]),
}


@pytest.mark.parametrize("op", BEFORE)
def test_constants_are_no_parameters(potomac, op):
    names, options, initializers = BEFORE[op]
    save(potomac, [helper.make_node(op, names, ["a"], **options), helper.make_node("Conv", ["a", "W"], ["b"]),
                   helper.make_node(op, ["b", *names[1:]] if op != "Sub" else ["b", "zero"], ["c"], **options),
                   helper.make_node("Conv", ["c", "V"], ["Y"])],
         {"X": [1, 3, 8, 8]},
         initializers=[*initializers, constant("zero", np.float32(0)), weights("W", 4, 3, 3, 3), weights("V", 2, 4, 1, 1)])  # fmt: skip
    assert [layer["input_grad"] for layer in layers(potomac)] == [False, True]


@pytest.mark.parametrize("op", ["BatchNormalization", "PRelu", "Gather"])
def test_parameters_before_the_first_product_learn(potomac, op):
    if op == "Gather":
        nodes = [helper.make_node("Cast", ["X"], ["i"], to=INT64), helper.make_node("Gather", ["T", "i"], ["a"])]
        extents, initializers = {"X": [5, 4]}, [weights("T", 9, 6), weights("W", 6, 2)]
    else:
        names = ["s"] if op == "PRelu" else ["s", "b", "m", "v"]
        nodes = [helper.make_node(op, ["X", *names], ["a"])]
        extents = {"X": [5, 6]}
        initializers = [*(weights(n, 6) for n in names), weights("W", 6, 2)]
    save(potomac, [*nodes, helper.make_node("MatMul", ["a", "W"], ["Y"])], extents, initializers=initializers)
    assert [layer["input_grad"] for layer in layers(potomac)] == [True]


# --- operators of other opsets and domains --------------------------------------------------------


NEWER = {
    "Mish": (["X"], {}, [], [2, 3, 4]),
    "Gelu": (["X"], {"approximate": "tanh"}, [], [2, 3, 4]),
    "IsNaN": (["X"], {}, [], [2, 3, 4]),
    "RMSNormalization": (["X", "s"], {}, [weights("s", 4)], [2, 3, 4]),
    "ReduceMean": (["X", "axes"], {"keepdims": 0}, [constant("axes", np.array([-2]))], [2, 4]),
    "ReduceMax": (["X", "axes"], {}, [constant("axes", np.array([0, 2]))], [1, 3, 1]),
    "ReduceSum": (["X"], {}, [], [1, 1, 1]),
    "Pad": (["X", "p", "", "axes"], {}, [constant("p", np.array([1, 2])), constant("axes", np.array([-1]))],
            [2, 3, 7]),
    "LayerNormalization": (["X", "s"], {}, [weights("s", 4)], [2, 3, 4]),
    "Softmax": (["X"], {}, [], [2, 3, 4]),
}  # fmt: skip


@pytest.mark.parametrize("opset", [18, 20, 23])
@pytest.mark.parametrize("op", NEWER)
def test_operators_of_opsets_behind_libonnxs_last(potomac, op, opset):
    names, options, initializers, expected = NEWER[op]
    flat = shape_of(potomac, {"X": [2, 3, 4]}, [helper.make_node(op, names, ["a"], **options)],
                    initializers=initializers, opset=opset, elements=math.prod(expected))  # fmt: skip
    assert flat == [1, math.prod(expected)]


def test_a_split_into_uneven_parts(potomac):
    nodes = [helper.make_node("Split", ["X"], ["a", "b", "c"], axis=-1, num_outputs=3),
             *(helper.make_node("MatMul", [x, f"W{x}"], [f"Y{x}"]) for x in "abc")]  # fmt: skip
    save(potomac, nodes, {"X": [2, 8]}, ["Ya", "Yb", "Yc"], opset=18,
         initializers=[weights("Wa", 3, 2), weights("Wb", 3, 2), weights("Wc", 2, 2)])  # fmt: skip
    assert [macs_of(layer) for layer in layers(potomac)] == [12, 12, 8]


ELSEWHERE = [
    ("onnx.brevitas", "Quant", 4), ("qonnx.custom_op.general", "Quant", 4), ("com.microsoft", "Gelu", 1),
    ("com.microsoft", "QuantizeLinear", 3), ("com.microsoft", "DequantizeLinear", 3),
    ("com.microsoft", "SkipLayerNormalization", 3), ("org.openvinotoolkit", "FakeQuantize", 5),
    ("", "LayerNormalization", 2),
]  # fmt: skip


@pytest.mark.parametrize(("domain", "op", "inputs"), ELSEWHERE)
def test_extents_pass_through_operators_of_other_domains(potomac, domain, op, inputs):
    rest = [f"p{i}" for i in range(1, inputs)]
    nodes = [helper.make_node(op, ["X", *rest], ["a"], domain=domain), helper.make_node("MatMul", ["a", "W"], ["Y"])]
    save(potomac, nodes, {"X": [5, 6]}, initializers=[*(weights(p, 1) for p in rest), weights("W", 6, 2)],
         domains=[domain] if domain else [])  # fmt: skip
    assert [macs_of(layer) for layer in layers(potomac)] == [60]


def test_products_of_onnx_runtime(potomac):
    nodes = [helper.make_node("FusedMatMul", ["X", "W"], ["a"], domain="com.microsoft", transB=1),
             helper.make_node("Unheard", ["a"], ["b"], domain="com.microsoft")]  # fmt: skip
    save(potomac, nodes, {"X": [5, 6]}, ["b"], [weights("W", 7, 6)], domains=["com.microsoft"])
    found = info(potomac, "net.onnx")
    assert [macs_of(layer) for layer in found["layers"]] == [210]
    assert [part["kind"] for part in found["not_included"]] == ["com.microsoft.Unheard"]


# --- functions and branches -----------------------------------------------------------------------


def test_functions_are_inlined(potomac):
    opsets = [helper.make_opsetid("", 15)]
    inner = helper.make_function(
        "own", "Half", ["x", "w"], ["y"], [helper.make_node("MatMul", ["x", "w"], ["y"], "product")], opsets
    )
    block = helper.make_function(
        "own", "Block", ["x", "w", "v"], ["y", "h"],
        [helper.make_node("Half", ["x", "w"], ["h"], "one", domain="own"), helper.make_node("Relu", ["h"], ["r"]),
         helper.make_node("Half", ["r", "v"], ["y"], "two", domain="own")],
        [*opsets, helper.make_opsetid("own", 1)],
    )  # fmt: skip
    calls = [helper.make_node("Block", ["X", "W", "V"], ["a"], "first", domain="own"),
             helper.make_node("Block", ["a", "W", "V"], ["Y"], "second", domain="own")]  # fmt: skip
    save(potomac, calls, {"X": [5, 6]}, initializers=[weights("W", 6, 4), weights("V", 4, 6)], opset=15,
         functions=[inner, block], domains=["own"])  # fmt: skip
    found = layers(potomac)
    assert [macs_of(layer) for layer in found] == [120] * 4
    assert found[0]["name"] == "000-first.one.product"
    loop = helper.make_function("own", "Half", ["x", "w"], ["y"],
                                [helper.make_node("Half", ["x", "w"], ["y"], domain="own")], opsets)  # fmt: skip
    save(potomac, [helper.make_node("Half", ["X", "W"], ["Y"], domain="own")], {"X": [5, 6]},
         initializers=[weights("W", 6, 4)], opset=15, functions=[loop], domains=["own"])  # fmt: skip
    assert "functions call one another" in potomac.refuses("trace", "info", "net.onnx")


@pytest.mark.parametrize(("taken", "macs"), [(True, 60), (False, 90)])
@pytest.mark.parametrize("computed", [False, True])
def test_a_branch_whose_condition_is_known_is_followed(potomac, taken, macs, computed):
    def branch(name, columns):
        nodes = [helper.make_node("MatMul", ["X", f"W{name}"], [f"out{name}"])]
        return helper.make_graph(nodes, name, [], [value(f"out{name}", None)], [weights(f"W{name}", 6, columns)])

    node = helper.make_node("If", ["c"], ["Y"], "choice", then_branch=branch("then", 2),
                            else_branch=branch("else", 3))  # fmt: skip
    before = [helper.make_node("Shape", ["X"], ["s"]), helper.make_node("Gather", ["s", "zero"], ["rows"]),
              helper.make_node("Equal", ["rows", "wanted"], ["c"])]  # fmt: skip
    initializers = [constant("zero", np.array(0)), constant("wanted", np.array(5 if taken else 4))]
    if not computed:
        before, initializers = [], [constant("c", np.array(taken))]
    save(potomac, [*before, node, helper.make_node("Relu", ["Y"], ["Z"])], {"X": [5, 6]}, ["Z"], initializers)
    assert [macs_of(layer) for layer in layers(potomac)] == [macs]


# --- what libonnx takes for granted -----------------------------------------------------------------


def test_what_would_crash_libonnx_is_refused(potomac):
    short = TensorProto(name="s", data_type=INT64, dims=[3], raw_data=bytes(31))
    save(potomac, [helper.make_node("Reshape", ["X", "s"], ["Y"])], {"X": [2, 8]}, initializers=[short])
    error = potomac.refuses("trace", "info", "net.onnx")
    assert "initializer 's': its shape [3] of INT64 needs 24 bytes; its raw_data has 31" in error
    save(potomac, [helper.make_node("Scan", ["X"], ["Y"])], {"X": [2, 8]})
    assert "node 'Y' (Scan): lacks the attribute 'body'" in potomac.refuses("trace", "info", "net.onnx")
    save(potomac, [helper.make_node("MatMul", ["X"], ["Y"])], {"X": [2, 8]})
    assert "node 'Y' (MatMul): has 1 inputs; the operator takes 2" in potomac.refuses("trace", "info", "net.onnx")
    value_of = TensorProto(data_type=FLOAT, dims=[2], float_data=[1.0])
    save(potomac, [helper.make_node("Constant", [], ["Y"], value=value_of)], {})
    error = potomac.refuses("trace", "info", "net.onnx")
    assert "node 'Y' (Constant), attribute 'value': its shape [2] of FLOAT needs 2 numbers; it has 1" in error
    huge = TensorProto(name="s", data_type=FLOAT, dims=[2**40, 2**40])
    save(potomac, [helper.make_node("Relu", ["s"], ["Y"])], {}, initializers=[huge])
    assert "has the impossible shape" in potomac.refuses("trace", "info", "net.onnx")
    save(potomac, [helper.make_node("Relu", ["X"], ["Y"])], {"X": [2, 2**62]})
    assert "tensor 'X': has an axis of 4611686018427387904" in potomac.refuses("trace", "info", "net.onnx")


def test_weights_of_a_constant_node_are_the_models(potomac):
    array = np.array([[1.0, -2.0], [4.0, 0.5], [8.0, 16.0]], np.float32)
    save(potomac, [helper.make_node("Constant", [], ["W"], value=constant("", array)),
                   helper.make_node("MatMul", ["X", "W"], ["Y"])], {"X": [4, 3]})  # fmt: skip
    done = potomac("trace", "synth", "net.onnx", "-o", "net.h5", "--seed", 1)
    assert done.returncode == 0, done.stderr
    import h5py

    with h5py.File(potomac.folder / "net.h5") as trace:
        codes = trace["layers/000-Y/W"][:]
    expected, _ = pc.quantize_tensor(pc.weight_bias_correction(torch.from_numpy(array.T.copy())))
    assert codes.tolist() == expected.tolist()
