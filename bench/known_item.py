"""Known-item search as CoRECT does it: each title looks for its own row, in corpora of 1,000, 10,000 and 60,000 rows.

    python bench/known_item.py [--only peers|attar] [--again]

The 2,000 report titles of the debian set; a title finds its row when a returned row is that row or an exact copy of it (cosine at least
1 - 1e-6). The corpora are nested and made by a seed: 60,000 rows hold every title's row and random others, 10,000 of them likewise;
the smallest are four corpora of 1,000 rows, each with the rows of a quarter of the titles. hit@1, hit@10 and MRR@10, bytes = whole file
/ rows. Attar gets the bytes that each peer spends; differences are paired by title, with 95% intervals. The exact search is the ceiling.
Results: bench/results/known_item.json
"""
from __future__ import annotations

import datasets
from datasets import OUT, RESULTS

import argparse
import sys

import numpy as np

import attar_cli
import measures

K, SEED, PARTS = 10, 5, 4
PATH = RESULTS / "known_item.json"


class Corpus:
    """Rows `base` (n, d), queries (q, d), and the place of each query's own row."""

    def __init__(self, name: str, base: np.ndarray, queries: np.ndarray, own: np.ndarray) -> None:
        self.name, self.base, self.queries, self.own = name, base, queries, own

    def ranks(self, ids: np.ndarray) -> np.ndarray:
        """The place (1..K) at which each query's row is found, 0 where it is not."""
        found = np.zeros((len(ids), K), bool)
        for i, row in enumerate(ids[:, :K]):
            valid = row >= 0
            found[i, valid] = self.base[row[valid]] @ self.base[self.own[i]] >= 1 - datasets.TIE
        return np.where(found.any(1), found.argmax(1) + 1, 0)


def corpora(data: datasets.Dataset) -> dict[int, list[Corpus]]:
    """By size, the corpora of that size; the concatenation of their queries is all report titles in order."""
    own = datasets.titles()[datasets.SPLIT : 2 * datasets.SPLIT]
    needed = np.unique(own)
    others = np.setdiff1d(np.arange(len(data.base)), needed)
    others = np.random.default_rng(SEED).permutation(others)
    out = {}
    for size in (1_000, 10_000, 60_000):
        parts = PARTS if size < 2 * len(needed) else 1
        out[size] = []
        for part, of in enumerate(np.array_split(np.arange(len(own)), parts)):
            kept = np.unique(own[of])
            rows = np.sort(np.concatenate([kept, others[: size - len(kept)]]))
            out[size].append(Corpus(f"known-{size}-{part}", np.ascontiguousarray(data.base[rows]), np.ascontiguousarray(data.report[of]),
                                    np.searchsorted(rows, own[of])))
    return out


def summary(name: str, rows: int, size: float, ranks: np.ndarray) -> dict:
    place = np.where(ranks > 0, ranks, np.inf)
    row = {"name": name, "rows": rows, "bytes_per_row": round(size, 3), "hit@1": round(float((ranks == 1).mean()), 5),
           "hit@10": round(float((ranks > 0).mean()), 5), "mrr@10": round(float((1 / place).mean()), 5), "ranks": measures.pack_counts(ranks)}
    print(f"  {rows:6d} rows  {name:32s} {size:8.1f} B  hit@1 {row['hit@1']:.4f}  hit@10 {row['hit@10']:.4f}  MRR {row['mrr@10']:.4f}", flush=True)
    return row


def exact(corpus: Corpus) -> np.ndarray:
    scores = corpus.queries @ corpus.base.T
    return np.argsort(-scores, axis=1, kind="stable")[:, :K]


def measure_peer(make, group: list[Corpus]) -> tuple[float, np.ndarray]:
    """Mean bytes a row and ranks of a fresh peer on every corpus of one size; `make` gives an unbuilt peer."""
    sizes, ranks = [], []
    for corpus in group:
        peer = make()
        sizes.append(peer.build(corpus.base))
        ranks.append(corpus.ranks(peer.search(corpus.queries, K)))
    return float(np.mean(sizes)), np.concatenate(ranks)


