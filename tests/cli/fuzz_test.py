"""Random layers recomputed in NumPy, without any of Potomac's code.

Each case draws a machine and a few layers (all kinds, groups, mixed widths, sparse and extreme
data), writes them as a trace, runs `potomac` on it, and compares every accumulator, every FP32
bit, and the counts of zeros, gated MACs, drops and overflows with a sequential recomputation. The
seed is printed when a case differs; POTOMAC_FUZZ_SEED and POTOMAC_FUZZ_LAYERS choose others.
"""

from __future__ import annotations

import json
import os

import h5py
import numpy as np
import pytest
from reports import of

SEED = int(os.environ.get("POTOMAC_FUZZ_SEED", "7"))
LAYERS = int(os.environ.get("POTOMAC_FUZZ_LAYERS", "40"))
PER_CASE = 4
CONVOLUTIONS = ("conv2d", "conv3d")
PASSES = ("forward", "backward-data", "backward-weight")
TRANSPOSED = ("conv_transpose2d", "conv_transpose3d")
# A number for each axis; padding has the sides behind besides, which zip() leaves.
GEOMETRY = ("stride", "padding", "dilation")


def e_max(bits: int) -> int:
    return (1 << (bits - 2)) - 1


class Tensor:
    """Codes of a tensor, and what they stand for: sign, exponent, zero or not."""

    def __init__(self, random: np.random.Generator, shape: tuple[int, ...], bits: int) -> None:
        top = e_max(bits)
        self.bits = bits
        self.beta = int(random.integers(-12, 12)) if random.random() < 0.8 else int(
            random.choice([-165, -140, 110, 130])
        )
        kind = random.choice(["dense", "sparse", "extreme"])
        low = top if kind == "extreme" else -top
        self.exponent = random.integers(low, top + 1, shape)
        self.negative = random.random(shape) < (0.05 if kind == "extreme" else 0.5)
        self.zero = random.random(shape) < {"dense": 0.02, "sparse": 0.7, "extreme": 0.0}[kind]
        self.codes = np.where(
            self.zero,
            1 << (bits - 2),
            (self.exponent & ((1 << (bits - 1)) - 1)) | (self.negative.astype(int) << (bits - 1)),
        ).astype(np.uint8)

    def floats(self) -> np.ndarray:
        """The baseline's operands: beyond binary32 its largest or its smallest magnitude."""
        with np.errstate(over="ignore", under="ignore"):
            exact = np.ldexp(1.0, self.exponent + self.beta)
        tiny, huge = float(np.float32(1e-45)), float(np.finfo(np.float32).max)
        value = np.clip(exact, tiny, huge).astype(np.float32)
        return np.where(self.zero, np.float32(0), np.where(self.negative, -value, value))


def draw_layer(random: np.random.Generator, widest: int) -> dict:
    size = lambda most: int(random.integers(1, most + 1))  # noqa: E731
    kind = str(random.choice(["linear", "matmul", *CONVOLUTIONS, *TRANSPOSED]))
    attributes: dict = {}
    if kind == "linear":
        batch, inputs, outputs = size(9), size(90), size(40)
        shapes = {"W": (outputs, inputs), "A": (batch, inputs), "G": (batch, outputs)}
    elif kind == "matmul":
        batch, m, k, n = size(4), size(9), size(40), size(9)
        shapes = {"W": (batch, k, n), "A": (batch, m, k), "G": (batch, m, n)}
    else:
        groups, batch, channels, outputs = size(3), size(2), size(3), size(4)
        axes = int(kind[-2])
        stride, dilation, kernel, inputs, output = ([0] * axes for _ in range(5))
        padding = [0] * (2 * axes)
        for axis in range(axes):
            stride[axis], dilation[axis], kernel[axis] = size(3), size(2), size(3)
            padding[axis], padding[axis + axes] = size(3) - 1, size(3) - 1
            around = padding[axis] + padding[axis + axes]
            reach = dilation[axis] * (kernel[axis] - 1) + 1
            inputs[axis] = max(size(8 if axes == 2 else 3), reach - around)
            output[axis] = (inputs[axis] + around - reach) // stride[axis] + 1
        shapes = {
            "W": (groups * outputs, channels, *kernel),
            "A": (batch, groups * channels, *inputs),
            "G": (batch, groups * outputs, *output),
        }
        if kind in TRANSPOSED:
            shapes["A"], shapes["G"] = shapes["G"], shapes["A"]
        attributes = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    tensors = {
        name: Tensor(random, shape, int(random.integers(3, widest + 1)))
        for name, shape in shapes.items()
    }
    return {
        "kind": kind, "attributes": attributes, "tensors": tensors,
        "input_grad": int(random.random() < 0.8), "weight_grad": int(random.random() < 0.8),
    }  # fmt: skip


