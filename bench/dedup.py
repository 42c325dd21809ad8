"""Near-duplicates among 100,000 real documents: Attar against rensa, datasketch and semhash, one thread each, and all of them against the exact truth.

    python bench/dedup.py [--rounds N] [--corpus tune] [--without datasketch,semhash]

Everyone compares the same shingles: runs of three words, words being runs of letters, marks, digits and underscores, in small letters. Threshold 0.8.
truth      all pairs with exact Jaccard >= 0.8 (a prefix filter that loses none), their connected components, and the first of each.
           What a contender keeps is compared with it as a set of documents, by Jaccard; `lost` were left out though the truth keeps them, `left` the other way round.
whole      a file in, a file of kept lines out, the process's start included: JSON, words, shingles, sketches, candidates, output. The peers read and shingle in Python,
           as their users do. Attar verifies every pair and flushes its output to disk; of the peers nobody verifies but "rensa, verified".
core       the peers from lists of shingles at hand to flags of duplicates, without reading or shingling; beside Attar's whole command, which reads, shingles, verifies and writes.
rensa      rho: digest_matrix_from_token_sets_rho and query_duplicate_flags_matrix_one_shot, 128 values and 8 bands, the quickest of its documentation, which samples the shingles.
           It gives flags only, no pairs: a flagged document shares a band with some other. `kept` are the unflagged, and of the flagged the first of each exact text.
           full: RMinHash of all shingles and RMinHashDeduplicator (128 values, bands, threshold 0.8), its documented way to unique documents.
           verified: the same sketches with 16 bands of 8 in RMinHashLSH, its candidates compared exactly in Python.
datasketch MinHash (128 permutations, bulk) and MinHashLSH; a document whose query finds an earlier kept one goes.
semhash    another notion of alike, by meaning: with its vectors from Attar's encoder (it would fetch a model), cosine 0.95. Beside it `attar dedup --exact --semantic 0.95`, and what is
           kept when all pairs are compared in the same order.
Rounds are interleaved; medians. Results: bench/results/dedup.json
"""
from __future__ import annotations

from datasets import OUT, RESULTS

import argparse
import importlib.metadata
import json
import math
import re
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import attar_cli
import corpora
import measures
import speed

THRESHOLD, RUN, VALUES, COSINE = 0.8, 3, 128, 0.95
WORD = re.compile(r"\w+")


def texts_of(file: Path) -> list[str]:
    return [json.loads(line)["text"] for line in file.open()]


def shingles(text: str) -> list[str]:
    words = WORD.findall(text.lower())
    return [" ".join(words[i : i + RUN]) for i in range(max(1, len(words) - RUN + 1))] if words else []


class Components:
    def __init__(self, size: int):
        self.parents = list(range(size))

    def root(self, i: int) -> int:
        while self.parents[i] != i:
            self.parents[i] = self.parents[self.parents[i]]
            i = self.parents[i]
        return i

    def join(self, a: int, b: int) -> None:
        a, b = self.root(a), self.root(b)
        self.parents[max(a, b)] = min(a, b)

    def firsts(self) -> set[int]:
        return {i for i in range(len(self.parents)) if self.root(i) == i}


def truth(file: Path) -> set[int]:
    """Of every connected component of pairs with exact Jaccard >= THRESHOLD the first document."""
    texts = texts_of(file)
    components, names, numbers, sets = Components(len(texts)), {}, {}, {}
    for i, text in enumerate(texts):
        name = tuple(WORD.findall(text.lower())) or text
        if name in names:
            components.join(names[name], i)
            continue
        names[name] = i
        if own := {numbers.setdefault(s, len(numbers)) for s in shingles(text)}:
            sets[i] = own
    counts = [0] * len(numbers)
    for own in sets.values():
        for s in own:
            counts[s] += 1
    index = defaultdict(list)
    for i in sorted(sets, key=lambda i: len(sets[i])):
        own = sets[i]
        rare = sorted(own, key=lambda s: (counts[s], s))[: len(own) - math.ceil(THRESHOLD * len(own) - 1e-9) + 1]
        for j in {j for s in rare for j in index[s] if len(sets[j]) >= THRESHOLD * len(own) - 1e-9}:
            common = len(own & sets[j])
            if common / (len(own) + len(sets[j]) - common) >= THRESHOLD:
                components.join(i, j)
        for s in rare:
            index[s].append(i)
    return components.firsts()


