"""The data sets of the bench, by name, with exact ground truth.

    python bench/datasets.py            # one line per set: shape, queries, gain of its spectrum

debian     63,666 x 384, MiniLM embeddings of the descriptions of Debian 12's packages; queries are package titles, short texts
           that look unlike the documents. Lies outside the repository (../shared/data, or the folder named by ATTAR_DATA).
sentences  120,000 x 256, static embeddings of sentences, made by bench/make_sentences.py; queries are questions, requests and
           held-out sentences.
manuals    260,000 x 384, MiniLM embeddings of sentences of reference works, made by bench/make_manuals.py; manuals100: the same
           sentences as sums of word vectors, 100 dimensions. Queries: usage examples, headings, held-out sentences.

All are unit vectors in float32. The first 2,000 queries are for tuning only, the next 2,000 are what is reported.
A hit is a returned row whose exact score is at least the k-th true score less 1e-6: real data holds duplicates and ties.
"""
from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy and the peers start their pools

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

REPO = Path(__file__).resolve().parent.parent
OUT = REPO / "bench" / "out"
RESULTS = REPO / "bench" / "results"
DATA = Path(os.environ.get("ATTAR_DATA", REPO.parent / "shared" / "data"))
SETS = ("debian", "sentences", "manuals", "manuals100")
TIE = 1e-6
SPLIT = 2000


class Missing(RuntimeError):
    """The files of a data set are absent; the message says how to get them."""


def unit(x: np.ndarray) -> np.ndarray:
    """Rows of unit length, float32, shape kept."""
    x = np.asarray(x, np.float32)
    return np.ascontiguousarray(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-30))


@dataclass
class Dataset:
    """Unit rows `base` (n, d) and queries `tune`, `report` (q, d); `base_file` is what a command line tool packs."""

    name: str
    base: np.ndarray
    tune: np.ndarray
    report: np.ndarray
    base_file: Path
    about: str
    _kth: dict[int, np.ndarray] = field(default_factory=dict)

    def query_file(self, part: str) -> Path:
        """The path of an .npy file (float32) with the queries of `part`, "tune" or "report"; written on first use."""
        path = OUT / f"{self.name}-{part}.npy"
        if not path.exists():
            OUT.mkdir(parents=True, exist_ok=True)
            np.save(path, getattr(self, part))
        return path

    def kth_score(self, k: int) -> np.ndarray:
        """The exact k-th largest inner product of each report query, in float64."""
        if k not in self._kth:
            self._kth[k] = kth_score(self.base, self.report, k)
        return self._kth[k]

    def hits(self, ids: np.ndarray, k: int = 10) -> np.ndarray:
        """Number of hits (0..k) among the first k of `ids` (q, >= k), a query; repeated and negative ids never count."""
        return count_hits(self.base, self.report, ids, self.kth_score(k), k)


def exact_scores(base: np.ndarray, queries: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Inner products in float64 of each query (q, d) with its own rows `ids` (q, m)."""
    out = np.empty(ids.shape)
    for i, row in enumerate(ids):
        out[i] = base[row].astype(np.float64) @ queries[i].astype(np.float64)
    return out


def kth_score(base: np.ndarray, queries: np.ndarray, k: int, block: int = 250) -> np.ndarray:
    """The k-th true score of each query: candidates by float32, their order by float64."""
    margin = min(len(base), k + 20)
    out = []
    for start in range(0, len(queries), block):
        part = queries[start : start + block]
        near = np.argpartition(-(part @ base.T), margin - 1, axis=1)[:, :margin]
        exact = exact_scores(base, part, near)
        out.append(-np.partition(-exact, k - 1, axis=1)[:, k - 1])
    return np.concatenate(out)


def count_hits(base: np.ndarray, queries: np.ndarray, ids: np.ndarray, kth: np.ndarray, k: int) -> np.ndarray:
    """Hits a query under the tie rule above."""
    ids = np.asarray(ids, np.int64)[:, :k]
    valid = (ids >= 0) & (ids < len(base))
    order = np.sort(np.where(valid, ids, -1), axis=1)
    repeats = ((order[:, 1:] == order[:, :-1]) & (order[:, 1:] >= 0)).any(axis=1)
    if repeats.any():
        raise ValueError(f"query {int(np.flatnonzero(repeats)[0])} was answered with the same row twice")
    exact = exact_scores(base, queries, np.where(valid, ids, 0))
    return ((exact >= kth[:, None] - TIE) & valid).sum(axis=1)


def load(name: str) -> Dataset:
    """The set called `name`, one of SETS; raises Missing with a sentence where its files are absent."""
    if name == "debian":
        folder = DATA / "vectors"
        base_file, title_file = folder / "debian-minilm.f16.npy", folder / "debian-titles-minilm.f16.npy"
        about = "MiniLM-L6 embeddings of Debian 12 package descriptions; queries: package titles 2,001-4,000"
        hint = "the debian set lies outside the repository: point ATTAR_DATA to the folder that holds vectors/"
    elif name == "sentences":
        base_file, title_file = OUT / "sentences.f16.npy", OUT / "sentences-queries.f16.npy"
        about = "wordllama l2_supercat static embeddings of sentences; queries: questions, requests, held-out sentences"
        hint = "make the sentences set first: python bench/make_sentences.py"
    elif name in ("manuals", "manuals100"):
        base_file, title_file = OUT / f"{name}.f16.npy", OUT / f"{name}-queries.f16.npy"
        about = f"{'MiniLM-L6 embeddings' if name == 'manuals' else 'sums of word vectors'} of sentences of reference works"
        hint = "make the manuals sets first: python bench/make_manuals.py"
    else:
        raise Missing(f"no data set is called {name!r}; there are {', '.join(SETS)}")
    for path in (base_file, title_file):
        if not path.exists():
            raise Missing(f"{path.name} is absent; {hint}")
    queries = unit(np.load(title_file))
    return Dataset(name, unit(np.load(base_file)), queries[:SPLIT], queries[SPLIT : 2 * SPLIT], base_file, about)


def titles() -> np.ndarray:
    """The row of the debian set that each of its 4,000 titles belongs to."""
    path = DATA / "vectors" / "debian-titles.jsonl"
    if not path.exists():
        raise Missing(f"{path.name} is absent; point ATTAR_DATA to the folder that holds vectors/")
    return np.array([json.loads(line)["row"] for line in path.open()], np.int64)


def coding_gain(x: np.ndarray) -> float:
    """Arithmetic over geometric mean of the covariance's eigenvalues, in dB: what a random rotation throws away."""
    sample = x[:: max(1, len(x) // 20000)].astype(np.float64)
    w = np.maximum(np.linalg.eigvalsh(np.cov(sample.T)), 1e-12)
    return float(10 * np.log10(w.mean() / np.exp(np.log(w).mean())))


def main() -> None:
    for name in SETS:
        try:
            data = load(name)
        except Missing as missing:
            print(f"{name:10s} skipped: {missing}")
            continue
        n, d = data.base.shape
        print(f"{name:10s} {n} x {d}, {len(data.tune)} + {len(data.report)} queries, coding gain {coding_gain(data.base):.2f} dB, "
              f"10th score {data.kth_score(10).mean():.3f} on average: {data.about}")


if __name__ == "__main__":
    main()
