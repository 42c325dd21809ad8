"""Attar through its command line, as any user would call it: pack, search, bench. Used by the other scripts of bench/."""
from __future__ import annotations

from datasets import OUT, REPO

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import measures


class Failed(RuntimeError):
    """The command ended with another status than expected; the message holds its own words."""


def binary() -> Path:
    """The attar to measure: ATTAR_BIN, or the release build."""
    return Path(os.environ.get("ATTAR_BIN", REPO / "build" / "release" / "attar"))


def available() -> bool:
    return os.access(binary(), os.X_OK)


def call(*arguments: str, level: str = "", before: Callable[[], None] | None = None) -> tuple[str, float, float]:
    """Run attar with the kernels of an instruction-set level, else the best; its standard output, the seconds it took, and its peak memory in MB.
    `before` is called in the new process before attar starts."""
    started = time.perf_counter()
    # Files, not pipes: nothing can fill up while this waits and looks at the memory that the child holds.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as error:
        environment = os.environ | ({"ATTAR_ISA": level} if level else {})
        process = subprocess.Popen([str(binary()), *arguments], stdout=out, stderr=error, env=environment, preexec_fn=before)
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, measures.peak_mb(process.pid))
            time.sleep(0.005)
        seconds = time.perf_counter() - started
        out.seek(0)
        error.seek(0)
        if process.returncode != 0:
            raise Failed(f"attar {' '.join(arguments)}: status {process.returncode}: {error.read().strip()[-500:]}")
        text = out.read()
    return text, seconds, peak


def pack(base: Path, budget: float, tune: Path | None, name: str, threads: int = 1, extra: tuple[str, ...] = ()) -> dict:
    """Pack `base` to at most `budget` bytes a row; attar's own report and: file, bytes_per_row (stat), seconds, peak_mb."""
    file = OUT / f"{name}.attar"
    queries = ("--queries", str(tune)) if tune else ()
    out, seconds, peak = call("pack", str(base), "-o", str(file), "--budget", f"{budget:.3f}B/vec", *queries, "--seed", "1",
                              "-T", str(threads), "--json", *extra)
    report = json.loads(out)
    size = file.stat().st_size
    if size > budget * report["rows"]:
        raise Failed(f"{file.name} has {size} bytes, above its budget of {budget:.3f} a row")
    return report | {"file": file, "bytes_per_row": size / report["rows"], "seconds": seconds, "peak_mb": peak}


def code_bytes(report: dict) -> float:
    """Bytes a row of codes and scales alone, from the parts that pack reports."""
    parts = report["parts"]
    items = parts.items() if isinstance(parts, dict) else ((part["name"], part["bytes"]) for part in parts)
    return sum(size for name, size in items if "code" in name or "scale" in name) / report["rows"]


def search(file: Path, queries: Path, k: int) -> np.ndarray:
    """Ids (q, k), -1 where fewer were returned."""
    out, _, _ = call("search", str(file), "--vector", str(queries), "-k", str(k), "--json")
    found = [[int(hit["id"]) for hit in json.loads(line)["hits"]] for line in out.splitlines() if line]
    return np.array([ids[:k] + [-1] * (k - len(ids)) for ids in found], np.int64)


def bench(file: Path, queries: Path, batch: int, seconds: float, level: str = "") -> float:
    """Queries per second on one thread, in calls of `batch` queries: the median of the rounds that attar reports."""
    out, _, _ = call("bench", str(file), "--queries", str(queries), "--batch", str(batch), "--seconds", f"{seconds:g}", "-k", "10",
                     "-T", "1", "--json", level=level)
    report = json.loads(out)
    rounds = report["rounds"]
    return float(np.median([r["queries_per_second"] if isinstance(r, dict) else r for r in rounds]))
