"""Search among the rows of a condition: recall and queries a second at selectivities from a half down to a few rows in ten thousand.

    python bench/filters.py [debian] [manuals] [--seconds S] [--queries N] [--budget B]

For each condition: the share of rows that pass, the seconds that finding them took, recall@10 against the exact answers among them, queries a
second on one thread in batches and one by one, and what filtering after the search would do: search for k rows without the condition, twice
as many for the queries that did not find ten that pass, and so on. Its rate is that of its searches alone; to look at what was found
costs nothing here. The rows of a condition are also found in Python, and must be the same.

Writes bench/results/filters_<set>.json.
"""
from __future__ import annotations

import attar_cli
import datasets
from datasets import OUT, RESULTS, SPLIT
from measures import mean_interval, write_json

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

K, BATCH = 10, 64
SEARCHED_FOR_AFTER = 64  # queries that tell how far filtering after the search must look
FIELDS = {"debian": ("section,installed_size,tags,priority", "installed_size"), "manuals": ("package,words", "words")}
BUDGET = {"debian": 200.0, "manuals": 215.0}


@dataclass
class Condition:
    text: str
    holds: Callable[[dict], bool]


def rows_file(name: str) -> Path:
    """The attributes of a set's rows as JSON lines."""
    if name == "manuals":
        path = OUT / "manuals.jsonl"
        if not path.exists():
            raise datasets.Missing("make the manuals sets first: python bench/make_manuals.py")
        return path
    path, packed = OUT / "debian-rows.jsonl", datasets.DATA / "text" / "debian.jsonl.zst"
    if not path.exists():
        if not packed.exists():
            raise datasets.Missing(f"{packed.name} is absent; point ATTAR_DATA to the folder that holds text/")
        OUT.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        with temporary.open("wb") as out:
            subprocess.run(["zstdcat", str(packed)], stdout=out, check=True)
        temporary.rename(path)
    return path


def quantiles(rows: list[dict], field: str) -> Callable[[float], int]:
    values = sorted(row[field] for row in rows)
    return lambda share: values[min(len(values) - 1, int(share * len(values)))]


def ranges(rows: list[dict], field: str) -> list[Condition]:
    """Ranges of a number from half of the rows to a few in ten thousand."""
    at, out = quantiles(rows, field), []
    for share in (0.5, 0.2, 0.05, 0.01, 0.002, 0.0005):
        low, high = at(0.4), at(0.4 + share)
        out.append(Condition(f"{field} between {low} and {high}", lambda row, low=low, high=high: low <= row[field] <= high))
    return out


def debian_conditions(rows: list[dict]) -> list[Condition]:
    middle = quantiles(rows, "installed_size")(0.5)
    return [
        Condition("tags contains 'role::program'", lambda row: "role::program" in row["tags"]),
        Condition("section = 'python'", lambda row: row["section"] == "python"),
        Condition("section = 'games'", lambda row: row["section"] == "games"),
        Condition(f"section = 'games' and installed_size < {middle}", lambda row: row["section"] == "games" and row["installed_size"] < middle),
        Condition("tags contains 'interface::commandline' and section in ('net', 'admin', 'sound')",
                  lambda row: "interface::commandline" in row["tags"] and row["section"] in ("net", "admin", "sound")),
        Condition("section = 'electronics' and not tags contains 'role::program'",
                  lambda row: row["section"] == "electronics" and "role::program" not in row["tags"]),
        *ranges(rows, "installed_size"),
    ]


def manuals_conditions(rows: list[dict]) -> list[Condition]:
    counts = Counter(row["package"] for row in rows).most_common()
    out = ranges(rows, "words")
    for share in (0.05, 0.01, 0.002, 0.0005):
        name = min(counts, key=lambda item: abs(np.log(item[1] / len(rows) / share)))[0]
        quoted = name.replace("'", "''")
        out.append(Condition(f"package = '{quoted}'", lambda row, name=name: row["package"] == name))
    return out


def search(file: Path, queries: Path, k: int, where: str = "") -> np.ndarray:
    """Row numbers (q, k), -1 where fewer were found."""
    out, _, _ = attar_cli.call("search", str(file), "--vector", str(queries), "-k", str(k), "--json", *(("--where", where) if where else ()))
    found = [[hit["row"] for hit in json.loads(line)["hits"]] for line in out.splitlines() if line]
    return np.array([ids + [-1] * (k - len(ids)) for ids in found], np.int64)


def rate(file: Path, queries: Path, batch: int, seconds: float, where: str = "") -> dict:
    out, _, _ = attar_cli.call("bench", str(file), "--queries", str(queries), "--batch", str(batch), "--seconds", f"{seconds:g}", "-k", str(K),
                               "-T", "1", "--json", *(("--where", where) if where else ()))
    return json.loads(out)


