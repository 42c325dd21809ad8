"""Tensors coded by steps with what they decode to, made from src/tensor/steps/spec.md and src/math/rans.md alone: for tests/tensor/steps_test.cpp. Symbols, tables and
scales are pseudo-random: nothing is quantized.

    python scripts/make_steps_golden.py        (numpy 2)

Writes tests/tensor/steps/golden.txt, a line a tensor: type, columns, then its tables, preamble, one block and elements in hexadecimal.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parent.parent / "tests" / "tensor" / "steps" / "golden.txt"
WHOLE, LEAST = 4096, 1 << 16


@dataclass
class Case:
    kind: str  # f32, bf16, f16
    rows: int
    columns: int
    width: int
    classes: int
    bounded: bool
    low: int
    row_scales: bool
    column_scales: bool
    half_step: float


CASES = [
    Case("f32", 65, 67, 2, 40, False, 0, True, True, 0.0123),  # 32 lanes, the last step not whole
    Case("bf16", 9, 31, 3, 7, False, 0, True, False, 1.7e-5),
    Case("f16", 40, 40, 1, 20, True, 3, False, True, 0.003),
    Case("f32", 2, 5, 5, 1, True, 12, True, True, 1e-36),
]


def leb128(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def table_bytes(frequencies: list[int]) -> bytes:
    out, at = b"", 0
    while at < 256:
        out += leb128(frequencies[at])
        at += 1
        if frequencies[at - 1] == 0:
            run = 0
            while at + run < 256 and frequencies[at + run] == 0:
                run += 1
            out += leb128(run)
            at += run
    return out


def pack_bits(pieces: list[tuple[int, int]]) -> bytes:
    """(value, bits) from the lowest bit of each byte on."""
    whole, filled = 0, 0
    for value, bits in pieces:
        whole |= value << filled
        filled += bits
    return whole.to_bytes((filled + 7) // 8, "little")


def scale_bytes(scales: list[int], rice: int) -> bytes:
    base = sorted(scales)[len(scales) // 2]
    codes = [2 * (s - base) if s >= base else -2 * (s - base) - 1 for s in scales]
    pieces = []
    for code in codes:
        pieces += [(0, 1)] * (code >> rice) + [(1, 1), (code & ((1 << rice) - 1), rice)]
    return base.to_bytes(2, "little", signed=True) + bytes([rice]) + pack_bits(pieces)


def random_table(rng: np.random.Generator, spread: float) -> list[int]:
    weights = np.exp(-0.5 * ((np.arange(256) - 128) / spread) ** 2)
    weights[weights < 1e-3] = 0
    weights[0] = 0.02
    frequencies = [int(max(1, WHOLE * w / weights.sum())) if w > 0 else 0 for w in weights]
    frequencies[128] += WHOLE - sum(frequencies)
    assert all(f >= 0 for f in frequencies) and sum(frequencies) == WHOLE
    return frequencies


def encode(symbols: list[int], contexts: list[int], tables: list[list[int]]) -> bytes:
    lanes = 32 if len(symbols) >= 4096 else 4
    states, words = [LEAST] * lanes, []
    for i in range(len(symbols) - 1, -1, -1):
        table, x = tables[contexts[i]], states[i % lanes]
        frequency, start = table[symbols[i]], sum(table[: symbols[i]])
        if x >> 20 >= frequency:
            words.insert(0, x & 0xFFFF)
            x >>= 16
        states[i % lanes] = x // frequency * WHOLE + x % frequency + start
    return np.array(states, "<u4").tobytes() + np.array(words, "<u2").tobytes()


def as_type(value: np.float32, kind: str) -> bytes:
    if kind == "f32":
        return value.astype("<f4").tobytes()
    if kind == "f16":
        return value.astype("<f2").tobytes()
    bits = int(value.view(np.uint32))
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).to_bytes(2, "little")


def line(case: Case, rng: np.random.Generator) -> str:
    count, size = case.rows * case.columns - 3, 4 if case.kind == "f32" else 2  # the last row is shorter
    tables = [random_table(rng, 1.5 + 0.4 * c) for c in range(2 * case.classes)]
    row = [int(s) for s in rng.integers(-60, 60, case.rows if case.row_scales else 1)]
    column = [int(s) for s in rng.integers(-30, 30, case.columns)] if case.column_scales else [0] * case.columns
    lanes, half_step = 32 if count >= 4096 else 4, np.float32(case.half_step)
    trellis, symbols, contexts, low, escapes, elements = [0] * lanes, [], [], [], b"", b""
    for i in range(count):
        scale = row[i // case.columns if case.row_scales else 0] + column[i % case.columns] + 40 + case.width // 2
        union = 0 if case.bounded else trellis[i % lanes] & 1
        contexts.append(2 * max(0, min(case.classes - 1, scale // case.width)) + union)
        table = tables[contexts[-1]]
        symbols.append(int(rng.choice(256, p=np.array(table) / WHOLE)))
        t, q = trellis[i % lanes], symbols[-1] - 128
        trellis[i % lanes] = (t >> 1) ^ ((t & 1) * 5) ^ ((symbols[-1] & 1) * 2)
        if symbols[-1] == 0:
            own = rng.bytes(size)
            escapes += own
        elif case.bounded:
            low.append((int(rng.integers(0, 1 << case.low)), case.low))
            number = q * (1 << case.low) + low[-1][0] - (1 << case.low) // 2
            own = as_type(np.float32(2 * number) * half_step, case.kind)
        else:
            own = as_type(np.float32(2 * q - union * int(np.sign(q))) * half_step, case.kind)
        elements += own
    stream = encode(symbols, contexts, tables)
    flags = case.column_scales + 2 * case.bounded + 4 * case.row_scales
    preamble = bytes([flags, case.width, 0, 0]) + half_step.tobytes() + bytes([case.low]) + (scale_bytes(column, 4) if case.column_scales else b"")
    block = b"\x01" + len(stream).to_bytes(4, "little") + (len(escapes) // size).to_bytes(4, "little") + scale_bytes(row, 5) + stream + escapes + pack_bits(low)
    shared = leb128(1) + leb128(len(tables)) + b"".join(table_bytes(t) for t in tables)
    return f"{case.kind} {case.columns} {shared.hex()} {preamble.hex()} {block.hex()} {elements.hex()}"


def main() -> None:
    rng = np.random.default_rng(36)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text("\n".join(line(c, rng) for c in CASES) + "\n")


if __name__ == "__main__":
    main()
