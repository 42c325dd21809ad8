"""Queries per second on one thread, interleaved with the peers in one run; pack time and peak memory.

    python bench/speed.py [--set debian] [--rows 260144] [--rounds 5] [--seconds 2] [--only scan|pack]

Every round runs each contender for --seconds in turn (A B C A B C ...), one query a call and in batches of 8 (and 1,000 for the
record); figures are medians over rounds, ratios are taken inside each round and then their median: what slows the machine slows all.
Attar is packed to the bytes a row that turbovec spends at 4 bits. --rows above the set's own tiles it with a small jitter: good for
speed only. Pack: 60,000 x 384 with planning, ground truth and certificate on two threads; the peers' builds on one, in a process each.
Results: bench/results/speed_<set>[_<rows>].json, bench/results/pack.json
"""
from __future__ import annotations

import datasets
from datasets import OUT, RESULTS

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import attar_cli
import measures

K = 10
RIVAL = "turbovec 4 bit"
PACK_ROWS = 60_000


def contenders(d: int) -> list:
    import peers

    return [peers.Turbovec(4), peers.Turbovec(2),
            peers.Faiss("faiss PQ fast scan", f"faiss PQ{d // 2}x4fs", f"PQ{d // 2}x4fs"),
            peers.Faiss("faiss RaBitQ fast scan", "faiss RaBitQfs4", f"RR{d},RaBitQfs4", 8),
            peers.Faiss("faiss EDEN", "faiss EDEN4", f"RR{d},EDEN4")]


def widen(base: np.ndarray, rows: int) -> np.ndarray:
    """`rows` unit rows: the first of `base`, or copies of it with a jitter of 0.02 a component."""
    if rows <= len(base):
        return np.ascontiguousarray(base[:rows])
    rng = np.random.default_rng(1)
    tiled = np.tile(base, (-(-rows // len(base)), 1))[:rows]
    return datasets.unit(tiled + 0.02 * rng.standard_normal(tiled.shape, dtype=np.float32))


def rate(search, queries: np.ndarray, batch: int, seconds: float) -> float:
    """Queries per second of `search` called with `batch` queries at a time."""
    done, start = 0, 0
    search(queries[:batch], K)
    began = time.perf_counter()
    while time.perf_counter() - began < seconds or done == 0:
        search(queries[start : start + batch], K)
        done += batch
        start = (start + batch) % (len(queries) - batch + 1)
    return done / (time.perf_counter() - began)


def summarise(name: str, size: float, batch: int, rounds: dict[str, list[float]]) -> dict:
    own = np.array(rounds[name])
    ratios = own / np.array(rounds[RIVAL])
    return {"name": name, "batch": batch, "bytes_per_row": round(size, 3), "queries_per_second": round(float(np.median(own)), 1),
            "ratio": round(float(np.median(ratios)), 4), "ratio_range": [round(float(ratios.min()), 4), round(float(ratios.max()), 4)],
            "rounds": [round(x, 1) for x in own]}


def scan(name: str, rows: int | None, rounds: int, seconds: float) -> None:
    data = datasets.load(name)
    base = widen(data.base, rows or len(data.base))
    n, d = base.shape
    peers = contenders(d)
    sizes = {peer.name: peer.build(base) for peer in peers}
    packed = None
    if attar_cli.available():
        file = OUT / f"speed-{name}-{n}.npy"
        np.save(file, base)
        packed = attar_cli.pack(file, sizes[RIVAL], data.query_file("tune"), f"speed-{name}-{n}")
        sizes["attar"] = packed["bytes_per_row"]
    lines = []
    for batch in (1, 8, 1000):
        found: dict[str, list[float]] = {key: [] for key in sizes}
        for _ in range(rounds):
            for peer in peers:
                found[peer.name].append(rate(peer.search, data.report, batch, seconds))
            if packed and batch <= 8:
                found["attar"].append(attar_cli.bench(packed["file"], data.query_file("report"), batch, seconds))
        for key in [key for key, values in found.items() if values]:
            lines.append(summarise(key, sizes[key], batch, found))
            line = lines[-1]
            print(f"  batch {batch:4d}  {key:24s} {line['bytes_per_row']:7.1f} B  {line['queries_per_second']:9.1f} q/s  {line['ratio']:.2f} x {RIVAL}", flush=True)
    suffix = "" if rows is None else f"_{rows}"
    measures.write_json(RESULTS / f"speed_{name}{suffix}.json",
                        {"set": name, "rows": n, "dimensions": d, "k": K, "threads": 1, "seconds": seconds, "rival": RIVAL,
                         "load": round(os.getloadavg()[0], 2), "cpu": cpu(), "scans": lines})


def cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def build_one(name: str) -> None:
    """In a process of its own: build the contender `name` on 60,000 rows; one JSON line with seconds and peak memory."""
    base = widen(datasets.load("debian").base, PACK_ROWS)
    peer = next(p for p in contenders(base.shape[1]) if p.name == name)
    before = measures.peak_mb()
    started = time.perf_counter()
    size = peer.build(base)
    after = measures.peak_mb()
    print(json.dumps({"name": name, "seconds": round(time.perf_counter() - started, 3), "peak_mb": round(after, 1),
                      "grown_mb": round(after - before, 1), "bytes_per_row": round(size, 3), "threads": 1}))


def pack() -> None:
    data = datasets.load("debian")
    lines = []
    for peer in contenders(data.base.shape[1]):
        done = subprocess.run([sys.executable, __file__, "--build-one", peer.name], capture_output=True, text=True, check=True)
        lines.append(json.loads(done.stdout.splitlines()[-1]))
    if attar_cli.available():
        file = OUT / f"pack-{PACK_ROWS}.npy"
        np.save(file, np.load(data.base_file)[:PACK_ROWS])
        packed = attar_cli.pack(file, 200.0, data.query_file("tune"), f"pack-{PACK_ROWS}", 2, ("--recall", "0.95@10"))
        lines.append({"name": "attar", "seconds": round(packed["seconds"], 3), "peak_mb": round(packed["peak_mb"], 1),
                      "bytes_per_row": round(packed["bytes_per_row"], 3), "threads": 2})
    for line in lines:
        print(f"  {line['name']:24s} {line['seconds']:8.2f} s  peak {line['peak_mb']:8.1f} MB")
    measures.write_json(RESULTS / "pack.json", {"set": "debian", "rows": PACK_ROWS, "cpu": cpu(), "load": round(os.getloadavg()[0], 2), "packs": lines})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="debian", choices=datasets.SETS)
    parser.add_argument("--rows", type=int, help="rows to scan; the set's own without it")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--only", choices=("scan", "pack"))
    parser.add_argument("--build-one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    try:
        if options.build_one:
            build_one(options.build_one)
            return
        if options.only != "pack":
            scan(options.set, options.rows, options.rounds, options.seconds)
        if options.only != "scan":
            pack()
    except datasets.Missing as missing:
        sys.exit(f"skipped: {missing}")


if __name__ == "__main__":
    main()
