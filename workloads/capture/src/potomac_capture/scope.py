"""Which module runs: what a product is named after, and who decides how it is quantized.

`quantize` gives every module of a model a class of its own that derives from the module's
and from ScopedModule. It changes one thing: while the module runs, or a method that its
class has beside nn.Module's, it stands on a stack, and the products of tensors in it are
intercepted (interception.py). Such a class is made
anew where a model is unpickled, so that models can be saved, loaded and copied.
"""

import functools
import threading
import types
from contextlib import contextmanager
from typing import Any, Callable, ContextManager, Dict, Iterator, List, Optional, Tuple, Type, Union

import torch
from torch import nn

from .products import Quantization
from .ratio_learning import gamma_of, stepped_gamma


# Of TorchScript, and of what is made through it.
NOT_EXPORTED = (
    "a quantized model becomes no TorchScript and no ONNX; export what unquantize(copy.deepcopy(model), "
    "inputs) gives, which has its rounded weights"
)


class ScopedModule:
    """What quantize adds to the class of a module."""

    # What the products in it are quantized by; None: they are left alone (exclude=).
    how: Optional[Quantization]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with running(self, is_call=True):
            return super().__call__(*args, **kwargs)

    def __reduce_ex__(self, protocol: int) -> Tuple[Any, ...]:
        self._step_gamma()
        state = self.__getstate__() if hasattr(self, "__getstate__") else self.__dict__
        return _rebuild, (original_class(type(self)),), state

    def extra_repr(self) -> str:
        how = self.how
        if self._parameters.get("weight") is None or how is None:
            return super().extra_repr()
        parts: List[str] = [super().extra_repr(), f"bits={how.bits}"]
        if how.gradient_bits != how.bits:
            parts.append(f"gradient_bits={how.gradient_bits}")
        parts += [f"rounding={how.rounding}", f"wbc={how.wbc}"]
        return ", ".join(parts + [f"prc={gamma_of(self) is not None}"])

    def __prepare_scriptable__(self) -> nn.Module:
        raise TypeError(NOT_EXPORTED)

    def _step_gamma(self) -> None:
        """What is kept of a model has the step that the next forward would take."""
        weight = self._parameters.get("weight")
        if weight is not None and self.how is not None:
            with torch.no_grad():
                stepped_gamma(self, weight, self.how.gamma_step)

    def _save_to_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self._step_gamma()
        super()._save_to_state_dict(*args, **kwargs)

    def _load_from_state_dict(
        self, state_dict: Dict[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        # A checkpoint of the FP32 model has no gamma: it keeps its initial value.
        key = prefix + "gamma"
        gamma = gamma_of(self)
        if gamma is not None:
            gamma.grad = None
            state_dict = {key: gamma, **state_dict}
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

    def _apply(self, function: Callable[..., Any]) -> nn.Module:
        gamma = gamma_of(self)
        super()._apply(function)
        if gamma is not None:  # its steps are too small for other types
            self._buffers["gamma"] = gamma.to(self._buffers["gamma"].device)
        return self


class NotQuantized:
    """Stands on the stack while something runs in a module whose products are left alone."""

    how: Optional[Quantization] = None

    def __init__(self, module: nn.Module) -> None:
        self.module = module


Running = Union[ScopedModule, NotQuantized]

_classes: Dict[Type[nn.Module], Type[nn.Module]] = {}


def scoped_class(base: Type[nn.Module]) -> Type[nn.Module]:
    """`base` with ScopedModule in front; the same class each time."""
    if base not in _classes:
        names = {"__module__": base.__module__, "__doc__": base.__doc__, **_methods_of(base)}
        _classes[base] = type(base.__name__, (ScopedModule, base), names)
    return _classes[base]


def _methods_of(base: Type[nn.Module]) -> Dict[str, Any]:
    """Its own public methods (forward, decode, training_step), in which the module runs. Those that
    make weights stay as they are, and so do those of nn.Module."""
    methods: Dict[str, Any] = {}
    for cls in base.__mro__:
        if cls is nn.Module:
            break
        for name, method in vars(cls).items():
            own = isinstance(method, types.FunctionType) and not name.startswith("_")
            if own and name not in methods and not name.startswith(("reset", "init", "extra_repr")):
                if not hasattr(nn.Module, name) or name == "forward":
                    methods[name] = _running_in(method)
    return methods


def _running_in(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        stack = _running.stack
        if stack and stack[-1] is self:
            return method(self, *args, **kwargs)
        with running(self):
            return method(self, *args, **kwargs)

    return run


def original_class(cls: Type[Any]) -> Type[nn.Module]:
    """What scoped_class made `cls` of."""
    return next(base for base in cls.__mro__[1:] if base is not ScopedModule)


def class_name(module: nn.Module) -> str:
    cls = type(module)
    return (original_class(cls) if issubclass(cls, ScopedModule) else cls).__name__


def _rebuild(base: Type[nn.Module]) -> nn.Module:
    cls = scoped_class(base)
    return cls.__new__(cls)


class _Running(threading.local):
    def __init__(self) -> None:
        self.stack: List[Running] = []


_running = _Running()
# Makes the context in which the outermost module runs; audit.py sets it.
_outermost: List[Callable[[Running], ContextManager[Any]]] = []


def set_outermost(context: Callable[[Running], ContextManager[Any]]) -> None:
    _outermost[:] = [context]


@contextmanager
def running(module: Running, is_call: bool = False) -> Iterator[None]:
    """The module stands on the stack; the outermost runs under the interception. is_call: it was
    called as a module, not a method of it."""
    stack = _running.stack
    stack.append(module)
    try:
        if len(stack) == 1:
            if torch.jit.is_tracing():
                raise TypeError(NOT_EXPORTED)
            for listener in list(entry_listeners) if is_call else ():
                listener(module)
            with _outermost[0](module):
                yield
        else:
            yield
    finally:
        stack.pop()


# Told of each outermost module as it is called.
entry_listeners: List[Callable[[Running], None]] = []


def running_modules() -> List[Running]:
    """The modules that run, the innermost last."""
    return _running.stack
