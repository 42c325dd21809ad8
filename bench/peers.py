"""The peers, one class each, all on one thread.

    python bench/peers.py                   # builds every peer on a small sample and prints its bytes a row

Every peer has `family` (a curve of the figures), `name` (a point on it), build(base) -> bytes a row (the whole file as the peer
writes it to disk, divided by the rows: rotation, codebooks and ids are in it), and search(queries, k) -> ids (q, k).
All take unit vectors and answer by inner product. No second look at the originals.

turbovec 1.1.2     2 and 4 bits (it has no other widths), plain and with its calibration on a sample of 20,000 rows
faiss 1.15.1       PQ 8 bits; PQ 4 bits fast scan; scalar quantizer 4, 6, 8 bits; RaBitQ 1..7 bits; EDEN 1..6, 8 bits
                   (RaBitQ and EDEN after a random rotation, as their papers have it; PQ trained on 20,000 rows)
rabitqlib 0.7.1    IVF with 256 lists, all probed, 1..7 bits, centroids by its own k-means
"""
from __future__ import annotations

from datasets import OUT  # pins every pool to one thread: before the peers are imported

import tempfile
from pathlib import Path

import faiss
import numpy as np
import rabitqlib
import turbovec

faiss.omp_set_num_threads(1)
SAMPLE = 20_000


def stored_bytes(write, rows: int) -> float:
    """Bytes a row of what `write(path)` leaves on disk."""
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUT) as folder:
        write(str(Path(folder) / "index"))
        return sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file()) / rows


class Peer:
    """What the scripts of bench/ ask of a peer; `name` is unique, points of one `family` are joined in the figures."""

    family: str
    name: str

    def build(self, base: np.ndarray) -> float:
        """Index the unit rows `base` (n, d), float32; the bytes a row of the stored index."""
        raise NotImplementedError

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        """The ids (q, k) of the best rows by estimated inner product, best first."""
        raise NotImplementedError


class Turbovec(Peer):
    def __init__(self, bits: int, calibrated: bool = False) -> None:
        self.bits, self.calibrated = bits, calibrated
        self.family = "turbovec calibrated" if calibrated else "turbovec"
        self.name = f"{self.family} {bits} bit"

    def build(self, base: np.ndarray) -> float:
        self.index = turbovec.TurboQuantIndex(base.shape[1], self.bits)
        if self.calibrated:
            self.index.calibrate(np.ascontiguousarray(base[:: max(1, len(base) // SAMPLE)]))
        self.index.add(base)
        self.index.prepare()
        return stored_bytes(lambda path: self.index.write(path, durable=False), len(base))

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        return self.index.search(np.ascontiguousarray(queries), k)[1]


class Faiss(Peer):
    def __init__(self, family: str, name: str, factory: str, query_bits: int | None = None) -> None:
        self.family, self.name, self.factory, self.query_bits = family, name, factory, query_bits

    def build(self, base: np.ndarray) -> float:
        self.index = faiss.index_factory(base.shape[1], self.factory, faiss.METRIC_INNER_PRODUCT)
        if self.query_bits is not None:
            inner = faiss.downcast_index(self.index.index) if isinstance(self.index, faiss.IndexPreTransform) else self.index
            inner.qb = self.query_bits
        sample = base if self.family not in ("faiss PQ", "faiss PQ fast scan") else base[:: max(1, len(base) // SAMPLE)]
        self.index.train(np.ascontiguousarray(sample))
        self.index.add(base)
        return stored_bytes(lambda path: faiss.write_index(self.index, path), len(base))

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        return self.index.search(queries, k)[1]


class RabitqIvf(Peer):
    LISTS = 256

    def __init__(self, bits: int) -> None:
        self.bits, self.family, self.name = bits, "RaBitQ library", f"RaBitQ library {bits} bit"

    def build(self, base: np.ndarray) -> float:
        n, d = base.shape
        self.lists = min(self.LISTS, max(1, n // 40))
        means = rabitqlib.RaBitQKMeans(d, self.lists, num_threads=1, seed=1)
        means.train(base)
        self.index = rabitqlib.IvfIndex(dim=d, max_elements=n, num_clusters=self.lists, nbits=self.bits, metric="ip")
        self.index.build(base, means.centroids, means.assignments, num_threads=1)
        return stored_bytes(self.index.save, n)

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        return self.index.search(queries, k, nprobe=self.lists, num_threads=1)[0].astype(np.int64)


def all_peers(d: int) -> list[Peer]:
    """Every peer at every rate that makes sense for dimension `d`, cheapest to build first within a family."""
    peers: list[Peer] = [Turbovec(bits, calibrated) for calibrated in (False, True) for bits in (2, 4)]
    # np: no polysemous ordering of the codes, minutes of annealing that do not change an exhaustive scan's answers.
    peers += [Faiss("faiss PQ", f"faiss PQ{m}", f"PQ{m}np") for m in (d // 8, d // 4, d // 2)]
    peers += [Faiss("faiss PQ fast scan", f"faiss PQ{m}x4fs", f"PQ{m}x4fs") for m in (d // 4, d // 2, d)]
    peers += [Faiss("faiss SQ", f"faiss {sq}", sq) for sq in ("SQ4", "SQ6", "SQ8")]
    # The query in 8 bits: on 200 titles the recall of a float query (qb = 0) to 0.002, at a sixtieth of its time.
    peers += [Faiss("faiss RaBitQ", f"faiss RaBitQ{b}", f"RR{d},RaBitQ{b}", 8) for b in range(1, 8)]
    peers += [Faiss("faiss EDEN", f"faiss EDEN{b}", f"RR{d},EDEN{b}") for b in (1, 2, 3, 4, 5, 6, 8)]
    peers += [RabitqIvf(b) for b in range(1, 8)]
    return peers


def main() -> None:
    rng = np.random.default_rng(1)
    base = rng.standard_normal((12_000, 256), dtype=np.float32)
    base /= np.linalg.norm(base, axis=1, keepdims=True)
    queries = np.ascontiguousarray(base[:50])
    for peer in all_peers(base.shape[1]):
        size = peer.build(base)
        found = (peer.search(queries, 10)[:, 0] == np.arange(50)).mean()
        print(f"{peer.name:28s} {size:8.1f} B a row, finds {found:.0%} of 50 rows by themselves", flush=True)


if __name__ == "__main__":
    main()
