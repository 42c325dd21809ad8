"""Every peer with an index at every setting, and Attar at a ladder of budgets: recall, queries a second, bytes a row, builds.

    python bench/curves.py [--set manuals] [--rounds 5] [--seconds 1] [--only NAME ...] [--again] [--rows N]

One run interleaves them: a round gives each point --seconds in turn, single queries first, then 1,000 a call; figures are medians over rounds.
Search takes one thread (the cores that each point kept busy are in the results), builds take two, each in a process of its own. Recall@10 is
that of the 2,000 report queries; no setting is chosen on them: peers are asked at the settings that index_peers.py lists, Attar is packed to
each budget for its best recall and for --floors on the tune queries. A peer's dearer settings are left out below 100 queries a second.

Builds are kept in bench/out/curves/ and the results are written after each turn: a run that was cut short goes on where it stopped. A point
measured before is measured again with --again only. --only: those whose name begins so (attar, "RaBitQ library", ...).
--rows: the first N rows of the set, for trying things out; those results go to bench/out, not to bench/results.
A peer that cannot be had is named with the reason, under "absent". Results: bench/results/curves_<set>.json; bench/draw.py draws them.
"""
from __future__ import annotations

import datasets
from datasets import OUT, RESULTS

import argparse
import datetime
import hashlib
import json
import os
import platform
import resource
import shlex
import sys
import time
from pathlib import Path

import numpy as np

import attar_cli
import index_peers
import measures
import speed

K, BATCHES, LEAST_RATE = 10, (1, 1000), 100.0
BUDGETS = (75, 100, 120, 150, 200, 215, 250, 300, 370)  # bytes a row of 384 numbers; others in proportion
LEAST_BUDGET, STRONG = 40, 400
FLOORS = ("none", "0.9", "0.95")


def budgets(d: int) -> list[int]:
    return sorted({max(LEAST_BUDGET, round(b * d / 384)) for b in BUDGETS})


def results_path(name: str, rows: int | None) -> Path:
    return RESULTS / f"curves_{name}.json" if rows is None else OUT / f"curves_{name}_{rows}.json"


class Slice:
    """A data set, or its first rows: `file` is what is indexed, `folder` where the builds of these rows are kept."""

    def __init__(self, name: str, rows: int | None) -> None:
        data = datasets.load(name)
        self.name, self.about, self.query_file = name, data.about, data.query_file
        self.report = data.report
        if rows is None or rows >= len(data.base):
            self.base, self.file = data.base, data.base_file
        else:
            self.base, self.file = np.ascontiguousarray(data.base[:rows]), OUT / f"curves-{name}-{rows}.npy"
            if not self.file.exists():
                np.save(self.file, np.load(data.base_file, mmap_mode="r")[:rows])
        self.folder = OUT / "curves" / f"{name}-{len(self.base)}"
        self.folder.mkdir(parents=True, exist_ok=True)
        data.base = self.base
        self.data = data

    def recall(self, ids: np.ndarray) -> dict:
        """Mean recall of the report queries' ids (q, k) and its 95% interval."""
        mean, low, high = measures.mean_interval(self.data.hits(ids, K) / K)
        return {"recall": round(mean, 5), "interval": [round(low, 5), round(high, 5)]}


class Point:
    """One thing to measure. `head`: what the results say of it before it is measured: name, family, bytes_per_row and more."""

    head: dict

    def ids(self) -> np.ndarray:
        """The answers (q, k) to the report queries."""
        raise NotImplementedError

    def rate(self, batch: int, seconds: float) -> tuple[float, float]:
        """Queries a second in calls of `batch`, and the cores that were busy."""
        raise NotImplementedError


class PeerPoint(Point):
    """A peer at one setting, called in this process."""

    def __init__(self, rows: Slice, peer: index_peers.IndexPeer, setting: index_peers.Setting, size: float) -> None:
        self.rows, self.peer, self.setting = rows, peer, setting
        how = index_peers.label(setting)
        self.head = {"name": f"{peer.name}, {how}" if how else peer.name, "contender": peer.name, "family": peer.family, "setting": setting,
                     "bytes_per_row": round(size, 2)}

    def ids(self) -> np.ndarray:
        return self.peer.at(self.setting)(self.rows.report, K)

    def rate(self, batch: int, seconds: float) -> tuple[float, float]:
        search, queries = self.peer.at(self.setting), self.rows.report
        search(queries[: min(batch, 100)], K)
        done, start = 0, 0
        began, busy = time.perf_counter(), time.process_time()
        while time.perf_counter() - began < seconds or done == 0:
            search(queries[start : start + batch], K)
            done += batch
            start = (start + batch) % (len(queries) - batch + 1)
        wall = time.perf_counter() - began
        return done / wall, (time.process_time() - busy) / wall


