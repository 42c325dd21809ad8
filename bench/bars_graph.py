"""The bars of the graph, from bench/results; bars.py prints them."""
from __future__ import annotations

from datasets import RESULTS

from bar import Bar, absent
from measures import read_json

LEAST_ROWS, BATCH, FLOOR = 250_000, 1000, 0.95
SMALL, LARGE = "attar graph 400 B", "attar graph 650 B"
RIVAL, RIVAL_TIMES, RIVAL_AIM = "SymphonyQG 8 bit", 0.6, 1.0
OTHERS, OTHERS_TIMES = ("faiss HNSW32 SQ8", "usearch i8"), 2.0
BUILD_TIMES, PEAK_TIMES = 1.2, 2.0


def fits(result: dict, ours: str, most: int) -> tuple[bool, float]:
    """Whether there are enough rows and no artifact of `ours` is above `most` bytes a row; the largest."""
    largest = max((point["bytes_per_row"] for point in result["points"] if point["contender"] == ours), default=0.0)
    return result["rows"] >= LEAST_ROWS and 0 < largest <= most, largest


def rival_bars(result: dict, ratios: dict[tuple[str, str, int], dict]) -> list[Bar]:
    out = []
    for recall in ("0.95", "0.975"):
        name, required = f"graph, at most 400 B a row, recall {recall}, against {RIVAL}", f">= {RIVAL_TIMES}x"
        many, single = (ratios.get((SMALL, RIVAL, batch), {}).get(recall) for batch in (BATCH, 1))
        if many is None or single is None:
            out.append(absent(name, required, "graph"))
            continue
        if many["ratio"] is None or single["ratio"] is None:
            out.append(Bar(name, required, f"not reached; {RIVAL} {many['peer']:,.0f} queries/s", False))
            continue
        fit, largest = fits(result, SMALL, 400)
        out.append(Bar(name, required, f"{many['ratio']:.2f}x, {many['ours']:,.0f} of {many['peer']:,.0f} queries/s (single queries {single['ratio']:.2f}x; "
                       f"the aim is {RIVAL_AIM:g}x), at most {largest:.1f} B", many["ratio"] >= RIVAL_TIMES and fit))
    return out


def other_bars(result: dict, ratios: dict[tuple[str, str, int], dict]) -> list[Bar]:
    out = []
    for peer in OTHERS:
        every, twice = f"graph, at most 650 B a row, every recall from 0.90, against {peer}", f"graph, at most 650 B a row, recall {FLOOR}, against {peer}"
        at = ratios.get((LARGE, peer, BATCH))
        if not at:
            out += [absent(every, "> 1x", "graph"), absent(twice, f">= {OTHERS_TIMES:g}x", "graph")]
            continue
        fit, largest = fits(result, LARGE, 650)
        found = {recall: line["ratio"] for recall, line in at.items() if line["ratio"] is not None}
        missing = [recall for recall in at if recall not in found]
        least = min(found, key=found.get, default=None)
        words = f"least {found[least]:.2f}x at {least}, of {min(found)} to {max(found)}, at most {largest:.1f} B" if least else "no recall of the peer's is reached"
        out.append(Bar(every, "> 1x", words + (f"; the peer alone has {', '.join(missing)}" if missing and least else ""),
                       least is not None and found[least] > 1 and not missing and fit))
        ratio = found.get(f"{FLOOR:g}")
        out.append(Bar(twice, f">= {OTHERS_TIMES:g}x", f"{ratio:.2f}x" if ratio else "not measured on both sides", ratio is not None and ratio >= OTHERS_TIMES and fit))
    return out


def build_bars(result: dict) -> list[Bar]:
    built = {line["name"]: line for line in result.get("built", [])}
    own = next((line for name, line in built.items() if name.startswith(SMALL)), None)
    time, memory = f"graph, build, two threads, against {RIVAL}", "graph, build, peak memory against the"
    if own is None:
        return [absent(time, f"<= {BUILD_TIMES}x", "graph"), absent(f"{memory} input", f"<= {PEAK_TIMES:g}x", "graph")]
    enough = result["rows"] >= LEAST_ROWS
    return [Bar(time, f"<= {BUILD_TIMES}x", f"{own['times_rival']:.2f}x: {own['seconds']:.1f} s, planning and certificate in it, of {built[RIVAL]['seconds']:.1f} s",
                own["times_rival"] <= BUILD_TIMES and enough)] + [
        Bar(f"{memory} {name}", f"<= {PEAK_TIMES:g}x", f"{own[key]:.2f}x, {own['peak_mb']:,.0f} MB; {RIVAL} {built[RIVAL][key]:.2f}x",
            own[key] <= PEAK_TIMES and enough) for name, key in (("rows as float32", "peak_of_float32"), ("file given", "peak_of_file"))]


def filter_bars(result: dict) -> list[Bar]:
    out = []
    for percent in (10, 1):
        name = f"graph, a filter that {percent}% pass, recall among them"
        lines = [line for line in result.get("filters", []) if line["percent"] == percent]
        if not lines:
            out.append(absent(name, f">= {FLOOR}", "graph"))
            continue
        worst = min(lines, key=lambda line: line["recall"])
        out.append(Bar(name, f">= {FLOOR}", f"{worst['recall']:.4f} at {worst['name']}, the worst of {len(lines)}; "
                       + ", ".join(f"{line['name']} {line['recall']:.4f}" for line in lines if line is not worst),
                       worst["recall"] >= FLOOR and result["rows"] >= LEAST_ROWS))
    return out


def bars() -> list[Bar]:
    result = read_json(RESULTS / "graph_manuals.json")
    ratios = {(line["ours"], line["peer"], line["batch"]): line["at"] for line in result.get("ratios", [])}
    return rival_bars(result, ratios) + other_bars(result, ratios) + build_bars(result) + filter_bars(result)
