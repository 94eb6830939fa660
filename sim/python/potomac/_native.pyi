"""Potomac's C++ library; use the package `potomac`."""

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

# NumPy arrays: their element types are checked where they are used, and their stubs take longer to
# read than all else.
_Codes = Any  # numpy.ndarray of uint8
_Floats = Any  # of float32
_Sums = Any  # of int64

version: str
build: str
default_table: str

class InputError(ValueError): ...
class MachineError(RuntimeError): ...

class Architecture:
    def __init__(self, other: Architecture = ...) -> None: ...
    @staticmethod
    def load(name: str) -> Architecture: ...
    @staticmethod
    def keys() -> List[Dict[str, Any]]: ...
    @staticmethod
    def names() -> List[str]: ...
    def get(self, key: str) -> Any: ...
    def set(self, key: str, text: str) -> None: ...
    def text(self) -> str: ...
    def equals(self, other: Architecture) -> bool: ...

class Layer:
    def __init__(
        self,
        name: str,
        kind: str,
        w: Sequence[int],
        a: Sequence[int],
        g: Sequence[int],
        codes: Sequence[Optional[_Codes]],
        bits: Sequence[int],
        scales: Sequence[int],
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
        groups: int,
        input_grad: bool,
        weight_grad: bool,
    ) -> None: ...

class Workload:
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...  # there is none
    @staticmethod
    def open(name: str, dimensions: Mapping[str, int]) -> Workload: ...
    @staticmethod
    def of_layers(name: str, layers: Sequence[Layer]) -> Workload: ...
    @staticmethod
    def of_description(text: str, name: str, dimensions: Mapping[str, int]) -> Workload: ...
    def path(self) -> str: ...
    def model(self) -> str: ...
    def values(self) -> str: ...
    def layers(self) -> List[Dict[str, Any]]: ...
    def not_included(self) -> List[str]: ...

class Asked:
    def __init__(
        self,
        engine: str,
        tables: Sequence[str],
        accounting: str,
        rivals: Sequence[str],
        layers: Optional[Sequence[str]],
        passes: Optional[Sequence[str]],
    ) -> None: ...

class Result:
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...  # there is none
    @staticmethod
    def load(path: str) -> Result: ...
    def passes(self) -> Dict[str, List[Any]]: ...
    def totals(self) -> Dict[str, List[Any]]: ...
    def energy(self) -> Dict[str, List[Any]]: ...
    def architecture(self) -> Architecture: ...
    def json(self) -> str: ...
    def save(self, folder: str) -> None: ...
    def save_page(self, file: str) -> None: ...
    def priced(self, tables: Sequence[str], accounting: str) -> Result: ...

_Progress = Optional[Callable[[int, int], Any]]

def add_shipped_root(root: str) -> None: ...
def columns() -> List[Dict[str, str]]: ...
def run(
    workload: Workload,
    architecture: Architecture,
    asked: Asked,
    step: Optional[str],
    density: Optional[str],
    simulate_baseline: bool,
    toggles: bool,
    dump_outputs: Optional[str],
    threads: int,
    progress: _Progress,
) -> Result: ...
def report(
    results: Sequence[Tuple[str, Result]], tables: Sequence[str], accounting: str, format: str
) -> str: ...
class Sweep:
    def __init__(self, path: str) -> None: ...
    def columns(self) -> List[str]: ...
    def size(self) -> int: ...
    def points(self, columns: Sequence[str]) -> Dict[str, List[Any]]: ...
    def ask(
        self, where: str, sort: Sequence[str], pareto: Sequence[str], columns: Sequence[str],
        limit: Optional[int],
    ) -> Dict[str, List[Any]]: ...

def sweep(
    workloads: Sequence[Workload],
    architecture: Architecture,
    parameters: Sequence[Tuple[str, str]],
    where: str,
    sample: Optional[int],
    seed: int,
    asked: Asked,
    folder: str,
    keeps_passes: bool,
    threads: int,
    progress: _Progress,
) -> None: ...
def sweep_file(
    path: str, workload: str, dimensions: Mapping[str, int], folder: str, keeps_passes: bool,
    threads: int, progress: _Progress,
) -> None: ...
def models(dimensions: Mapping[str, int]) -> List[Dict[str, Any]]: ...
def verify(
    cases: int,
    seed: int,
    only: Optional[int],
    architecture: Optional[Architecture],
    engine: str,
    cases_per_machine: Optional[int],
    progress: _Progress,
) -> Tuple[int, int]: ...
def encoded(
    values: _Floats, bits: int, scale: int, name: str
) -> _Codes: ...
def decoded(codes: _Codes, bits: int, scale: int) -> _Floats: ...
def quantize(
    values: _Floats, bits: int, rounding: str, key: int
) -> Tuple[_Codes, int]: ...

class Summing:
    def __init__(
        self, bits: int, lsb: Union[int, str], overflow: str, engine: str, threads: int
    ) -> None: ...

def gemm(
    a: _Codes,
    b: _Codes,
    bits: Tuple[int, int],
    scales: Tuple[int, int],
    how: Summing,
    progress: _Progress,
) -> Tuple[_Sums, int, int, int]: ...
def pass_sums(
    layer: Layer, pass_name: str, how: Summing, progress: _Progress
) -> Tuple[_Sums, int, int, int]: ...
def values_of_sums(sums: _Sums, exponent: int) -> _Floats: ...
def largest_magnitude(x: int, count: int, mean: float, threads: int) -> int: ...
def significand_sums(x: int, count: int, sums: int) -> None: ...
def quantized_tensor(
    x: int,
    values: int,
    count: int,
    corrected: bool,
    gamma: float,
    bits: int,
    rounding: int,
    key: int,
    threads: int,
) -> Tuple[int, int, int, int]: ...
def above(x: int, count: int, limit: int) -> Tuple[_Sums, _Floats]: ...
def codes_of_values(
    values: int, codes: int, count: int, bits: int, beta: int, threads: int
) -> None: ...
def check_layer(layer: Layer) -> None: ...

# Address of codes, bits, scale.
_OperandAt = Optional[Tuple[int, int, int]]

class TrainingSums:
    def __init__(self, machine: str) -> None: ...
    def require_fit(
        self, name: str, pass_name: str, first_bits: int, second_bits: int
    ) -> None: ...
    def run(
        self,
        layer: Layer,
        pass_name: str,
        w: _OperandAt,
        a: _OperandAt,
        g: _OperandAt,
        result: int,
        threads: int,
    ) -> Dict[str, int]: ...
