"""The bars of the project, one line each: what it is, required, measured, holds or not.

    python bench/bars.py [--strict]        # or ./do bars; --strict: exit 1 unless every bar holds

Reads bench/results/*.json (made by rate_quality.py, speed.py, open_file.py, frontier.py, filters.py, forecast.py, graph.py) and runs what is
cheap: the simulation of certificates.
A bar without a measurement does not hold: it says which script to run.
"""
from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
from pathlib import Path

import bars_cache
import bars_context
import bars_corpus
import bars_graph
import bars_tensors
import bars_text
import bars_tokenizers
from bar import Bar, absent
from measures import read_json

REPO = Path(__file__).resolve().parent.parent
RESULTS = REPO / "bench" / "results"
RECALL = {52: 0.806, 100: 0.914, 148: 0.954, 196: 0.974}
REFERENCE = {52: 0.853, 100: 0.939, 148: 0.966, 196: 0.981}
LEAST_RATIO, PACK_SECONDS, OPEN_SECONDS, OPEN_BYTES, FIRST_QUERY, FORECAST = 0.8, 20.0, 0.020, 2**20, 1.3, 0.01


def recall_bars() -> list[Bar]:
    found = {row["name"]: row for row in read_json(RESULTS / "rate_quality_debian.json").get("attar_codes", [])}
    out = []
    for rate, least in RECALL.items():
        name, row = f"recall@10, debian, {rate} B of codes and scale", found.get(f"attar {rate} B of codes")
        if row is None:
            out.append(absent(name, f">= {least}", "rate_quality"))
            continue
        aim = (least + REFERENCE[rate]) / 2
        honest = row["code_bytes_per_row"] <= rate
        out.append(Bar(name, f">= {least}", f"{row['recall']:.4f} at {row['code_bytes_per_row']:.1f} B ({row['bytes_per_row']:.1f} B the whole "
                       f"file; the aim is {aim:.4f})", row["recall"] >= least and honest))
    return out


def peer_bars() -> list[Bar]:
    out = []
    for name in ("debian", "sentences"):
        result = read_json(RESULTS / f"rate_quality_{name}.json")
        families = sorted({row["family"] for row in result.get("peers", [])})
        if not families:
            out.append(absent(f"above every peer, {name}", "95% interval > 0", "rate_quality"))
        for family in families:
            rows = [row for row in result.get("paired", []) if row["peer_family"] == family]
            bar = f"above {family} at equal bytes, {name}"
            if not rows:
                out.append(absent(bar, "95% interval > 0", "rate_quality"))
                continue
            worst = min(rows, key=lambda row: row["interval"][0])
            low, high = worst["interval"]
            won = sum(row["interval"][0] > 0 for row in rows)
            out.append(Bar(bar, "95% interval > 0", f"{won} of {len(rows)} rates; lowest {worst['difference']:+.4f} [{low:+.4f}, {high:+.4f}] "
                           f"at {worst['bytes_per_row']:.0f} B", won == len(rows)))
    return out


def speed_bars() -> list[Bar]:
    scans = read_json(RESULTS / "speed_debian.json").get("scans", [])
    out = []
    for batch in (1, 8):
        name = f"scan, one thread, {'one query' if batch == 1 else f'batches of {batch}'}, against turbovec 4 bit"
        row = next((s for s in scans if s["name"] == "attar" and s["batch"] == batch), None)
        if row is None:
            out.append(absent(name, f">= {LEAST_RATIO}x", "speed"))
            continue
        out.append(Bar(name, f">= {LEAST_RATIO}x", f"{row['ratio']:.2f}x, {row['queries_per_second']:,.0f} queries/s at {row['bytes_per_row']:.1f} B",
                       row["ratio"] >= LEAST_RATIO))
    return out


def pack_bar() -> Bar:
    result = read_json(RESULTS / "pack.json")
    name = "pack 60,000 x 384, all in, two threads"
    row = next((p for p in result.get("packs", []) if p["name"] == "attar"), None)
    if row is None:
        return absent(name, f"<= {PACK_SECONDS:g} s", "speed")
    return Bar(name, f"<= {PACK_SECONDS:g} s", f"{row['seconds']:.1f} s, peak {row['peak_mb']:.0f} MB", row["seconds"] <= PACK_SECONDS)


def simulation_bar() -> Bar:
    """Runs the 10,000 simulated certificates, whose tests hold the limit of 5% + 3 standard errors themselves."""
    name, required = "certificate simulation, 10,000 runs at the floor", "false <= 5% + 3 s.e."
    build = Path(os.environ.get("ATTAR_BUILD", REPO / "build" / "release"))
    test = build / "tests" / "test_certify"
    if not test.exists():
        return Bar(name, required, "not run: build the tests first, ./do test", False)
    done = subprocess.run([str(test), "--gtest_filter=Simulation.*"], capture_output=True, text=True)
    passed = done.stdout.count("[       OK ]")
    return Bar(name, required, f"{passed} simulations pass" if done.returncode == 0 else "a simulation fails: see ./do test",
               done.returncode == 0 and passed > 0)


def open_bars() -> list[Bar]:
    result = read_json(RESULTS / "open.json")
    if not result:
        return [absent("open a 1 GB file", f"<= {OPEN_SECONDS * 1000:g} ms, <= 1 MiB read", "open_file"),
                absent("first query of a 1 GB file", f"<= {FIRST_QUERY}x a later one", "open_file")]
    seconds, read = result["info_seconds"], result["bytes_read"]
    ratio = result["first_query_seconds"] / result["later_query_seconds"]
    return [Bar("open a 1 GB file", f"<= {OPEN_SECONDS * 1000:g} ms, <= 1 MiB read", f"{seconds * 1000:.1f} ms with the start of the process, "
                f"{read / 1024:.0f} KiB read", seconds <= OPEN_SECONDS and read <= OPEN_BYTES),
            Bar("first query of a 1 GB file", f"<= {FIRST_QUERY}x a later one", f"{ratio:.2f}x; checksums apart: "
                f"{result['checksum_seconds'] * 1000:.0f} ms", ratio <= FIRST_QUERY)]


