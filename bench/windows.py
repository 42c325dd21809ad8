"""Documents into windows: how full `attar pack-windows` makes them and what it cuts, beside first fit in order and concatenation.

    python bench/windows.py

The 100,000 documents of bench/corpora.py, windows of 512, 2,048 and 4,096 tokens by characters/4 (the same token counts for every way). Seconds: the whole command on one thread, and of it the fit.
Results: bench/results/windows.json
"""
from __future__ import annotations

from datasets import OUT, RESULTS

import json
import sys

import attar_cli
import corpora
import measures
import speed


def main() -> None:
    try:
        file = corpora.corpus("100k")
    except corpora.Missing as missing:
        sys.exit(f"skipped: {missing}")
    lines = []
    for window in (512, 2048, 4096):
        out, seconds, peak = attar_cli.call("pack-windows", str(file), "--window", str(window), "-o", str(OUT / "windows.jsonl"), "-f", "-T", "1", "--json")
        report = json.loads(out)
        room = window
        cut_though_short = report["concatenate"]["documents_cut"] - report["documents_cut"]
        line = {"window": room, "windows": report["windows"], "fill": round(report["fill"], 5), "documents_cut": report["documents_cut"], "first_fit_fill": round(report["first_fit"]["fill"], 5),
                "first_fit_windows": report["first_fit"]["windows"], "concatenate_windows": report["concatenate"]["windows"], "concatenate_cut": report["concatenate"]["documents_cut"],
                "seconds": round(seconds, 3), "fit_seconds": round(report["seconds"]["fit"], 4), "peak_mb": round(peak)}
        lines.append(line)
        print(f"{window:5}: {line['windows']:,} windows, fill {line['fill']:.4%}, {line['documents_cut']:,} documents longer than a window; first fit {line['first_fit_fill']:.4%}; concatenated {line['concatenate_windows']:,} "
              f"windows, {cut_though_short:,} more documents cut; {seconds:.2f} s, fit {line['fit_seconds']:.3f} s", flush=True)
    measures.write_json(RESULTS / "windows.json", {"command": "python bench/windows.py", "cpu": speed.cpu(), "tokenizer": "characters/4", "documents": corpora.DOCUMENTS, "lines": lines})


if __name__ == "__main__":
    main()
