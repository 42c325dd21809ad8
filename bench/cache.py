"""The semantic cache on streams of Banking77: errors against what the user allows, and hits against the best fixed threshold and vCache.

    python bench/cache.py [--encoder DIR] [--streams N] [--tune]

Prompts are the 3,080 questions of the test set, answers their intents (--tune: of the training set; all constants were chosen there). A stream shuffles them, or
(skewed) draws intents by Zipf's law and their questions with repeats. Every stream is played through `attar cache replay` at 1, 2 and 5%, with gates and without.
error      wrong answers served / all prompts, the mean over streams with its 95% interval
fixed      one threshold for all streams, chosen in hindsight so that its mean error equals Attar's (between two thresholds of a grid of 0.01: a mixture); every miss is
           cached. The interval is of the paired differences of hits
allowed    the same at an error of exactly what is allowed
vcache     vCache as its paper has it, written from its formulas: a logistic an entry, six outcomes before it serves, the bound of the threshold by its standard error,
           the least exploration over confidences; a prompt is cached where the nearest answer was wrong
oracle     who always knew whether the candidate's answer is right (in Attar's own cache, without gates); known: the answer was in the cache at all
lookup     milliseconds of a lookup among 100,000 entries, one thread, encoding apart: the median of 1,000, in the quietest of seven rounds
Results: bench/results/cache.json, with --encoder cache_bert.json
"""
from __future__ import annotations

from datasets import DATA, OUT, RESULTS

import argparse
import csv
import json
import random
import shutil
import sys
from pathlib import Path

import numpy as np

import attar_cli
import measures
import speed

TEXT = DATA / "text"
FOLDER = OUT / "cache"
ERRORS = (0.01, 0.02, 0.05)
LENGTH = 3080
GRID = np.arange(0.5, 1.0001, 0.01)
Z = 1.959964


class Stream:
    """Prompts by number, the similarities of all pairs, and answers by number."""

    def __init__(self, kind: str, seed: int, texts: list[str], answers: np.ndarray, vectors: np.ndarray) -> None:
        rng = np.random.default_rng(seed)
        if kind == "shuffled":
            chosen = rng.permutation(len(texts))[:LENGTH]
        else:
            intents = rng.permutation(answers.max() + 1)
            weights = 1 / np.arange(1, len(intents) + 1)
            drawn = intents[rng.choice(len(intents), LENGTH, p=weights / weights.sum())]
            members = [np.flatnonzero(answers == i) for i in range(len(intents))]
            chosen = np.array([rng.choice(members[i]) for i in drawn])
        self.kind, self.seed, self.answers = kind, seed, answers[chosen]
        self.similar = vectors[chosen] @ vectors[chosen].T
        self.file = FOLDER / f"{kind}-{seed}.jsonl"
        self.file.write_text("".join(json.dumps({"prompt": texts[i], "answer": f"intent {answers[i]}"}) + "\n" for i in chosen))


def fixed(stream: Stream, threshold: float) -> tuple[int, int]:
    """Hits and wrong ones of one threshold; every miss is cached."""
    kept = np.full(LENGTH, -4.0, np.float32)  # added to similarities: nothing where a prompt is cached
    hits = wrong = 0
    for t in range(LENGTH):
        if t and (near := int(np.argmax(scores := stream.similar[t, :t] + kept[:t]))) >= 0 and scores[near] >= threshold:
            hits += 1
            wrong += int(stream.answers[near] != stream.answers[t])
        else:
            kept[t] = 0
    return hits, wrong


CONFIDENCES = np.linspace(0.005, 0.5, 40)


def quantiles() -> np.ndarray:
    from statistics import NormalDist  # noqa: PLC0415

    return np.array([NormalDist().inv_cdf(1 - e) for e in CONFIDENCES])


QUANTILES = quantiles()


def explore_probability(seen: list[tuple[float, bool]], similarity: float, error: float) -> float:
    """vCache's: P(right) at least (1 - e) * logistic(similarity; threshold at confidence e), for the e that explores least."""
    s = np.array([0.0, 1.0] + [x for x, _ in seen])
    c = np.array([0.0, 1.0] + [float(y) for _, y in seen])
    x = np.stack([np.ones_like(s), s], 1)
    w = np.zeros(2)
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        hessian = (x * (p * (1 - p))[:, None]).T @ x + 1e-3 * np.eye(2)  # outcomes that a threshold separates have no finite fit
        step = np.linalg.solve(hessian, x.T @ (p - c) + 1e-3 * w)
        w -= step
        if np.abs(step).max() < 1e-6:
            break
    slope = max(w[1], 1e-6)
    threshold = -w[0] / slope
    gradient = np.array([-1 / slope, w[0] / slope**2])
    deviation = float(np.sqrt(max(gradient @ np.linalg.inv(hessian) @ gradient, 0)))
    right = (1 - CONFIDENCES) / (1 + np.exp(-np.clip(slope * (similarity - np.clip(threshold + QUANTILES * deviation, 0, 1)), -30, 30)))
    return float(np.min(1 - error / np.maximum(1 - right, 1e-12)))


