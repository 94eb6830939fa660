"""The networks that fashion_mnist.py trains: images [N,1,28,28] in, scores of ten classes out."""

from typing import Callable, Dict

import torch
from torch import nn
from torch.nn import functional

CLASSES = 10


class FashionCnn(nn.Module):
    """Three 3x3 convolutions (two of them strided) and two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(32, 64, 3, stride=2, padding=1)
        self.fc1 = nn.Linear(64 * 7 * 7, 128)
        self.fc2 = nn.Linear(128, CLASSES)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.conv1(images))
        x = functional.relu(self.conv2(x))
        x = functional.relu(self.conv3(x))
        x = functional.relu(self.fc1(x.flatten(1)))
        return self.fc2(x)


class NormalizedCnn(nn.Module):
    """The same with batch normalization, as all CNNs of the source paper have it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False)
        self.conv3 = nn.Conv2d(32, 64, 3, stride=2, padding=1, bias=False)
        self.fc1 = nn.Linear(64 * 7 * 7, 128, bias=False)
        self.fc2 = nn.Linear(128, CLASSES)
        self.bn1, self.bn2, self.bn3 = (nn.BatchNorm2d(width) for width in (16, 32, 64))
        self.bn4 = nn.BatchNorm1d(128)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.bn1(self.conv1(images)))
        x = functional.relu(self.bn2(self.conv2(x)))
        x = functional.relu(self.bn3(self.conv3(x)))
        x = functional.relu(self.bn4(self.fc1(x.flatten(1))))
        return self.fc2(x)


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which is a 1x1 convolution where extents change."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


def resnet20() -> nn.Module:
    """ResNet-20 (He et al. 2016, section 4.2) at half its width: 8, 16 and 32 channels."""
    stages = []
    for inputs, outputs, stride in ((8, 8, 1), (8, 16, 2), (16, 32, 2)):
        blocks = [Block(inputs, outputs, stride), Block(outputs, outputs, 1)]
        stages.append(nn.Sequential(*blocks, Block(outputs, outputs, 1)))
    first = [nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()]
    return nn.Sequential(
        *first, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, CLASSES)
    )


NETWORKS: Dict[str, Callable[[], nn.Module]] = {
    "plain": FashionCnn,
    "batchnorm": NormalizedCnn,
    "resnet20": resnet20,
}
