"""Recall@10 against bytes a row: every peer, the Gaussian reference and Attar, on one thread.

    python bench/rate_quality.py                         # what is missing from the results, both sets
    python bench/rate_quality.py --set debian --only attar [--again]
    python bench/rate_quality.py --only peers --family "faiss EDEN"

Results go to bench/results/rate_quality_<set>.json, with every query's hits packed, so that parts can be measured on different days
and still be compared query by query. Bytes a row = whole file / rows. Attar is packed to budgets on a grid and just at the ends of every
peer's curve, tuned on the first 2,000 queries only, reported on the next 2,000; no second look at the originals.
"""
from __future__ import annotations

import datasets
from datasets import RESULTS, Dataset

import argparse
import platform
import sys
import time

import numpy as np

import attar_cli
import measures
import reference
from measures import Point

K = 10
CODE_RATES = (52, 100, 148, 196)  # bytes a row of codes and scale: the first bar of the debian set
REFERENCE_RATES = (0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 5, 6)


def path(name: str):
    return RESULTS / f"rate_quality_{name}.json"


def load_points(result: dict, key: str) -> list[Point]:
    return [Point.from_json(row) for row in result.get(key, [])]


def curves(points: list[Point]) -> dict[str, list[Point]]:
    out: dict[str, list[Point]] = {}
    for point in sorted(points, key=lambda p: p.bytes_per_row):
        out.setdefault(point.family, []).append(point)
    return out


def add(result: dict, key: str, point: Point, more: dict | None = None) -> None:
    rows = [row for row in result.get(key, []) if row["name"] != point.name]
    rows.append(point.to_json() | (more or {}))
    result[key] = sorted(rows, key=lambda row: (row["family"], row["bytes_per_row"]))
    print(f"  {point.name:28s} {point.bytes_per_row:8.2f} B  recall@{K} {point.recall.mean():.4f}", flush=True)


def measure_peers(data: Dataset, result: dict, again: bool, family: str | None) -> None:
    import peers

    done = {row["name"] for row in result.get("peers", [])}
    for peer in peers.all_peers(data.base.shape[1]):
        if (peer.name in done and not again) or (family and peer.family != family):
            continue
        started = time.perf_counter()
        size = peer.build(data.base)
        built = time.perf_counter() - started
        hits = data.hits(peer.search(data.report, K), K)
        add(result, "peers", Point(peer.name, peer.family, size, hits / K), {"build_seconds": round(built, 2)})
        measures.write_json(path(data.name), result)


def measure_reference(data: Dataset, result: dict, again: bool) -> None:
    done = {row["name"] for row in result.get("reference", [])}
    missing = [rate for rate in REFERENCE_RATES if again or f"R(D) {rate:g} bit" not in done]
    if not missing:
        return
    w, rows, queries, offset = reference.weighted(data.base, data.report)
    for rate in missing:
        hits = data.hits(reference.search(w, rows, queries, offset, rate, K), K)
        size = rate * data.base.shape[1] / 8 + 4
        add(result, "reference", Point(f"R(D) {rate:g} bit", "Gaussian R(D) reference", size, hits / K))
        measures.write_json(path(data.name), result)


def budgets(peers: list[Point], d: int) -> list[float]:
    """A grid from 1 to 6 bits a component and the upper end of every peer's curve, none within 1% of another."""
    grid = [d / 8 * bits + 8 for bits in (1, 1.5, 2, 2.5, 3, 4, 5, 6)]
    wanted = sorted([max(p.bytes_per_row for p in curve) for curve in curves(peers).values()]) + grid
    kept: list[float] = []
    for budget in wanted:
        if all(abs(budget / other - 1) > 0.01 for other in kept):
            kept.append(budget)
    return sorted(kept)


