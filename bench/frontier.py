"""Recall against queries per second below 400 bytes a row: inverted lists of Attar and of the peers, interleaved in one run.

    python bench/frontier.py [--set manuals] [--rounds 5] [--seconds 1]

Peers: turbovec 2 and 4 bits (flat); the RaBitQ library, 1,024 lists of faiss's k-means, 4 and 7 bits, an eighth and a sixteenth of
the lists probed. All of them use the best instructions of the machine; Attar is also timed with its AVX2 kernels. Attar is asked for four goals, each a budget and the recall that its bar wants over a peer's recall *on tune
queries*; the report queries are seen by nobody before the end. One thread; every round runs each contender for --seconds in turn,
one query a call and 1,000 a call; figures are medians over rounds, ratios are taken inside each round.
Builds take two threads: Attar's with planning, truth and certificate, RaBitQ's with its k-means.
Results: bench/results/frontier_<set>.json
"""
from __future__ import annotations

import datasets
from datasets import OUT, RESULTS

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import attar_cli
import index_peers
import measures
import peers
import speed

K, LISTS, BUILD_THREADS = 10, 1024, index_peers.BUILD_THREADS
# Budget, the peer to beat, how much more recall than the peer's, how many times its queries a second.
GOALS = ((120.0, "turbovec 2 bit", 0.05, 1.0), (215.0, "turbovec 4 bit", 0.005, 2.0),
         (250.0, "RaBitQ library 4 bit, 1/8 of lists", 0.0, 2.0), (370.0, "RaBitQ library 7 bit, 1/8 of lists", 0.0, 2.0))
BATCHES = (1, 1000)
REACH = (370.0, 0.98)  # a recall that this budget must reach, however quick
LEVELS = ("", "avx2")  # of Attar's kernels: the best of the machine, and what any has


def recall(data: datasets.Dataset, queries: np.ndarray, ids: np.ndarray) -> float:
    kth = data.kth_score(K) if queries is data.report else datasets.kth_score(data.base, queries, K)
    return float(datasets.count_hits(data.base, queries, ids, kth, K).mean() / K)


def gather(data: datasets.Dataset) -> tuple[dict, list[dict]]:
    """name -> (bytes a row, search), and the builds."""
    found, builds = {}, []
    for bits in (2, 4):
        flat = peers.Turbovec(bits)
        found[flat.name] = (flat.build(data.base), flat.search)
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUT) as shared:
        for bits in (4, 7):
            peer = index_peers.Rabitq(bits, LISTS)
            started = time.perf_counter()
            found_ready = peer.build(data.base, Path(shared))
            builds.append({"name": peer.name, "seconds": round(time.perf_counter() - started + found_ready, 2)})
            size = peers.stored_bytes(peer.index.save, len(data.base))
            for part in (8, 16):
                found[f"{peer.name}, 1/{part} of lists"] = (size, peer.at({"nprobe": LISTS // part}))
    return found, builds


def pack(data: datasets.Dataset, contenders: dict, builds: list[dict]) -> dict[str, dict]:
    """Attar's artifacts by name, each with its goal."""
    out = {}
    for budget, rival, more, times in GOALS:
        floor = recall(data, data.tune, contenders[rival][1](data.tune, K)) + more
        name = f"attar {budget:g} B"
        report = attar_cli.pack(data.base_file, budget, data.query_file("tune"), f"frontier-{data.name}-{budget:g}", BUILD_THREADS,
                                ("--recall", f"{floor:.4f}@{K}"))
        builds.append({"name": name, "seconds": round(report["seconds"], 2)})
        out[name] = report | {"rival": rival, "more": more, "times": times, "floor": round(floor, 4)}
        print(f"  {name}: {report['plan']}, {report['bytes_per_row']:.1f} B, floor {floor:.4f}, {report['seconds']:.1f} s", flush=True)
    return out


def reach(data: datasets.Dataset) -> dict:
    """The plan of the budget of REACH that is certified to reach its recall, and what the report queries say."""
    budget, floor = REACH
    report = attar_cli.pack(data.base_file, budget, data.query_file("tune"), f"frontier-{data.name}-reach", BUILD_THREADS,
                            ("--recall", f"{floor}@{K}"))
    found = recall(data, data.report, attar_cli.search(report["file"], data.query_file("report"), K))
    return {"budget": budget, "floor": floor, "bytes_per_row": round(report["bytes_per_row"], 2), "recall": round(found, 5),
            "queries_per_second": round(attar_cli.bench(report["file"], data.query_file("report"), 1000, 0.2), 1), "plan": report["plan"]}


def ratios(rates: dict, name: str, rival: str) -> dict:
    """By batch: the median over rounds of a contender's rate over its rival's of the same round."""
    return {batch: round(float(np.median(np.array(rates[name, batch]) / np.array(rates[rival, batch]))), 4) for batch in BATCHES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="manuals", choices=datasets.SETS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    try:
        data = datasets.load(options.set)
    except datasets.Missing as missing:
        sys.exit(f"skipped: {missing}")
    contenders, builds = gather(data)
    packed = pack(data, contenders, builds)
    rates: dict[tuple[str, int], list[float]] = {}
    for _ in range(options.rounds):
        for batch in BATCHES:
            for name, (_, search) in contenders.items():
                rates.setdefault((name, batch), []).append(speed.rate(search, data.report, batch, options.seconds))
            for name, report in packed.items():
                for level in LEVELS:
                    rates.setdefault((name + level, batch), []).append(
                        attar_cli.bench(report["file"], data.query_file("report"), batch, options.seconds / 5, level))
    lines = []
    for name, (size, search) in contenders.items():
        lines.append({"name": name, "bytes_per_row": round(size, 2), "recall": round(recall(data, data.report, search(data.report, K)), 5)})
    for name, report in packed.items():
        found = recall(data, data.report, attar_cli.search(report["file"], data.query_file("report"), K))
        lines.append({"name": name, "bytes_per_row": round(report["bytes_per_row"], 2), "recall": round(found, 5), "plan": report["plan"],
                      "floor": report["floor"], "rival": report["rival"], "more": report["more"], "times": report["times"],
                      "ratios": ratios(rates, name, report["rival"]), "ratios_avx2": ratios(rates, name + "avx2", report["rival"])})
    for line in lines:
        line["queries_per_second"] = {batch: round(float(np.median(rates[line["name"], batch])), 1) for batch in BATCHES}
        print(f"  {line['name']:36s} {line['bytes_per_row']:7.1f} B  recall {line['recall']:.4f}  q/s {line['queries_per_second']}  {line.get('ratios', '')}")
    n, d = data.base.shape
    measures.write_json(RESULTS / f"frontier_{options.set}.json",
                        {"set": options.set, "rows": n, "dimensions": d, "k": K, "threads": 1, "seconds": options.seconds, "rounds": options.rounds,
                         "load": round(os.getloadavg()[0], 2), "cpu": speed.cpu(), "points": lines, "builds": builds, "reach": reach(data)})


if __name__ == "__main__":
    main()
