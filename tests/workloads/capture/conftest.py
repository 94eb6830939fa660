"""Lets these tests find the capture package and its example without installing them."""

import sys
from pathlib import Path

import pytest
import torch

REPOSITORY = Path(__file__).resolve().parents[3]
CAPTURE = REPOSITORY / "workloads" / "capture"

for folder in (CAPTURE / "src", CAPTURE / "examples", Path(__file__).parent):
    sys.path.insert(0, str(folder))


@pytest.fixture(autouse=True)
def one_deterministic_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(1)


@pytest.fixture
def traces() -> Path:
    return REPOSITORY / "workloads" / "traces"
