"""One machine, more of it: threads, a call of 100,000 queries, and a file larger than the memory that its reader may hold.

    python bench/scale.py [--set manuals] [--rows N] [--seconds 1]

Rows are those of growth.py (beyond the end of the set its rows again, jittered), packed to 120 bytes a row as there.
threads   queries a second in calls of 1,000, on 1 … all cores.
calls     one call of 1,000 queries and one of 100,000 (the report queries, jittered): seconds, and the peak memory of the process, which holds
          the queries as well as the answers.
memory    the report queries without a limit and in a control group that may hold a third of the file (pages of the file count as well), each
          from a file that the cache has forgotten: seconds, and whether the answers are the same. Needs root and a memory controller; left
          out with the reason where there is none.
Results: bench/results/scale_<set>.json
"""
from __future__ import annotations

import datasets
from datasets import OUT, RESULTS

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np

import attar_cli
import curves
import growth
import measures
import open_file
import speed

FEW, MANY, JITTER = 1000, 100_000, 0.02
LEAST_MEMORY = 96 << 20  # a process of two threads takes some 50 MB beside 8,192 lists, pages of the file apart


class NoGroup(RuntimeError):
    """No control group can be made here; the message says why."""


class MemoryGroup:
    """A control group (version 1 or 2) that may hold so many bytes; `enter` moves the process that calls it there."""

    def __init__(self, limit: int) -> None:
        root = Path("/sys/fs/cgroup")
        first = (root / "memory").is_dir()
        self.path = (root / "memory" if first else root) / f"attar-bench-{os.getpid()}"
        try:
            self.path.mkdir()
            (self.path / ("memory.limit_in_bytes" if first else "memory.max")).write_text(str(limit))
        except OSError as error:
            self.close()
            raise NoGroup(f"no control group with a limit of memory can be made: {error.strerror}") from error

    def enter(self) -> None:
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def close(self) -> None:
        if self.path.is_dir():
            self.path.rmdir()


def threads(file: Path, queries: Path, seconds: float) -> list[dict]:
    out = []
    for count in range(1, (os.cpu_count() or 1) + 1):
        text, _, _ = attar_cli.call("bench", str(file), "--queries", str(queries), "--batch", str(FEW), "--seconds", f"{seconds:g}", "-k", "10",
                                    "-T", str(count), "--json")
        out.append({"threads": count, "queries_per_second": round(json.loads(text)["queries_per_second"], 1)})
        print(f"  {count} threads: {out[-1]['queries_per_second']:,.0f} q/s", flush=True)
    return out


def calls(file: Path, queries: np.ndarray) -> list[dict]:
    out, path, rng = [], OUT / "scale-queries.npy", np.random.default_rng(1)
    for count in (FEW, MANY):
        asked = queries[np.arange(count) % len(queries)]
        np.save(path, datasets.unit(asked + JITTER * rng.standard_normal(asked.shape, dtype=np.float32)))
        _, seconds, peak = attar_cli.call("search", str(file), "--vector", str(path), "-k", "10", "-T", "1", "--json")
        out.append({"queries": count, "seconds": round(seconds, 3), "peak_mb": round(peak, 1), "queries_mb": round(path.stat().st_size / 1e6, 1)})
        print(f"  a call of {count:,} queries: {seconds:.2f} s, {peak:,.0f} MB, of which {out[-1]['queries_mb']:,.0f} MB are the queries", flush=True)
    path.unlink()
    return out


def memory(file: Path, queries: Path) -> dict:
    """Searches without and with a limit of memory below the file's size."""
    size = file.stat().st_size
    limit = max(LEAST_MEMORY, size // 3)
    if limit >= size:
        return {"absent": f"the file has {size} bytes, a limit below it leaves no room for the program: take more rows"}
    try:
        group = MemoryGroup(limit)
    except NoGroup as reason:
        return {"absent": str(reason)}
    found, answers = {"file_bytes": size, "limit_bytes": limit}, []
    try:
        for name, before in (("free", None), ("limited", group.enter)):
            open_file.drop_from_cache(file)
            text, seconds, peak = attar_cli.call("search", str(file), "--vector", str(queries), "-k", "10", "-T", "1", "--json", before=before)
            answers.append(text)
            found[name] = {"seconds": round(seconds, 3), "peak_mb": round(peak, 1)}
            print(f"  {name}: {len(text.splitlines()):,} queries in {seconds:.2f} s, at most {peak:,.0f} MB", flush=True)
    finally:
        group.close()
    return found | {"same_answers": answers[0] == answers[1]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="manuals", choices=datasets.SETS)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    try:
        data = datasets.load(options.set)
    except datasets.Missing as missing:
        sys.exit(f"skipped: {missing}")
    data.query_file("tune")
    report = data.query_file("report")
    data.base = data.base[:0].copy()  # only the queries are wanted from here on
    rows = growth.Size(data, options.rows)
    packed = curves.pack(rows, growth.BUDGET, "none", curves.digest(attar_cli.binary()))  # growth.py's, where it is there
    file = Path(packed["file"])
    print(f"{options.rows:,} rows, {packed['plan']}: {file.stat().st_size:,} bytes", flush=True)
    result = {"set": options.set, "rows": options.rows, "cpu": speed.cpu(), "plan": packed["plan"], "bytes": file.stat().st_size,
              "memory": memory(file, report), "calls": calls(file, data.report), "threads": threads(file, report, options.seconds / 5)}
    print(json.dumps(result["memory"]))
    measures.write_json(RESULTS / f"scale_{options.set}.json", result)


if __name__ == "__main__":
    main()
