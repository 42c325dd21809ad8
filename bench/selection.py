"""Whether `attar select` finds the kind of text that a target is of, beside other ways that need no model.

    python bench/selection.py [--tune]

Six kinds of texts (package descriptions, abstracts of aerodynamics, sentences that may answer questions, encyclopaedia passages, lines of logs, requests to a bank), shuffled by a fixed seed, each cut
into halves: the formula was chosen on the first (--tune shows it), the second is reported. Pool: up to 600 of each kind; target: 50 others of one; 300 are chosen. Precision: the share of them that is of the
target's kind, mean over the six targets; chance gives about a sixth.
random    chosen by a seed.
shortest  the shortest texts: what a measure that forgets to divide by length does.
ZIP-FIT   the paper's: the mean over the target's texts of the normalised compression distance by gzip.
DSIR      hashed words and pairs of words, 10,000 buckets, log ratio of target to pool a feature (Xie et al. 2023, without the resampling noise: the best are taken).
Seconds: attar's whole command on one thread, of the others their scoring. Speed: the pool of 100,000 documents (bench/corpora.py), 50 examples, one thread.
Results: bench/results/selection.json
"""
from __future__ import annotations

from datasets import OUT, RESULTS

import argparse
import csv
import json
import random
import re
import sys
import time
import zlib
from pathlib import Path

import numpy as np

import attar_cli
import corpora
import measures
import speed

TARGETS, POOL, CHOSEN, BUCKETS, LOGS = 50, 600, 300, 10_000, ("Android", "BGL", "HPC", "HealthApp", "Mac", "OpenStack", "Spark", "Windows")
FOLDER = OUT / "select"
WORD = re.compile(r"\w+")


def kinds(half: int) -> dict[str, list[str]]:
    text = corpora.TEXT
    logs = [line.strip() for name in LOGS for line in (text.parent / "logs" / f"{name}_2k.log").open(errors="replace")]
    with (text / "wang_train.csv").open() as sentences, (text / "banking77_train.csv").open() as requests:
        found = {
            "descriptions": corpora.debian(),
            "abstracts": [json.loads(line)["text"].strip() for line in (text / "cranfield" / "corpus.jsonl").open()],
            "sentences": [row["atext"] for row in csv.DictReader(sentences)],
            "passages": corpora.passages(),
            "logs": logs,
            "requests": [row[0] for row in list(csv.reader(requests))[1:]],
        }
    out = {}
    for name, texts in found.items():
        own = sorted({t.replace("\n", " ") for t in texts if t.strip()})
        random.Random(1).shuffle(own)
        middle = len(own) // 2
        out[name] = own[:middle] if half == 0 else own[middle:]
    return out


def attar(pool: list[str], target: list[str]) -> list[int]:
    files = FOLDER / "pool.jsonl", FOLDER / "target.jsonl", FOLDER / "chosen.jsonl"
    for file, texts in zip(files, (pool, target)):
        file.write_text("".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in enumerate(texts)))
    attar_cli.call("select", str(files[0]), "--like", str(files[1]), "--budget", f"{CHOSEN}docs", "-o", str(files[2]), "-f", "-q", "-T", "1")
    return [json.loads(line)["id"] for line in files[2].open()]


def best(scores: np.ndarray) -> list[int]:
    return np.argsort(scores, kind="stable")[:CHOSEN].tolist()


def zipfit(pool: list[str], target: list[str]) -> list[int]:
    def size(text: str) -> int:
        return len(zlib.compress(text.encode(), 6))

    own = [size(t) for t in target]
    scores = []
    for text in pool:
        alone = size(text)
        scores.append(np.mean([(size(text + t) - min(alone, s)) / max(alone, s) for t, s in zip(target, own)]))
    return best(np.array(scores))


def features(text: str) -> list[int]:
    words = WORD.findall(text.lower())
    return [zlib.crc32(w.encode()) % BUCKETS for w in words + [f"{a} {b}" for a, b in zip(words, words[1:])]]


def dsir(pool: list[str], target: list[str]) -> list[int]:
    pools, targets = [features(t) for t in pool], [features(t) for t in target]

    def logs(found: list[list[int]]) -> np.ndarray:
        counts = np.bincount(np.concatenate([np.array(f, int) for f in found]), minlength=BUCKETS) + 1.0
        return np.log(counts / counts.sum())

    ratio = logs(targets) - logs(pools)
    return best(np.array([-ratio[f].sum() if f else 0.0 for f in pools]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tune", action="store_true")
    options = parser.parse_args()
    if not corpora.TEXT.is_dir():
        sys.exit(f"skipped: {corpora.TEXT} is absent; point ATTAR_DATA to the folder that holds text/")
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = kinds(0 if options.tune else 1)
    labelled = [(name, t) for name, own in texts.items() for t in own[TARGETS : TARGETS + POOL]]
    random.Random(2).shuffle(labelled)
    pool = [t for _, t in labelled]
    ways = {
        "attar": attar,
        "random": lambda p, t: random.Random(3).sample(range(len(p)), CHOSEN),
        "shortest": lambda p, t: best(np.array([len(x) for x in p])),
        "ZIP-FIT": zipfit,
        "DSIR": dsir,
    }
    lines = []
    for name, way in ways.items():
        precision, started = {}, time.perf_counter()
        for kind, own in texts.items():
            chosen = way(pool, own[:TARGETS])
            precision[kind] = round(sum(labelled[i][0] == kind for i in chosen) / len(chosen), 4)
        line = {"name": name, "mean": round(float(np.mean(list(precision.values()))), 4), "precision": precision, "seconds": round((time.perf_counter() - started) / len(texts), 3)}
        lines.append(line)
        print(f"{name:10} precision {line['mean']:.4f}, {line['seconds']:.2f} s a target; {precision}", flush=True)
    if options.tune:
        return
    try:
        file = corpora.corpus("100k")
    except corpora.Missing as missing:
        sys.exit(f"skipped: {missing}")
    _, seconds, peak = attar_cli.call("select", str(file), "--like", str(FOLDER / "target.jsonl"), "--budget", "1MB", "-o", str(FOLDER / "chosen.jsonl"), "-f", "-q", "-T", "1")
    rate = file.stat().st_size / seconds / 1e6
    print(f"{file.name}: {seconds:.1f} s, {rate:.1f} MB/s, peak {peak:.0f} MB")
    measures.write_json(RESULTS / "selection.json", {"command": "python bench/selection.py", "cpu": speed.cpu(), "pool": len(pool), "chosen": CHOSEN, "lines": lines, "megabytes_per_second": round(rate, 2), "peak_mb": round(peak)})


if __name__ == "__main__":
    main()
