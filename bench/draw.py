"""Draw the results of bench/results as SVG, by hand: no plotting library, readable on light and dark pages.

    python bench/draw.py            # writes bench/results/rate_quality.svg, known_item.svg, speed.svg from the JSON beside them,
                                    # docs/figures/ and the tables of docs/frontier.md (see draw_curves.py)

The vertical axis of recall is log(1 - recall): equal steps halve the misses, and curves that look the same at the top are told apart.
"""
from __future__ import annotations

import json
import math
from html import escape
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"
COLOURS = ("#d1495b", "#2e86ab", "#e09f3e", "#4a9c6d", "#8a6fbf", "#c0699a", "#7a8b99", "#a0785a", "#5fa8a8")
OURS = "#d1495b"
STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #333 } .small { font-size: 11px } .title { font-size: 15px; font-weight: 600 }
.grid { stroke: #8885; stroke-width: 1 } .axis { stroke: #888 } .curve { fill: none; stroke-width: 1.8 } .ours { stroke-width: 3 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } }
</style>"""


def read(name: str) -> dict | None:
    path = RESULTS / name
    return json.loads(path.read_text()) if path.exists() else None


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "", fill: str = "") -> str:
    style = f' style="fill:{fill}"' if fill else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}"{style}>{escape(words)}</text>'


def line(x0: float, y0: float, x1: float, y1: float, kind: str) -> str:
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" class="{kind}"/>'


def save(name: str, width: float, height: float, title: str, parts: list[str], folder: Path = RESULTS) -> None:
    body = "\n".join(parts)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
                               f'aria-label="{escape(title)}">\n{STYLE}\n{body}\n</svg>\n')
    print(f"wrote {folder.parent.name}/{folder.name}/{name}")


def spread(wanted: list[float], gap: float, low: float, high: float) -> list[float]:
    """Heights near those wanted, at least `gap` apart, inside [low, high] while they fit: labels that do not overlap."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed: list[float] = []
    for i in order:
        placed.append(max(wanted[i], placed[-1] + gap if placed else low))
    over = (placed[-1] - high) if placed else 0
    if over > 0:
        placed[-1] = high
        for j in range(len(placed) - 2, -1, -1):
            placed[j] = min(placed[j], placed[j + 1] - gap)
    out = [0.0] * len(wanted)
    for i, y in zip(order, placed):
        out[i] = y
    return out


class Panel:
    """Axes of log(1 - recall) over bytes a row, log scale too, with the plot at (x, y) of the given size."""

    def __init__(self, x: float, y: float, width: float, height: float, sizes: tuple[float, float], misses: tuple[float, float]) -> None:
        self.x, self.y, self.width, self.height = x, y, width, height
        self.sizes, self.misses = sizes, misses

    def at(self, size: float, recall: float) -> tuple[float, float]:
        low, high = map(math.log, self.sizes)
        top, bottom = map(math.log, self.misses)
        miss = min(max(1 - recall, self.misses[0]), self.misses[1])
        return self.x + (math.log(size) - low) / (high - low) * self.width, self.y + (math.log(miss) - top) / (bottom - top) * self.height

    def axes(self, title: str) -> list[str]:
        out = [text(self.x, self.y - 14, title, kind="title")]
        for size in (32, 50, 75, 100, 150, 200, 300):
            if self.sizes[0] <= size <= self.sizes[1]:
                x, _ = self.at(size, 0.9)
                out += [line(x, self.y, x, self.y + self.height, "grid"), text(x, self.y + self.height + 16, str(size), "middle", "small")]
        for recall in (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995):
            if self.misses[0] <= 1 - recall + 1e-9 and 1 - recall - 1e-9 <= self.misses[1]:
                _, y = self.at(self.sizes[0], recall)
                out += [line(self.x, y, self.x + self.width, y, "grid"), text(self.x - 6, y + 4, f"{recall:g}", "end", "small")]
        out.append(text(self.x + self.width / 2, self.y + self.height + 34, "bytes a row (whole file / rows)", "middle", "small"))
        return out

    def curves(self, families: dict[str, list[tuple[float, float]]], colours: dict[str, str]) -> list[str]:
        shown = {}
        for name, points in families.items():
            inside = [p for p in sorted(points) if self.sizes[0] <= p[0] <= self.sizes[1] and 1 - p[1] <= self.misses[1]]
            if inside:
                shown[name] = [self.at(*p) for p in inside]
        heights = spread([points[-1][1] for points in shown.values()], 14, self.y, self.y + self.height)
        out = []
        for (name, points), height in zip(shown.items(), heights):
            kind = "curve ours" if name == "attar" else "curve"
            dash = ' stroke-dasharray="5 4"' if "R(D)" in name else ""
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            out.append(f'<polyline points="{path}" class="{kind}" stroke="{colours[name]}"{dash}/>')
            out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colours[name]}"/>' for x, y in points]
            x, y = points[-1]
            out.append(f'<polyline points="{x:.1f},{y:.1f} {self.x + self.width + 4:.1f},{height:.1f}" class="curve" stroke="{colours[name]}" '
                       'style="stroke-width:0.6"/>')
            out.append(text(self.x + self.width + 8, height + 4, name, kind="small", fill=colours[name]))
        return out