def run_attar(data: Dataset, budget: float, name: str, family: str) -> tuple[Point, dict]:
    # Every row is scored, as by the peers: what is compared here is the codes.
    report = attar_cli.pack(data.base_file, budget, data.query_file("tune"), f"rate-quality-{data.name}", extra=("--index", "flat"))
    hits = data.hits(attar_cli.search(report["file"], data.query_file("report"), K), K)
    codes = attar_cli.code_bytes(report)
    return Point(name, family, report["bytes_per_row"], hits / K), {"code_bytes_per_row": round(codes, 3)}


def measure_attar(data: Dataset, result: dict, again: bool) -> None:
    if not attar_cli.available():
        print(f"  attar is not built ({attar_cli.binary()}): build it with the release preset, then run with --only attar")
        return
    done = {row["name"] for row in result.get("attar", []) + result.get("attar_codes", [])}
    for budget in budgets(load_points(result, "peers"), data.base.shape[1]):
        name = f"attar {budget:.1f} B/vec"
        if again or name not in done:
            add(result, "attar", *run_attar(data, budget, name, "attar"))
            measures.write_json(path(data.name), result)
    for rate in CODE_RATES if data.name == "debian" else ():
        name = f"attar {rate} B of codes"
        if not again and name in done:
            continue
        overhead = 8.0  # what is not codes, bytes a row: learned from a first pack, then spent to the byte
        for _ in range(4):
            point, more = run_attar(data, rate + overhead, name, "attar codes")
            above = more["code_bytes_per_row"] - rate
            if -1 <= above <= 0:
                break
            # What the codes hold beside the rows' own bytes may pass the rate by a hair: then one byte a row less.
            spent = above + 0.01 if above > 0 else above
            overhead = point.bytes_per_row - spent - rate
        add(result, "attar_codes", point, more)
        measures.write_json(path(data.name), result)


def compare(result: dict) -> None:
    """Attar less each peer at equal bytes, where both exist."""
    rows = []
    for family, curve in curves(load_points(result, "peers")).items():
        for ours in sorted(load_points(result, "attar"), key=lambda p: p.bytes_per_row):
            found = measures.paired(ours, curve)
            if found:
                rows.append({"peer_family": family} | found)
    if rows:
        result["paired"] = rows
        worst = min(rows, key=lambda row: row["interval"][0])
        print(f"  {sum(row['interval'][0] > 0 for row in rows)} of {len(rows)} paired intervals above 0; lowest: {worst}")


def prepared(name: str) -> Dataset:
    """The data set, made first where this folder has the script for it and the text is there."""
    try:
        return datasets.load(name)
    except datasets.Missing:
        if name != "sentences" or not datasets.DATA.is_dir():
            raise
    import make_sentences

    make_sentences.main()
    return datasets.load(name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=datasets.SETS, help="one data set; both without it")
    parser.add_argument("--only", choices=("peers", "reference", "attar"), help="one part; all without it")
    parser.add_argument("--family", help="only the peers of this family")
    parser.add_argument("--again", action="store_true", help="measure also what the results already hold")
    options = parser.parse_args()
    for name in [options.set] if options.set else ("debian", "sentences"):
        try:
            data = prepared(name)
        except datasets.Missing as missing:
            print(f"{name}: skipped: {missing}", file=sys.stderr)
            continue
        n, d = data.base.shape
        print(f"{name}: {n} x {d}", flush=True)
        result = {"set": name, "rows": n, "dimensions": d, "queries": len(data.report), "k": K, "about": data.about,
                  "coding_gain_db": round(datasets.coding_gain(data.base), 2), "machine": platform.processor() or platform.machine()}
        result = measures.read_json(path(name)) | result
        if options.only in (None, "reference"):
            measure_reference(data, result, options.again)
        if options.only in (None, "peers"):
            measure_peers(data, result, options.again, options.family)
        if options.only in (None, "attar"):
            measure_attar(data, result, options.again)
        compare(result)
        measures.write_json(path(name), result)


if __name__ == "__main__":
    main()
