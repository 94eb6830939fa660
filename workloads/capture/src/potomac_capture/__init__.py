"""Trains PyTorch models with ALS-PoTQ, and captures steps as Potomac traces.

    model = potomac_capture.quantize(model)
    with potomac_capture.capture(model, "trace.h5", dataset=..., step=..., seed=...):
        loss(model(batch)).backward()
"""

from .accumulators import SumCounts, overflows
from .capture import CaptureError, capture
from .config import Config
from .describe import describe
from .inspection import InspectedProduct, Inspection, inspect
from .quantizer import dequantize, quantize_tensor
from .ratio_clipping import prc_clip
from .unquantization import unquantize
from .weight_bias import exact_mean, weight_bias_correction
from .wrap import fp32_state_dict, gammas, quantize, quantized_layers

__all__ = [
    "CaptureError",
    "Config",
    "InspectedProduct",
    "Inspection",
    "SumCounts",
    "capture",
    "dequantize",
    "describe",
    "exact_mean",
    "fp32_state_dict",
    "gammas",
    "inspect",
    "overflows",
    "prc_clip",
    "quantize",
    "quantize_tensor",
    "quantized_layers",
    "unquantize",
    "weight_bias_correction",
]