def rate_quality() -> None:
    results = [r for r in (read(f"rate_quality_{name}.json") for name in ("debian", "sentences")) if r]
    if not results:
        return
    parts: list[str] = []
    colours: dict[str, str] = {"attar": OURS, "Gaussian R(D) reference": "#888888"}
    for i, result in enumerate(results):
        families: dict[str, list[tuple[float, float]]] = {}
        for key in ("attar", "reference", "peers"):
            for row in result.get(key, []):
                families.setdefault(row["family"], []).append((row["bytes_per_row"], row["recall"]))
        for name in sorted(families):
            colours.setdefault(name, COLOURS[1 + (len(colours) - 2) % (len(COLOURS) - 1)])
        panel = Panel(60, 50 + i * 470, 620, 370, (30, 320), (0.004, 0.5))
        parts += panel.axes(f"{result['set']}: {result['rows']:,} x {result['dimensions']}, recall@{result['k']}, {result['queries']:,} queries")
        parts += panel.curves(families, colours)
    save("rate_quality.svg", 880, 470 * len(results) + 10, "Recall at 10 against bytes a row", parts)


def bars(y: float, title: str, rows: list[tuple[str, float, str]]) -> tuple[list[str], float]:
    """Horizontal bars (name, value, label) below a title; the parts and the y below them."""
    out = [text(20, y, title, kind="title")]
    most = max(value for _, value, _ in rows)
    for name, value, label in rows:
        y += 24
        colour = OURS if name.startswith("attar") else COLOURS[1]
        width = 400 * value / most
        out += [text(210, y + 4, name, "end", "small"), f'<rect x="218" y="{y - 8:.1f}" width="{width:.1f}" height="16" rx="2" fill="{colour}"/>',
                text(224 + width, y + 4, label, kind="small")]
    return out, y + 44


def speed() -> None:
    parts: list[str] = []
    y = 30.0
    for path in sorted(RESULTS.glob("speed_*.json")):
        result = json.loads(path.read_text())
        for batch in (1, 8):
            rows = [(s["name"], s["queries_per_second"], f"{s['queries_per_second']:,.0f} ({s['bytes_per_row']:.0f} B, {s['ratio']:.2f}x)")
                    for s in result["scans"] if s["batch"] == batch]
            if not rows:
                continue
            how = "one query at a time" if batch == 1 else f"batches of {batch}"
            drawn, y = bars(y, f"{result['rows']:,} x {result['dimensions']}, queries/s, one thread, {how}", sorted(rows, key=lambda r: -r[1]))
            parts += drawn
    if parts:
        save("speed.svg", 840, y, "Queries per second on one thread", parts)


def known_item() -> None:
    result = read("known_item.json")
    if not result:
        return
    parts: list[str] = []
    y = 30.0
    for size in sorted({row["rows"] for row in result["points"]}):
        rows = [(row["name"], row["hit@10"], f"{row['hit@10']:.3f}, MRR {row['mrr@10']:.3f} ({row['bytes_per_row']:.0f} B)")
                for row in result["points"] if row["rows"] == size]
        drawn, y = bars(y, f"Known item among {size:,} rows, hit@10", sorted(rows, key=lambda r: -r[1]))
        parts += drawn
    save("known_item.svg", 900, y, "Known-item search", parts)


if __name__ == "__main__":
    rate_quality()
    known_item()
    speed()
    import draw_curves

    draw_curves.draw_all()