def attar(file: Path) -> tuple[dict, set[int]]:
    out = OUT / "kept.jsonl"
    out.unlink(missing_ok=True)
    text, seconds, peak = attar_cli.call("dedup", str(file), "--near", str(THRESHOLD), "--shingles", f"{RUN}w", "-T", "1", "-o", str(out), "--json")
    report = json.loads(text)
    return {"whole": seconds, "own": sum(report["seconds"].values()), "peak_mb": peak, "report": report}, {json.loads(line)["id"] for line in out.open()}


# A peer's core: lists of shingles to the numbers of the documents that are kept.
def rensa_rho(documents: list[list[str]]) -> set[int]:
    from rensa import RMinHash, RMinHashLSH  # noqa: PLC0415

    matrix = RMinHash.digest_matrix_from_token_sets_rho(documents, VALUES, 42)
    flags = RMinHashLSH(threshold=THRESHOLD, num_perm=VALUES, num_bands=8).query_duplicate_flags_matrix_one_shot(matrix)
    seen, kept = set(), set()
    for i, flag in enumerate(flags):
        if not flag:
            kept.add(i)
        elif (key := tuple(documents[i])) not in seen:
            seen.add(key)
            kept.add(i)
    return kept


def rensa_full(documents: list[list[str]]) -> set[int]:
    from rensa import RMinHashDeduplicator  # noqa: PLC0415

    keep = RMinHashDeduplicator(threshold=THRESHOLD, num_perm=VALUES, use_lsh=True).add_pairs((str(i), d) for i, d in enumerate(documents))
    return {i for i, kept in enumerate(keep) if kept}


def rensa_verified(documents: list[list[str]]) -> set[int]:
    from rensa import RMinHash, RMinHashLSH  # noqa: PLC0415

    components, names, first = Components(len(documents)), {}, []
    for i, d in enumerate(documents):
        at = names.setdefault(tuple(d), i)
        if at == i:
            first.append(i)
        else:
            components.join(at, i)
    sketches = RMinHash.from_token_sets([documents[i] for i in first], VALUES, 42)
    lsh = RMinHashLSH(threshold=THRESHOLD, num_perm=VALUES, num_bands=16)
    lsh.insert_many(sketches)
    sets = [set(documents[i]) for i in first]
    for i, others in enumerate(lsh.query_all(sketches)):
        for j in others:
            if j >= i or components.root(first[i]) == components.root(first[j]):
                continue
            common = len(sets[i] & sets[j])
            if common and common / (len(sets[i]) + len(sets[j]) - common) >= THRESHOLD:
                components.join(first[i], first[j])
    return components.firsts()


def datasketch(documents: list[list[str]]) -> set[int]:
    from datasketch import MinHash, MinHashLSH  # noqa: PLC0415

    lsh, kept = MinHashLSH(threshold=THRESHOLD, num_perm=VALUES), set()
    for i, sketch in enumerate(MinHash.generator([[s.encode() for s in d] for d in documents], num_perm=VALUES)):
        if lsh.query(sketch):
            continue
        lsh.insert(i, sketch)
        kept.add(i)
    return kept


CORES = {"rensa rho": rensa_rho, "rensa full": rensa_full, "rensa verified": rensa_verified, "datasketch": datasketch}


def semhash(file: Path) -> dict:
    """Vectors by `attar embed`, whose time is beside; then semhash's own work from vectors at hand."""
    import numpy as np  # noqa: PLC0415
    from semhash import SemHash  # noqa: PLC0415

    vectors = OUT / "corpus-vectors.npy"
    embed, _, _ = attar_cli.call("embed", str(file), "-o", str(vectors), "-f", "-T", "1", "--json")
    texts, values = texts_of(file), np.load(vectors)
    started = time.perf_counter()
    found = SemHash.from_embeddings(values, [t or "-" for t in texts], model=None, columns=["text"]).self_deduplicate(threshold=COSINE)
    core = time.perf_counter() - started
    out = OUT / "kept-semantic.jsonl"
    text, seconds, _ = attar_cli.call("dedup", str(file), "--exact", "--semantic", str(COSINE), "-T", "1", "-o", str(out), "-f", "--json")
    kept, all_pairs = {json.loads(line)["id"] for line in out.open()}, apart(values, texts)
    return {"name": "semhash", "core": round(core, 3), "kept": len(found.selected), "embed_seconds": round(json.loads(embed)["seconds"], 3), "attar_semantic_whole": round(seconds, 3),
            "attar_semantic_kept": json.loads(text)["kept"], "all_pairs_kept": len(all_pairs), "attar_with_all_pairs": round(len(kept & all_pairs) / len(kept | all_pairs), 5)}


