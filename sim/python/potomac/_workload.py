"""Workloads: opened by name or file, or made of layers, arrays and modules without a file."""

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from . import _native
from ._native import InputError
from ._paths import PathLike, integer_of, text_of_path

Shape = Sequence[int]
Ints = Union[int, Sequence[int]]
_AXES = {"conv2d": 2, "conv_transpose2d": 2, "conv3d": 3, "conv_transpose3d": 3}


def dimensions_of(
    batch: Optional[int], length: Optional[int], dimensions: Optional[Mapping[str, int]]
) -> Dict[str, int]:
    """What binds a model description's dimensions, as one mapping."""
    bound: Dict[str, int] = {}
    named = [("batch", batch), ("length", length), *(dimensions or {}).items()]
    for name, extent in named:
        if extent is not None:
            if name in bound:
                raise InputError(f"dimensions: binds '{name}' again; bind it once")
            bound[name] = integer_of(extent, f"dimensions: '{name}'", 1, 2**62)
    return bound


@dataclass
class Layer:
    """A layer: arrays of codes for w, a and g, or only their extents.

    kind: "linear" (w [O,I], a [B,I], g [B,O]), "matmul" (w [B,K,N], a [B,M,K], g [B,M,N]), "conv2d"
    (w [O,C/groups,kh,kw], a [B,C,H,W], g [B,O,P,Q]), "conv_transpose2d" (w [C,O/groups,kh,kw]),
    "conv3d", "conv_transpose3d".
    w, a, g: uint8 arrays of codes (`quantize_values`), C-contiguous; or tuples of extents. Arrays are
    not copied: leave them as they are while a workload has them. g may be left out where its extents
    follow, and there are no values.
    bits, scales: of w, a and g; a code's value is +-2^(e + scale).
    stride, padding, dilation: of a convolution, one number or one for each axis (padding: also
    before and behind, twice as many).
    input_grad, weight_grad: whether it has backward-data and backward-weight.
    """

    name: str
    kind: str
    w: Any
    a: Any
    g: Any = None
    bits: Tuple[int, int, int] = (5, 5, 5)
    scales: Tuple[int, int, int] = (0, 0, 0)
    stride: Ints = 1
    padding: Ints = 0
    dilation: Ints = 1
    groups: int = 1
    input_grad: bool = True
    weight_grad: bool = True

    def _made(self) -> "_native.Layer":
        axes = _AXES.get(self.kind, 2)
        stride, dilation = (self._each(n, axes) for n in ("stride", "dilation"))
        padding = self._each("padding", axes, double=True)
        w, a = (self._tensor(n) for n in "wa")
        g = self._tensor("g") if self.g is not None else (self._result_shape(w[0], a[0]), None)
        codes = [w[1], a[1], g[1]]
        if codes[0] is not None and g[1] is None and (self.input_grad or self.weight_grad):
            raise InputError(f"layer '{self.name}': g has no codes, but a backward pass needs them; "
                             "give g, or input_grad=False and weight_grad=False")  # fmt: skip
        if (codes[0] is None) != (codes[1] is None):
            raise InputError(f"layer '{self.name}': only one of w and a has codes; "
                             "give both, or extents")  # fmt: skip
        return _native.Layer(
            self.name, self.kind, w[0], a[0], g[0], codes, list(self.bits), list(self.scales),
            stride, padding, dilation, self.groups, self.input_grad, self.weight_grad,
        )  # fmt: skip

    def _each(self, name: str, axes: int, double: bool = False) -> List[int]:
        value = getattr(self, name)
        numbers = [value] * axes if isinstance(value, int) else list(value)
        if len(numbers) != axes and not (double and len(numbers) == 2 * axes):
            raise InputError(f"layer '{self.name}': {name} has {len(numbers)} numbers; give {axes}")
        return [integer_of(n, f"layer '{self.name}': {name}", -(2**31), 2**31) for n in numbers]

    def _tensor(self, name: str) -> Tuple[List[int], Any]:
        """Extents, and codes if there are any."""
        value = getattr(self, name)
        what = f"layer '{self.name}': {name}"
        if hasattr(value, "dtype"):
            checked_array(value, "uint8", None, what)
            return list(value.shape), value
        try:
            return [integer_of(n, what, 0, 2**62) for n in value], None
        except TypeError:
            raise InputError(f"{what}: a {type(value).__name__} is neither an array of codes nor "
                             "extents; give a uint8 array, or a tuple") from None  # fmt: skip

    def _result_shape(self, w: List[int], a: List[int]) -> List[int]:
        """The extents of the output, where all of them follow."""
        if self.kind == "linear" and len(w) == len(a) == 2:
            return [a[0], w[0]]
        if self.kind == "matmul" and len(w) == len(a) == 3:
            return [a[0], a[1], w[2]]
        axes = _AXES.get(self.kind)
        if axes is None or len(w) != axes + 2 or len(a) != axes + 2:
            return []
        stride, dilation = self._each("stride", axes), self._each("dilation", axes)
        padding = self._each("padding", axes, double=True)
        behind = padding[-axes:]
        outputs = []
        for i in range(axes):
            reach = dilation[i] * (w[i + 2] - 1)
            sides = padding[i] + behind[i]
            if "transpose" in self.kind:
                outputs.append((a[i + 2] - 1) * stride[i] - sides + reach + 1)
            else:
                outputs.append((a[i + 2] + sides - reach - 1) // max(1, stride[i]) + 1)
        channels = w[1] * self.groups if "transpose" in self.kind else w[0]
        return [a[0], channels, *outputs]


class Workload:
    """The layers of a network, to be run.

    source: a trace (.h5), a model description (.yaml), an ONNX model, a SCALE-Sim topology (.csv),
    or the name of a model that ships; a list of `Layer`; or a torch.nn.Module, of which one
    forward of `inputs` gives the shapes (PyTorch is needed for that alone).
    batch, length, dimensions: bind what a model description leaves open.
    name: what reports call a workload that comes from no file.
    """

    def __init__(
        self,
        source: Any,
        inputs: Any = None,
        *,
        batch: Optional[int] = None,
        length: Optional[int] = None,
        dimensions: Optional[Mapping[str, int]] = None,
        name: Optional[str] = None,
    ) -> None:
        bound = dimensions_of(batch, length, dimensions)
        if isinstance(source, (list, tuple)):
            wrong = next((one for one in source if not isinstance(one, Layer)), None)
            if wrong is not None:
                raise InputError(f"workload: a {type(wrong).__name__} is no layer; "
                                 "give potomac.Layer")  # fmt: skip
            _bind_nothing(bound)
            self._native = _native.Workload.of_layers(
                name or "layers", [layer._made() for layer in source]
            )
        elif hasattr(source, "named_modules"):
            if inputs is None:
                raise InputError("workload: a module needs inputs for one forward; give a tensor")
            _bind_nothing(bound)
            from potomac_capture import describe

            try:
                text = describe(source, inputs, model_name=name)
            except ValueError as error:
                raise InputError(f"workload: {error}") from None
            self._native = _native.Workload.of_description(text, name or type(source).__name__, {})
        else:
            self._native = _native.Workload.open(text_of_path(source, "workload"), bound)

    @property
    def path(self) -> str:
        """The file that it was read from, or its name."""
        return self._native.path()

    @property
    def model(self) -> str:
        """The network's name, in its own words."""
        return self._native.model()

    @property
    def values(self) -> str:
        """Where its values come from: "captured", "synthetic" or "none"."""
        return self._native.values()

    @property
    def layers(self) -> List[Dict[str, Any]]:
        """Name, kind and extents of each layer, in forward order."""
        return self._native.layers()

    @property
    def not_included(self) -> List[str]:
        """What of the network is not in it, and why."""
        return self._native.not_included()

    def __repr__(self) -> str:
        return f"<Workload {self.model!r}: {len(self.layers)} layers, values: {self.values}>"


def _bind_nothing(bound: Mapping[str, int]) -> None:
    if bound:
        raise InputError(f"dimensions: '{next(iter(bound))}' binds nothing; "
                         "only a model description has dimensions")  # fmt: skip


def workload_of(
    source: Any,
    batch: Optional[int] = None,
    length: Optional[int] = None,
    dimensions: Optional[Mapping[str, int]] = None,
) -> Workload:
    """A workload as it is, or what it is made of."""
    if not isinstance(source, Workload):
        return Workload(source, batch=batch, length=length, dimensions=dimensions)
    _bind_nothing(dimensions_of(batch, length, dimensions))
    return source


def checked_array(array: Any, dtype: str, rank: Optional[int], what: str) -> None:
    """InputError unless it is a NumPy array that can be read as it lies."""
    if not hasattr(array, "flags") or not hasattr(array, "dtype"):
        raise InputError(f"{what}: a {type(array).__name__} is no NumPy array; use numpy.asarray()")
    if str(array.dtype) != dtype:
        raise InputError(f"{what}: its type is {array.dtype}; it must be {dtype}")
    if rank is not None and array.ndim != rank:
        raise InputError(f"{what}: it has {array.ndim} axes; it must have {rank}")
    if not array.flags.c_contiguous:
        raise InputError(f"{what}: it is not C-contiguous; use numpy.ascontiguousarray()")
