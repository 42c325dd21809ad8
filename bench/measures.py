"""Statistics and files that the scripts of bench/ share: per-query hits packed into JSON, paired differences with intervals.

Recall is the mean over queries of hits / k; the unit of every interval is the query. A peer's curve is interpolated in
log(1 - recall) over bytes; the interval of an interpolated difference follows by linearising that interpolation, so that each query
keeps its pairing:  miss(B) = m0^(1-t) m1^t  has the influence  miss(B) ((1-t) x0/m0 + t x1/m1)  of a query with misses x0, x1.
"""
from __future__ import annotations

import base64
import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Z95 = 1.959964
LEAST_MISS = 1e-6  # a perfect curve has no logarithm


def pack_counts(values: np.ndarray) -> str:
    """Small non-negative integers (at most 255), one a query, as compressed text."""
    return base64.b85encode(zlib.compress(np.asarray(values, np.uint8).tobytes(), 9)).decode()


def unpack_counts(text: str) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b85decode(text)), np.uint8).astype(np.float64)


def mean_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean and its 95% interval by the normal approximation over queries."""
    values = np.asarray(values, np.float64)
    half = Z95 * values.std(ddof=1) / len(values) ** 0.5
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


@dataclass
class Point:
    """One measured point: `recall` holds hits / k of every query."""

    name: str
    family: str
    bytes_per_row: float
    recall: np.ndarray

    def to_json(self, k: int = 10) -> dict:
        mean, low, high = mean_interval(self.recall)
        return {"name": self.name, "family": self.family, "bytes_per_row": round(self.bytes_per_row, 3), "recall": round(mean, 5),
                "interval": [round(low, 5), round(high, 5)], "hits": pack_counts(np.rint(self.recall * k))}

    @staticmethod
    def from_json(row: dict, k: int = 10) -> "Point":
        return Point(row["name"], row["family"], row["bytes_per_row"], unpack_counts(row["hits"]) / k)


def at_bytes(curve: list[Point], size: float) -> tuple[float, np.ndarray] | None:
    """Mean miss of `curve` at `size` bytes a row and each query's influence on it; None outside the curve (nothing is extrapolated)."""
    curve = sorted(curve, key=lambda p: p.bytes_per_row)
    for left, right in zip(curve, curve[1:] or curve):
        if left.bytes_per_row <= size <= right.bytes_per_row:
            span = right.bytes_per_row - left.bytes_per_row
            t = (size - left.bytes_per_row) / span if span > 0 else 0.0
            x0, x1 = 1 - left.recall, 1 - right.recall
            m0, m1 = max(x0.mean(), LEAST_MISS), max(x1.mean(), LEAST_MISS)
            miss = m0 ** (1 - t) * m1**t
            return miss, miss * ((1 - t) * x0 / m0 + t * x1 / m1)
    return None


def paired(ours: Point, curve: list[Point]) -> dict | None:
    """Recall of `ours` less that of a peer's curve at the same bytes a row, with the 95% interval of the paired difference."""
    found = at_bytes(curve, ours.bytes_per_row)
    if found is None:
        return None
    miss, influence = found
    difference, low, high = mean_interval(influence - (1 - ours.recall))
    return {"bytes_per_row": round(ours.bytes_per_row, 3), "ours": round(float(ours.recall.mean()), 5), "peer": round(float(1 - miss), 5),
            "difference": round(difference, 5), "interval": [round(low, 5), round(high, 5)]}


def peak_mb(process: int | str = "self") -> float:
    """The most memory that a running process has held, in MB; 0 where it is gone. Not ru_maxrss, which a child inherits from the process that
    started it: beside a parent that holds a data set, every child would seem as large."""
    try:
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0.0


def read_json(path: Path) -> dict:
    return json.loads(path.read_text()) if path.exists() else {}


def write_json(path: Path, value: dict) -> None:
    """Whole or not at all, one line per element of the lists at the second level: small diffs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = []
    for key, item in value.items():
        if isinstance(item, list) and item:
            body = "[\n  " + ",\n  ".join(json.dumps(x) for x in item) + "\n ]"
        else:
            body = json.dumps(item)
        parts.append(f' {json.dumps(key)}: {body}')
    temporary = path.with_suffix(".tmp")
    temporary.write_text("{\n" + ",\n".join(parts) + "\n}\n")
    os.replace(temporary, path)
