"""From which products' results a tensor is made."""

import weakref
from typing import Any, Dict, FrozenSet, Iterator, Optional, Tuple

import torch
from torch.overrides import TorchFunctionMode

Makers = FrozenSet[Any]


class Lineage(TorchFunctionMode):
    """Follows tensors through whatever PyTorch computes while it is on: what is computed of tensors
    has the makers of all of them. A product's result has one maker, which mark() tells."""

    def __init__(self) -> None:
        super().__init__()
        self._known: Dict[int, Tuple[Any, Makers]] = {}

    def mark(self, tensor: torch.Tensor, makers: Makers) -> None:
        key = id(tensor)
        self._known[key] = weakref.ref(tensor, lambda _: self._known.pop(key, None)), makers

    def makers_of(self, tensor: torch.Tensor) -> Optional[Makers]:
        """None: not known, as of what a custom kernel computed unseen."""
        reference, makers = self._known.get(id(tensor), (None, None))
        if reference is not None and reference() is tensor:
            return makers
        return None if tensor.grad_fn is not None else frozenset()

    def __torch_function__(
        self, func: Any, types: Any, args: Tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        makers: Optional[Makers] = frozenset()
        for tensor in _tensors_in((args, kwargs)):
            of_tensor = self.makers_of(tensor)
            makers = None if makers is None or of_tensor is None else makers | of_tensor
        result = func(*args, **kwargs)
        if makers is not None:
            for tensor in _tensors_in(result):
                self._add(tensor, makers)
            name = getattr(func, "__name__", "")
            if name == "__setitem__" or (name.endswith("_") and not name.endswith("__")):
                self._add(args[0], makers)
        return result

    def _add(self, tensor: torch.Tensor, makers: Makers) -> None:
        if makers or tensor.grad_fn is not None:  # else makers_of() says the same
            self.mark(tensor, makers)


def _tensors_in(values: Any) -> Iterator[torch.Tensor]:
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from _tensors_in(value)
    elif isinstance(values, dict):
        yield from _tensors_in(tuple(values.values()))
