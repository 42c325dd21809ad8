"""The bars of the semantic cache, from bench/results; bars.py prints them."""
from __future__ import annotations

from datasets import RESULTS

from bar import Bar, absent
from measures import read_json


def cache_bars() -> list[Bar]:
    out: list[Bar] = []
    for file, encoder in (("cache.json", "own encoder"), ("cache_bert.json", "MiniLM")):
        result = read_json(RESULTS / file)
        for line in result.get("lines", []):
            own, allowed = line["attar"], line["allowed"]
            name = f"semantic cache, {encoder}, {line['streams']} streams at {allowed:.0%}"
            low, high = own["error_interval"]
            out.append(Bar(f"{name}: wrong of all prompts", f"<= {allowed:.2f}", f"{own['error']:.4f} [{low:.4f}, {high:.4f}]", own["error"] <= allowed))
            low, high = own["above_fixed"]
            out.append(Bar(f"{name}: hits", "> best fixed threshold at equal error", f"{own['hits']:.3f}, fixed {own['fixed']:.3f}, above by [{low:.3f}, {high:.3f}]; vCache {line['vcache']['hits']:.3f}", low > 0))
        if "lookup" in result:
            spent = result["lookup"]["milliseconds"]
            out.append(Bar(f"semantic cache, a lookup among {result['lookup']['entries']:,} entries, one thread", "a few ms (<= 5)", f"{spent:.2f} ms", spent <= 5))
    return out or [absent("semantic cache", "error <= allowed, more hits than a fixed threshold", "cache")]
