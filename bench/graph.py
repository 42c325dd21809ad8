"""Attar's graph beside other graphs: recall and queries a second at a budget of bytes, builds, conditions, growth with the rows.

    python bench/graph.py [--set manuals] [--rounds 5] [--seconds 1] [--only NAME ...] [--parts curves,builds,filters,growth] [--try]

curves    Peers at every window that index_peers.py lists; Attar packed to 400 and 650 bytes a row for a ladder of floors, which the planner
          chose on the tune queries. Recall@10 is that of the report queries. A round gives each point --seconds in turn, single queries, then
          1,000 a call. The rate at a recall lies on the line between the two neighbouring points of a contender (log of the rate over recall;
          points that another of its points beats in both are left out), nothing is extrapolated: a peer is not compared below its lowest
          recall nor above its highest, and below our lowest we count with the rate that we have there. Ratios are taken inside each round,
          then their median, with the least and the greatest of the rounds.
builds    SymphonyQG in 8 bits and Attar to 400 bytes a row and a floor of 0.95, in turn, each in a process of its own. Attar's seconds are those
          of the whole command: reading, planning, truth, certificate and writing; the peer's are those of its build call alone. Peak memory is
          that of the process, pages of files that it maps in it.
filters   Rows that pass by chance and rows nearest to a centre, 10% and 1% of all: recall among them, queries a second. One artifact, its
          attributes inside the 400 bytes.
growth    10,000, 100,000 and 1,000,000 rows, made as growth.py makes them, packed to 400 bytes and a floor of 0.95.

Search takes one thread, builds two. Packed files and the peers' indexes are kept in bench/out; nothing timed is: each run times all anew.
--only: only contenders whose name begins so (attar, SymphonyQG, ...). --parts: only these. --try, --only, --floors and --rows (the first N rows)
are for trying things out: their results go to bench/out. Results: bench/results/graph_<set>.json
"""
from __future__ import annotations

import datasets
from datasets import OUT, RESULTS

import argparse
import datetime
import json
import os
import resource
import shlex
import sys
from pathlib import Path

import numpy as np

import attar_cli
import curves
import filters
import growth
import index_peers
import measures
import speed

K, BATCHES, INDEX = curves.K, curves.BATCHES, "graph"
PEERS = ("SymphonyQG 8 bit", "SymphonyQG raw", "faiss HNSW32 SQ8", "usearch i8", "RaBitQ library HNSW 8 bit")
# Floors by bytes a row of 384 numbers. What is measured lies above a floor by what its certificate needs; "none" is the widest walk.
LADDERS = {400: ("0.9", "0.93", "0.95", "0.96", "0.97", "0.975", "0.98", "none"),
           650: ("0.9", "0.93", "0.95", "0.97", "0.98", "none")}
RECALLS = tuple(round(0.9 + 0.005 * i, 3) for i in range(19))  # where rates are compared: 0.90 to 0.99
BUDGET, FLOOR = 400, "0.95"  # of builds, filters and growth
RIVAL = "SymphonyQG 8 bit"
SHARES, CENTRES = (10, 1), 2  # percent that pass; attributes that follow a centre
PARTS = ("curves", "builds", "filters", "growth")


def budget_of(bytes_per_row: int, d: int) -> int:
    return round(bytes_per_row * d / 384)


# ---- curves ---------------------------------------------------------------------------------------------------------


class Curve:
    """Points of one contender that none of its others beats in recall and rate: rates of every round at a recall between two of them. `least` is the
    lowest recall that was measured: from there to the first of these points, that one is the quickest."""

    def __init__(self, lines: list[dict], batch: str) -> None:
        best, kept = 0.0, []
        for line in sorted(lines, key=lambda line: (line["recall"], line["queries_per_second"][batch]), reverse=True):
            if line["queries_per_second"][batch] > best:
                best = line["queries_per_second"][batch]
                kept.insert(0, line)
        self.least, self.recalls = min(line["recall"] for line in lines), [line["recall"] for line in kept]
        self.rates = np.log([line["rates"][batch] for line in kept])  # (points, rounds)

    def at(self, recall: float) -> np.ndarray | None:
        """Queries a second in each round; None outside of what was measured."""
        if not self.least <= recall <= self.recalls[-1]:
            return None
        return np.exp([np.interp(recall, self.recalls, rates) for rates in self.rates.T])