def apart(vectors, texts: list[str]) -> set[int]:
    """What --semantic would keep if it compared all pairs: in order, each text whose cosine to every kept one is at most COSINE."""
    import numpy as np  # noqa: PLC0415

    names = set()
    rows = [i for i, t in enumerate(texts) if (name := tuple(WORD.findall(t.lower())) or t) not in names and not names.add(name)]
    kept, numbers, count = np.empty((len(rows), vectors.shape[1]), np.float32), [], 0
    for first in range(0, len(rows), 512):
        block = vectors[rows[first : first + 512]]
        like = (block @ kept[:count].T > COSINE).any(1) if count else np.zeros(len(block), bool)
        among, before = block @ block.T > COSINE, []
        for i in np.flatnonzero(~like):
            if not among[i, before].any():
                before.append(i)
        kept[count : count + len(before)] = block[before]
        count += len(before)
        numbers += [rows[first + i] for i in before]
    return set(numbers)


def run_peer(name: str, file: Path) -> None:
    """In a process of its own, as a user's script: the whole, and of it the core."""
    documents = [shingles(text) for text in texts_of(file)]
    started = time.perf_counter()
    kept = CORES[name](documents)
    core = time.perf_counter() - started
    with (OUT / "kept-peer.jsonl").open("w") as out:
        out.writelines(line for i, line in enumerate(file.open()) if i in kept)
    print(json.dumps({"core": core, "kept": sorted(kept)}))


def peer(name: str, file: Path) -> tuple[dict, set[int]]:
    started = time.perf_counter()
    done = subprocess.run([sys.executable, __file__, "--peer", name, "--file", str(file)], check=True, capture_output=True, text=True)
    report = json.loads(done.stdout)
    return {"whole": time.perf_counter() - started, "core": report["core"]}, set(report["kept"])


def compared(kept: set[int], exact: set[int]) -> dict:
    return {"kept": len(kept), "jaccard": round(len(kept & exact) / len(kept | exact), 6), "lost": len(exact - kept), "left": len(kept - exact)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--corpus", default="100k", choices=("100k", "tune"))
    parser.add_argument("--without", default="")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        run_peer(options.peer, options.file)
        return
    try:
        file = corpora.corpus(options.corpus)
    except corpora.Missing as missing:
        sys.exit(f"skipped: {missing}")
    exact = truth(file)
    without = options.without.split(",")
    times, kept = defaultdict(list), {}
    for round_number in range(options.rounds):
        line, kept["attar"] = attar(file)
        times["attar"].append(line)
        for name in CORES:
            if name in without or (name == "datasketch" and round_number > 0):  # minutes: once
                continue
            line, kept[name] = peer(name, file)
            times[name].append(line)
    lines = []
    for name, rounds in times.items():
        median = {key: round(statistics.median(r[key] for r in rounds), 4) for key in ("whole", "own", "core", "peak_mb") if key in rounds[0]}
        lines.append({"name": name, "rounds": len(rounds)} | median | compared(kept[name], exact))
        print(f"{name:15} " + ", ".join(f"{key} {value:,.3f}" if key != "peak_mb" else f"peak {value:,.0f} MB" for key, value in median.items())
              + f" (s); kept {lines[-1]['kept']:,}, Jaccard with the truth {lines[-1]['jaccard']:.5f}, lost {lines[-1]['lost']:,}, left {lines[-1]['left']:,}", flush=True)
    if "semhash" not in without:
        lines.append(semhash(file))
        print(lines[-1], flush=True)
    if options.corpus == "100k":
        versions = {name: importlib.metadata.version(name) for name in ("rensa", "datasketch", "semhash") if name not in without}
        report = {key: value for key, value in times["attar"][-1]["report"].items() if key not in ("path", "skipped", "seconds")}
        measures.write_json(RESULTS / "dedup.json", {"command": "python bench/dedup.py", "cpu": speed.cpu(), "threads": 1, "documents": corpora.DOCUMENTS, "exact_kept": len(exact),
                                                     "versions": versions, "attar": report, "lines": lines})


if __name__ == "__main__":
    main()