class AttarCommand(Point):
    """An artifact, asked by the command line: `attar bench` times itself, with no Python between it and the queries. A binding would stand here
    as a subclass of PeerPoint's kind, with the search of an opened artifact; nothing else in this file knows how Attar is called."""

    def __init__(self, rows: Slice, packed: dict) -> None:
        self.rows, self.file = rows, Path(packed["file"])
        self.head = {"name": packed["name"], "contender": packed["name"], "family": "attar", "setting": {"budget": packed["budget"],
                     "floor": packed["floor"]}, "plan": packed["plan"], "bytes_per_row": round(packed["bytes_per_row"], 2)}

    def ids(self) -> np.ndarray:
        return attar_cli.search(self.file, self.rows.query_file("report"), K)

    def rate(self, batch: int, seconds: float) -> tuple[float, float]:
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        found = attar_cli.bench(self.file, self.rows.query_file("report"), batch, seconds / 5)  # it makes five rounds of its own
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return found, busy / (time.perf_counter() - began)


class Results:
    """The JSON of a set: lines by name under "builds", "absent" and "points", written after each change."""

    def __init__(self, path: Path, head: dict) -> None:
        self.path = path
        old = measures.read_json(path)
        self.value = head | {"runs": old.get("runs", [])}
        self.lines = {key: {line["name"]: line for line in old.get(key, [])} for key in ("builds", "absent", "points")}

    def put(self, key: str, line: dict) -> None:
        self.lines[key][line["name"]] = line

    def drop(self, key: str, name: str) -> None:
        self.lines[key].pop(name, None)

    def write(self) -> None:
        measures.write_json(self.path, self.value | {key: list(lines.values()) for key, lines in self.lines.items()})


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def attar_name(budget: int, floor: str, index: str = "") -> str:
    return f"attar {index + ' ' if index else ''}{budget} B" + (f", recall {floor}" if floor != "none" else "")


def pack(rows: Slice, budget: int, floor: str, program: str, index: str = "") -> dict:
    """Attar's artifact for a budget and a floor, of the `index` that is named or the planner's own, kept or made now; "unreached" in place of
    the rest where the planner found no such plan."""
    name = attar_name(budget, floor, index)
    note = rows.folder / f"{index_peers.slug(name)}.json"
    wanted = {"name": name, "program": program, "budget": budget, "floor": floor}
    kept = measures.read_json(note)
    if wanted.items() <= kept.items():
        return kept
    goal = (("--recall", f"{floor}@{K}") if floor != "none" else ()) + (("--index", index) if index else ())
    file = rows.folder / index_peers.slug(name)
    try:
        made = attar_cli.pack(rows.file, budget, rows.query_file("tune"), str(file.relative_to(OUT)), index_peers.BUILD_THREADS, goal)
        found = {"file": str(made["file"]), "plan": made["plan"], "bytes_per_row": made["bytes_per_row"], "seconds": round(made["seconds"], 2),
                 "peak_mb": round(made["peak_mb"], 1)}
    except attar_cli.Failed as failed:
        if "status 3" not in str(failed):
            raise
        found = {"unreached": True}
    note.write_text(json.dumps(wanted | found))
    return wanted | found


def attar_points(rows: Slice, results: Results, floors: list[str], only: list[str] | None) -> list[Point]:
    goals = [(budget, floor) for budget in budgets(rows.base.shape[1]) for floor in floors if chosen(attar_name(budget, floor), only)]
    if not goals:
        return []
    if not attar_cli.available():
        results.put("absent", {"name": "attar", "reason": f"{attar_cli.binary().name} is not built: build it with the release preset"})
        return []
    program = digest(attar_cli.binary())
    if results.value.get("attar_program") not in (None, program):
        print("  another attar than in the results: its points are measured again")
        for name in [name for name, line in results.lines["points"].items() if line["family"] == "attar"]:
            results.drop("points", name)
    results.value["attar_program"] = program
    results.drop("absent", "attar")
    out: list[Point] = []
    for budget, floor in goals:
        packed = pack(rows, budget, floor, program)
        if "unreached" in packed:
            print(f"  {packed['name']}: no plan reaches this floor", flush=True)
            continue
        print(f"  {packed['name']}: {packed['plan']}, {packed['bytes_per_row']:.1f} B, {packed['seconds']:.1f} s", flush=True)
        results.put("builds", {key: packed[key] for key in ("name", "seconds", "peak_mb")} | {"bytes_per_row": round(packed["bytes_per_row"], 3)})
        out.append(AttarCommand(rows, packed))
        results.write()
    return out


def peer_points(rows: Slice, results: Results, only: list[str] | None) -> list[Point]:
    out: list[Point] = []
    for peer in index_peers.all_peers():
        if not chosen(peer.name, only):
            continue
        try:
            built = index_peers.build_apart(peer, rows.file, len(rows.base), rows.folder)
            index_peers.open_built(peer, rows.folder)
        except index_peers.Absent as reason:
            print(f"  {peer.name}: absent: {reason}", flush=True)
            results.put("absent", {"name": peer.name, "reason": str(reason)})
            continue
        results.drop("absent", peer.name)
        results.put("builds", {key: built[key] for key in ("name", "seconds", "cores", "peak_mb", "bytes_per_row")})
        print(f"  {peer.name}: {built['bytes_per_row']:.1f} B, {built['seconds']:.1f} s{' (kept)' if built['kept'] else ''}", flush=True)
        out += [PeerPoint(rows, peer, setting, built["bytes_per_row"]) for setting in peer.settings()]
        results.write()
    return out


