"""einsum, tensordot and their like: what they compute, and that all of it is seen."""

import os

import h5py
import numpy as np
import pytest
import torch
from torch import nn

import potomac_capture as pc
from potomac_capture import dry_run

SEED = int(os.environ.get("POTOMAC_EINSUM_SEED", "1"))
CASES = int(os.environ.get("POTOMAC_EINSUM_CASES", "200"))


class Call(nn.Module):
    """A module that calls a function of tensors."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *tensors):
        return self.function(*tensors)


def run_seen(function, *tensors):
    """What it gives where products are computed plainly, the MACs of those that were seen, and what
    was not."""
    macs = []

    def watcher(modules, product, how, a, w, *_):
        macs.append(product.macs(a.shape, w.shape))

    model = Call(function)
    with dry_run.watching(model, watcher) as auditor:
        result = model(*tensors)
    return result, sum(macs), auditor.left_out()


def drawn_einsum(random):
    """An equation, its operands, and the least MACs of a product in it (0: nothing is reduced)."""
    extents = {letter: int(random.integers(1, 5)) for letter in "abcdef"}
    count = int(random.choice([1, 2, 2, 2, 3]))
    dots = bool(random.integers(4) == 0)
    terms = ["".join(random.choice(list("abcdef"), int(random.integers(1, 5)))) for _ in range(count)]
    letters = sorted({c for term in terms for c in term})
    if dots:
        terms = [term[:1] + "..." + term[1:] if random.integers(2) else term for term in terms]
    kept = [c for c in letters if random.integers(2)]
    random.shuffle(kept)
    operands = []
    for term in terms:
        left, _, right = term.partition("...")
        middle = [3, 2][int(random.integers(2)) :] if "..." in term else []
        shape = [extents[c] for c in left] + middle + [extents[c] for c in right]
        operands.append(torch.randn(shape, dtype=torch.float64))
    result = "".join(kept)
    if any("..." in term for term in terms):
        result = "..." + result
    equation = ",".join(terms)
    return equation + ("" if random.integers(4) == 0 else "->" + result), operands


@pytest.mark.parametrize("case", range(CASES))
def test_every_einsum_is_pytorchs(case):
    random = np.random.default_rng([SEED, case])
    equation, operands = drawn_einsum(random)
    where = f"POTOMAC_EINSUM_SEED={SEED}, case {case}: {equation}, {[list(o.shape) for o in operands]}"
    expected = torch.einsum(equation, *operands)
    result, _, left = run_seen(lambda *tensors: torch.einsum(equation, *tensors), *operands)
    assert result.shape == expected.shape, where
    # Products are in binary32.
    torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-4, msg=where)
    assert not left, where


@pytest.mark.parametrize(("function", "shapes", "macs"), [
    (lambda a, b: torch.einsum("bij,bjk->bik", a, b), [(2, 3, 4), (2, 4, 5)], 2 * 3 * 4 * 5),
    (lambda a, b: torch.einsum("ij,jk", a, b), [(3, 4), (4, 5)], 3 * 4 * 5),
    (lambda a, b: torch.einsum("...ij,...jk->...ik", a, b), [(2, 3, 4), (4, 5)], 2 * 3 * 4 * 5),
    (lambda a, b, c: torch.einsum("ij,jk,kl->il", a, b, c), [(2, 3), (3, 4), (4, 5)], 2 * 3 * 4 + 2 * 4 * 5),
    (lambda a, b: torch.einsum("iij,ij->i", a, b), [(3, 3, 4), (3, 4)], 3 * 4),
    (lambda a, b: torch.einsum(a, [0, 1], b, [1, 2], [0, 2]), [(2, 3), (3, 4)], 2 * 3 * 4),
    (lambda a, b: torch.einsum("i,j->ij", a, b), [(3,), (4,)], 0),
    (lambda a: torch.einsum("ii->i", a), [(3, 3)], 0),
    (lambda a, b: torch.tensordot(a, b, 2), [(2, 3, 4), (3, 4, 5)], 2 * 12 * 5),
    (lambda a, b: torch.tensordot(a, b, ([0, 2], [2, 0])), [(2, 3, 4), (4, 5, 2)], 3 * 8 * 5),
    (torch.inner, [(2, 3, 4), (5, 4)], 6 * 5 * 4),
    (torch.inner, [(4,), (4,)], 4),
    (torch.dot, [(4,), (4,)], 4),
    (torch.vdot, [(4,), (4,)], 4),
    (lambda *m: torch.linalg.multi_dot(m), [(10, 2), (2, 10), (10, 2)], 2 * 10 * 2 + 10 * 2 * 2),
    (lambda *m: torch.linalg.multi_dot(m), [(3,), (3, 4), (4,)], 3 * 4 + 3),
    (torch.chain_matmul, [(2, 3), (3, 4), (4, 5)], 2 * 3 * 4 + 2 * 4 * 5),
    (lambda s, a, b: torch.addbmm(s, a, b, beta=2, alpha=3), [(2, 4), (5, 2, 3), (5, 3, 4)], 5 * 2 * 3 * 4),
    (torch.matmul, [(2, 1, 3, 4), (5, 4, 6)], 2 * 5 * 3 * 4 * 6),
])  # fmt: skip
def test_what_is_multiplied_is_seen(function, shapes, macs):
    torch.manual_seed(0)
    tensors = [torch.randn(shape) for shape in shapes]
    result, seen, left = run_seen(function, *tensors)
    torch.testing.assert_close(result, function(*tensors))
    assert seen == macs and not left


def test_an_einsum_is_quantized_and_a_parameter_is_its_weight(tmp_path):
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(5, 4))

        def forward(self, x):
            return torch.einsum("oi,bti->bto", self.weight, x)

    model = pc.quantize(Mixed())
    x = torch.randn(2, 3, 4)
    with pc.capture(model, tmp_path / "t.h5", dataset="d", step=0, seed=0):
        model(x).sum().backward()
    with h5py.File(tmp_path / "t.h5") as trace:
        (layer,) = trace["layers"].values()
        assert layer.attrs["kind"] == b"linear" and layer["W"].shape == (5, 4)


@pytest.mark.parametrize("equation", ["ij,jk->", "ij,jk->il", "ij,jk,kl->il", "i,jk->ik", "ijk,jk->i"])
def test_what_pytorch_refuses_it_refuses(equation):
    tensors = [torch.randn(2, 3), torch.randn(3, 4)]
    model = pc.quantize(nn.Sequential(nn.Linear(2, 2), Call(lambda: torch.einsum(equation, *tensors))))
    try:
        expected = torch.einsum(equation, *tensors)
    except RuntimeError as error:
        with pytest.raises(RuntimeError) as raised:
            model[1]()
        assert str(raised.value) == str(error)
    else:
        assert model[1]().shape == expected.shape