def lowered(layer: dict, name: str) -> np.ndarray:
    """Indices into the flat tensor, in the tensor's own axes (-1 will mean a structural zero)."""
    shape = layer["tensors"][name].codes.shape
    return np.arange(int(np.prod(shape))).reshape(shape)


def as_convolution(layer: dict, which: str) -> tuple[dict, str]:
    """The convolution that a transposed one is, run backward."""
    tensors = dict(layer["tensors"], A=layer["tensors"]["G"], G=layer["tensors"]["A"])
    mirrored = {"forward": "backward-data", "backward-data": "forward"}
    kind = layer["kind"].replace("_transpose", "")
    return dict(layer, kind=kind, tensors=tensors), mirrored.get(which, which)


def gemms_of(layer: dict, which: str) -> list[tuple[str, np.ndarray, str, np.ndarray]]:
    """Per GEMM the two operands as [rows, k] arrays of indices into their flat tensors."""
    if layer["kind"] in TRANSPOSED:
        exchanged = {"A": "G", "G": "A", "W": "W"}
        return [
            (exchanged[one], first, exchanged[other], second)
            for one, first, other, second in gemms_of(*as_convolution(layer, which))
        ]
    w, a, g = (lowered(layer, name) for name in "WAG")
    if layer["kind"] == "linear":
        return [{
            "forward": ("A", a, "W", w),
            "backward-data": ("G", g, "W", w.T),
            "backward-weight": ("G", g.T, "A", a.T),
        }[which]]  # fmt: skip
    if layer["kind"] == "matmul":
        return [{
            "forward": ("A", a[b], "W", w[b].T),
            "backward-data": ("G", g[b], "W", w[b]),
            "backward-weight": ("A", a[b].T, "G", g[b].T),
        }[which] for b in range(a.shape[0])]  # fmt: skip
    geometry = layer["attributes"]
    groups = geometry["groups"]
    batch, _, *inputs = a.shape
    _, channels, *kernel = w.shape
    outputs, output = w.shape[0] // groups, g.shape[2:]
    every, exchanged = slice(None), (1, 0, *range(2, w.ndim))
    result = []
    for group in range(groups):
        wg = w[group * outputs : (group + 1) * outputs]
        ag = a[:, group * channels : (group + 1) * channels]
        gg = g[:, group * outputs : (group + 1) * outputs]
        # patches[b, *pixel, c, *tap]: what an output pixel sees through a tap of the kernel.
        patches = np.full((batch, *output, channels, *kernel), -1)
        # holes[b, *seen, o, *tap]: the output whose tap saw this pixel of the input.
        holes = np.full((batch, *inputs, outputs, *kernel), -1)
        for tap in np.ndindex(*kernel):
            for pixel in np.ndindex(*output):
                seen = tuple(
                    y * s - p + t * d
                    for y, t, s, p, d in zip(pixel, tap, *(geometry[k] for k in GEOMETRY))
                )
                if all(0 <= h < extent for h, extent in zip(seen, inputs)):
                    patches[(every, *pixel, every, *tap)] = ag[(every, every, *seen)]
                    holes[(every, *seen, every, *tap)] = gg[(every, every, *pixel)]
        lowered_a = patches.reshape(batch * int(np.prod(output)), -1)
        result.append({
            "forward": ("A", lowered_a, "W", wg.reshape(outputs, -1)),
            "backward-data": ("G", holes.reshape(batch * int(np.prod(inputs)), -1),
                              "W", wg.transpose(exchanged).reshape(channels, -1)),
            "backward-weight": ("G", gg.transpose(exchanged).reshape(outputs, -1),
                                "A", lowered_a.T),
        }[which])  # fmt: skip
    return result