def measure_attar(group: list[Corpus], budget: float, tune: np.ndarray) -> tuple[float, np.ndarray]:
    sizes, ranks = [], []
    for corpus in group:
        files = {"base": corpus.base, "queries": corpus.queries, "tune": tune}
        for part, vectors in files.items():
            np.save(OUT / f"{corpus.name}-{part}.npy", vectors)
        packed = attar_cli.pack(OUT / f"{corpus.name}-base.npy", budget, OUT / f"{corpus.name}-tune.npy", corpus.name)
        sizes.append(packed["bytes_per_row"])
        ranks.append(corpus.ranks(attar_cli.search(packed["file"], OUT / f"{corpus.name}-queries.npy", K)))
    return float(np.mean(sizes)), np.concatenate(ranks)


def peer_makers() -> dict:
    import peers

    d = 384
    makers = {f"turbovec {b} bit": (lambda b=b: peers.Turbovec(b)) for b in (2, 4)}
    makers |= {f"faiss EDEN{b}": (lambda b=b: peers.Faiss("faiss EDEN", f"faiss EDEN{b}", f"RR{d},EDEN{b}")) for b in (1, 2, 4)}
    makers |= {"faiss SQ4": lambda: peers.Faiss("faiss SQ", "faiss SQ4", "SQ4"), "faiss SQ8": lambda: peers.Faiss("faiss SQ", "faiss SQ8", "SQ8")}
    return makers | {f"RaBitQ library {b} bit": (lambda b=b: peers.RabitqIvf(b)) for b in (1, 4)}


def reciprocal(row: dict) -> np.ndarray:
    ranks = measures.unpack_counts(row["ranks"])
    return np.where(ranks > 0, 1 / np.maximum(ranks, 1), 0)


def compare(result: dict) -> None:
    """Attar less each peer at that peer's bytes, and everything less the exact search, paired by title."""
    by_key = {(row["rows"], row["name"]): row for row in result["points"]}
    out = []
    for (rows, name), row in by_key.items():
        rivals = [name.removeprefix("attar at ")] if name.startswith("attar at ") else []
        for rival in rivals + (["exact"] if name != "exact" else []):
            other = by_key.get((rows, rival))
            if other is None:
                continue
            entry = {"rows": rows, "name": name, "less": rival}
            for label, cut in (("hit@1", 1), ("hit@10", K)):
                inside = [(lambda r: (r > 0) & (r <= cut))(measures.unpack_counts(x["ranks"])).astype(float) for x in (row, other)]
                entry[label] = [round(v, 5) for v in measures.mean_interval(inside[0] - inside[1])]
            entry["mrr@10"] = [round(v, 5) for v in measures.mean_interval(reciprocal(row) - reciprocal(other))]
            out.append(entry)
    result["paired"] = out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("peers", "attar"))
    parser.add_argument("--again", action="store_true", help="measure also what the results already hold")
    options = parser.parse_args()
    try:
        data = datasets.load("debian")
        groups = corpora(data)
    except datasets.Missing as missing:
        sys.exit(f"skipped: {missing}")
    result = {"k": K, "queries": len(data.report), "points": []} | measures.read_json(PATH)
    done = {(row["rows"], row["name"]) for row in result["points"]}

    def keep(row: dict) -> None:
        result["points"] = [r for r in result["points"] if (r["rows"], r["name"]) != (row["rows"], row["name"])] + [row]
        compare(result)
        measures.write_json(PATH, result)

    for rows, group in groups.items():
        if options.only != "attar":
            if options.again or (rows, "exact") not in done:
                keep(summary("exact", rows, 4.0 * data.base.shape[1], np.concatenate([c.ranks(exact(c)) for c in group])))
            for name, make in peer_makers().items():
                if options.again or (rows, name) not in done:
                    keep(summary(name, rows, *measure_peer(make, group)))
        if options.only != "peers" and attar_cli.available():
            for peer in [r for r in result["points"] if r["rows"] == rows and not r["name"].startswith("attar") and r["name"] != "exact"]:
                name = f"attar at {peer['name']}"
                if options.again or (rows, name) not in done:
                    keep(summary(name, rows, *measure_attar(group, peer["bytes_per_row"], data.tune)))


if __name__ == "__main__":
    main()