def compare(ours: Curve, peer: Curve) -> dict[str, dict]:
    """By recall, where the peer has a rate: both rates and their ratio, which is null where we do not reach that recall."""
    out = {}
    for recall in RECALLS:
        theirs, own = peer.at(recall), ours.at(max(recall, ours.least))
        if theirs is None:
            continue
        line = {"ratio": None, "peer": round(float(np.median(theirs)), 1)}
        if own is not None:
            ratios = own / theirs
            line |= {"ratio": round(float(np.median(ratios)), 4), "range": [round(float(ratios.min()), 4), round(float(ratios.max()), 4)],
                     "ours": round(float(np.median(own)), 1)}
        out[f"{recall:g}"] = line
    return out


def ratios(lines: list[dict]) -> list[dict]:
    """A line for each of our budgets, each peer and each batch."""
    out = []
    for batch in (str(batch) for batch in BATCHES):
        found = {name: Curve([line for line in lines if line["contender"] == name], batch)
                 for name in dict.fromkeys(line["contender"] for line in lines)}
        own = {line["contender"] for line in lines if line["family"] == "attar"}
        for ours in sorted(own):
            for peer in found:
                if peer not in own:
                    out.append({"name": f"{ours} / {peer}, {batch} a call", "ours": ours, "peer": peer, "batch": int(batch),
                                "from": found[ours].least, "to": found[ours].recalls[-1], "at": compare(found[ours], found[peer])})
    return out


def show(lines: list[dict]) -> None:
    def text(at: dict, recall: str) -> str:
        ratio = at.get(recall, {}).get("ratio")
        return f"{recall}: {'-' if ratio is None else f'{ratio:.2f}'}x"

    for line in lines:
        shared = {recall: at["ratio"] for recall, at in line["at"].items() if at["ratio"] is not None}
        least = min(shared, key=shared.get, default=None)
        print(f"  {line['name']:56s} {text(line['at'], '0.95')}  {text(line['at'], '0.975')}"
              + (f"  least {shared[least]:.2f}x at {least}, of {min(shared)} to {max(shared)}" if least else ""))


def attar_points(rows: curves.Slice, results: curves.Results, program: str, options: argparse.Namespace) -> list[curves.Point]:
    out: list[curves.Point] = []
    own = options.floors.split(",") if options.floors else None
    for bytes_per_row, floors in LADDERS.items():
        budget = budget_of(bytes_per_row, rows.base.shape[1])
        contender = curves.attar_name(budget, "none", INDEX)
        for floor in (own or floors) if curves.chosen(contender, options.only) else ():
            packed = curves.pack(rows, budget, floor, program, INDEX)
            if "unreached" in packed:
                print(f"  {packed['name']}: no plan reaches this floor", flush=True)
                results.put("absent", {"name": packed["name"], "reason": "no plan reaches this floor"})
                continue
            print(f"  {packed['name']}: {packed['plan']}, {packed['bytes_per_row']:.1f} B, {packed['seconds']:.1f} s", flush=True)
            out.append(curves.AttarCommand(rows, packed))
            out[-1].head["contender"] = contender
    return out


def peer_points(rows: curves.Slice, results: curves.Results, only: list[str] | None) -> list[curves.Point]:
    names = [name for name in PEERS if curves.chosen(name, only)]
    return curves.peer_points(rows, results, names) if names else []


