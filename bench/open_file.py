"""What opening costs: a file of at least 1 GB, opened and asked once, from outside.

    python bench/open_file.py            # needs about 5 GB of disk and the debian set; bench/results/open.json

The debian set is tiled with a jitter to 1,800,000 rows and packed at up to 760 bytes a row. The file is then dropped from the page cache, and
`attar info` is run: its wall time with the start of the process, and the bytes it made the system read (blocks of input, read-ahead
included). `attar bench` reports the first query, the median of the later ones, and the time of checking sums, apart.
"""
from __future__ import annotations

import datasets
from datasets import OUT, RESULTS

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import attar_cli
import measures

ROWS, BUDGET, LEAST = 1_800_000, 760.0, 10**9


def write_base(data: datasets.Dataset, path: Path) -> None:
    """`ROWS` jittered rows as f16, written block by block: the whole would not fit beside the packer."""
    rng = np.random.default_rng(1)
    d = data.base.shape[1]
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(ROWS, d))
    for start in range(0, ROWS, len(data.base)):
        rows = data.base[: ROWS - start]
        out[start : start + len(rows)] = rows + 0.02 * rng.standard_normal(rows.shape, dtype=np.float32)
    out.flush()


def drop_from_cache(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def info(path: Path) -> tuple[float, int]:
    """Wall seconds and bytes read from storage of one `attar info`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock
    started = time.perf_counter()
    subprocess.run([str(attar_cli.binary()), "info", str(path), "--json"], stdout=subprocess.DEVNULL, check=True)
    seconds = time.perf_counter() - started
    return seconds, 512 * (resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock - before)


def main() -> None:
    try:
        data = datasets.load("debian")
    except datasets.Missing as missing:
        sys.exit(f"skipped: {missing}")
    base = OUT / "open-base.npy"
    OUT.mkdir(parents=True, exist_ok=True)
    try:
        write_base(data, base)
        packed = attar_cli.pack(base, BUDGET, data.query_file("tune"), "open", os.cpu_count() or 1, ("--index", "flat"))
    finally:
        base.unlink(missing_ok=True)
    file = packed["file"]
    size = file.stat().st_size
    if size < LEAST:
        sys.exit(f"{file.name} has {size} bytes: this bar is about files of at least {LEAST}")
    info(file)  # the program itself comes into the page cache
    cold = []
    for _ in range(5):
        drop_from_cache(file)
        cold.append(info(file))
    out, _, _ = attar_cli.call("bench", str(file), "--queries", str(data.query_file("report")), "--batch", "1", "--seconds", "5", "-k", "10",
                               "-T", "1", "--json")
    report = json.loads(out)
    result = {"bytes": size, "info_seconds": round(float(np.median([s for s, _ in cold])), 5), "bytes_read": max(b for _, b in cold),
              "first_query_seconds": report["first_query_seconds"], "later_query_seconds": report["query_seconds"],
              "checksum_seconds": report["checksum_seconds"]}
    print(json.dumps(result, indent=1))
    measures.write_json(RESULTS / "open.json", result)
    file.unlink()


if __name__ == "__main__":
    main()
