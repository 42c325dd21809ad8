"""The figures of docs/frontier.md and its tables and sentences, from bench/results/curves_<set>.json, graph_<set>.json and growth_<set>.json.

    python bench/draw_curves.py                                   # ./do bench draw does this too
    python bench/draw_curves.py --results bench/out --to /tmp/x   # trial results (curves.py --rows, growth.py --try), another folder

Two figures a set: recall against queries a second (single queries above, batches below) and recall against bytes a row. Contenders within the
byte limit of the set (400 bytes for 384 numbers) are drawn strong; those above it thin and dashed, with their bytes in the label. A curve
holds those settings only that no other setting of the same contender beats in both recall and speed. The page is written between its marks,
and every sentence there follows from the numbers: where a peer is faster or smaller it says so.
"""
from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

import draw
import draw_graph
from draw import COLOURS, OURS, RESULTS, line, text

DOCS = RESULTS.parent.parent / "docs"
SETS = ("debian", "manuals", "manuals100")
LEVELS = (0.9, 0.95, 0.98)
MODES = (("1", "single queries"), ("1000", "batches of 1,000"))
BEGIN, END = "<!-- curves:begin — written by bench/draw_curves.py -->", "<!-- curves:end -->"
ATTAR = "attar"
RECALLS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
ROUND = tuple(m * 10**e for e in range(1, 7) for m in (1, 2, 5))


@dataclass
class Found:
    """One measured point."""

    contender: str
    size: float
    recall: float
    rates: dict[str, float]

    @property
    def ours(self) -> bool:
        return self.contender.startswith(ATTAR)


def points(result: dict, apart: bool = False) -> list[Found]:
    """Those that were timed. Attar's packs are one contender: its budget is its setting; or each budget is one, `apart`."""
    return [Found(ATTAR if p["family"] == ATTAR and not apart else p["contender"], p["bytes_per_row"], p["recall"], p["queries_per_second"])
            for p in result.get("points", []) if len(p["queries_per_second"]) == len(MODES)]


def by_contender(found: list[Found]) -> dict[str, list[Found]]:
    """Attar first, then the others by their bytes."""
    out: dict[str, list[Found]] = {}
    for point in sorted(found, key=lambda p: (not p.ours, p.size, p.contender)):
        out.setdefault(point.contender, []).append(point)
    return out


def best(own: list[Found], mode: str) -> list[Found]:
    """Those that nothing of `own` beats in both, by falling speed."""
    kept: list[Found] = []
    for point in sorted(own, key=lambda p: (-p.rates[mode], -p.recall)):
        if not kept or point.recall > kept[-1].recall:
            kept.append(point)
    return kept


# ---- figures ---------------------------------------------------------------------------------------------------------