def measure_curves(rows: curves.Slice, results: curves.Results, program: str, options: argparse.Namespace) -> None:
    for key in ("points", "absent"):
        results.lines[key].clear()
    points = peer_points(rows, results, options.only) + attar_points(rows, results, program, options)
    points = curves.measure_recall(rows, points, results, again=True)
    curves.measure_rates(points, results, options.rounds, options.seconds)
    curves.report(points, results)
    results.value["ratios"] = ratios([results.lines["points"][point.head["name"]] for point in points])
    show(results.value["ratios"])


# ---- builds ---------------------------------------------------------------------------------------------------------


def build(rows: curves.Slice, budget: int) -> dict:
    """What packing to `budget` bytes a row took: seconds, cores, peak_mb; and bytes_per_row."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    packed = attar_cli.pack(rows.file, budget, rows.query_file("tune"), f"graph-{rows.name}-build", index_peers.BUILD_THREADS,
                            ("--index", INDEX, "--recall", f"{FLOOR}@{K}"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {key: packed[key] for key in ("seconds", "peak_mb", "bytes_per_row")} | {"cores": busy / packed["seconds"]}


def measure_builds(rows: curves.Slice, results: curves.Results, rounds: int) -> None:
    """Both built `rounds` times in turn; seconds and peaks are medians, the ratio is taken inside each round."""
    n, d = rows.base.shape
    peer, folder, budget = index_peers.by_name(RIVAL), rows.folder / "timed", budget_of(BUDGET, d)
    folder.mkdir(exist_ok=True)
    theirs, ours = [], []
    for _ in range(rounds):
        (folder / index_peers.slug(RIVAL) / "built.json").unlink(missing_ok=True)  # built in this run, not kept
        try:
            theirs.append(index_peers.build_apart(peer, rows.file, n, folder))
        except index_peers.Absent as reason:
            print(f"  {RIVAL}: absent: {reason}", flush=True)
            results.value["built"] = []
            return
        ours.append(build(rows, budget))

    def median(builds: list[dict], key: str) -> float:
        return float(np.median([built[key] for built in builds]))

    inputs = {"float32": 4 * n * d / 1e6, "file": rows.file.stat().st_size / 1e6}
    lines = []
    for name, builds in ((RIVAL, theirs), (curves.attar_name(budget, FLOOR, INDEX), ours)):
        peak = median(builds, "peak_mb")
        lines.append({"name": name, "seconds": round(median(builds, "seconds"), 2), "rounds": [round(built["seconds"], 2) for built in builds],
                      "times_rival": round(float(np.median([a["seconds"] / b["seconds"] for a, b in zip(builds, theirs)])), 3),
                      "cores": round(median(builds, "cores"), 2), "peak_mb": round(peak, 1), "bytes_per_row": round(builds[0]["bytes_per_row"], 3),
                      "peak_of_float32": round(peak / inputs["float32"], 3), "peak_of_file": round(peak / inputs["file"], 3)})
        line = lines[-1]
        print(f"  {name}: {line['seconds']:.1f} s, {line['times_rival']:.2f}x {RIVAL}, {line['cores']:.2f} cores, peak {peak:,.0f} MB: "
              f"{line['peak_of_float32']:.2f}x the rows as float32, {line['peak_of_file']:.2f}x the file given", flush=True)
    results.value["built"] = lines


# ---- filters --------------------------------------------------------------------------------------------------------


def attributes(base: np.ndarray) -> dict[str, np.ndarray]:
    """By name, a rank of every row in percent, 0 to 99: by chance, and by nearness to a centre: the mean of a hundredth of the rows, which lie
    around a row drawn."""
    n, rng = len(base), np.random.default_rng(1)

    def percent(order: np.ndarray) -> np.ndarray:
        ranks = np.empty(n, np.int64)
        ranks[order] = np.arange(n)
        return ranks * 100 // n

    out = {"random": percent(rng.permutation(n))}
    for i in range(CENTRES):
        around = np.argsort(-(base @ base[rng.integers(n)]))[: max(1, n // 100)]
        out[f"near{i + 1}"] = percent(np.argsort(-(base @ datasets.unit(base[around].mean(axis=0, keepdims=True))[0]), kind="stable"))
    return out


def passing_recall(rows: curves.Slice, ids: np.ndarray, passes: np.ndarray) -> dict:
    """Recall@K among the rows that pass."""
    if not passes[ids[ids >= 0]].all():
        raise attar_cli.Failed("rows were found that do not pass")
    kth = datasets.kth_score(rows.base[passes], rows.report, K)
    mean, low, high = measures.mean_interval(datasets.count_hits(rows.base, rows.report, ids, kth, K) / K)
    return {"recall": round(mean, 5), "interval": [round(low, 5), round(high, 5)]}


def measure_filters(rows: curves.Slice, results: curves.Results, seconds: float) -> None:
    fields, meta, queries = attributes(rows.base), OUT / f"graph-{rows.name}-rows.jsonl", rows.query_file("report")
    with meta.open("w") as out:
        for values in zip(*(ranks.tolist() for ranks in fields.values())):
            print(json.dumps(dict(zip(fields, values))), file=out)
    packed = attar_cli.pack(rows.file, budget_of(BUDGET, rows.base.shape[1]), rows.query_file("tune"), f"graph-{rows.name}-filters",
                            index_peers.BUILD_THREADS, ("--index", INDEX, "--recall", f"{FLOOR}@{K}", "--meta", str(meta)))
    file = packed["file"]
    print(f"  {packed['plan']}, {packed['bytes_per_row']:.1f} B with attributes", flush=True)
    lines = []
    for field, share in [("", 100)] + [(field, share) for field in fields for share in SHARES]:
        where = f"{field} < {share}" if field else ""
        passes = fields[field] < share if field else np.ones(len(rows.base), bool)
        rates = {str(batch): filters.rate(file, queries, batch, seconds / 5, where) for batch in BATCHES}  # it makes five rounds of its own
        found = passing_recall(rows, filters.search(file, queries, K, where), passes)
        lines.append({"name": where or "all rows", "percent": share, "passing": int(passes.sum())} | found
                     | {"queries_per_second": {batch: round(rate["queries_per_second"], 1) for batch, rate in rates.items()},
                        "bytes_per_row": round(packed["bytes_per_row"], 2)})
        print(f"  {lines[-1]['name']:12s} {passes.sum():>8,} rows, recall {found['recall']:.4f}, q/s {lines[-1]['queries_per_second']}", flush=True)
    results.value["filters"] = lines


# ---- growth ---------------------------------------------------------------------------------------------------------


def measure_growth(rows: curves.Slice, results: curves.Results, program: str, options: argparse.Namespace) -> None:
    real, budget = len(np.load(rows.data.base_file, mmap_mode="r")), budget_of(BUDGET, rows.base.shape[1])
    points, lines = [], []
    for count in sorted(int(word) for word in options.sizes.split(",")):
        size = growth.Size(rows.data, count)
        packed = curves.pack(size, budget, FLOOR, program, INDEX)
        if "unreached" in packed:
            print(f"  {count:,} rows: no plan reaches {FLOOR}", flush=True)
            continue
        point = curves.AttarCommand(size, packed)
        points.append(point)
        lines.append(point.head | {"rows": count, "real_rows": min(count, real), "build_seconds": packed["seconds"], "peak_mb": packed["peak_mb"]}
                     | growth.recall(size.file, size.report, point.ids(), growth.kth_score(size.file, size.report))
                     | {"rates": {str(batch): [] for batch in BATCHES}})
    for _ in range(options.rounds):
        for batch in BATCHES:
            for point, line in zip(points, lines):
                line["rates"][str(batch)].append(round(point.rate(batch, options.seconds)[0], 1))
    for line in lines:
        line["queries_per_second"] = {batch: round(float(np.median(rates)), 1) for batch, rates in line["rates"].items()}
        print(f"  {line['rows']:>9,} rows  {line['plan']}  {line['bytes_per_row']:.1f} B  recall {line['recall']:.4f}  q/s "
              f"{line['queries_per_second']}  built in {line['build_seconds']:.1f} s, {line['peak_mb']:,.0f} MB"
              + (f"  (rows from {real:,} on are jittered copies)" if line["rows"] > real else ""), flush=True)
    results.value |= {"growth": lines, "exponents": growth.exponents(lines)}


# ---- all of it ------------------------------------------------------------------------------------------------------


def open_results(path: Path, rows: curves.Slice, program: str, keep: bool) -> curves.Results:
    """What was measured before with the same attar, or with any, under a new head. Each run names the attar that it measured."""
    n, d = rows.base.shape
    old = measures.read_json(path)
    if old.get("attar_program") not in (None, program) and not keep:
        print("  another attar than in the results: all is measured again, parts that are left out fall away (--keep keeps them)")
        path.unlink()
        old = {}
    head = {"set": rows.name, "about": rows.about, "rows": n, "dimensions": d, "queries": len(rows.report), "k": K, "threads": 1,
            "build_threads": index_peers.BUILD_THREADS, "strong_bytes": round(curves.STRONG * d / 384), "cpu": speed.cpu(), "versions": curves.versions(), "attar_program": program}
    results = curves.Results(path, head)
    results.value |= {key: old.get(key, []) for key in ("ratios", "built", "filters", "growth", "exponents")}
    return results


def measure(options: argparse.Namespace) -> None:
    rows, parts = curves.Slice(options.set, options.rows), options.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"no part is called {sorted(unknown)[0]!r}; there are {', '.join(PARTS)}")
    if not attar_cli.available():
        sys.exit(f"{attar_cli.binary().name} is not built: build it with the release preset")
    trial = options.trial or options.rows or options.only or options.floors
    program = curves.digest(attar_cli.binary())
    results = open_results((OUT if trial else RESULTS) / f"graph_{options.set}.json", rows, program, options.keep)
    started = {"command": shlex.join(["./do", "bench", "graph", *sys.argv[1:]]), "date": datetime.date.today().isoformat(), "attar_program": program,
               "rounds": options.rounds, "seconds": options.seconds, "parts": parts, "load": round(os.getloadavg()[0], 2)}
    results.value["runs"] = [*results.value["runs"], started]
    ways = {"curves": lambda: measure_curves(rows, results, program, options), "builds": lambda: measure_builds(rows, results, options.build_rounds),
            "filters": lambda: measure_filters(rows, results, options.seconds), "growth": lambda: measure_growth(rows, results, program, options)}
    for part in [part for part in PARTS if part in parts]:
        print(f"{options.set}, {len(rows.base):,} rows: {part}", flush=True)
        ways[part]()
        results.write()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="manuals", choices=datasets.SETS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--only", action="append", metavar="NAME", help="only contenders whose name begins so; may be given again")
    parser.add_argument("--floors", help="in place of the ladders of floors, such as 0.9,0.95,none")
    parser.add_argument("--parts", default=",".join(PARTS), help="what is measured (%(default)s)")
    parser.add_argument("--build-rounds", type=int, default=1, help="how often both are built (%(default)s)")
    parser.add_argument("--sizes", default="10000,100000,1000000", help="numbers of rows of growth (%(default)s)")
    parser.add_argument("--rows", type=int, help="only the first N rows")
    parser.add_argument("--keep", action="store_true", help="parts of the results that another attar was measured for stay; each run says which it was")
    parser.add_argument("--try", dest="trial", action="store_true", help="results go to bench/out, not to bench/results")
    options = parser.parse_args()
    try:
        measure(options)
    except datasets.Missing as missing:
        sys.exit(f"skipped: {missing}")


if __name__ == "__main__":
    main()
