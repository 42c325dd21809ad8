"""Attar in the process of the benchmark, through its Python package: a contender like the classes of peers.py.

    ./do python --with .venv-bench/bin/python
    .venv-bench/bin/python bench/attar_python.py [--rounds 7] [--seconds 0.5]

As a script it measures what the package costs: single queries on the demo's sample through Python and by `attar bench --batch 1`, in turn, and
the same for a search that has next to nothing to do. `attar bench` prepares its queries once beforehand, so the two rates differ by the
preparation as well. The medians of whole calls, python_call_us and attar_call_us, differ by the package alone; python_outside_us is what of a
call through Python the engine's own SearchTimes do not hold: the package, and the engine's checks of arguments.
"""
from __future__ import annotations

from datasets import OUT, REPO  # pins every pool to one thread

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import attar_cli

sys.path.insert(0, str(REPO / "build" / "python"))
try:
    import attar
except ImportError:
    attar = None

K = 10
TIMED = 101  # queries of which `attar bench` takes query_seconds


def available() -> bool:
    return attar is not None


class Attar:
    """An artifact as a peer: `family`, `name`, build(base) -> bytes a row of the whole file, search(queries, k) -> ids (q, k)."""

    family = "attar"

    def __init__(self, budget: float, tune: np.ndarray | Path | None = None, recall: str | None = None, name: str | None = None,
                 threads: int = 1, **options: object) -> None:
        """At most `budget` bytes a row; `tune` are the queries that choose, `options` go to attar.pack()."""
        self.name = name or f"attar {budget:g} B"
        self.goal = dict(budget=f"{budget:.3f}B/vec", recall=recall, queries=tune, threads=threads, **options)

    def build(self, base: np.ndarray | Path) -> float:
        OUT.mkdir(parents=True, exist_ok=True)
        file = OUT / f"python-{self.name.replace(' ', '-').replace('/', '-')}.attar"
        self.report = attar.pack(base, file, **self.goal)
        return self.open(file)

    def open(self, file: Path) -> float:
        """An artifact that is there already, such as one that attar_cli.pack() wrote; its bytes a row."""
        self.artifact = attar.open(file)
        return self.artifact.info["bytes_per_row"]

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        return self.artifact.search(queries, k)[0]


def calls(peer: Attar, queries: list[np.ndarray], seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """The seconds of calls with one query each, for so long; and what of them the engine does not account for."""
    spent, outside, end = [], [], time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        peer.search(queries[len(spent) % len(queries)], K)
        spent.append(time.perf_counter() - began)
        outside.append(spent[-1] - sum(peer.artifact.search_times))
    return np.array(spent), np.array(outside)


def interleave(peer: Attar, file: Path, log: Path, rounds: int, seconds: float) -> dict[str, float]:
    """Medians over rounds in turn: single queries a second through Python and by the command, their ratio inside a round, and the median
    microseconds of a call."""
    queries = np.load(log).astype(np.float32)
    singles = [queries[i : i + 1].copy() for i in range(min(len(queries), TIMED))]
    peer.search(queries, K)  # checksums are done before the first round
    lines = []
    for _ in range(rounds):
        spent, outside = calls(peer, singles, seconds)
        out, _, _ = attar_cli.call("bench", str(file), "--queries", str(log), "--batch", "1", "--seconds", f"{seconds:g}", "--rounds", "1",
                                   "-k", str(K), "-T", "1", "--json")
        told = json.loads(out)
        own, its = 1 / spent.mean(), told["queries_per_second"]
        lines.append((own, its, own / its, 1e6 * np.median(spent), 1e6 * np.median(outside), 1e6 * told["query_seconds"]))
    return dict(zip(("python_queries_per_second", "attar_bench_queries_per_second", "ratio", "python_call_us", "python_outside_us", "attar_call_us"),
                    np.median(lines, axis=0).round(3).tolist()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5)
    options = parser.parse_args()
    if not available() or not attar_cli.available():
        sys.exit("skipped: build the package first: ./do python --with .venv-bench/bin/python, and the command: ./do demo")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tiny = np.random.default_rng(1).standard_normal((100, 16), dtype=np.float32)
        np.save(folder / "tiny.npy", tiny)
        attar.pack(tiny, folder / "tiny.attar", budget="200B/vec")
        sample = REPO / "samples"
        attar.pack(sample / "demo-10k.i8.npy", folder / "demo.attar", budget="200B/vec", queries=sample / "demo-queries.i8.npy", recall="0.95@10")
        for what, file, log in (("10,000 x 384", folder / "demo.attar", sample / "demo-queries.i8.npy"), ("100 x 16", folder / "tiny.attar", folder / "tiny.npy")):
            peer = Attar(200)
            peer.open(file)
            print(what, json.dumps(interleave(peer, file, log, options.rounds, options.seconds)), flush=True)


if __name__ == "__main__":
    main()
