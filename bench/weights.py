"""Tensors in files: safetensors read and written byte for byte, numbers rounded to bfloat16, for the scripts of bench/ that measure weights.

A safetensors file is eight bytes with the length of a JSON header (little endian), the header, and the tensors' bytes behind it
(https://github.com/huggingface/safetensors). numpy knows no bfloat16: tensors are kept as bytes with the name of their type.
"""
from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32, "U8": np.uint8, "BF16": np.uint16}


@dataclass
class Tensor:
    """`data` holds the elements in C order, little endian; `dtype` is the name that safetensors gives their type."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes

    def raw(self) -> np.ndarray:
        """The elements as they are stored; those of BF16 as 16 bits each."""
        return np.frombuffer(self.data, TYPES[self.dtype]).reshape(self.shape)

    def values(self) -> np.ndarray:
        """The elements as float32 (integers too)."""
        if self.dtype == "BF16":
            return (self.raw().astype(np.uint32) << 16).view(np.float32)
        return self.raw().astype(np.float32)


@dataclass
class Weights:
    """The tensors of a file in the order of their bytes, and the strings that its header holds beside them."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]

    def values(self) -> dict[str, np.ndarray]:
        """All floating-point tensors as float32, shapes kept."""
        return {name: tensor.values() for name, tensor in self.tensors.items() if "F" in tensor.dtype}


def read(path: Path) -> Weights:
    raw = path.read_bytes()
    begin = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:begin])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        first, last = entry["data_offsets"]
        tensors[name] = Tensor(entry["dtype"], tuple(entry["shape"]), raw[begin + first : begin + last])
    return Weights(tensors, metadata)


def write(path: Path, weights: Weights) -> None:
    """Tensors one behind the other in the order of the dictionary; the header is padded to a multiple of eight bytes, as the format asks."""
    header: dict = {"__metadata__": weights.metadata} if weights.metadata else {}
    at = 0
    for name, tensor in weights.tensors.items():
        header[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [at, at + len(tensor.data)]}
        at += len(tensor.data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.writelines(tensor.data for tensor in weights.tensors.values())


def to_bf16(values: np.ndarray) -> np.ndarray:
    """float32 of any shape, none of them NaN, to the upper 16 bits: round to nearest, ties to even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def rounded(weights: Weights) -> Weights:
    """Every F32 tensor as BF16 under the same name; the others, and the order, as they are."""
    out = {}
    for name, tensor in weights.tensors.items():
        out[name] = Tensor("BF16", tensor.shape, to_bf16(tensor.raw()).tobytes()) if tensor.dtype == "F32" else tensor
    return Weights(out, weights.metadata)


def replaced(weights: Weights, values: dict[str, np.ndarray]) -> Weights:
    """The same tensors, those that `values` (float32) names with its elements, in the type that they had."""
    out = dict(weights.tensors)
    for name, new in values.items():
        old = out[name]
        if new.shape != old.shape or old.dtype not in ("F32", "BF16"):
            raise ValueError(f"{name}: {old.dtype} {old.shape} cannot take values of shape {new.shape}")
        data = to_bf16(new) if old.dtype == "BF16" else np.ascontiguousarray(new, np.float32)
        out[name] = Tensor(old.dtype, old.shape, data.tobytes())
    return Weights(out, weights.metadata)
