"""How recall and queries a second change with the rows: Attar, turbovec and lists of the RaBitQ library at about the same bytes a row.

    python bench/growth.py [--rows 10000,100000,1000000] [--rounds 5] [--seconds 1] [--set manuals]

Attar is packed to 120 bytes a row and no floor; turbovec takes 2 bits (101 bytes a row on many rows), the RaBitQ library 2 bits (130). Of the
RaBitQ library's lists (twice the root of the rows) as few are probed as keep 98% of the recall that all lists give, on 500 of the tune
queries. Recall@10 is that of the report queries, against the truth over the very rows that were packed.
Rows are the first of the set; beyond its end come its rows again with a jitter of 0.02 a component: speed is true there, recall is that of
such rows, and results and output say from which row on. Search takes one thread, building two; contenders are interleaved within each number
of rows. The exponent is the slope of log(seconds a query) over log(rows), by least squares. At most 6 GB of memory.
Results: bench/results/growth_<set>.json
"""
from __future__ import annotations

import datasets
from datasets import OUT, RESULTS

import argparse
import os
import sys
from pathlib import Path

import numpy as np

import attar_cli
import curves
import index_peers
import measures
import speed

K, BUDGET, BATCHES = curves.K, 120, curves.BATCHES
KEEP, PROBE_QUERIES, JITTER = 0.98, 500, 0.02
BLOCK = 1 << 15


def write_rows(data_file: Path, rows: int, path: Path) -> None:
    """`rows` rows as f16, block by block: those of the set, then the same with a jitter."""
    stored, rng = np.load(data_file, mmap_mode="r"), np.random.default_rng(1)
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(rows, stored.shape[1]))
    for start in range(0, rows, BLOCK):
        at = np.arange(start, min(start + BLOCK, rows))
        block = datasets.unit(stored[at % len(stored)])
        again = at >= len(stored)
        block[again] += JITTER * rng.standard_normal((int(again.sum()), block.shape[1]), dtype=np.float32)
        out[start : start + BLOCK] = datasets.unit(block)
    out.flush()


def kth_score(file: Path, queries: np.ndarray) -> np.ndarray:
    """The exact K-th score of each query: candidates of every block by float32, their order by float64."""
    stored, margin = np.load(file, mmap_mode="r"), K + 20
    best = np.full((len(queries), 0), 0.0)
    for start in range(0, len(stored), BLOCK):
        block = datasets.unit(stored[start : start + BLOCK])
        scores = queries @ block.T
        near = np.argpartition(-scores, min(margin, len(block)) - 1, axis=1)[:, :margin]
        best = np.concatenate([best, datasets.exact_scores(block, queries, near)], axis=1)
        best = -np.partition(-best, min(K, best.shape[1]) - 1, axis=1)[:, :K]
    return best.min(axis=1)


def recall(file: Path, queries: np.ndarray, ids: np.ndarray, kth: np.ndarray) -> dict:
    """Mean recall and its interval; the exact scores of the answers are taken from the file, not from a copy in float32."""
    stored = np.load(file, mmap_mode="r")
    found = (ids >= 0) & (ids < len(stored))
    flat, back = np.unique(np.where(found, ids, 0), return_inverse=True)
    inside = np.where(found, back.reshape(ids.shape), -1)
    mean, low, high = measures.mean_interval(datasets.count_hits(datasets.unit(stored[flat]), queries, inside, kth, K) / K)
    return {"recall": round(mean, 5), "interval": [round(low, 5), round(high, 5)]}


class Size(curves.Slice):
    """The rows of one size, as curves.py wants them; the rows themselves stay on disk."""

    def __init__(self, data: datasets.Dataset, rows: int) -> None:
        self.name, self.query_file, self.report, self.tune = data.name, data.query_file, data.report, data.tune
        self.folder = OUT / "growth" / f"{data.name}-{rows}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.rows, self.file = rows, self.folder / "rows.npy"
        if not (self.file.exists() and len(np.load(self.file, mmap_mode="r")) == rows):
            write_rows(data.base_file, rows, self.file)


def fewest_probes(size: Size, peer: index_peers.IndexPeer) -> index_peers.Setting:
    """The least power of two of lists that keeps KEEP of the recall of all lists."""
    queries = size.tune[:PROBE_QUERIES]
    kth = kth_score(size.file, queries)

    def found(probes: int) -> float:
        return recall(size.file, queries, peer.at({"nprobe": probes})(queries, K), kth)["recall"]

    lists, probes = index_peers.lists_for(size.rows), 1
    enough = KEEP * found(lists)
    while probes < lists and found(probes) < enough:
        probes *= 2
    return {"nprobe": min(probes, lists)}