class Plane:
    """Axes with logarithms on both; `log_x`, `log_y` take a value to what the axis is the logarithm of."""

    def __init__(self, x: float, y: float, width: float, height: float, xs: tuple[float, float], ys: tuple[float, float]) -> None:
        self.x, self.y, self.width, self.height, self.xs, self.ys = x, y, width, height, xs, ys

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where the values lie; xs and ys name those of the left and right, of the bottom and top."""
        part = [(math.log(v) - math.log(low)) / (math.log(high) - math.log(low)) for v, (low, high) in ((x, self.xs), (y, self.ys))]
        return self.x + part[0] * self.width, self.y + (1 - part[1]) * self.height

    def grid(self, title: str, below: str, left: str, x_marks: list[tuple[float, str]], y_marks: list[tuple[float, str]]) -> list[str]:
        out = [text(self.x, self.y - 26, title, kind="title"), text(self.x, self.y - 8, left, kind="small"),
               text(self.x + self.width / 2, self.y + self.height + 34, below, "middle", "small")]
        for value, words in x_marks:
            x, _ = self.at(value, self.ys[0])
            out += [line(x, self.y, x, self.y + self.height, "grid"), text(x, self.y + self.height + 16, words, "middle", "small")]
        for value, words in y_marks:
            _, y = self.at(self.xs[0], value)
            out += [line(self.x, y, self.x + self.width, y, "grid"), text(self.x - 6, y + 4, words, "end", "small")]
        return out


def marks(values: tuple[float, ...], ends: tuple[float, float], words, key=lambda v: v) -> list[tuple[float, str]]:
    low, high = min(ends), max(ends)
    return [(key(v), words(v)) for v in values if low * (1 - 1e-9) <= key(v) <= high * (1 + 1e-9)]


def recall_marks(ends: tuple[float, float]) -> list[tuple[float, str]]:
    return marks(RECALLS, ends, lambda r: f"{r:g}", lambda r: 1 - r)


def stroke(path: list[tuple[float, float]], colour: str, kind: str) -> list[str]:
    """`kind`: ours, strong or weak."""
    style = {"ours": "stroke-width:3", "strong": "stroke-width:1.8", "weak": "stroke-width:1;stroke-dasharray:4 3;opacity:.75"}[kind]
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in path)
    radius = {"ours": 3, "strong": 2.3, "weak": 1.5}[kind]
    return [f'<polyline points="{joined}" fill="none" stroke="{colour}" style="{style}"/>'] + \
           [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>' for x, y in path]


def labels(plane: Plane, ends: list[tuple[tuple[float, float], str, str]]) -> list[str]:
    """Words at the right of the plane, each joined with its end by a thin line."""
    heights = draw.spread([end[1] for end, _, _ in ends], 14, plane.y, plane.y + plane.height)
    out, edge = [], plane.x + plane.width
    for ((x, y), words, colour), height in zip(ends, heights):
        out.append(f'<polyline points="{x:.1f},{y:.1f} {edge + 4:.1f},{height:.1f}" fill="none" stroke="{colour}" style="stroke-width:.5;opacity:.6"/>')
        out.append(text(edge + 8, height + 4, words, kind="small", fill=colour))
    return out


def colours(names: list[str]) -> dict[str, str]:
    others = [name for name in names if not name.startswith(ATTAR)]
    return dict.fromkeys(names, OURS) | {name: COLOURS[1 + i % (len(COLOURS) - 1)] for i, name in enumerate(others)}


def kind_of(own: list[Found], limit: float) -> str:
    return "ours" if own[0].ours else "strong" if own[0].size <= limit else "weak"


def miss_ends(found: list[Found]) -> tuple[float, float]:
    """The most and the least miss that the axes show."""
    return 0.4, max(0.0008, min(1 - p.recall for p in found) * 0.8)


def said(own: list[Found]) -> str:
    """A contender's label: its name and its bytes a row."""
    sizes = sorted({f"{p.size:,.0f}" for p in (own[0], own[-1])}, key=len)
    return f"{own[0].contender}, {' to '.join(sizes)} B"


def speed_figure(result: dict, found: list[Found], folder: Path, kind: str = "curves") -> str:
    groups, limit, parts = by_contender(found), result["strong_bytes"], []
    shades, (most, least) = colours(list(groups)), miss_ends(found)
    for i, (mode, words) in enumerate(MODES):
        seen = [p for p in found if 1 - p.recall <= most]
        rates = [p.rates[mode] for p in seen]
        plane = Plane(60, 60 + i * 520, 620, 400, (most, least), (max(min(rates), 50) * 0.9, max(rates) * 1.1))
        parts += plane.grid(f"{result['set']}: {result['rows']:,} x {result['dimensions']}, {words}, one thread", f"recall@{result['k']}",
                            "queries a second", recall_marks(plane.xs), marks(ROUND, plane.ys, lambda v: f"{v:,}"))
        ends = []
        for name, own in groups.items():
            path = [plane.at(max(1 - p.recall, least), p.rates[mode]) for p in best(own, mode) if 1 - p.recall <= most and p.rates[mode] >= plane.ys[0]]
            if path:
                parts += stroke(path, shades[name], kind_of(own, limit))
                ends.append((path[-1], said(own), shades[name]))
        parts += labels(plane, ends)
    name = f"{kind}_{result['set']}_speed.svg"
    draw.save(name, 960, 1060, f"Recall against queries a second, {result['set']}", parts, folder)
    return name


def bytes_figure(result: dict, found: list[Found], folder: Path) -> str:
    groups, limit, parts = by_contender(found), result["strong_bytes"], []
    shades, (most, least) = colours(list(groups)), miss_ends(found)
    sizes = [p.size for p in found]
    plane = Plane(60, 60, 620, 420, (min(sizes) * 0.85, max(sizes) * 1.15), (most, least))
    parts += plane.grid(f"{result['set']}: {result['rows']:,} x {result['dimensions']}", "bytes a row, all that is stored / rows", f"recall@{result['k']}",
                        marks(ROUND, plane.xs, lambda v: f"{v:,}"), recall_marks(plane.ys))
    ends = []
    for name, own in groups.items():
        kind = kind_of(own, limit)
        shown = sorted((p for p in own if 1 - p.recall <= most), key=lambda p: p.recall)
        if not shown:
            continue
        if kind == "ours":
            shown = smallest(shown)
        path = [plane.at(p.size, max(1 - p.recall, least)) for p in ([shown[0], shown[-1]] if kind != "ours" else shown)]
        parts += stroke(path, shades[name], kind)
        ends.append((path[-1], said(own), shades[name]))
    parts += labels(plane, ends)
    name = f"curves_{result['set']}_bytes.svg"
    draw.save(name, 960, 540, f"Recall against bytes a row, {result['set']}", parts, folder)
    return name


