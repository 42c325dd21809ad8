"""Recall against queries per second below 400 bytes a row: inverted lists of Attar and of the peers, interleaved in one run.

    python bench/frontier.py [--set manuals] [--rounds 5] [--seconds 1]

Peers: turbovec 2 and 4 bits (flat); the RaBitQ library, 1,024 lists of faiss's k-means, 4 and 7 bits, an eighth and a sixteenth of
the lists probed. All of them use the best instructions of the machine; Attar is also timed with its AVX2 kernels, and against the peers in a
process from which AVX-512 is hidden (avx2_peers.py), as on a machine that has none. Attar is asked for four goals, each a budget and the recall that its bar wants over a peer's recall *on tune
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
import time
from dataclasses import dataclass

import numpy as np

import attar_cli
import avx2_peers
import index_peers
import measures
import speed

K, LISTS, BUILD_THREADS = 10, 1024, index_peers.BUILD_THREADS
# Budget, the peer to beat, how much more recall than the peer's, how many times its queries a second.
GOALS = ((120.0, "turbovec 2 bit", 0.05, 1.0), (215.0, "turbovec 4 bit", 0.005, 2.0),
         (250.0, "RaBitQ library 4 bit, 1/8 of lists", 0.0, 2.0), (370.0, "RaBitQ library 7 bit, 1/8 of lists", 0.0, 2.0))
BATCHES, AVX2 = (1, 1000), "avx2"
REACH = (370.0, 0.98)  # a recall that this budget must reach, however quick
LEVELS = ("", AVX2)  # of Attar's kernels: the best of the machine, and what any has
FOLDER = OUT / "frontier"


def recall(data: datasets.Dataset, queries: np.ndarray, ids: np.ndarray) -> float:
    kth = data.kth_score(K) if queries is data.report else datasets.kth_score(data.base, queries, K)
    return float(datasets.count_hits(data.base, queries, ids, kth, K).mean() / K)


@dataclass
class Contender:
    """A peer at one setting."""

    peer: index_peers.IndexPeer
    setting: index_peers.Setting
    bytes_per_row: float

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        return self.peer.at(self.setting)(queries, k)


def gather(data: datasets.Dataset) -> tuple[dict[str, Contender], list[dict]]:
    """The contenders by name, their indexes written below FOLDER, and how long the RaBitQ library's builds took."""
    found, builds = {}, []
    FOLDER.mkdir(parents=True, exist_ok=True)
    for lists in FOLDER.glob("lists-*.npz"):
        lists.unlink()  # builds are timed in this run
    for peer in (index_peers.Turbovec(2), index_peers.Turbovec(4), index_peers.Rabitq(4, LISTS), index_peers.Rabitq(7, LISTS)):
        folder = FOLDER / index_peers.slug(peer.name)
        folder.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        found_ready = peer.build(data.base, FOLDER)
        seconds = time.perf_counter() - started + found_ready
        peer.write(folder)
        size = index_peers.bytes_below(folder) / len(data.base)
        if isinstance(peer, index_peers.Turbovec):
            found[peer.name] = Contender(peer, {}, size)
            continue
        builds.append({"name": peer.name, "seconds": round(seconds, 2)})
        for part in (8, 16):
            found[f"{peer.name}, 1/{part} of lists"] = Contender(peer, {"nprobe": LISTS // part}, size)
    return found, builds


def start_server(contenders: dict[str, Contender]) -> avx2_peers.Server | None:
    """The peers without AVX-512; None, and why, where that cannot be had."""
    try:
        server = avx2_peers.Server()
        for name in {contender.peer.name for contender in contenders.values()}:
            server.open(name, FOLDER / index_peers.slug(name))
        return server
    except index_peers.Absent as reason:
        print(f"  peers without AVX-512: absent: {reason}")
        return None


def pack(data: datasets.Dataset, contenders: dict[str, Contender], builds: list[dict]) -> dict[str, dict]:
    """Attar's artifacts by name, each with its goal."""
    out = {}
    for budget, rival, more, times in GOALS:
        floor = recall(data, data.tune, contenders[rival].search(data.tune, K)) + more
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
    """By batch: the median over rounds of a contender's rate over its rival's of the same round; nothing where the rival was not timed."""
    return {batch: round(float(np.median(np.array(rates[name, batch]) / np.array(rates[rival, batch]))), 4) for batch in BATCHES
            if (rival, batch) in rates}


def time_all(data: datasets.Dataset, contenders: dict[str, Contender], packed: dict, rounds: int, seconds: float) -> dict[tuple[str, int], list[float]]:
    """Queries a second by name, followed by AVX2 where only such instructions were used, and batch: one of each round."""
    rates: dict[tuple[str, int], list[float]] = {}
    server = start_server(contenders)
    for _ in range(rounds):
        for batch in BATCHES:
            for name, one in contenders.items():
                rates.setdefault((name, batch), []).append(speed.rate(one.search, data.report, batch, seconds))
                if server is not None:
                    rates.setdefault((name + AVX2, batch), []).append(
                        server.rate(one.peer.name, one.setting, data.query_file("report"), batch, seconds))
            for name, report in packed.items():
                for level in LEVELS:
                    rates.setdefault((name + level, batch), []).append(
                        attar_cli.bench(report["file"], data.query_file("report"), batch, seconds / 5, level))
    if server is not None:
        server.close()
    return rates


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
    rates = time_all(data, contenders, packed, options.rounds, options.seconds)
    lines = []
    for name, one in contenders.items():
        found = recall(data, data.report, one.search(data.report, K))
        lines.append({"name": name, "bytes_per_row": round(one.bytes_per_row, 2), "recall": round(found, 5)})
    for name, report in packed.items():
        found = recall(data, data.report, attar_cli.search(report["file"], data.query_file("report"), K))
        lines.append({"name": name, "bytes_per_row": round(report["bytes_per_row"], 2), "recall": round(found, 5), "plan": report["plan"],
                      "floor": report["floor"], "rival": report["rival"], "more": report["more"], "times": report["times"],
                      "ratios": ratios(rates, name, report["rival"]), "ratios_avx2": ratios(rates, name + AVX2, report["rival"]),
                      "ratios_both_avx2": ratios(rates, name + AVX2, report["rival"] + AVX2)})
    for line in lines:
        for key, name in (("queries_per_second", line["name"]), ("queries_per_second_avx2", line["name"] + AVX2)):
            line[key] = {batch: round(float(np.median(rates[name, batch])), 1) for batch in BATCHES if (name, batch) in rates}
        print(f"  {line['name']:36s} {line['bytes_per_row']:7.1f} B  recall {line['recall']:.4f}  q/s {line['queries_per_second']}  {line.get('ratios', '')}")
    n, d = data.base.shape
    measures.write_json(RESULTS / f"frontier_{options.set}.json",
                        {"set": options.set, "rows": n, "dimensions": d, "k": K, "threads": 1, "seconds": options.seconds, "rounds": options.rounds,
                         "load": round(os.getloadavg()[0], 2), "cpu": speed.cpu(), "points": lines, "builds": builds, "reach": reach(data)})


if __name__ == "__main__":
    main()
