"""potomac_capture.describe: models of torchvision become the descriptions that ship, and any
module's products become layers that Potomac reads."""

from __future__ import annotations

import json

import potomac_capture as pc
import pytest
import torch
import torchvision
import yaml
from torch import nn

NAMES = {"resnet18": "resnet18", "resnet50": "resnet50", "mobilenet_v2": "mobilenet-v2",
         "resnet34": "resnet34", "efficientnet_b0": "efficientnet-b0",
         "alexnet": "alexnet", "vgg16": "vgg16", "vit_b_16": "vit-b-16"}  # fmt: skip


def layers_of(potomac, *arguments) -> list[dict]:
    done = potomac("trace", "info", *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["layers"]


def gemms(layers: list[dict]) -> list[list[tuple]]:
    return [[(g["pass"], g["count"], g["m"], g["n"], g["k"]) for g in layer["gemms"]]
            for layer in layers]  # fmt: skip


def parameters_of(text: str) -> int:
    """What a description says of all layers and of what is not included, from the description alone."""
    description, count = yaml.safe_load(text), 0
    for layer in description["layers"]:
        if "matmul" in layer:
            continue
        kernel = layer.get("kernel", [1, 1])
        inputs = layer["input"][1 if "kernel" in layer else -1]
        count += layer["outputs"] * inputs // layer.get("groups", 1) * kernel[0] * kernel[1]
        count += layer["outputs"] * layer.get("bias", False)
    return count + sum(part.get("parameters", 0) for part in description.get("not_included", []))


@pytest.mark.parametrize("name", NAMES)
def test_torchvisions_models_are_the_shipped_descriptions(potomac, name):
    model = getattr(torchvision.models, name)().to("meta")
    text = pc.describe(
        model, torch.empty(3, 3, 224, 224, device="meta"), potomac.folder / "net.yaml"
    )
    assert gemms(layers_of(potomac, "net.yaml")) == gemms(
        layers_of(potomac, NAMES[name], "--batch", 3)
    )
    lost = 0 if name != "vit_b_16" else model.class_token.numel() + 197 * 768  # of no module
    assert parameters_of(text) == sum(p.numel() for p in model.parameters()) - lost
    for module in model.modules():
        assert not hasattr(module, "how") and not isinstance(module, pc.scope.ScopedModule)


class Everything(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(4, 6, 3, padding="same", groups=2)
        self.up = nn.ConvTranspose2d(6, 4, (1, 4), (1, 2), (0, 1), bias=False)
        self.block = nn.Linear(4, 4).requires_grad_(False)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.cell = nn.GRUCell(4, 3)
        self.norm = nn.BatchNorm1d(4)
        self.volume = nn.Conv3d(1, 1, 1)

    def forward(self, x: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
        x = self.up(self.conv(x)[:, :, None])[:, :, 0].transpose(1, 2)
        x = self.block(self.block(x)) * scale
        x = self.attention(x, x, x, need_weights=False)[0]
        scores = torch.einsum("bid,bjd->bij", x, x).sum()
        return self.cell(self.norm(x[:, 0])) + self.volume(x[None, None])[0, 0, :, 0, :3] + scores


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_every_kind_of_product(potomac, device):
    model = Everything().to(device)
    before = {name: type(module) for name, module in model.named_modules()}
    x = torch.ones(2, 4, 5, device=device)
    text = pc.describe(model, {"x": x, "scale": 2.0}, model_name="all")
    assert {name: type(module) for name, module in model.named_modules()} == before
    assert text == pc.describe(model, [x, 2.0], model_name="all")
    (potomac.folder / "net.yaml").write_text(text)
    layers = {layer["name"][4:]: layer for layer in layers_of(potomac, "net.yaml")}
    forward = {name: layer["gemms"][0] for name, layer in layers.items()}
    assert {name: gemm["count"] * gemm["m"] * gemm["n"] * gemm["k"]
            for name, gemm in forward.items() if name != "up"} == {
        "conv": 2 * 5 * 6 * 2 * 3,
        "block": 2 * 10 * 16, "block#2": 2 * 10 * 16,
        "attention.in_proj": 2 * 10 * 4 * 12,
        "attention.matmul": 2 * 10 * 10 * 4, "attention.matmul#2": 2 * 10 * 10 * 4,
        "attention.out_proj": 2 * 10 * 16,
        "matmul": 2 * 10 * 10 * 4,
        "volume": 2 * 1 * 10 * 4,
        "cell.weight_ih": 2 * 4 * 9, "cell.weight_hh": 2 * 3 * 9,
    }  # fmt: skip
    assert layers["up"]["tensors"]["G"]["shape"] == [2, 4, 1, 10]
    assert not layers["conv"]["input_grad"] and not layers["block"]["weight_grad"]
    assert layers["block"]["input_grad"] and not layers["cell.weight_hh"]["input_grad"]
    left_out = {part["kind"]: part for part in yaml.safe_load(text)["not_included"]}
    assert left_out["BatchNorm1d"]["parameters"] == 8
    assert "Conv3d" not in left_out


def test_describe_says_what_is_wrong(tmp_path):
    with pytest.raises(ValueError, match="multiplies no tensors"):
        pc.describe(nn.ReLU(), torch.ones(2), tmp_path / "net.yaml")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="is quantized; describe the model before"):
        pc.describe(pc.quantize(nn.Linear(2, 2)), torch.ones(1, 2))
    with pytest.raises(FileNotFoundError, match="make it first"):
        pc.describe(nn.Linear(2, 2), torch.ones(1, 2), tmp_path / "none/net.yaml")
    model = nn.Linear(2, 2)
    with pytest.raises(RuntimeError):
        pc.describe(model, torch.ones(1, 3))
    assert type(model) is nn.Linear and torch.is_tensor(model(torch.ones(1, 2)))