def vcache(stream: Stream, error: float) -> tuple[int, int]:
    kept = np.full(LENGTH, -4.0, np.float32)
    seen: dict[int, list[tuple[float, bool]]] = {}
    coins = random.Random(stream.seed)
    hits = wrong = 0
    for t in range(LENGTH):
        if t == 0:
            kept[0] = 0
            continue
        scores = stream.similar[t, :t] + kept[:t]
        near = int(np.argmax(scores))
        right = bool(stream.answers[near] == stream.answers[t])
        of = seen.setdefault(near, [])
        if len(of) < 6 or coins.random() < explore_probability(of, float(scores[near]), error):
            of.append((float(scores[near]), right))
            if not right:
                kept[t] = 0
        else:
            hits += 1
            wrong += not right
    return hits, wrong


def replay(stream: Stream, error: float, encoder: str, *extra: str) -> dict:
    out, _, _ = attar_cli.call("cache", "replay", str(stream.file), "--error", f"{error}", "--seed", str(stream.seed), "--json", *(("--encoder", encoder) if encoder else ()), *extra)
    return json.loads(out)


def interval(values: np.ndarray) -> list[float]:
    half = Z * values.std(ddof=1) / len(values) ** 0.5
    return [round(float(values.mean() + sign * half), 5) for sign in (-1, 1)]


def at_error(errors: np.ndarray, hits: np.ndarray, error: float) -> np.ndarray:
    """Hits by stream of the mixture of two thresholds whose mean error is this. errors, hits: thresholds x streams."""
    means = np.maximum.accumulate(errors.mean(1)[::-1])[::-1]  # falling thresholds, more errors
    below = int(np.argmax(means <= error))
    if below == 0:
        return hits[0]
    share = (error - means[below]) / max(means[below - 1] - means[below], 1e-12)
    return share * hits[below - 1] + (1 - share) * hits[below]


def measure(kind: str, streams: list[Stream], encoder: str) -> list[dict]:
    frontier = np.array([[fixed(s, threshold) for s in streams] for threshold in GRID]) / LENGTH
    fixed_hits, fixed_errors = frontier[:, :, 0], frontier[:, :, 1]
    lines = []
    for error in ERRORS:
        line = {"streams": kind, "count": len(streams), "allowed": error}
        for name, extra in (("attar", ()), ("attar without gates", ("--no-gates",))):
            runs = [replay(s, error, encoder, *extra) for s in streams]
            hits, wrong = (np.array([r[key] for r in runs]) / LENGTH for key in ("hits", "wrong"))
            rival = at_error(fixed_errors, fixed_hits, float(wrong.mean()))
            line[name] = {"error": round(float(wrong.mean()), 5), "error_interval": interval(wrong), "error_deviation": round(float(wrong.std(ddof=1)), 5), "hits": round(float(hits.mean()), 4),
                          "wrong_of_hits": round(float(wrong.sum() / hits.sum()), 4), "explored": round(float(np.mean([r["by"]["explored"] for r in runs])) / LENGTH, 4),
                          "gated": round(float(np.mean([r["by"]["gated"] for r in runs])) / LENGTH, 4), "fixed": round(float(rival.mean()), 4), "above_fixed": interval(hits - rival)}
            oracle, known = (round(float(np.mean([r[key] for r in runs])) / LENGTH, 4) for key in ("candidate_right", "answer_known"))
        line |= {"oracle": oracle, "known": known, "fixed_allowed": round(float(at_error(fixed_errors, fixed_hits, error).mean()), 4)}
        paper = np.array([vcache(s, error) for s in streams]) / LENGTH
        line["vcache"] = {"hits": round(float(paper[:, 0].mean()), 4), "error": round(float(paper[:, 1].mean()), 5), "error_interval": interval(paper[:, 1])}
        own = line["attar"]
        print(f"{kind:9} {error:.0%}: error {own['error']:.4f} {own['error_interval']}, of hits {own['wrong_of_hits']:.3f}; hits {own['hits']:.3f}, fixed {own['fixed']:.3f} at equal error (above {own['above_fixed']}), "
              f"{line['fixed_allowed']:.3f} at {error:.0%}; vCache {line['vcache']['hits']:.3f} at {line['vcache']['error']:.4f}; without gates {line['attar without gates']['hits']:.3f} at {line['attar without gates']['error']:.4f} "
              f"(fixed {line['attar without gates']['fixed']:.3f}); oracle {oracle:.3f}, known {known:.3f}", flush=True)
        lines.append(line)
    return lines


