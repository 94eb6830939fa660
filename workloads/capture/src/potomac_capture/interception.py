"""Products of tensors wherever a model makes them: F.linear, F.conv2d, matmul, `@`, einsum,
multi-head attention, recurrences.

PyTorch shows every operation to a mode (torch.overrides.TorchFunctionMode) that is on while
a quantized model runs. Here each kind of product has a handler that puts it as one or more
of products.py; all else runs as it is. With a mode on, PyTorch takes none of its fused paths
(nn.TransformerEncoderLayer's, nn.MultiheadAttention's), in eval neither.
"""

import functools
import threading
import types
from dataclasses import replace
from functools import partial
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from . import contraction, recurrence
from .products import (
    ConvolutionProduct,
    LinearProduct,
    MatmulProduct,
    Product,
    Quantization,
    Use,
    inside,
    inside_product,
)
from .quantized_product import quantized_product
from .ratio_learning import stepped_gamma
from .scope import running_modules

Tensor = torch.Tensor
Handler = Callable[..., Any]
Pair = Union[int, Sequence[int]]

# Watches products while a step is captured: (modules that run, product, how, A, W, bias, gamma,
# whether A and W need gradients) -> what sees G.
Watcher = Callable[..., Optional[Use]]
_watchers: List[Watcher] = []


# What computes a product; `describe` puts the plain operation in its place.
Compute = Callable[..., Tensor]
class _Computing(threading.local):
    compute: Compute = staticmethod(quantized_product)


_computing = _Computing()


def set_compute(compute: Optional[Compute]) -> None:
    """In this thread. None: the quantized product again."""
    _computing.compute = compute or quantized_product


def add_watcher(watcher: Watcher) -> None:
    _watchers.append(watcher)


def is_watched() -> bool:
    return bool(_watchers)


def remove_watcher(watcher: Watcher) -> None:
    _watchers.remove(watcher)