def contenders(size: Size) -> list[curves.Point]:
    points: list[curves.Point] = []
    for peer in (index_peers.Turbovec(2), index_peers.Rabitq(2)):
        try:
            built = index_peers.build_apart(peer, size.file, size.rows, size.folder)
        except index_peers.Absent as reason:
            print(f"  {peer.name}: absent: {reason}")
            continue
        index_peers.open_built(peer, size.folder)
        setting = fewest_probes(size, peer) if isinstance(peer, index_peers.Rabitq) else {}
        point = curves.PeerPoint(size, peer, setting, built["bytes_per_row"])
        point.head["build_seconds"], point.head["peak_mb"] = built["seconds"], built["peak_mb"]
        points.append(point)
    if attar_cli.available():
        packed = curves.pack(size, BUDGET, "none", curves.digest(attar_cli.binary()))
        point = curves.AttarCommand(size, packed)
        point.head["build_seconds"], point.head["peak_mb"] = packed["seconds"], packed["peak_mb"]
        points.append(point)
    else:
        print(f"  attar is not built ({attar_cli.binary().name}): build it with the release preset")
    return points


def measure(size: Size, rounds: int, seconds: float, real: int) -> list[dict]:
    kth = kth_score(size.file, size.report)
    points = contenders(size)
    lines = []
    for point in points:
        lines.append({"name": point.head["contender"], "rows": size.rows, "real_rows": min(size.rows, real)} | point.head
                     | recall(size.file, size.report, point.ids(), kth) | {"cores": 0.0, "queries_per_second": {}})
    rates: dict[tuple[int, int], list[float]] = {}
    for _ in range(rounds):
        for batch in BATCHES:
            for i, point in enumerate(points):
                rate, cores = point.rate(batch, seconds)
                rates.setdefault((i, batch), []).append(rate)
                lines[i]["cores"] = max(lines[i]["cores"], round(cores, 2))
    for i, line in enumerate(lines):
        line["queries_per_second"] = {str(batch): round(float(np.median(rates[i, batch])), 1) for batch in BATCHES}
        print(f"  {line['rows']:>9,} rows  {line['name']:52s} {line['bytes_per_row']:7.1f} B  recall {line['recall']:.4f}  q/s "
              f"{line['queries_per_second']}  built in {line['build_seconds']:.1f} s, {line['peak_mb']:.0f} MB"
              + (f"  (rows from {real:,} on are jittered copies)" if size.rows > real else ""), flush=True)
    return lines


def exponents(lines: list[dict]) -> list[dict]:
    """Slope of log(seconds a query) over log(rows), a contender and batch; nothing where there is one size only."""
    out = []
    for contender in dict.fromkeys("attar" if line["family"] == "attar" else line["contender"] for line in lines):
        own = [line for line in lines if contender in (line["family"], line["contender"])]
        if len(own) < 2:
            continue
        for batch in BATCHES:
            slope = np.polyfit(np.log([line["rows"] for line in own]), -np.log([line["queries_per_second"][str(batch)] for line in own]), 1)[0]
            out.append({"contender": contender, "batch": batch, "exponent": round(float(slope), 3), "sizes": len(own)})
            print(f"  {contender}, {batch} a call: time grows as rows^{slope:.2f}")
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="manuals", choices=datasets.SETS)
    parser.add_argument("--rows", default="10000,100000,1000000", help="numbers of rows, smallest first (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--try", dest="trial", action="store_true", help="results go to bench/out, not to bench/results")
    options = parser.parse_args()
    try:
        data = datasets.load(options.set)
    except datasets.Missing as missing:
        sys.exit(f"skipped: {missing}")
    real, dimensions = data.base.shape
    data.query_file("tune"), data.query_file("report")
    data.base = data.base[:0].copy()  # only the queries are wanted from here on
    path = (OUT if options.trial else RESULTS) / f"growth_{options.set}.json"
    lines: list[dict] = []
    for rows in sorted(int(word) for word in options.rows.split(",")):
        lines += measure(Size(data, rows), options.rounds, options.seconds, real)
        measures.write_json(path, {"set": options.set, "dimensions": dimensions, "real_rows": real, "jitter": JITTER, "k": K, "threads": 1,
                                   "build_threads": index_peers.BUILD_THREADS, "budget": BUDGET, "rounds": options.rounds,
                                   "seconds": options.seconds, "cpu": speed.cpu(), "load": round(os.getloadavg()[0], 2),
                                   "versions": curves.versions(), "points": lines, "exponents": exponents(lines)})


if __name__ == "__main__":
    main()
