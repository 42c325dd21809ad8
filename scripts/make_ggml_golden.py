"""Blocks of ggml's types with the values that the Python package gguf reads from them, and a small GGUF file of its writer: for tests/tensor/ggml_test.cpp and
tests/data/gguf_test.cpp. All numbers are pseudo-random.

    python -m venv /tmp/gguf && /tmp/gguf/bin/pip install numpy==2.4.6 gguf==0.19.0
    /tmp/gguf/bin/python scripts/make_ggml_golden.py

Writes tests/tensor/ggml/blocks.txt, a line a block: the type, its bytes, and its values as the bits of floats, both in hexadecimal; and tests/data/gguf/small.gguf.
"""
from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf.constants import GGML_QUANT_SIZES

TESTS = Path(__file__).resolve().parent.parent / "tests"
# Where the halves stand in a block: scales and offsets, in units of two bytes.
HALVES = {Type.F16: [0], Type.BF16: [0], Type.Q8_0: [0], Type.Q4_0: [0], Type.Q4_1: [0, 1], Type.Q5_0: [0], Type.Q5_1: [0, 1], Type.Q4_K: [0, 1], Type.Q6_K: [104]}
BLOCKS = 3
SMALL = 32  # of types with one value a block


def blocks_of(kind: Type, rng: np.random.Generator) -> np.ndarray:
    """Random bytes with finite halves: one of a usual size, one negative, one subnormal."""
    values, size = GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (SMALL if values == 1 else BLOCKS, size), np.uint8)
    if values == 1:
        if kind == Type.F16:
            blocks[:, 1] &= 0xFB  # no infinities, no NaN
        elif kind == Type.BF16:
            blocks[:, 1] &= 0xBF
        return blocks
    for at in HALVES[kind]:
        halves = np.array([rng.uniform(0.001, 0.1), -rng.uniform(0.001, 8), 3e-7], np.float16)
        blocks[:, 2 * at : 2 * at + 2] = halves.view(np.uint8).reshape(-1, 2)
    return blocks


def write_blocks() -> None:
    rng = np.random.default_rng(20)
    lines = []
    for kind in HALVES:
        for block in blocks_of(kind, rng):
            values = gguf.dequantize(block, kind).astype("<f4")
            lines.append(f"{kind.name} {block.tobytes().hex()} {values.tobytes().hex()}")
    folder = TESTS / "tensor" / "ggml"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "blocks.txt").write_text("\n".join(lines) + "\n")


def write_file() -> None:
    rng = np.random.default_rng(21)
    folder = TESTS / "data" / "gguf"
    folder.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(folder / "small.gguf", "llama")
    writer.add_uint8("test.u8", 200)
    writer.add_int8("test.i8", -100)
    writer.add_uint16("test.u16", 60_000)
    writer.add_int16("test.i16", -30_000)
    writer.add_uint32("llama.block_count", 3)
    writer.add_int32("test.i32", -5)
    writer.add_uint64("test.u64", 2**64 - 1)
    writer.add_int64("test.i64", -(2**63))
    writer.add_float32("llama.rope.freq_base", 10_000.0)
    writer.add_float64("test.f64", 0.1)
    writer.add_bool("test.yes", True)
    writer.add_bool("test.no", False)
    writer.add_string("general.name", "pseudo-random numbers, sm\u00e5")
    writer.add_array("tokenizer.ggml.tokens", ["<unk>", "", "a", "\u2581word"])
    writer.add_array("tokenizer.ggml.scores", [0.5, -1.5, 2.0])
    writer.add_array("test.whole", [1, -2, 3])
    writer.add_array("test.flags", [True, False])
    normal = lambda *shape: rng.standard_normal(shape).astype(np.float32)  # noqa: E731
    writer.add_tensor("norm.weight", normal(5))
    writer.add_tensor("cube", normal(2, 3, 4).astype(np.float16))
    writer.add_tensor("whole", rng.integers(-9, 9, (3, 2)).astype(np.int32))
    for name, kind in (("q8", Type.Q8_0), ("q4", Type.Q4_0), ("q51", Type.Q5_1), ("b16", Type.BF16)):
        writer.add_tensor(name, gguf.quantize(normal(2, 64), kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    write_blocks()
    write_file()