def frontier_bars() -> list[Bar]:
    result = read_json(RESULTS / "frontier_manuals.json")
    points = {point["name"]: point for point in result.get("points", [])}
    out = []
    for budget in (120, 215, 250, 370):
        name = f"at most {budget} B a row, {result.get('rows', 0):,} rows, one thread"
        own = points.get(f"attar {budget} B")
        if own is None:
            out.append(absent(name, "recall and q/s of a peer", "frontier"))
            continue
        rival, ratio = points[own["rival"]], own["ratios"]["1000"]
        least = rival["recall"] + own["more"]
        out.append(Bar(name, f"recall {least:.4f}, {own['times']:g}x", f"{own['recall']:.4f} at {ratio:.2f}x {own['rival']} "
                       f"(single queries {own['ratios']['1']:.2f}x), {own['bytes_per_row']:.1f} B",
                       own["recall"] >= least and ratio >= own["times"] and own["bytes_per_row"] <= budget))
        plain = own.get("ratios_avx2")
        if plain is None:
            out.append(absent(f"  the same with AVX2 kernels, {budget} B", f"{own['times']:g}x", "frontier"))
        else:
            out.append(Bar(f"  the same with AVX2 kernels, {budget} B", f"{own['times']:g}x", f"{plain['1000']:.2f}x (single queries "
                           f"{plain['1']:.2f}x), the peer with all it has", plain["1000"] >= own["times"]))
        both = own.get("ratios_both_avx2")
        if both:
            out.append(Bar(f"  as on a machine without AVX-512, {budget} B", f"{own['times']:g}x", f"{both['1000']:.2f}x (single queries "
                           f"{both['1']:.2f}x), Attar and the peer with AVX2", both["1000"] >= own["times"]))
    if "reach" in result:
        found = result["reach"]
        out.append(Bar(f"recall {found['floor']} within {found['budget']:g} B a row", f">= {found['floor']}", f"{found['recall']:.4f} in "
                       f"{found['bytes_per_row']:.1f} B at {found['queries_per_second']:,.0f} q/s", found["recall"] >= found["floor"]))
    builds = {build["name"]: build["seconds"] for build in result.get("builds", [])}
    if "attar 250 B" not in builds:
        return [*out, absent("build, two threads, against RaBitQ with faiss k-means", "<= 1x", "frontier")]
    ratio = builds["attar 250 B"] / builds["RaBitQ library 4 bit"]
    return [*out, Bar("build, two threads, against RaBitQ with faiss k-means", "<= 1x",
                      f"{ratio:.2f}x: {builds['attar 250 B']:.1f} s, planning and certificate in it", ratio <= 1)]


def filter_bars() -> list[Bar]:
    out = []
    for name in ("debian", "manuals"):
        result = read_json(RESULTS / f"filters_{name}.json")
        title, required = f"filter that about 1% pass, {name}", "recall -0.01, 1x, 10x"
        if not result.get("points"):
            out.append(absent(title, required, "filters"))
            continue
        point = min(result["points"], key=lambda p: abs(math.log(p["share"] / 0.01)))
        whole, batch = result["unfiltered"], str(result["batch"])
        times = point["queries_per_second"][batch] / whole["queries_per_second"][batch]
        after = point["queries_per_second"][batch] / point["filtering_after"]
        out.append(Bar(title, required, f"recall {point['recall']:.4f} (all rows {whole['recall']:.4f}), {times:.2f}x the q/s of all rows, "
                       f"{after:.1f}x filtering after the search; {point['share']:.2%}: {point['where']}",
                       point["recall"] >= whole["recall"] - 0.01 and times >= 1 and after >= 10))
    return out


def forecast_bars() -> list[Bar]:
    out = []
    for name in ("debian", "manuals"):
        title, required = f"forecast of plan against the artifact, {name}", f"bytes exact, recall +- {FORECAST}"
        goals = read_json(RESULTS / f"forecast_{name}.json").get("goals", [])
        if not goals:
            out.append(absent(title, required, f"forecast --set {name}"))
            continue
        worst = max(goals, key=lambda goal: abs(goal["difference"]))
        exact = sum(goal["bytes"] == goal["bytes_forecast"] for goal in goals)
        out.append(Bar(title, required, f"bytes of {exact} of {len(goals)} goals exact; worst {worst['difference']:+.4f} at {worst['goal']}",
                       exact == len(goals) and abs(worst["difference"]) <= FORECAST))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strict", action="store_true", help="exit 1 unless every bar holds")
    options = parser.parse_args()
    bars = [*recall_bars(), *peer_bars(), *speed_bars(), pack_bar(), simulation_bar(), *open_bars(), *frontier_bars(), *filter_bars(),
            *forecast_bars(), *bars_text.encoder_bars(), *bars_text.bert_bars(), *bars_text.document_bars(), *bars_text.chunk_bars(), *bars_tokenizers.bars(), *bars_context.context_bars(),
            *bars_corpus.bars(), *bars_cache.cache_bars(), *bars_tensors.bars(), *bars_graph.bars()]
    for bar in bars:
        print(f"{'holds' if bar.holds else 'MISSED':6s}  {bar.name:62s}  {bar.required:26s}  {bar.measured}")
    print(f"{sum(bar.holds for bar in bars)} of {len(bars)} bars hold")
    if options.strict and not all(bar.holds for bar in bars):
        sys.exit(1)


if __name__ == "__main__":
    main()