def lookup_time(texts: list[str], entries: int, rounds: int = 7) -> dict:
    """Made-up prompts, each with an answer of its own, so that all are cached; then a thousand more a round. The quietest round counts: others share the machine."""
    rng = random.Random(1)
    words = sorted({w for t in texts for w in t.split()})
    cache, log = FOLDER / "many.cache", FOLDER / "many.jsonl"
    shutil.rmtree(cache, ignore_errors=True)
    medians = []
    for count in (entries, *[1000] * rounds):
        log.write_text("".join(json.dumps({"prompt": " ".join(rng.choices(words, k=12)), "answer": str(i)}) + "\n" for i in range(count)))
        report = json.loads(attar_cli.call("cache", "replay", str(log), "--error", "0.0001", "--into", str(cache), "--json")[0])
        medians.append(1e3 * report["seconds"]["lookup"])
    line = {"entries": entries, "milliseconds": round(min(medians[1:]), 3), "rounds": [round(m, 3) for m in medians[1:]]}
    print(f"lookup among {entries:,} entries: {line['milliseconds']} ms, rounds {line['rounds']}", flush=True)
    return line


def serve_vectors(file: Path) -> None:
    """The encoder of --encoder, from vectors made once: a text a line in, a vector a line out."""
    kept = np.load(file, allow_pickle=False)
    numbers = {text: i for i, text in enumerate(kept["texts"])}
    for line in sys.stdin:
        i = numbers.get(line.rstrip("\n"), 0)
        print(" ".join(f"{x:.6g}" for x in kept["vectors"][i]))


def encoded(texts: list[str], encoder: str, split: str) -> tuple[np.ndarray, str]:
    """Unit vectors of the texts, and the encoder's name for attar."""
    source, target = FOLDER / f"{split}.jsonl", FOLDER / f"{split}.npy"
    source.write_text("".join(json.dumps({"_id": str(i), "text": t}) + "\n" for i, t in enumerate(texts)))
    attar_cli.call("embed", str(source), "-o", str(target), "-f", "-T", "1", *(("--encoder", encoder) if encoder else ()))
    vectors = np.load(target)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    if not encoder:
        return vectors, ""
    file = FOLDER / f"{split}.npz"
    np.savez(file, texts=np.array(texts), vectors=vectors)
    return vectors, f"cmd:{sys.executable} {Path(__file__).resolve()} --serve {file}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="")
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve_vectors(options.serve)
        return
    split = "train" if options.tune else "test"
    file = TEXT / f"banking77_{split}.csv"
    if not file.exists():
        sys.exit(f"skipped: {file} is absent; point ATTAR_DATA to the folder that holds text/")
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = list(csv.DictReader(file.open()))
    texts = [" ".join(r["text"].split()) for r in rows]
    intents = {name: i for i, name in enumerate(sorted({r["category"] for r in rows}))}
    answers = np.array([intents[r["category"]] for r in rows])
    vectors, name = encoded(texts, options.encoder, split)
    lines: list[dict] = []
    result = {"command": f"./do bench cache{' --encoder DIR' if options.encoder else ''}", "cpu": speed.cpu(), "encoder": Path(options.encoder).parent.name if options.encoder else "attar", "prompts": LENGTH, "lines": lines}
    results = RESULTS / ("cache_bert.json" if options.encoder else "cache.json")
    for kind in ("shuffled", "skewed"):
        lines += measure(kind, [Stream(kind, seed, texts, answers, vectors) for seed in range(1, options.streams + 1)], name)
        if not options.tune:
            measures.write_json(results, result)  # MiniLM's lines take minutes each: what stands is kept
    if not options.encoder:
        result["lookup"] = lookup_time(texts, 100_000)
        if not options.tune:
            measures.write_json(results, result)


if __name__ == "__main__":
    main()
