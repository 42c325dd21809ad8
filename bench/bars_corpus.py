"""The bars of corpora: near-duplicates, selection, windows, from bench/results; bars.py prints them."""
from __future__ import annotations

from datasets import RESULTS

from bar import Bar, absent
from measures import read_json


def dedup_bars() -> list[Bar]:
    result = read_json(RESULTS / "dedup.json")
    lines = {line["name"]: line for line in result.get("lines", [])}
    own = lines.get("attar")
    if own is None:
        return [absent("dedup, 100,000 documents", ">= rensa's speed, kept set within 0.99 of exact", "dedup")]
    out = [Bar("dedup, 100,000 documents, kept set against the exact one", ">= 0.99", f"{own['jaccard']:.5f}; lost {own['lost']}, left {own['left']}", own["jaccard"] >= 0.99)]
    for name in ("rensa rho", "rensa full", "rensa verified", "datasketch"):
        if line := lines.get(name):
            ratio = line["whole"] / own["whole"]
            out.append(Bar(f"dedup, file to file, one thread, against {name}", ">= 1x", f"{ratio:.1f}x: {own['whole']:.2f} s, {line['whole']:.2f} s and kept set {line['jaccard']:.3f}; its core alone, from "
                           f"shingles at hand, {line['core']:.2f} s", ratio >= 1))
    return out


def select_bars() -> list[Bar]:
    lines = {line["name"]: line["mean"] for line in read_json(RESULTS / "selection.json").get("lines", [])}
    own = lines.pop("attar", None)
    if own is None:
        return [absent("select, precision of the target's kind", "above ZIP-FIT and random", "selection")]
    return [Bar("select, precision of the target's kind", "above ZIP-FIT and random", f"{own:.4f}; " + ", ".join(f"{name} {mean:.4f}" for name, mean in lines.items()), own > max(lines["random"], lines["ZIP-FIT"]))]


def windows_bars() -> list[Bar]:
    lines = read_json(RESULTS / "windows.json").get("lines", [])
    if not lines:
        return [absent("windows", "none shorter cut, fuller than first fit", "windows")]
    return [Bar(f"windows of {line['window']:,} tokens, none shorter cut", "at least as full as first fit", f"{line['fill']:.3%}, first fit {line['first_fit_fill']:.3%}; concatenation cuts {line['concatenate_cut']:,} "
                f"documents, this {line['documents_cut']:,}", line["fill"] >= line["first_fit_fill"]) for line in lines]


def bars() -> list[Bar]:
    return dedup_bars() + select_bars() + windows_bars()