class Interception(TorchFunctionMode):
    """Sends products to their handlers, by the name of the function that was called."""

    def __torch_function__(
        self, func: Any, types: Any, args: Tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        handler = _HANDLERS.get(getattr(func, "__name__", ""))
        if handler is None or inside_product() or innermost_how() is None:
            return func(*args, **kwargs)
        result = handler(self, *args, **kwargs)
        return func(*args, **kwargs) if result is NotImplemented else result


def innermost_how() -> Optional[Quantization]:
    """How the innermost running module quantizes; None if it, or one around it, is excluded."""
    modules = running_modules()
    if not modules or any(module.how is None for module in modules):
        return None
    return modules[-1].how


# --- one product ------------------------------------------------------------------------


def _is_real(*tensors: Any) -> bool:
    """Dense tensors of real numbers: others are left to PyTorch."""
    return all(
        isinstance(t, Tensor) and t.is_floating_point() and t.layout == torch.strided
        for t in tensors
    )


def is_weight(tensor: Tensor) -> bool:
    """A parameter, or a view of one."""
    return isinstance(tensor, nn.Parameter) or isinstance(tensor._base, nn.Parameter)


def _owns(module: nn.Module, weight: Tensor) -> bool:
    """Whether it is the one weight of a module: its parameter, or what weight_norm, spectral_norm
    or a parametrization computes in its place (which quantize() knew by its class: it has a gamma,
    if only None)."""
    parameters = module._parameters
    if "weight" in parameters:
        return parameters["weight"] is weight
    return "gamma" in module._buffers and not is_weight(weight)


def _gamma_of(weight: Tensor) -> Optional[Tensor]:
    """PRC's ratio for the activations that `weight` multiplies: that of the module which holds
    it, the innermost that runs or one of its children (attention's out_proj)."""
    module = running_modules()[-1]
    for holder in (module, *module.children()):
        if _owns(holder, weight):
            return stepped_gamma(holder, weight, holder.how.gamma_step) if holder.how else None
    return None


class _Uses:
    """What watches one product, where several do: captures of a model and of a part of it."""

    def __init__(self, uses: List[Use]) -> None:
        self._uses = uses

    def result(self, y: Tensor) -> None:
        for use in self._uses:
            use.result(y)

    def gradient(self, g: Tensor, key: int) -> None:
        for use in self._uses:
            use.gradient(g, key)

    def ran(self, which: str) -> None:
        for use in self._uses:
            use.ran(which)


@functools.lru_cache(maxsize=4096)
def _of_operation(how: Quantization, operation: str, wbc: bool) -> Quantization:
    name = f"{how.name}.{operation}".strip(".") if operation else how.name
    return replace(how, name=name, wbc=wbc)


def apply(
    product: Product,
    a: Tensor,
    w: Tensor,
    bias: Optional[Tensor],
    gamma: Optional[Tensor],
    operation: str,
    weight: Optional[Tensor] = None,
) -> Tensor:
    """The product on quantized operands, in binary32; the result has A's type. weight: what W was
    before it was brought into the product's form."""
    if 0 in a.shape or 0 in w.shape:  # an expert without tokens: nothing is multiplied
        with inside():
            return product.forward(a, w, bias)
    how = innermost_how()
    assert how is not None
    modules = running_modules()
    weight = w if weight is None else weight
    wbc = how.wbc and (is_weight(weight) or _owns(modules[-1], weight))
    if operation or wbc != how.wbc:
        how = _of_operation(how, operation, wbc)
    with_grad = torch.is_grad_enabled()
    needs = with_grad and a.requires_grad, with_grad and w.requires_grad
    dtype = a.dtype
    a, w = a.float(), w.float()
    if _watchers and torch.is_inference_mode_enabled():
        # Beneath a dispatch mode PyTorch 1.13 cannot view a tensor from outside as another type.
        a, w = (t if t.is_inference() else t.clone() for t in (a, w))
    found = [watcher(modules, product, how, a, w, bias, gamma, needs) for watcher in _watchers]
    uses = [use for use in found if use is not None]
    use = uses[0] if len(uses) == 1 else _Uses(uses) if uses else None
    bias = bias.float() if bias is not None else None
    result = _computing.compute(a, w, bias, gamma, product, how, use)
    if use is not None:
        use.result(result)
    return result.to(dtype)


def _operation(name: str, weight: Optional[Tensor] = None) -> str:
    """What a product's name adds to that of its module: nothing for a module's own weight."""
    module = running_modules()[-1]
    if weight is None or _owns(module, weight):
        return name if weight is None else ""
    for key, parameter in module.named_parameters() if _watchers else ():
        if parameter is weight or parameter is weight._base:
            stem = key[: -len("weight")].rstrip("._") if key.endswith("weight") else key
            return stem
    return name


# --- handlers: linear and convolutions ------------------------------------------------------


def linear(
    mode: Any, input: Tensor, weight: Tensor, bias: Optional[Tensor] = None
) -> Tensor:
    if not _is_real(input, weight):
        return NotImplemented
    if weight.dim() == 1:
        result = linear(mode, input, weight.unsqueeze(0), bias)
        return result if result is NotImplemented else result.squeeze(-1)
    rows = input if input.dim() > 1 else input.unsqueeze(0)
    result = apply(
        LinearProduct(), rows, weight, bias, _gamma_of(weight), _operation("linear", weight)
    )
    return result if input.dim() > 1 else result.squeeze(0)


def _numbers(value: Pair, axes: int, lead: int) -> Tuple[int, ...]:
    """A number for each axis; one axis is two, of height 1."""
    values = (value,) * axes if isinstance(value, int) else tuple(value)
    values = values * axes if len(values) == 1 else values
    return (lead, *values) if axes == 1 else values


def _convolution(axes: int, transposed: bool) -> Handler:
    """The handler of convolutions of one to three spatial axes."""

    def handle(
        input: Tensor,
        weight: Tensor,
        bias: Optional[Tensor],
        stride: Pair,
        padding: Union[Pair, str],
        dilation: Pair,
        groups: int,
        output_padding: Pair = 0,
    ) -> Tensor:
        if not _is_real(input, weight):
            return NotImplemented
        gamma = _gamma_of(weight)
        operation = _operation("conv", weight)
        a = input if input.dim() == axes + 2 else input.unsqueeze(0)
        w = weight
        if axes == 1:
            a, w = a.unsqueeze(2), w.unsqueeze(2)
        dilations = _numbers(dilation, axes, 1)
        totals = [0] * len(dilations)
        if padding == "same":
            totals = [d * (k - 1) for d, k in zip(dilations, w.shape[2:])]
        behind = tuple(total % 2 for total in totals)
        paddings = tuple(total // 2 for total in totals)
        if not isinstance(padding, str):
            paddings = _numbers(padding, axes, 0)
        product = ConvolutionProduct(
            _numbers(stride, axes, 1), paddings, dilations, groups, transposed,
            _numbers(output_padding, axes, 0), behind,
        )  # fmt: skip
        result = apply(product, a, w, bias, gamma, operation, weight)
        result = result.squeeze(2) if axes == 1 else result
        return result if input.dim() == axes + 2 else result.squeeze(0)

    if transposed:

        def transposed_handler(
            mode: Any, input: Tensor, weight: Tensor, bias: Any = None, stride: Pair = 1,
            padding: Pair = 0, output_padding: Pair = 0, groups: int = 1, dilation: Pair = 1,
        ) -> Tensor:  # fmt: skip
            return handle(
                input, weight, bias, stride, padding, dilation, groups, output_padding
            )

        return transposed_handler

    def handler(
        mode: Any, input: Tensor, weight: Tensor, bias: Any = None, stride: Pair = 1,
        padding: Union[Pair, str] = 0, dilation: Pair = 1, groups: int = 1,
    ) -> Tensor:  # fmt: skip
        return handle(input, weight, bias, stride, padding, dilation, groups)

    return handler


# --- handlers: matmul and what is one ----------------------------------------------------------


def matmul(mode: Any, input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The product is numpy's: vectors are a row and a column, leading axes are broadcast."""
    if out is not None or not _is_real(input, other) or 0 in (input.dim(), other.dim()):
        return NotImplemented
    if other.dim() == 2 and is_weight(other):
        return linear(mode, input, other.t())
    if input.dim() == 2 and is_weight(input) and other.dim() >= 2:
        # W times activations: its transpose is activations times W^T.
        result = linear(mode, other.transpose(-1, -2), input)
        return result.transpose(-1, -2)
    a = input.unsqueeze(0) if input.dim() == 1 else input
    w = other.unsqueeze(-1) if other.dim() == 1 else other
    if w.dim() == 2:
        batch = a.shape[:-2]
        a3, w3 = a.reshape(1, -1, a.shape[-1]), w.unsqueeze(0)
    else:
        batch = torch.broadcast_shapes(a.shape[:-2], w.shape[:-2])
        a3 = a.expand(*batch, *a.shape[-2:]).reshape(-1, *a.shape[-2:])
        w3 = w.expand(*batch, *w.shape[-2:]).reshape(-1, *w.shape[-2:])
    result = apply(MatmulProduct(), a3, w3, None, None, _operation("matmul"))
    result = result.reshape(*batch, a.shape[-2], w.shape[-1])
    if other.dim() == 1:
        result = result.squeeze(-1)
    return result.squeeze(-1 if other.dim() == 1 else -2) if input.dim() == 1 else result


def _reflected(mode: Any, input: Tensor, other: Tensor) -> Tensor:
    return matmul(mode, other, input)


def _strict(rank: int) -> Handler:
    """mm and bmm: matmul without broadcasting, which says what is wrong by itself."""

    def handler(mode: Any, input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
        if not (_is_real(input, other) and input.dim() == other.dim() == rank):
            return NotImplemented
        if rank == 3 and input.shape[0] != other.shape[0]:
            return NotImplemented
        return matmul(mode, input, other, out=out)

    return handler


def with_sum(
    mode: Any, input: Tensor, one: Tensor, other: Tensor, *, beta: float = 1, alpha: float = 1,
    out: Any = None,
) -> Tensor:  # fmt: skip
    """addmm, baddbmm, addmv: beta * input + alpha * (one @ other)."""
    product = matmul(mode, one, other, out=out)
    if product is NotImplemented:
        return NotImplemented
    product = product if alpha == 1 else product * alpha
    return product if beta == 0 else input * beta + product


def einsum(mode: Any, *arguments: Any) -> Tensor:
    found = contraction.parsed(arguments)
    if found is None or not _is_real(*(term.tensor for term in found[0])):
        return NotImplemented
    result = contraction.contract(*found, partial(matmul, mode))
    return NotImplemented if result is None else result


def tensordot(mode: Any, a: Tensor, b: Tensor, dims: Any = 2, out: Any = None) -> Tensor:
    if out is not None or not _is_real(a, b) or isinstance(dims, Tensor):
        return NotImplemented
    if isinstance(dims, int):
        if not 0 < dims <= min(a.dim(), b.dim()):
            return NotImplemented
        dims = range(a.dim() - dims, a.dim()), range(dims)
    first, second = ([axis % t.dim() for axis in axes] for axes, t in zip(dims, (a, b)))
    labels: List[List[Any]] = [[("a", i) for i in range(a.dim())], [("b", i) for i in range(b.dim())]]
    for number, (one, other) in enumerate(zip(first, second)):
        labels[0][one] = labels[1][other] = number
    if len(first) != len(second) or any(a.shape[i] != b.shape[j] for i, j in zip(first, second)):
        return NotImplemented
    kept = [label for term in labels for label in term if not isinstance(label, int)]
    terms = [contraction.Term(t, label) for t, label in zip((a, b), labels)]
    result = contraction.contract(terms, kept, partial(matmul, mode))
    return NotImplemented if result is None else result


def inner(mode: Any, input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    if not _is_real(input, other) or 0 in (input.dim(), other.dim()):
        return NotImplemented
    return tensordot(mode, input, other, ([-1], [-1]), out)


def multi_dot(mode: Any, tensors: Sequence[Tensor], *, out: Any = None) -> Tensor:
    """The first and the last may be vectors."""
    if out is not None or len(tensors) < 2 or not _is_real(*tensors):
        return NotImplemented
    first, last = tensors[0].dim() == 1, tensors[-1].dim() == 1
    matrices = list(tensors)
    if first:
        matrices[0] = matrices[0].unsqueeze(0)
    if last:
        matrices[-1] = matrices[-1].unsqueeze(1)
    if any(m.dim() != 2 for m in matrices):
        return NotImplemented
    result = contraction.chain(matrices, partial(matmul, mode))
    result = result.squeeze(0) if first else result
    return result.squeeze(-1) if last else result


def chain_matmul(mode: Any, *matrices: Tensor, out: Any = None) -> Tensor:
    return multi_dot(mode, matrices, out=out)


def addbmm(
    mode: Any, input: Tensor, one: Tensor, other: Tensor, *, beta: float = 1, alpha: float = 1,
    out: Any = None,
) -> Tensor:  # fmt: skip
    """beta * input + alpha * (the sum of the batches' products), which is one, of K times batches."""
    if out is not None or not _is_real(one, other) or not one.dim() == other.dim() == 3:
        return NotImplemented
    if one.shape[0] != other.shape[0] or one.shape[2] != other.shape[1]:
        return NotImplemented
    product = matmul(mode, one.permute(1, 0, 2).flatten(1), other.flatten(0, 1))
    product = product if alpha == 1 else product * alpha
    return product if beta == 0 else input * beta + product


def bilinear(
    mode: Any, one: Tensor, other: Tensor, weight: Tensor, bias: Optional[Tensor] = None
) -> Tensor:
    """y_o = x^T W_o z: a linear layer of o times z's inputs, and a matmul with z."""
    if not _is_real(one, other, weight):
        return NotImplemented
    outputs, first, second = weight.shape
    by_rows = weight.permute(0, 2, 1).reshape(outputs * second, first)
    part = linear(mode, one.reshape(-1, first), by_rows)
    result = matmul(
        mode, part.reshape(-1, outputs, second), other.reshape(-1, second, 1)
    ).reshape(*one.shape[:-1], outputs)
    return result if bias is None else result + bias


# --- handlers: attention -----------------------------------------------------------------------


def _without_override_check(function: Any) -> Any:
    """A function of torch.nn.functional that runs its own body under a mode. As it stands it
    hands itself to the mode first of all, and nothing inside would be seen."""
    names = {**function.__globals__, "has_torch_function": lambda _: False}
    copy = types.FunctionType(
        function.__code__, names, function.__name__, function.__defaults__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


_attention = _without_override_check(functional.multi_head_attention_forward)


def multi_head_attention(mode: Any, *args: Any, **kwargs: Any) -> Any:
    with mode:
        return _attention(*args, **kwargs)


def scaled_dot_product(
    mode: Any, query: Tensor, key: Tensor, value: Tensor, attn_mask: Optional[Tensor] = None,
    dropout_p: float = 0.0, is_causal: bool = False, *, scale: Optional[float] = None,
    enable_gqa: bool = False,
) -> Any:  # fmt: skip
    """softmax(q k^T / sqrt(d) + mask) v."""
    if not _is_real(query, key, value) or enable_gqa:
        return NotImplemented
    return _dot_product(mode, query, key, value, attn_mask, dropout_p, is_causal, scale)[0]


def scaled_dot_product_of_1_13(
    mode: Any, query: Tensor, key: Tensor, value: Tensor, attn_mask: Optional[Tensor] = None,
    dropout_p: float = 0.0, need_attn_weights: bool = False, is_causal: bool = False,
) -> Any:  # fmt: skip
    """The same as PyTorch 1.13 has it: with the weights, if they are asked for."""
    if not _is_real(query, key, value):
        return NotImplemented
    result, weights = _dot_product(
        mode, query, key, value, attn_mask, dropout_p, is_causal, None
    )
    return result, (weights if need_attn_weights else None)


def _dot_product(
    mode: Any, query: Tensor, key: Tensor, value: Tensor, attn_mask: Optional[Tensor],
    dropout_p: float, is_causal: bool, scale: Optional[float],
) -> Tuple[Tensor, Tensor]:  # fmt: skip
    factor = scale if scale is not None else query.shape[-1] ** -0.5
    scores = matmul(mode, query * factor, key.transpose(-2, -1))
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is not None:
        if attn_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attn_mask, float("-inf"))
        else:
            scores = scores + attn_mask
    weights = scores.softmax(-1)
    if dropout_p > 0.0:
        weights = functional.dropout(weights, dropout_p)
    return matmul(mode, weights, value), weights


def _recurrent(run: Callable[..., Any], cell: recurrence.Cell) -> Handler:
    """`run`: over all time steps, or one."""

    def handler(mode: Any, *args: Any, **kwargs: Any) -> Any:
        return run(cell, lambda *operands: linear(mode, *operands), *args, **kwargs)

    return handler


_HANDLERS: Dict[str, Handler] = {
    "linear": linear,
    "conv1d": _convolution(1, False),
    "conv2d": _convolution(2, False),
    "conv3d": _convolution(3, False),
    "conv_transpose1d": _convolution(1, True),
    "conv_transpose2d": _convolution(2, True),
    "conv_transpose3d": _convolution(3, True),
    "matmul": matmul,
    "__matmul__": matmul,
    "__rmatmul__": _reflected,
    "mm": _strict(2),
    "bmm": _strict(3),
    "mv": matmul,
    "dot": matmul,
    "vdot": matmul,
    "inner": inner,
    "tensordot": tensordot,
    "multi_dot": multi_dot,
    "linalg_multi_dot": multi_dot,
    "chain_matmul": chain_matmul,
    "addbmm": addbmm,
    "addmm": with_sum,
    "baddbmm": with_sum,
    "addmv": with_sum,
    "einsum": einsum,
    "bilinear": bilinear,
    "multi_head_attention_forward": multi_head_attention,
    "_scaled_dot_product_attention": scaled_dot_product_of_1_13,
    "scaled_dot_product_attention": scaled_dot_product,
    "lstm": _recurrent(recurrence.run, recurrence.lstm_cell),
    "gru": _recurrent(recurrence.run, recurrence.gru_cell),
    "rnn_tanh": _recurrent(recurrence.run, recurrence.tanh_cell),
    "rnn_relu": _recurrent(recurrence.run, recurrence.relu_cell),
    "lstm_cell": _recurrent(recurrence.step, recurrence.lstm_cell),
    "gru_cell": _recurrent(recurrence.step, recurrence.gru_cell),
    "rnn_tanh_cell": _recurrent(recurrence.step, recurrence.tanh_cell),
    "rnn_relu_cell": _recurrent(recurrence.step, recurrence.relu_cell),
}