def slots_of(layer: dict, which: str, machine: dict, rows: int, depth: int) -> np.ndarray:
    """Which of a GEMM's [rows, k] slots there are: phases leave out those that a stride skips."""
    if layer["kind"] in TRANSPOSED:
        layer, which = as_convolution(layer, which)
    if layer["kind"] not in CONVOLUTIONS or (which, machine["lowering"]) != (
        "backward-data", "phases"
    ):  # fmt: skip
        return np.ones((rows, depth), dtype=bool)
    batch, _, *inputs = layer["tensors"]["A"].codes.shape
    outputs, _, *kernel = layer["tensors"]["W"].codes.shape
    geometry = layer["attributes"]
    shape = (batch, *inputs, outputs // geometry["groups"], *kernel)
    at = np.indices(shape)
    met = np.ones(shape, dtype=bool)
    for axis, (s, p, d) in enumerate(zip(*(geometry[k] for k in GEOMETRY))):
        met &= (at[1 + axis] + p - at[2 + len(inputs) + axis] * d) % s == 0
    return met.reshape(rows, depth)


def pick(values: np.ndarray, index: np.ndarray, structural) -> np.ndarray:
    return np.where(index < 0, structural, values.reshape(-1)[np.maximum(index, 0)])


def recompute(layer: dict, which: str, machine: dict) -> dict:
    """Every product in the order of k, in Python's unbounded integers."""
    bits, lsb = machine["bits"], machine["lsb"]
    saturate, gating = machine["overflow"] == "saturate", machine["gating"]
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    counts = dict.fromkeys(("macs", "structural", "value", "gated_mac", "dropped_product", "overflow",
                            "overflowed_result", "accumulate", "exponent_add"), 0)  # fmt: skip
    if lsb == "auto":  # as deep as the phases are, however the machine lowers
        phases = {**machine, "lowering": "phases"}
        depths = [slots_of(layer, which, phases, *first.shape).sum(1).max()
                  for _, first, _, _ in gemms_of(layer, which)]  # fmt: skip
        deepest = max(1, int(max(depths)))
    sums, floats = [], []
    for first_name, first, second_name, second in gemms_of(layer, which):
        one, two = layer["tensors"][first_name], layer["tensors"][second_name]
        largest = e_max(one.bits) + e_max(two.bits)
        shift = -largest if lsb is None else lsb
        if lsb == "auto":
            shift = max(-largest, largest + deepest.bit_length() - bits + 1)
        acc = np.zeros((first.shape[0], second.shape[0]), dtype=object)
        exact, clamped = acc, np.zeros(acc.shape, dtype=bool)
        fp32 = np.zeros(acc.shape, dtype=np.float32)
        f1, f2 = one.floats(), two.floats()
        slots = slots_of(layer, which, machine, *first.shape)
        for k in range(first.shape[1]):
            i, j = first[:, k][:, None], second[:, k][None, :]
            zero = pick(one.zero, i, True) | pick(two.zero, j, True)
            exponent = pick(one.exponent, i, 0) + pick(two.exponent, j, 0) - shift
            negative = pick(one.negative, i, False) ^ pick(two.negative, j, False)
            dropped = ~zero & (exponent < 0)
            power = np.frompyfunc(lambda e: 1 << e, 1, 1)(np.maximum(exponent, 0))
            product = np.where(zero | dropped, 0, np.where(negative, -power, power))
            acc = acc + product
            exact = exact + product
            outside = (acc > high) | (acc < low)
            counts["overflow"] += int(outside.sum())
            clamped |= outside
            if saturate:
                acc = np.where(acc > high, high, np.where(acc < low, low, acc))
            else:
                acc = np.where(outside, ((acc - low) % (1 << bits)) + low, acc)
            slot = np.broadcast_to(slots[:, k][:, None], zero.shape)
            size, zeros = int(slot.sum()), int((zero & slot).sum())
            counts["macs"] += size
            structural = int((((i < 0) | (j < 0)) & slot).sum())
            counts["structural"] += structural
            counts["value"] += zeros - structural
            counts["gated_mac"] += zeros if gating else 0
            counts["dropped_product"] += int(dropped.sum())
            counts["exponent_add"] += size - zeros if gating else size
            counts["accumulate"] += size - zeros - int(dropped.sum()) if gating else size
            with np.errstate(all="ignore"):
                step = fp32 + pick(f1, i, np.float32(0)) * pick(f2, j, np.float32(0))
            gated = machine["baseline_gating"] & zero
            fp32 = np.where(gated, fp32, step).astype(np.float32)
        wrong = clamped if saturate else (exact > high) | (exact < low)
        counts["overflowed_result"] += int(wrong.sum())
        sums.append(acc.astype(np.int64))
        floats.append(fp32)
    return {"acc": np.stack(sums), "fp32": np.stack(floats), "counts": counts}


def draw_machine(random: np.random.Generator, widest: int) -> dict:
    top = 2 * e_max(widest)
    bits = int(random.choice([16, 24, 30, 32, 33, 48, 64]))
    # Every product of the widest tensors has room; narrower ones then have too.
    lowest = top - (bits - 2)
    exact = lowest <= -top and random.random() < 0.5
    auto = not exact and random.random() < 0.4
    overrides = {}
    if random.random() < 0.4:
        narrower = int(random.integers(max(16, bits - 8), bits + 1))
        overrides[str(random.choice(PASSES))] = {
            "bits": narrower, "lsb": top - (narrower - 2) + int(random.integers(0, 10)),
            "overflow": str(random.choice(["wrap", "saturate"])),
        }  # fmt: skip
    return {
        "overrides": overrides,
        "rows": int(random.integers(1, 20)), "cols": int(random.integers(1, 20)),
        "bits": bits, "lsb": None if exact else "auto" if auto else lowest + int(random.integers(0, 10)),
        "overflow": str(random.choice(["wrap", "saturate"])),
        "dataflow": str(random.choice(["os", "ws", "is"])),
        "issue": str(random.choice(["serial", "pipelined"])),
        "lowering": str(random.choice(["phases", "zero_insert"])),
        "gating": bool(random.random() < 0.5), "baseline_gating": bool(random.random() < 0.5),
    }  # fmt: skip


def write_trace(path, layers: list[dict]) -> None:
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        text = np.bytes_
        file.attrs.update(format=text("potomac-trace"), version=1, model=text("fuzz"),
                          framework=text("numpy"), dataset=text("random"), step=0, seed=SEED,
                          rounding=text("log2"))  # fmt: skip
        for number, layer in enumerate(layers):
            group = file.create_group(f"layers/{number:03d}-{layer['kind']}")
            group.attrs.update(kind=text(layer["kind"]), input_grad=layer["input_grad"],
                               weight_grad=layer["weight_grad"], **layer["attributes"])  # fmt: skip
            for name, tensor in layer["tensors"].items():
                if name == "G" and not layer["input_grad"] and not layer["weight_grad"]:
                    group.attrs["g_shape"] = tensor.codes.shape
                    continue
                dataset = group.create_dataset(name, data=tensor.codes, chunks=True,
                                               compression="gzip", fletcher32=True)  # fmt: skip
                dataset.attrs.update(bits=tensor.bits, beta=tensor.beta)


@pytest.mark.parametrize("case", range(-(-LAYERS // PER_CASE)))
def test_random_layers_recomputed(potomac, case):
    random = np.random.default_rng([SEED, case])
    widest = int(random.choice([3, 5, 5, 5, 6, 8]))
    machine = draw_machine(random, widest)
    layers = [draw_layer(random, widest) for _ in range(PER_CASE)]
    write_trace(potomac.folder / "fuzz.h5", layers)
    (potomac.folder / "arch.yaml").write_text(json.dumps({
        "array": {"rows": machine["rows"], "cols": machine["cols"],
                  "dataflow": machine["dataflow"], "issue": machine["issue"]},
        "pe": {"operand_bits": widest, "zero_gating": machine["gating"],
               "accumulator": {"bits": machine["bits"], "overflow": machine["overflow"],
                               "overrides": [{"pass": which, **changed} for which, changed
                                             in machine["overrides"].items()],
                               "lsb": "exact" if machine["lsb"] is None else machine["lsb"]}},
        "lowering": {"strided_backward_data": machine["lowering"]},
        "baseline": {"zero_gating": machine["baseline_gating"]},
    }))  # fmt: skip
    where = f"POTOMAC_FUZZ_SEED={SEED}, case {case}, {machine}"
    done = potomac("run", "fuzz.h5", "--arch", "arch.yaml", "--out", "o", "--dump-outputs",
                   "out.h5", "--simulate-baseline")  # fmt: skip
    assert done.returncode == 0, f"{where}: {done.stderr}"
    report = json.loads((potomac.folder / "o/report.json").read_text())
    compared = 0
    with h5py.File(potomac.folder / "out.h5") as dumped:
        for entry in report["passes"]:
            layer = layers[int(entry["layer"][:3])]
            changed = machine["overrides"].get(entry["pass"], {})
            expected = recompute(layer, entry["pass"], {**machine, **changed})
            place = f"{where}, {entry['layer']} {entry['pass']}"
            results = dumped["gemms"][entry["layer"]][entry["pass"]]
            acc = results["acc"][...]
            np.testing.assert_array_equal(
                acc.reshape(expected["acc"].shape), expected["acc"], err_msg=place
            )
            bits = results["fp32"][...].reshape(expected["fp32"].shape).view(np.uint32)
            nan = np.isnan(expected["fp32"])
            assert (bits[nan] == 0x7FC00000).all(), place
            np.testing.assert_array_equal(
                bits[~nan], expected["fp32"].view(np.uint32)[~nan], err_msg=place
            )
            machine_entry = of(entry)
            actual = {**machine_entry["actions"], "macs": machine_entry["macs"],
                      **machine_entry["zero_operand_macs"]}  # fmt: skip
            for name, count in expected["counts"].items():
                assert actual[name] == count, f"{place}: {name}"
            compared += 1
    assert compared == sum(1 + layer["input_grad"] + layer["weight_grad"] for layer in layers)
