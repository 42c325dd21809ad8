"""The section of docs/frontier.md on graphs, and its figure, from bench/results/graph_<set>.json. draw_curves.py writes the page."""
from __future__ import annotations

from pathlib import Path

import draw_curves as page

LEVELS = ("0.9", "0.95", "0.975", "0.98")


def ratios(result: dict) -> list[str]:
    """Queries a second of each of our budgets over each peer's, at equal recall, inside each round."""
    out = ["| | " + " | ".join(LEVELS) + " |", "|---|" + "---:|" * len(LEVELS)]
    for line in result["ratios"]:
        cells = [line["at"].get(level, {}) for level in LEVELS]
        out.append(f"| {line['name']} | " + " | ".join("–" if cell.get("ratio") is None else f"{cell['ratio']:.2f}×" for cell in cells) + " |")
    return out


def builds(result: dict) -> list[str]:
    return ["", "Builds, two threads: " + "; ".join(
        f"{line['name']} {line['seconds']:.0f} s, peak {line['peak_mb']:,.0f} MB ({line['peak_of_float32']:.2f}× the rows as float32)" for line in result["built"])
        + ". Attar's seconds are those of the whole command: planning, truth and certificate too."] if result["built"] else []


def filters(result: dict) -> list[str]:
    if not result["filters"]:
        return []
    out = ["", "| rows that pass | recall among them | q/s, single | q/s, batches |", "|---|" + "---:|" * 3]
    return out + [f"| {line['name']}: {line['passing']:,} | {line['recall']:.4f} | {line['queries_per_second']['1']:,.0f} | "
                  f"{line['queries_per_second']['1000']:,.0f} |" for line in result["filters"]]


def growth(result: dict) -> list[str]:
    if not result["growth"]:
        return []
    out = ["", "| rows | B a row | recall@10 | q/s, single | q/s, batches | packed, s | peak, MB |", "|---:|" + "---:|" * 6]
    for line in result["growth"]:
        rate = line["queries_per_second"]
        out.append(f"| {line['rows']:,} | {line['bytes_per_row']:,.0f} | {line['recall']:.3f} | {rate['1']:,.0f} | {rate['1000']:,.0f} | "
                   f"{line['build_seconds']:,.0f} | {line['peak_mb']:,.0f} |")
    return out + page.exponent_lines(result)


def section(result: dict, folder: Path, link: str) -> list[str]:
    found = page.points(result, apart=True)
    if not found:
        return []
    name = page.speed_figure(result, found, folder, "graph")
    last = next(run for run in reversed(result["runs"]) if "curves" in run["parts"])
    return ["", f"## Graphs: {result['set']}, {result['rows']:,} x {result['dimensions']}", "",
            f"![Recall against queries a second, graphs, {result['set']}]({link}/{name})", "",
            f"`{last['command']}`; {result['cpu']}; {last['date']}, load {last['load']:g} when it began, {last['rounds']} rounds of {last['seconds']:g} s.",
            "Attar is packed to 400 and 650 bytes a row for a ladder of floors. Ratios of queries a second at equal recall:", "",
            *ratios(result), *builds(result), *filters(result), *growth(result)]