def smallest(own: list[Found]) -> list[Found]:
    """Those that nothing of `own` beats in both recall and bytes, by rising bytes."""
    kept: list[Found] = []
    for point in sorted(own, key=lambda p: (p.size, -p.recall)):
        if not kept or point.recall > kept[-1].recall:
            kept.append(point)
    return kept


# ---- the page --------------------------------------------------------------------------------------------------------


def fastest(own: list[Found], mode: str, level: float) -> Found | None:
    return max((p for p in own if p.recall >= level), key=lambda p: p.rates[mode], default=None)


def row_name(point: dict) -> str:
    """Attar's packs of one budget share a row."""
    return f"attar {point['setting']['budget']} B" if point["family"] == ATTAR else point["contender"]


def table(result: dict) -> list[str]:
    rows: dict[str, list[dict]] = {}
    for point in sorted(result["points"], key=lambda p: (p["family"] != ATTAR, p["bytes_per_row"] if p["family"] != ATTAR else p["setting"]["budget"])):
        if len(point["queries_per_second"]) == len(MODES):
            rows.setdefault(row_name(point), []).append(point)
    builds = {build["name"]: build for build in result.get("builds", [])}
    out = ["| | B a row | build, s | peak, MB | best recall | " + " | ".join(f"q/s at ≥ {level:g}" for level in LEVELS) + " |",
           "|---|" + "---:|" * (4 + len(LEVELS))]
    for name, own in rows.items():
        found = [Found(name, p["bytes_per_row"], p["recall"], p["queries_per_second"]) for p in own]
        low, high = min(p.size for p in found), max(p.size for p in found)
        made = [builds[key] for key in dict.fromkeys(p["contender"] for p in own) if key in builds]
        cells = [f"{high:,.0f}" if round(low) == round(high) else f"{low:,.0f}–{high:,.0f}",
                 f"{max((b['seconds'] for b in made), default=0):,.0f}", f"{max((b['peak_mb'] for b in made), default=0):,.0f}",
                 f"{max(p.recall for p in found):.3f}"]
        for level in LEVELS:
            two = [fastest(found, mode, level) for mode, _ in MODES]
            cells.append(" / ".join(f"{p.rates[mode]:,.0f}" for p, (mode, _) in zip(two, MODES) if p) or "–")
        out.append(f"| {name} | " + " | ".join(cells) + " |")
    return out


def faster(ours: Found, above: list[Found], mode: str, limit: float) -> str:
    """Those that are faster than `ours`, the fastest first; and who is within the byte limit."""
    if not above:
        return "No peer measured here is faster."
    times = [f"{p.rates[mode] / ours.rates[mode]:.2f}×" for p in above]
    out = f"**{above[0].contender} answers {times[0]} as many queries, in {above[0].size:,.0f} B a row against {ours.size:,.0f}.** "
    if len(above) > 1:
        out += "Faster too: " + ", ".join(f"{p.contender} ({t}, {p.size:,.0f} B)" for p, t in zip(above[1:], times[1:])) + ". "
    within = [p.contender for p in above if p.size <= limit]
    if within:
        return out + f"**Within {limit:,} B a row, {within[0]} is the fastest.**"
    return out + f"None of these is within {limit:,} B a row: there, Attar is the fastest."


