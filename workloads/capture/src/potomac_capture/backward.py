"""Whether a thread is in a backward pass; PyTorch 1.13 has no way to ask."""

import threading
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator

import torch

_ENTRIES = ("backward", "grad")  # of torch.autograd; Tensor.backward calls the first


class _Depth(threading.local):
    depth = 0


_depth = _Depth()
_lock = threading.Lock()
_users = 0
_originals: Dict[str, Callable[..., Any]] = {}


def in_backward() -> bool:
    """Precondition: within noting_backward()."""
    return _depth.depth > 0


@contextmanager
def noting_backward() -> Iterator[None]:
    """While somebody does, PyTorch's entries to its engine note that they run."""
    global _users
    with _lock:
        _users += 1
        if _users == 1:
            for name in _ENTRIES:
                _originals[name] = getattr(torch.autograd, name)
                setattr(torch.autograd, name, _noted(_originals[name]))
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                for name in _ENTRIES:
                    setattr(torch.autograd, name, _originals[name])


def _noted(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        _depth.depth += 1
        try:
            return function(*args, **kwargs)
        finally:
            _depth.depth -= 1

    return call
