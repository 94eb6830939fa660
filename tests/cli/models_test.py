"""The shipped models: what they hold is what others counted, and what others compute."""

from __future__ import annotations

import csv
import json
import os
import pathlib
import subprocess

import pytest
from reports import energy_of, of
import torch
import torchvision
from conftest import ROOT

NAMES = sorted(path.stem for path in (ROOT / "workloads/models").glob("*.yaml"))

# Written out a second time, from the sources that the files name: parameters, forward MACs, and what
# the latter are rounded to.
PUBLISHED = {
    "alexnet": (61_100_840, 0.714e9, 1e6),
    "bert-base": (109_482_240, 11.17e9, 1e7),
    "ddpm-cifar10": (35.7e6, None, None),
    "dlrm-kaggle": (540e6, None, None),
    "efficientnet-b0": (5_288_548, 0.386e9, 1e6),
    "gpt2": (124_439_808, 291_648_307_200 // 2, 1),
    "llama-3-8b": (8_030_261_248, None, None),
    "llama-3-8b-block": ((8_030_261_248 - 2 * 128256 * 4096 - 4096) // 32, None, None),
    "mixtral-8x7b-block": ((46_702_792_704 - 2 * 32000 * 4096 - 4096) // 32, None, None),
    "mobilenet-v2": (3_504_872, 0.301e9, 1e6),
    "resnet101": (44_549_160, 7.801e9, 1e6),
    "resnet18": (11_689_512, 1.814e9, 1e6),
    "resnet34": (21_797_672, 3.664e9, 1e6),
    "resnet50": (25_557_032, 4.089e9, 1e6),
    "transformer-base": (None, None, None),
    "unet": (31_031_685, None, None),
    "vgg16": (138_357_544, 15.47e9, 1e7),
    "vit-b-16": (86_567_656, 17.564e9, 1e6),
}


def models_of(*options: str) -> dict[str, dict]:
    done = subprocess.run(
        [os.environ["POTOMAC_PROGRAM"], "models", "--format", "json", *options],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {model["name"]: model for model in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def models() -> dict[str, dict]:
    return models_of()


def layers_of(name: str, *options: str) -> list[dict]:
    done = subprocess.run(
        [os.environ["POTOMAC_PROGRAM"], "trace", "info", name, "--format", "json", *options],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)["layers"]


def test_every_model_is_here(models):
    assert sorted(models) == NAMES == sorted(PUBLISHED)
    assert all(model["source"] for model in models.values())


@pytest.mark.parametrize("name", NAMES)
def test_counts_are_the_published_ones(models, name):
    parameters, macs, rounded_to = PUBLISHED[name]
    if parameters is not None:
        # Papers round to so many digits.
        slack = {"ddpm-cifar10": 0.05e6, "dlrm-kaggle": 5e6}.get(name, 0)
        assert abs(models[name]["parameters"] - parameters) <= slack
    if macs is not None:
        assert abs(models[name]["forward_macs"] - macs) <= rounded_to / 2


def test_a_training_step_of_resnet50_has_no_backward_data_of_its_first_layer(models):
    assert models["resnet50"]["training_step_macs"] == pytest.approx(12.150e9, abs=0.0005e9)


@pytest.mark.parametrize(
    ("name", "layers", "width", "length"),
    [("gpt2", 12, 768, 1024), ("llama-3-8b", 32, 4096, 2048)],
)
def test_a_training_step_is_palms_formula(models, name, layers, width, length):
    """6 N + 12 L H Q T FLOPs a token (Chowdhery et al., arXiv:2204.02311, appendix B), two a MAC."""
    weights = sum(
        layer["tensors"]["W"]["shape"][0] * layer["tensors"]["W"]["shape"][1]
        for layer in layers_of(name)
        if layer["kind"] == "linear"
    )
    flops = (6 * weights + 12 * layers * width * length) * length
    assert 2 * models[name]["training_step_macs"] == flops


def test_transformer_base_is_pytorchs(models):
    network = torch.nn.Transformer(512, 8, 6, 6, 2048)
    own = sum(parameter.numel() for parameter in network.parameters())
    assert models["transformer-base"]["parameters"] == own + 37000 * 512
    # The paper's Table 3 says 65 million.
    assert models["transformer-base"]["parameters"] == pytest.approx(65e6, rel=0.03)


def test_dimensions_scale_what_they_should(models):
    doubled = models_of("--batch", "2")
    for name, model in models.items():
        assert doubled[name]["training_step_macs"] == 2 * model["training_step_macs"], name
        assert doubled[name]["parameters"] == model["parameters"]
    longer = models_of("--length", "256")
    assert longer["bert-base"]["dimensions"] == {"batch": 1, "length": 256}
    assert longer["transformer-base"]["dimensions"]["target_length"] == 256
    assert longer["resnet50"] == models["resnet50"]


def computed_layers(network: torch.nn.Module, batch: int) -> list[dict]:
    """What PyTorch sees of each convolution and linear layer in one forward pass."""
    seen = []

    def hook(module, inputs, output):
        layer = {"W": list(module.weight.shape), "A": list(inputs[0].shape), "G": list(output.shape)}
        if isinstance(module, torch.nn.Conv2d):
            layer |= {"stride": list(module.stride), "padding": list(module.padding) * 2,
                      "dilation": list(module.dilation), "groups": module.groups}  # fmt: skip
        seen.append(layer)

    for module in network.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            module.register_forward_hook(hook)
    with torch.no_grad():
        network.eval()(torch.zeros(batch, 3, 224, 224))
    return seen


@pytest.mark.parametrize(
    ("name", "builder"),
    [("alexnet", "alexnet"), ("resnet18", "resnet18"), ("resnet50", "resnet50"),
     ("resnet101", "resnet101"), ("vgg16", "vgg16"), ("mobilenet-v2", "mobilenet_v2"),
     ("resnet34", "resnet34"), ("efficientnet-b0", "efficientnet_b0")],
)  # fmt: skip
def test_every_layer_is_torchvisions(models, monkeypatch, name, builder):
    for initializer in ("kaiming_normal_", "kaiming_uniform_", "normal_", "uniform_"):
        monkeypatch.setattr(torch.nn.init, initializer, lambda tensor, *_, **__: tensor)
    network = getattr(torchvision.models, builder)()
    ours = [
        {letter: layer["tensors"][letter]["shape"] for letter in "WAG"}
        | {key: layer[key] for key in ("stride", "padding", "dilation", "groups") if key in layer}
        for layer in layers_of(name, "--batch", "2")
    ]
    assert ours == computed_layers(network, 2)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    assert models[name]["parameters"] == parameters


@pytest.mark.parametrize("dataflow", ["os", "ws", "is"])
@pytest.mark.parametrize("name", NAMES)
def test_every_model_runs(potomac, models, name, dataflow):
    done = potomac("run", name, "--arch", "ws-128x128", "--set", f"array.dataflow={dataflow}",
                   "--out", "o")  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads((potomac.folder / "o/report.json").read_text())
    assert report["engine"] == "count"
    assert report["workload"]["values"] == "none"
    assert report["workload"]["not_included"] or name in ("alexnet", "unet", "vgg16")
    totals = of(report["totals"])
    assert totals["macs"] == models[name]["training_step_macs"]
    assert totals["zero_operand_macs"]["value"] is None
    assert totals["actions"]["exponent_add"] is None
    assert totals["actions"]["operand_register_write"] > 0
    energy = energy_of(report)
    assert energy["total_zeros_gated"] is None
    assert energy["total"] == pytest.approx(totals["macs"] * 0.155)
    batch = report["workload"]["dimensions"]["batch"]
    assert report["workload"]["batch"] == batch
    assert energy["energy_per_input"] == pytest.approx(energy["total"] / batch)


def test_densities_are_an_assumption(potomac):
    arguments = ("run", "resnet18", "--arch", "os-16x16", "--density", "W=0.9,A=0.4", "--out", "o")
    done = potomac(*arguments)
    assert "Assumed, not counted: densities W 0.9, A 0.4, G 1." in " ".join(done.stdout.split())
    report = json.loads((potomac.folder / "o/report.json").read_text())
    assumed = report["assumed"]
    assert assumed["density"] == {"W": 0.9, "A": 0.4, "G": 1.0}
    dense = {"forward": 0.4 * 0.9, "backward-data": 0.9, "backward-weight": 0.4}
    sums = {"zeros": 0.0, "macs": 0}
    for one, expected in zip(report["passes"], assumed["passes"]):
        assert (one["layer"], one["pass"]) == (expected["layer"], expected["pass"])
        structural = of(one)["zero_operand_macs"]["structural"]
        zeros = structural + (of(one)["macs"] - structural) * (1 - dense[one["pass"]])
        assert expected["zero_operand_macs"] == pytest.approx(zeros)
        sums["zeros"] += zeros
        sums["macs"] += of(one)["macs"]
        assert of(one)["actions"]["gated_mac"] is None
    assert assumed["zero_operand_macs"] == pytest.approx(sums["zeros"])
    gated = energy_of(assumed)["total_zeros_gated"]
    assert gated == pytest.approx((sums["macs"] - sums["zeros"]) * 0.155)
    cells = next(csv.DictReader((potomac.folder / "o/layers.csv").open(newline="")))
    assert float(cells["assumed_zero_operand_macs"]) == pytest.approx(
        assumed["passes"][0]["zero_operand_macs"]
    )
    again = potomac("report", "o")
    assert "Assumed, not counted: densities W 0.9, A 0.4, G 1." in " ".join(again.stdout.split())
    del report["files"]
    assert json.loads(potomac("report", "o", "--format", "json").stdout) == report


@pytest.mark.parametrize("text", ["W", "W=", "W=2", "W=-1", "X=1", "W=0.5,", "", "W=nan", "W=0.5 "])
def test_a_malformed_density_is_refused(potomac, text):
    line = potomac.refuses("run", "resnet18", "--arch", "os-16x16", "--density", text or ",", "--out", "o")
    assert "--density" in line


def test_what_needs_values_is_refused(potomac, trace):
    run = ("run", "resnet18", "--arch", "os-16x16", "--out", "o")
    assert "shapes but no values" in potomac.refuses(*run, "--engine", "fast")
    assert "shapes but no values" in potomac.refuses(*run, "--engine", "systemc")
    assert "--toggles" in potomac.refuses(*run, "--toggles")
    assert "--dump-outputs" in potomac.refuses(*run, "--dump-outputs", "d.h5")
    assert "no values to show" in potomac.refuses(
        *run, "--vcd", "w.vcd", "--vcd-gemm", "000-conv1/forward")  # fmt: skip
    assert "its zeros are counted" in potomac.refuses(
        "run", trace, "--arch", "os-16x16", "--density", "W=1", "--out", "o")  # fmt: skip
    assert "is a trace" in potomac.refuses(
        "run", trace, "--arch", "os-16x16", "--batch", 2, "--out", "o")  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("resnet5",), "did you mean 'resnet50'?"),
        (("nothing-like-it",), "use one of alexnet, bert-base"),
        (("resnet50", "--batch", "0"), "--batch: 'batch' cannot be 0"),
        (("resnet50", "--batch", "-3"), "--batch: 'batch' cannot be -3"),
        (("resnet50", "--length", "7"), "there is no 'length' to bind to 7; this model has batch"),
        (("gpt2", "--dim", "heads=3"), "this model has batch, length"),
        (("gpt2", "--dim", "batch"), "'batch' is not NAME=N"),
        (("gpt2", "--batch", "2", "--dim", "batch=3"), "binds 'batch' again"),
        (("gpt2", "--batch", "100000000000"), "it must be from 1 to 1099511627776"),
        (("gpt2", "--batch", "9000000000000000000"), "cannot be 9000000000000000000"),
        (("none/such.yaml",), "cannot be read"),
        (("none.csv",), "cannot be read"),
    ],
)
def test_a_wrong_name_or_dimension_is_refused(potomac, arguments, message):
    line = potomac.refuses("run", *arguments, "--arch", "ws-32x32", "--out", "o")
    assert message in line


def test_a_folder_of_a_models_name_does_not_hide_it(potomac):
    (potomac.folder / "resnet18").mkdir()
    done = potomac("run", "resnet18", "--arch", "os-16x16", "--out", "resnet18")
    assert done.returncode == 0, done.stderr
    done = potomac("run", "resnet18", "--arch", "os-16x16", "--out", "resnet18")
    assert done.returncode == 0, done.stderr


def test_a_sweep_takes_models_and_architectures_by_name(potomac):
    (potomac.folder / "sweep.yaml").write_text(
        "workload: resnet18\ndimensions: {batch: 4}\narch: ws-32x32\nenergy: [paper-2302.14458]\n"
        "parameters: {array.dataflow: [os, ws, is]}\n"
    )
    done = potomac("sweep", "sweep.yaml", "--out", "s")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((potomac.folder / "s/sweep.csv").open(newline="")))
    assert [row["array.dataflow"] for row in rows] == ["os", "ws", "is"]
    potomac("run", "resnet18", "--batch", 4, "--arch", "ws-32x32", "--out", "o")
    report = json.loads((potomac.folder / "o/report.json").read_text())
    assert int(rows[1]["mf_mac_macs"]) == of(report["totals"])["macs"]
    other = potomac("sweep", "sweep.yaml", "--workload", "bert-base", "--length", 64, "--out", "t")
    assert other.returncode == 0, other.stderr
    assert pathlib.Path(potomac.folder / "t/sweep.csv").exists()


# --- what a description may say -------------------------------------------------------------------


def described(potomac, layers: str, head: str = "input: [2, 3, 9, 12]") -> list[dict]:
    text = f"format: potomac-model\nversion: 1\nmodel: m\n{head}\nlayers: [{layers}]\n"
    (potomac.folder / "net.yaml").write_text(text)
    done = potomac("trace", "info", "net.yaml", "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["layers"]


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_padding_gives_an_output_for_every_stride(potomac, kernel, stride, dilation):
    (layer,) = described(
        potomac, f"{{conv2d: c, outputs: 4, kernel: {kernel}, stride: {stride}, dilation: {dilation}, padding: same}}"
    )
    assert layer["tensors"]["G"]["shape"] == [2, 4, -(-9 // stride), -(-12 // stride)]


def test_ceil_pools_are_torchs(potomac):
    for kernel, stride, padding in [(2, 2, 0), (3, 2, 1), (3, 3, 1), (2, 3, 0), (4, 3, 2)]:
        for ceil in (False, True):
            (layer,) = described(
                potomac, f"{{pool: p, kernel: {kernel}, stride: {stride}, padding: {padding}, ceil: {str(ceil).lower()}}},"
                "{conv2d: c, outputs: 1, kernel: 1}",
            )  # fmt: skip
            expected = torch.nn.functional.max_pool2d(
                torch.zeros(2, 3, 9, 12), kernel, stride, padding, ceil_mode=ceil
            )
            assert layer["tensors"]["A"]["shape"] == list(expected.shape)


def test_flatten_and_convolutions_of_one_axis(potomac):
    one, two = described(
        potomac, "{conv1d: c, outputs: 4, kernel: 3, stride: 2, padding: [1, 0]}, {flatten: f}, {linear: l, outputs: 5}",
        "input: [2, 3, 12]",
    )  # fmt: skip
    assert one["kind"] == "conv2d"
    assert [one["tensors"][t]["shape"] for t in "WAG"] == [[4, 3, 1, 3], [2, 3, 1, 12], [2, 4, 1, 6]]
    assert two["tensors"]["A"]["shape"] == [2, 24]


def test_names_follow_from_dimensions_and_are_not_bound(potomac):
    head = "dimensions: {image: 32}\nnames: {side: image / 4, tokens: side * side + 1}\ninput: [1, 3, image, image]"
    layers = "{conv2d: patches, outputs: 8, kernel: 4, stride: 4}, {linear: l, input: [1, tokens, 8], outputs: 2}"
    assert described(potomac, layers, head)[1]["tensors"]["A"]["shape"] == [65, 8]
    done = potomac("trace", "info", "net.yaml", "--dim", "image=48", "--format", "json")
    found = json.loads(done.stdout)
    assert found["dimensions"] == {"image": 48}
    patches, tokens = found["layers"]
    assert patches["tensors"]["G"]["shape"] == [1, 8, 12, 12]
    assert tokens["tensors"]["A"]["shape"] == [145, 8]
    assert "there is no 'tokens' to bind to 9; this model has image" in potomac.refuses(
        "trace", "info", "net.yaml", "--dim", "tokens=9"
    )
    (potomac.folder / "net.yaml").write_text((potomac.folder / "net.yaml").read_text().replace("side:", "image:"))
    assert "'image' is a dimension already" in potomac.refuses("trace", "info", "net.yaml")


def test_repeats_of_nothing_are_bounded(potomac):
    (potomac.folder / "net.yaml").write_text(
        "format: potomac-model\nversion: 1\nmodel: m\nblocks: {a: [{block: b, of: b, repeat: 100000}], b: []}\n"
        "input: [1, 8]\nlayers: [{block: x, of: a, repeat: 100000}]\n"
    )
    assert "blocks repeat more than 100000 times in all" in potomac.refuses("trace", "info", "net.yaml")
