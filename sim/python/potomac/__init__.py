"""Potomac in Python: cycle-accurate systolic arrays that multiply without a multiplier.

    import potomac
    result = potomac.run("resnet50", arch="ws-128x128", energy=["horowitz-45nm"])
    result.passes           # a DataFrame: a row a pass
    potomac.sweep("resnet50", {"array.rows": [32, 64, 128]}).frame()

The same library as the command line, and the same numbers. Energies are in pJ, times in s; unit and
meaning of each column are in `columns()`.
What is wrong with an argument or a file is an `InputError`, a ValueError of one line.

`quantize`, `capture`, `describe` and their like train PyTorch models with ALS-PoTQ; PyTorch is
imported when one of them is first used.
"""

from typing import TYPE_CHECKING, Any, List

from . import _native
from ._arrays import GemmResult, dequantize_codes, gemm, layer_sums, quantize_values
from ._machine import Accumulator, Architecture
from ._native import InputError, MachineError
from ._results import Result, columns, load, report
from ._studies import Verified, models, run, sweep, verify
from ._sweep import Sweep, load_sweep
from ._workload import Layer, Workload

if TYPE_CHECKING:
    from potomac_capture import (  # type: ignore[no-redef]
        CaptureError, Config, InspectedProduct, Inspection, SumCounts, capture, dequantize,
        describe, exact_mean, fp32_state_dict, gammas, inspect, overflows, prc_clip, quantize,
        quantize_tensor, quantized_layers, unquantize, weight_bias_correction,
    )  # fmt: skip

__version__: str = _native.version

# What needs PyTorch: the package potomac_capture's, under these names.
_OF_CAPTURE = (
    "CaptureError", "Config", "InspectedProduct", "Inspection", "SumCounts", "capture",
    "dequantize", "describe", "exact_mean", "fp32_state_dict", "gammas", "inspect", "overflows",
    "prc_clip", "quantize", "quantize_tensor", "quantized_layers", "unquantize",
    "weight_bias_correction",
)  # fmt: skip

__all__ = [
    "Accumulator", "Architecture", "GemmResult", "InputError", "Layer", "MachineError", "Result",
    "Sweep", "Verified", "Workload", "__version__", "columns", "dequantize_codes", "gemm",
    "layer_sums", "load", "load_sweep", "models", "quantize_values", "report", "run", "sweep", "verify",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _OF_CAPTURE:
        import potomac_capture

        return getattr(potomac_capture, name)
    raise AttributeError(f"module 'potomac' has no attribute '{name}'")


def __dir__() -> List[str]:
    return sorted([*globals(), *_OF_CAPTURE])
