"""Forecast against artifact: what `attar plan` promises, what `attar pack` writes, what `attar eval` finds on fresh queries.

    python bench/forecast.py [--set debian] [--threads 2]

Each goal is planned and packed with the tune queries, and the artifact is measured on the report queries, which neither has seen.
The forecast is the plan's recall on tune queries (explain.plan_recall). Bytes must agree to the byte, recall within 0.01.
Results: bench/results/forecast_<set>.json
"""
from __future__ import annotations

import datasets
from datasets import OUT, RESULTS

import argparse
import json
import sys

import attar_cli
import measures

K = 10
GOALS = (("--budget", "48B/vec"), ("--budget", "64B/vec"), ("--budget", "100B/vec"), ("--budget", "215B/vec"), ("--recall", f"0.9@{K}"),
         ("--recall", f"0.95@{K}"), ("--budget", "215B/vec", "--recall", f"0.95@{K}"), ("--budget", "100B/vec", "--index", "ivf"))


def compare(data: datasets.Dataset, goal: tuple[str, ...], threads: int) -> dict:
    """One goal: planned, packed and measured."""
    shared = (str(data.base_file), "--queries", str(data.query_file("tune")), "-T", str(threads), "-q", "--json", *goal)
    file = OUT / f"forecast-{data.name}.attar"
    planned = json.loads(attar_cli.call("plan", *shared)[0])
    packed = json.loads(attar_cli.call("pack", *shared, "-o", str(file))[0])
    found = json.loads(attar_cli.call("eval", str(file), "--queries", str(data.query_file("report")), "--base", str(data.base_file),
                                      "-k", str(K), "-q", "--json")[0])["recall"][str(K)]
    forecast = planned["explain"]["plan_recall"]
    return {"goal": " ".join(goal), "plan": planned["plan"], "same_plan": planned["plan"] == packed["plan"],
            "bytes_forecast": planned["bytes"], "bytes": file.stat().st_size, "codec_recall": round(planned["explain"]["codec_recall"], 5),
            "recall_forecast": round(forecast, 5), "recall": round(found["mean"], 5), "low": round(found["low"], 5),
            "high": round(found["high"], 5), "difference": round(found["mean"] - forecast, 5)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="debian", choices=datasets.SETS)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    try:
        data = datasets.load(options.set)
    except datasets.Missing as missing:
        sys.exit(f"skipped: {missing}")
    lines = []
    for goal in GOALS:
        line = compare(data, goal, options.threads)
        lines.append(line)
        print(f"  {line['goal']:34s} {line['bytes']:12,d} B {'as planned' if line['bytes'] == line['bytes_forecast'] else 'NOT AS PLANNED'}  "
              f"recall {line['recall_forecast']:.4f} -> {line['recall']:.4f} ({line['difference']:+.4f})", flush=True)
    measures.write_json(RESULTS / f"forecast_{options.set}.json", {"set": options.set, "rows": len(data.base), "k": K, "goals": lines})


if __name__ == "__main__":
    main()