def compare(result: dict, found: list[Found]) -> list[str]:
    """Sentences, one a line: who is faster and who is smaller at each level."""
    groups, limit = by_contender(found), result["strong_bytes"]
    own, out = groups.pop(ATTAR, []), []
    for level in LEVELS:
        for mode, words in MODES:
            ours = fastest(own, mode, level)
            theirs = [p for p in (fastest(group, mode, level) for group in groups.values()) if p]
            if ours is None:
                if theirs:
                    first = max(theirs, key=lambda p: p.rates[mode])
                    out.append(f"At recall ≥ {level:g}, {words}: Attar was not packed to reach this; {first.contender} answers {first.rates[mode]:,.0f} "
                               f"a second, in {first.size:,.0f} B a row.")
                continue
            head = f"At recall ≥ {level:g}, {words}: Attar answers {ours.rates[mode]:,.0f} a second in {ours.size:,.0f} B a row. "
            above = sorted((p for p in theirs if p.rates[mode] > ours.rates[mode]), key=lambda p: -p.rates[mode])
            out.append(head + faster(ours, above, mode, limit) if theirs else head + "No peer reaches this recall.")
        ours = min((p for p in own if p.recall >= level), key=lambda p: p.size, default=None)
        if ours is not None:
            less = sorted({(min(p.size for p in group if p.recall >= level), name) for name, group in groups.items()
                           if any(p.recall >= level and p.size < ours.size for p in group)})
            out.append(f"The fewest bytes with recall ≥ {level:g}: " + (
                f"Attar, {ours.size:,.0f} B a row." if not less else
                f"**{less[0][1]}, {less[0][0]:,.0f} B a row**; Attar takes {ours.size:,.0f}."))
    return out


def growth_lines(result: dict) -> list[str]:
    out = ["", f"## Growth: {result['set']}", "",
           f"Beyond {result['real_rows']:,} rows the set's own rows come again with a jitter of {result['jitter']:g} a component.", "",
           "| rows | | B a row | recall@10 | q/s, single | q/s, batches | build, s | peak, MB |", "|---:|---|" + "---:|" * 6]
    for p in result["points"]:
        rate = p["queries_per_second"]
        out.append(f"| {p['rows']:,} | {p['name']} | {p['bytes_per_row']:,.0f} | {p['recall']:.3f} | {rate['1']:,.0f} | {rate['1000']:,.0f} | "
                   f"{p['build_seconds']:,.0f} | {p['peak_mb']:,.0f} |")
    return out + exponent_lines(result)


def exponent_lines(result: dict) -> list[str]:
    out: list[str] = []
    for p in result.get("exponents", []):
        out += ["", f"{p['contender']}, {dict(MODES)[str(p['batch'])]}: time a query grows as rows^{p['exponent']:.2f} over {p['sizes']} sizes."]
    return out


def set_lines(result: dict, folder: Path, link: str) -> list[str]:
    found = points(result)
    if not found:
        return []
    title = f"{result['rows']:,} x {result['dimensions']}, {result['about']}"
    runs, versions = result.get("runs", []), result.get("versions", {})
    whole = [run for run in runs if run["only"] is None] or runs
    out = ["", f"## {result['set']}: {title}", ""]
    for draw_one, words in ((speed_figure, "Recall against queries a second"), (bytes_figure, "Recall against bytes a row")):
        name = draw_one(result, found, folder)
        out += [f"![{words}, {result['set']}]({link}/{name})", ""]
    out += [f"`{whole[-1]['command']}`; {result['cpu']}; " + ", ".join(f"{key} {value}" for key, value in versions.items()) + ".",
            f"{whole[-1]['date']}, load {whole[-1]['load']:g} when it began, {whole[-1]['rounds']} rounds of {whole[-1]['seconds']:g} s"
            + (f", in {len(runs)} runs." if len(runs) > 1 else "."),
            "In the table q/s are single / in batches of 1,000, at the fastest setting that reaches the recall.", "", *table(result), ""]
    out += [f"- {sentence}" for sentence in compare(result, found)]
    out += [f"- Absent: {row['name']}: {row['reason']}" for row in result.get("absent", [])]
    return out


def draw_all(results: Path = RESULTS, docs: Path = DOCS) -> None:
    body: list[str] = []
    for name in SETS:
        # Trials lie beside each other, one a number of rows.
        for path in sorted(results.glob(f"curves_{name}.json")) or sorted(results.glob(f"curves_{name}_*.json")):
            body += set_lines(json.loads(path.read_text()), docs / "figures", "figures")
    for path in sorted(results.glob("graph_*.json")):
        body += draw_graph.section(json.loads(path.read_text()), docs / "figures", "figures")
    for path in sorted(results.glob("growth_*.json")):
        body += growth_lines(json.loads(path.read_text()))
    page = docs / "frontier.md"
    words = (page if page.exists() else DOCS / "frontier.md").read_text()
    before, after = words.split(BEGIN)[0], words.split(END)[1]
    page.write_text(before + BEGIN + "\n" + ("\n".join(body).strip() or "Not measured yet: `./do bench curves`.") + "\n" + END + after)
    print(f"wrote {page.parent.name}/{page.name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--to", type=Path, default=DOCS, help="the folder of frontier.md and figures/")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    draw_all(options.results, options.to)


if __name__ == "__main__":
    main()