def filtering_after(file: Path, part: np.ndarray, passes: np.ndarray) -> float:
    """Queries a second of searching without the condition, for more and more rows until K pass; one thread, all queries at once."""
    rows, wanted = len(passes), min(K, int(passes.sum()))
    few = OUT / "filters-few.npy"
    k, left, cost = int(min(rows, max(K, 2 * K * rows / max(1, passes.sum())))), part[:SEARCHED_FOR_AFTER], 0.0
    while len(left) > 0:
        np.save(few, left)
        out, _, _ = attar_cli.call("search", str(file), "--vector", str(few), "-k", str(k), "--json", "--explain", "-T", "1")
        *answers, explain = (json.loads(line) for line in out.splitlines() if line)
        cost += sum(explain["explain"]["seconds"][part_of] for part_of in ("prepare", "scan"))
        enough = [sum(bool(passes[hit["row"]]) for hit in answer["hits"]) >= wanted for answer in answers]
        left, k = (left[~np.array(enough)] if k < rows else left[:0]), min(rows, 2 * k)
    return min(SEARCHED_FOR_AFTER, len(part)) / cost


def measure(name: str, options: argparse.Namespace) -> None:
    data = datasets.load(name)
    meta = rows_file(name)
    rows = [json.loads(line) for line in meta.open()]
    part = data.report[: options.queries]
    queries = OUT / f"filters-{name}-queries.npy"
    np.save(queries, part)
    fields, ordered = FIELDS[name]
    budget = options.budget or BUDGET[name]
    packed = attar_cli.pack(data.base_file, budget, data.query_file("tune"), f"filters-{name}", threads=2,
                            extra=("--meta", str(meta), "--meta-fields", fields, "--meta-sorted", ordered))
    file = packed["file"]

    def recall(ids: np.ndarray, base: np.ndarray) -> list[float]:
        k = min(K, len(base))
        kth = datasets.kth_score(base, part, k)
        hits = datasets.count_hits(data.base, part, ids, kth, k) / k
        return [round(value, 5) for value in mean_interval(hits)]

    whole, _, _ = unfiltered = recall(search(file, queries, K), data.base)
    speeds = {str(batch): round(rate(file, queries, batch, options.seconds)["queries_per_second"], 1) for batch in (BATCH, 1)}
    print(f"{name}: {packed['bytes_per_row']:.1f} B a row; all rows: recall {whole:.4f}, {speeds} q/s", flush=True)
    conditions = {"debian": debian_conditions, "manuals": manuals_conditions}[name](rows)
    points = []
    for condition in conditions:
        passes = np.array([condition.holds(row) for row in rows])
        batched = rate(file, queries, BATCH, options.seconds, where=condition.text)
        if batched["passing"] != passes.sum():
            raise attar_cli.Failed(f"{condition.text}: {batched['passing']} rows pass, and {passes.sum()} do by a plain look")
        found = search(file, queries, K, condition.text)
        if not passes[found[found >= 0]].all() or (found >= 0).sum(axis=1).min() < min(K, passes.sum()):
            raise attar_cli.Failed(f"{condition.text}: rows that do not pass, or too few")
        mean, low, high = recall(found, data.base[passes])
        single = rate(file, queries, 1, options.seconds, where=condition.text)
        points.append({"where": condition.text, "passing": int(passes.sum()), "share": round(float(passes.mean()), 6),
                       "filter_seconds": batched["filter_seconds"], "recall": mean, "interval": [low, high],
                       "queries_per_second": {str(BATCH): round(batched["queries_per_second"], 1), "1": round(single["queries_per_second"], 1)},
                       "filtering_after": round(filtering_after(file, part, passes), 1)})
        point = points[-1]
        print(f"  {point['share']:8.4%} {condition.text[:60]:60s} {1e3 * point['filter_seconds']:.2f} ms, recall {mean:.4f}, "
              f"{point['queries_per_second']} q/s, filtering after {point['filtering_after']} q/s", flush=True)
    points.sort(key=lambda point: -point["share"])
    write_json(RESULTS / f"filters_{name}.json", {
        "set": name, "rows": len(rows), "queries": len(part), "k": K, "batch": BATCH, "bytes_per_row": round(packed["bytes_per_row"], 2),
        "attributes_bytes_per_row": round(sum(size for part_name, size in packed["parts"].items() if part_name.startswith("attributes")) / len(rows), 3),
        "plan": packed["plan"], "unfiltered": {"recall": whole, "interval": unfiltered[1:], "queries_per_second": speeds}, "points": points})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", choices=[[], *FIELDS], help="which sets (all)")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a round")
    parser.add_argument("--queries", type=int, default=SPLIT, help="of the set's report queries, at least 64")
    parser.add_argument("--budget", type=float, help="bytes a row of the whole file, attributes included")
    options = parser.parse_args()
    for name in options.sets or FIELDS:
        try:
            measure(name, options)
        except datasets.Missing as missing:
            print(f"{name}: skipped: {missing}", file=sys.stderr)


if __name__ == "__main__":
    main()
