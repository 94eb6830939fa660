"""The trace file: quantized W, A and G of every layer of one training step, in HDF5.

    /                     format="potomac-trace" version=2 model framework dataset step
                          seed rounding
    /layers/000-conv1     kind, input_grad=0|1, weight_grad=0 where weights are frozen, acc_bits[3]
                          acc_lsb[3] acc_overflow[3], and for convolutions: stride[2]
                          padding[2 or 4] dilation[2] groups
        W, A, G           uint8 codes, each with attributes bits, beta, exact_zeros, underflows;
                          of W and A also producer; without gradients no G, but the attribute
                          g_shape
        W_fp32, A_fp32, G_fp32   on request: what they were before they were quantized
    /not_included/000000  name, kind, reason: what of the step is not in the trace

A file appears under its name only when it is whole. It holds no time of day, so that
the same step gives the same bytes. Every byte of it lies under some checksum.
"""

import os
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Sequence, Tuple, Union

import h5py
import numpy as np

from .output_file import replaced_whole
from .progress import with_progress

FORMAT = "potomac-trace"
VERSION = 2

# About so many bytes a chunk: a reader of part of a tensor unpacks little more than that part.
_CHUNK_BYTES = 1 << 18
_GZIP_LEVEL = 4  # 9 takes twelve times as long for 3% fewer bytes

Attribute = Union[str, int, Tuple[int, ...]]


@dataclass(frozen=True)
class CodedTensor:
    """Codes of a tensor (uint8), their width and their scale exponent; how many of its zeros came
    to the quantizer as zeros, and how many were too small for the lowest exponent."""

    codes: np.ndarray
    bits: int
    beta: int
    exact_zeros: int
    underflows: int


@dataclass(frozen=True)
class TraceLayer:
    """One layer of a step: its kind and geometry, and W, A and G. producers: of W and A, where it
    is known, the numbers of the layers whose results they are made from. originals: as binary32,
    in the shapes of the codes."""

    name: str
    attributes: Mapping[str, Attribute]
    tensors: Mapping[str, CodedTensor]
    producers: Mapping[str, Tuple[int, ...]] = field(default_factory=dict)
    originals: Mapping[str, np.ndarray] = field(default_factory=dict)


class UseNames:
    """Names of layers in forward order: one that is used again is "fc#2", "fc#3" ..."""

    def __init__(self) -> None:
        self._uses: Dict[str, int] = {}

    def next(self, base: str) -> str:
        self._uses[base] = self._uses.get(base, 0) + 1
        return base if self._uses[base] == 1 else f"{base}#{self._uses[base]}"


@dataclass(frozen=True)
class LeftOut:
    """A part of the step that is not in the trace."""

    name: str
    kind: str
    reason: str


def write_trace(
    path: Union[str, os.PathLike],
    attributes: Mapping[str, Attribute],
    layers: Sequence[TraceLayer],
    left_out: Sequence[LeftOut] = (),
) -> None:
    """Writes a trace to `path`, whole or not at all.

    `attributes` are those of the root beside format and version; layers come in forward
    order, and are numbered in it.
    """
    with replaced_whole(path) as temporary, h5py.File(_create(temporary)) as file:
        _set_attributes(file, {"format": FORMAT, "version": VERSION, **attributes})
        if left_out:
            parts = _create_group(file, "not_included")
            for index, part in enumerate(left_out):
                names = {"name": part.name, "kind": part.kind, "reason": part.reason}
                _set_attributes(_create_group(parts, f"{index:06d}"), names)
        group = _create_group(file, "layers")
        # Numbers have as many digits as the last one needs, so that plain listings sort them too.
        digits = max(3, len(str(len(layers) - 1)))
        # The slash separates HDF5 groups, so a module name cannot keep one.
        names = [f"{i:0{digits}d}-{layer.name.replace('/', '_')}" for i, layer in enumerate(layers)]
        pieces: List[_Piece] = []
        for name, layer in zip(names, layers):
            pieces += _create_layer(_create_group(group, name), layer, names)
        # Piece by piece, so that an interruption acts at once.
        for dataset, values, chunk in with_progress(pieces, "writing the trace"):
            dataset[chunk] = values[chunk]


# A chunk of a dataset, and the values of all of it.
_Piece = Tuple[h5py.Dataset, np.ndarray, Tuple[slice, ...]]


def _create(path: str) -> h5py.h5f.FileID:
    """An empty file in the 1.10 format, which checksums its metadata too: a reader notices any
    damage."""
    creation = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    creation.set_obj_track_times(False)
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_V110, h5py.h5f.LIBVER_V110)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    return h5py.h5f.create(os.fsencode(path), h5py.h5f.ACC_TRUNC, creation, access)


def _create_group(parent: h5py.Group, name: str) -> h5py.Group:
    creation = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
    creation.set_obj_track_times(False)
    return h5py.Group(h5py.h5g.create(parent.id, name.encode(), gcpl=creation))


def _create_layer(group: h5py.Group, layer: TraceLayer, names: Sequence[str]) -> List[_Piece]:
    """All of the layer but its values."""
    _set_attributes(group, layer.attributes)
    pieces: List[_Piece] = []
    for role, tensor in layer.tensors.items():
        dataset = _create_dataset(group, role, tensor.codes, pieces)
        counts = {"exact_zeros": tensor.exact_zeros, "underflows": tensor.underflows}
        _set_attributes(dataset, {"bits": tensor.bits, "beta": tensor.beta, **counts})
        if role in layer.producers:
            makers = (names[index] for index in layer.producers[role])
            _set_attributes(dataset, {"producer": "/".join(makers)})
    for role, values in layer.originals.items():
        _create_dataset(group, f"{role}_fp32", values, pieces)
    return pieces


def _create_dataset(
    group: h5py.Group, name: str, values: np.ndarray, pieces: List[_Piece]
) -> h5py.Dataset:
    dataset = group.create_dataset(
        name,
        shape=values.shape,
        dtype=values.dtype,
        chunks=_chunk_shape(values.shape, values.itemsize),
        compression="gzip",
        compression_opts=_GZIP_LEVEL,
        shuffle=values.itemsize > 1,
        fletcher32=True,
        track_times=False,
    )
    pieces += ((dataset, values, chunk) for chunk in dataset.iter_chunks())
    return dataset


def _chunk_shape(shape: Tuple[int, ...], itemsize: int) -> Tuple[int, ...]:
    """Whole innermost axes, as far as they go."""
    chunk = []
    size = itemsize
    for extent in reversed(shape):
        chunk.append(min(extent, max(1, _CHUNK_BYTES // size)))
        size *= chunk[-1]
    return tuple(reversed(chunk))


def _set_attributes(node: h5py.HLObject, attributes: Mapping[str, Attribute]) -> None:
    for key, value in attributes.items():
        if isinstance(value, str):
            # Texts have a fixed length: those of variable length lie where HDF5 has no checksum.
            text = value.encode()
            node.attrs.create(key, text, dtype=h5py.string_dtype("utf-8", max(len(text), 1)))
        else:
            node.attrs[key] = np.asarray(value, dtype=np.int64)