def chosen(name: str, only: list[str] | None) -> bool:
    return only is None or any(name.startswith(start) for start in only)


def measure_recall(rows: Slice, points: list[Point], results: Results, again: bool) -> list[Point]:
    """Those worth timing: recall of all is measured, cheap settings first, until a contender falls below LEAST_RATE."""
    slow: set[str] = set()
    kept = []
    for point in points:
        head, known = point.head, results.lines["points"].get(point.head["name"])
        if head["contender"] in slow:
            continue
        fresh = again or known is None or known["bytes_per_row"] != head["bytes_per_row"]
        if fresh:
            began = time.perf_counter()
            found = rows.recall(point.ids())
            about = len(rows.report) / (time.perf_counter() - began)
            known = head | found | {"rates": {str(batch): [] for batch in BATCHES}, "cores": 0.0, "queries_per_second": {}}
            if isinstance(point, PeerPoint) and about < LEAST_RATE:
                print(f"  {head['name']}: below {LEAST_RATE:g} queries a second: left out, and all dearer settings")
                slow.add(head["contender"])
                continue
            results.put("points", known)
            results.write()
            print(f"  {head['name']:52s} {head['bytes_per_row']:8.1f} B  recall@{K} {known['recall']:.4f}", flush=True)
        kept.append(point)
    return kept


def measure_rates(points: list[Point], results: Results, rounds: int, seconds: float) -> None:
    for done in range(rounds):
        for batch in BATCHES:
            for point in points:
                line = results.lines["points"][point.head["name"]]
                rates = line["rates"][str(batch)]
                if len(rates) > done:
                    continue
                rate, cores = point.rate(batch, seconds)
                rates.append(round(rate, 1))
                line["cores"] = max(line["cores"], round(cores, 2))
                line["queries_per_second"][str(batch)] = round(float(np.median(rates)), 1)
            results.write()
        print(f"  round {done + 1} of {rounds}, load {os.getloadavg()[0]:.2f}", flush=True)


def report(points: list[Point], results: Results) -> None:
    for point in points:
        line = results.lines["points"][point.head["name"]]
        print(f"  {line['name']:52s} {line['bytes_per_row']:8.1f} B  recall {line['recall']:.4f}  q/s "
              + "  ".join(f"{batch}: {line['queries_per_second'][str(batch)]:9.1f}" for batch in BATCHES)
              + (f"  {line['cores']:.2f} CORES" if line["cores"] > 1.1 else ""))


def versions() -> dict[str, str]:
    out = {"python": platform.python_version(), "numpy": np.__version__}
    for library in sorted({peer.package for peer in index_peers.all_peers()}):
        try:
            out[library] = index_peers.version(library)
        except index_peers.Absent:
            pass
    return out


def measure(options: argparse.Namespace) -> None:
    rows = Slice(options.set, options.rows)
    n, d = rows.base.shape
    print(f"{options.set}: {n} x {d}", flush=True)
    results = Results(results_path(options.set, options.rows), {
        "set": options.set, "about": rows.about, "rows": n, "dimensions": d, "queries": len(rows.report), "k": K, "threads": 1,
        "build_threads": index_peers.BUILD_THREADS, "strong_bytes": round(STRONG * d / 384), "cpu": speed.cpu(), "versions": versions()})
    points = peer_points(rows, results, options.only)
    points += attar_points(rows, results, options.floors.split(","), options.only)
    points = measure_recall(rows, points, results, options.again)
    started = {"command": shlex.join(["./do", "bench", "curves", *sys.argv[1:]]), "date": datetime.date.today().isoformat(),
               "rounds": options.rounds, "seconds": options.seconds, "only": options.only, "load": round(os.getloadavg()[0], 2)}
    results.value["runs"] = [*results.value["runs"], started]
    measure_rates(points, results, options.rounds, options.seconds)
    results.write()
    report(points, results)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="manuals", choices=datasets.SETS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--only", action="append", metavar="NAME", help="only what begins so; may be given again")
    parser.add_argument("--floors", default=",".join(FLOORS), help="floors of recall@10 to pack for, none: the best recall (%(default)s)")
    parser.add_argument("--again", action="store_true", help="measure also what the results already hold")
    parser.add_argument("--rows", type=int, help="only the first N rows; results to bench/out")
    options = parser.parse_args()
    try:
        measure(options)
    except datasets.Missing as missing:
        sys.exit(f"skipped: {missing}")


if __name__ == "__main__":
    main()
