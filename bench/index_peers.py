"""Peers with an index: what they store, how they are built, and the settings at which they are searched.

    python bench/index_peers.py             # builds each on a small sample, prints its bytes a row and each setting's recall

Every peer has `name` (unique), `family` (a curve), `package` (on PyPI, whose version the results name), build(base), write(folder) and
read(folder), settings() from the cheapest to the dearest, and at(setting) -> search(queries, k). at() sets the index itself: its search is
good until the next at(). Rows are unit vectors, answers are by inner product. Search takes one thread, building two.
Bytes a row: everything that write() leaves on disk, raw rows and ids in it, divided by the rows.

turbovec          2 and 4 bits, every row scored
RaBitQ library    lists of faiss's k-means, 1, 2, 4 or 7 bits; HNSW (M 16, 16 centroids as in its examples), 4 and 8 bits; SymphonyQG, degree 32,
                  rows raw or in 8 bits
faiss             lists and RaBitQ fast scan, 4 bits, after a random rotation; lists and PQ fast scan with a second look at raw rows, or at rows
                  in 8 bits; HNSW, degree 32, over 8 bits. Its own k-means and training
usearch           HNSW over 8 bits. Rows are rounded by us to the whole range of a byte: its own rounding leaves unit rows of 384 numbers four
                  bits, and recall 0.04 lower
ScaNN             about sqrt(rows) leaves, 4 bits for two numbers, with a second look at raw rows, or at rows in 8 bits

Libraries are imported where they are used: one that is missing, or that dies on this processor, costs its own lines only (see build_apart).
"""
from __future__ import annotations

import datasets  # pins every pool to one thread: before the libraries are imported

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

import measures

BUILD_THREADS, BLOCK = 2, 1 << 16
PARTS = (128, 64, 32, 16, 8, 4, 2)  # of the lists, one part is probed
WINDOWS = (16, 24, 40, 64, 100, 160, 250, 400, 800)  # ef of the graphs
Search = Callable[[np.ndarray, int], np.ndarray]
Setting = dict[str, int]


class Absent(RuntimeError):
    """A peer that cannot be had here; the message says why."""


def label(setting: Setting) -> str:
    return ", ".join(f"{key} {value}" for key, value in setting.items())


def lists_for(rows: int) -> int:
    """The power of two nearest to twice the root of the rows, at least 16: 1,024 lists for 260,000 rows."""
    return max(16, 1 << round(np.log2(2 * rows**0.5)))


def probes(lists: int) -> list[int]:
    return sorted({max(1, lists // part) for part in PARTS})


def unit_rows(file: Path, rows: int | None = None) -> np.ndarray:
    """The first `rows` rows of an .npy file as unit rows in float32, block by block: no second copy of the whole."""
    stored = np.load(file, mmap_mode="r")
    out = np.empty((len(stored) if rows is None else min(rows, len(stored)), stored.shape[1]), np.float32)
    for start in range(0, len(out), BLOCK):
        out[start : start + BLOCK] = datasets.unit(stored[start : min(start + BLOCK, len(out))])
    return out


class Lists:
    """k-means of faiss, shared by the indexes of the RaBitQ library; `seconds` is what it took, `found`: not now, but for an earlier index."""

    found = False

    def __init__(self, base: np.ndarray, count: int) -> None:
        import faiss

        faiss.omp_set_num_threads(BUILD_THREADS)
        started = time.perf_counter()
        means = faiss.Kmeans(base.shape[1], count, niter=10, seed=1)
        means.train(base)
        self.assigned = means.index.search(base, 1)[1][:, 0].astype(np.uint32)
        self.centroids = means.centroids
        self.seconds = time.perf_counter() - started
        faiss.omp_set_num_threads(1)

    @staticmethod
    def kept(base: np.ndarray, count: int, folder: Path) -> Lists:
        """Those kept in `folder` from an earlier build over the same rows, or new ones, which are kept."""
        path = folder / f"lists-{count}-{zlib.crc32(np.ascontiguousarray(base[::61])):08x}.npz"
        if path.exists():
            lists, stored = Lists.__new__(Lists), np.load(path)
            lists.assigned, lists.centroids, lists.seconds, lists.found = stored["assigned"], stored["centroids"], float(stored["seconds"]), True
            return lists
        lists = Lists(base, count)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".npz", delete=False) as file:
            np.savez(file, assigned=lists.assigned, centroids=lists.centroids, seconds=lists.seconds)
        os.replace(file.name, path)
        return lists


class IndexPeer:
    """What curves.py, growth.py and frontier.py ask of a peer; the head of this file says what each call means."""

    package: str
    family: str
    name: str

    def build(self, base: np.ndarray, shared: Path) -> float:
        """Index the unit rows `base` (n, d), float32. Returns the seconds that an earlier build spent on what this one found ready in the
        folder `shared`: they count as its own."""
        raise NotImplementedError

    def write(self, folder: Path) -> None:
        raise NotImplementedError

    def read(self, folder: Path) -> None:
        raise NotImplementedError

    def settings(self) -> list[Setting]:
        raise NotImplementedError

    def at(self, setting: Setting) -> Search:
        raise NotImplementedError


class Turbovec(IndexPeer):
    package = family = "turbovec"

    def __init__(self, bits: int) -> None:
        self.bits, self.name = bits, f"turbovec {bits} bit"

    def build(self, base: np.ndarray, shared: Path) -> float:
        import turbovec

        self.index = turbovec.TurboQuantIndex(self.padded(base[:1]).shape[1], self.bits)
        for start in range(0, len(base), BLOCK):
            self.index.add(self.padded(base[start : start + BLOCK]))
        self.index.prepare()
        return 0.0

    def write(self, folder: Path) -> None:
        self.index.write(str(folder / "index"), durable=False)

    def read(self, folder: Path) -> None:
        import turbovec

        self.index = turbovec.TurboQuantIndex.load(str(folder / "index"))
        self.index.prepare()

    def settings(self) -> list[Setting]:
        return [{}]

    def at(self, setting: Setting) -> Search:
        return lambda queries, k: self.index.search(self.padded(queries), k)[1]

    @staticmethod
    def padded(x: np.ndarray) -> np.ndarray:
        """With zeros up to a multiple of eight numbers, as it demands: inner products stay what they are."""
        more = -x.shape[1] % 8
        return np.ascontiguousarray(np.pad(x, ((0, 0), (0, more))) if more else x)


class Rabitq(IndexPeer):
    """Inverted lists of the RaBitQ library; `lists`: how many, by the rows where it is None."""

    package, family = "rabitqlib", "RaBitQ library"

    def __init__(self, bits: int, lists: int | None = None) -> None:
        self.bits, self.lists, self.name = bits, lists, f"RaBitQ library {bits} bit"

    def build(self, base: np.ndarray, shared: Path) -> float:
        import rabitqlib

        means = Lists.kept(base, self.lists or lists_for(len(base)), shared)
        self.index = rabitqlib.IvfIndex(dim=base.shape[1], max_elements=len(base), num_clusters=len(means.centroids), nbits=self.bits, metric="ip")
        self.index.build(base, means.centroids, means.assigned, num_threads=BUILD_THREADS)
        return means.seconds if means.found else 0.0

    def write(self, folder: Path) -> None:
        self.index.save(str(folder / "index"))

    def read(self, folder: Path) -> None:
        import rabitqlib

        self.index = rabitqlib.IvfIndex.load(str(folder / "index"))

    def settings(self) -> list[Setting]:
        return [{"nprobe": n} for n in probes(self.index.num_clusters)]

    def at(self, setting: Setting) -> Search:
        return lambda queries, k: self.index.search(queries, k, nprobe=setting["nprobe"], num_threads=1)[0].astype(np.int64)


class RabitqGraph(IndexPeer):
    package, family, CENTROIDS = "rabitqlib", "RaBitQ library HNSW", 16

    def __init__(self, bits: int) -> None:
        self.bits, self.name = bits, f"RaBitQ library HNSW {bits} bit"

    def build(self, base: np.ndarray, shared: Path) -> float:
        import rabitqlib

        means = Lists.kept(base, self.CENTROIDS, shared)
        self.index = rabitqlib.HnswIndex(dim=base.shape[1], max_elements=len(base), M=16, ef_construction=200, nbits=self.bits, metric="ip")
        self.index.build(base, means.centroids, means.assigned, num_threads=BUILD_THREADS)
        return means.seconds if means.found else 0.0

    def write(self, folder: Path) -> None:
        self.index.save(str(folder / "index"))

    def read(self, folder: Path) -> None:
        import rabitqlib

        self.index = rabitqlib.HnswIndex.load(str(folder / "index"))

    def settings(self) -> list[Setting]:
        return [{"ef": ef} for ef in WINDOWS]

    def at(self, setting: Setting) -> Search:
        return lambda queries, k: self.index.search(queries, k, ef=setting["ef"], num_threads=1)[0].astype(np.int64)


class SymphonyQG(IndexPeer):
    package = "rabitqlib"

    def __init__(self, bits: int) -> None:
        self.bits, self.name = bits, f"SymphonyQG {f'{bits} bit' if bits else 'raw'}"
        self.family = self.name

    def build(self, base: np.ndarray, shared: Path) -> float:
        import rabitqlib

        self.index = rabitqlib.SymqgIndex(dim=base.shape[1], max_degree=32, metric="ip", quantization_bits=self.bits)
        self.index.build(base, ef_construction=200, num_threads=BUILD_THREADS)
        return 0.0

    def write(self, folder: Path) -> None:
        self.index.save(str(folder / "index"))

    def read(self, folder: Path) -> None:
        import rabitqlib

        self.index = rabitqlib.SymqgIndex.load(str(folder / "index"))

    def settings(self) -> list[Setting]:
        return [{"ef": ef} for ef in WINDOWS]

    def at(self, setting: Setting) -> Search:
        return lambda queries, k: self.index.search_batch(queries, k, ef=setting["ef"], num_threads=1)[0].astype(np.int64)


class Faiss(IndexPeer):
    """An index of faiss's factory; {d} and {lists} in `factory` are filled in. `knobs`: the settings, as ParameterSpace calls them."""

    package = "faiss-cpu"

    def __init__(self, name: str, factory: str, knobs: Callable[[int], list[Setting]]) -> None:
        self.name = self.family = name
        self.factory, self.knobs = factory, knobs

    def build(self, base: np.ndarray, shared: Path) -> float:
        import faiss

        n, d = base.shape
        faiss.omp_set_num_threads(BUILD_THREADS)
        self.lists = lists_for(n)
        self.index = faiss.index_factory(d, self.factory.format(d=d, m=d // 4, lists=self.lists), faiss.METRIC_INNER_PRODUCT)
        if hasattr(self.index, "hnsw"):
            self.index.hnsw.efConstruction = 200  # as the other graphs; faiss's own 40 makes a worse one
        self.index.train(base)
        self.index.add(base)
        faiss.omp_set_num_threads(1)
        return 0.0

    def write(self, folder: Path) -> None:
        import faiss

        faiss.write_index(self.index, str(folder / "index"))

    def read(self, folder: Path) -> None:
        import faiss

        faiss.omp_set_num_threads(1)
        self.index = faiss.read_index(str(folder / "index"))
        self.lists = lists_for(self.index.ntotal)

    def settings(self) -> list[Setting]:
        return self.knobs(self.lists)

    def at(self, setting: Setting) -> Search:
        import faiss

        faiss.ParameterSpace().set_index_parameters(self.index, ",".join(f"{key}={value}" for key, value in setting.items()))
        return lambda queries, k: self.index.search(queries, k)[1]


class Usearch(IndexPeer):
    package = "usearch"
    family = name = "usearch i8"

    def build(self, base: np.ndarray, shared: Path) -> float:
        from usearch.index import Index

        self.scale = 127 / float(np.abs(base).max())
        self.index = Index(ndim=base.shape[1], metric="ip", dtype="i8", connectivity=16, expansion_add=128)
        for start in range(0, len(base), BLOCK):
            rows = self.rounded(base[start : start + BLOCK])
            self.index.add(np.arange(start, start + len(rows)), rows, threads=BUILD_THREADS)
        return 0.0

    def rounded(self, x: np.ndarray) -> np.ndarray:
        return np.clip(np.rint(x * self.scale), -127, 127).astype(np.int8)

    def write(self, folder: Path) -> None:
        self.index.save(str(folder / "index"))
        (folder / "scale").write_text(repr(self.scale))

    def read(self, folder: Path) -> None:
        from usearch.index import Index

        self.index = Index.restore(str(folder / "index"))
        self.scale = float((folder / "scale").read_text())

    def settings(self) -> list[Setting]:
        return [{"ef": ef} for ef in WINDOWS]

    def at(self, setting: Setting) -> Search:
        self.index.expansion_search = setting["ef"]

        def search(queries: np.ndarray, k: int) -> np.ndarray:
            found = self.index.search(self.rounded(queries), k, threads=1)
            ids = found.keys.astype(np.int64)
            if ids.shape == (k,):  # one query: as many keys as were found
                return ids[None]
            if ids.ndim == 1:
                return np.pad(ids, (0, k - len(ids)), constant_values=-1)[None]
            if (found.counts < k).any():  # what lies beyond the count was not found
                ids[np.arange(k) >= found.counts[:, None]] = -1
            return ids

        return search


class Scann(IndexPeer):
    package = "scann"

    def __init__(self, quantized: bool) -> None:
        self.quantized = quantized
        self.name = self.family = f"ScaNN + {'8-bit' if quantized else 'raw'} rows"

    def build(self, base: np.ndarray, shared: Path) -> float:
        from scann.scann_ops.py import scann_ops_pybind

        leaves = max(1, round(len(base) ** 0.5))
        self.index = (scann_ops_pybind.builder(base, 10, "dot_product").set_n_training_threads(BUILD_THREADS)
                      .tree(num_leaves=leaves, num_leaves_to_search=max(1, leaves // 16), training_sample_size=min(len(base), 250_000))
                      .score_ah(2, anisotropic_quantization_threshold=0.2).reorder(100, quantize=self.quantized).build())
        return 0.0

    def write(self, folder: Path) -> None:
        self.index.serialize(str(folder))

    def read(self, folder: Path) -> None:
        from scann.scann_ops.py import scann_ops_pybind

        self.index = scann_ops_pybind.load_searcher(str(folder))
        self.index.set_num_threads(1)

    def settings(self) -> list[Setting]:
        leaves = max(1, round(self.index.size() ** 0.5))
        return [{"leaves": n, "second look": m} for n in probes(leaves) for m in (50, 200)]

    def at(self, setting: Setting) -> Search:
        leaves, look = setting["leaves"], setting["second look"]

        def search(queries: np.ndarray, k: int) -> np.ndarray:
            if len(queries) == 1:  # as many ids as were found
                ids = self.index.search(queries[0], k, look, leaves)[0].astype(np.int64)
                return np.pad(ids, (0, k - len(ids)), constant_values=-1)[None]
            ids, scores = self.index.search_batched(queries, k, look, leaves)
            return np.where(np.isnan(scores), -1, ids.astype(np.int64))

        return search


def all_peers() -> list[IndexPeer]:
    """Every peer, those below 400 bytes a row of 384 numbers first."""
    def probing(lists: int) -> list[Setting]:
        return [{"nprobe": n} for n in probes(lists)]

    def looking(lists: int) -> list[Setting]:
        return [{"nprobe": n, "k_factor_rf": m} for n in probes(lists) for m in (4, 16)]

    return [Turbovec(2), Turbovec(4), Rabitq(1), Rabitq(4), Rabitq(7),
            Faiss("faiss IVF RaBitQ 4 bit fast scan", "RR{d},IVF{lists},RaBitQfs4", probing),
            RabitqGraph(4), RabitqGraph(8),
            Faiss("faiss IVF PQ fast scan + 8-bit rows", "IVF{lists},PQ{m}x4fs,Refine(SQ8)", looking),
            Scann(True), Usearch(),
            Faiss("faiss HNSW32 SQ8", "HNSW32,SQ8", lambda lists: [{"efSearch": ef} for ef in WINDOWS]),
            Faiss("faiss IVF PQ fast scan + raw rows", "IVF{lists},PQ{m}x4fs,RFlat", looking),
            Scann(False), SymphonyQG(8), SymphonyQG(0)]


def by_name(name: str) -> IndexPeer:
    return next(peer for peer in [*all_peers(), Rabitq(2)] if peer.name == name)


def bytes_below(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def build_here(name: str, base_file: Path, rows: int, shared: Path) -> None:
    """In a process of its own: builds the peer below `shared`, and writes what it took beside it."""
    peer, base = by_name(name), unit_rows(base_file, rows)
    started, busy = time.perf_counter(), time.process_time()
    found_ready = peer.build(base, shared)
    seconds = time.perf_counter() - started
    cores = (time.process_time() - busy) / seconds
    peak = measures.peak_mb()
    index = shared / slug(name) / "index"
    index.mkdir(parents=True)
    peer.write(index)
    size = bytes_below(index) / len(base)
    peer.read(index)
    peer.at(peer.settings()[0])(base[:2], 10)  # dies here, not among the others, where this processor cannot search it
    (shared / slug(name) / "built.json").write_text(json.dumps(
        identity(peer, base_file, rows) | {"seconds": round(seconds + found_ready, 2), "cores": round(cores, 2), "peak_mb": round(peak, 1),
                                         "bytes_per_row": round(size, 3)}))


def slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)


def identity(peer: IndexPeer, base_file: Path, rows: int) -> dict:
    """What a kept build must agree with to be used again."""
    stat = base_file.stat()
    return {"name": peer.name, "library": peer.package, "version": version(peer.package), "rows": rows, "base": [stat.st_size, int(stat.st_mtime)]}


def version(package: str) -> str:
    """Raises Absent where the package is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise Absent(f"{package} is not installed: bench/requirements.txt has no wheel of it for this machine") from None


def build_apart(peer: IndexPeer, base_file: Path, rows: int, shared: Path) -> dict:
    """The peer's build below the folder `shared`, kept from an earlier run or made now in a process of its own: "seconds", "cores" busy and "peak_mb"
    of that process (the rows are in it), "bytes_per_row", "kept". Raises Absent with the reason where it cannot be had."""
    shared.mkdir(parents=True, exist_ok=True)
    folder = shared / slug(peer.name)
    wanted, note = identity(peer, base_file, rows), folder / "built.json"
    if note.exists():
        found = json.loads(note.read_text())
        if wanted.items() <= found.items():
            return found | {"kept": True}
    for file in sorted(folder.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    done = subprocess.run([sys.executable, __file__, "--build", peer.name, "--base", str(base_file), "--rows", str(rows), "--folder", str(shared)],
                          env=os.environ | {"RAYON_NUM_THREADS": str(BUILD_THREADS)}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = done.stderr.strip().splitlines()
        how = f"ended by signal {-done.returncode}" if done.returncode < 0 else "failed"
        raise Absent(f"its build {how}" + (f": {words[-1][-300:]}" if words else ""))
    return json.loads(note.read_text()) | {"kept": False}


def open_built(peer: IndexPeer, shared: Path) -> None:
    peer.read(shared / slug(peer.name) / "index")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", metavar="NAME", help=argparse.SUPPRESS)
    parser.add_argument("--base", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        build_here(options.build, options.base, options.rows, options.folder)
        return
    rng = np.random.default_rng(1)
    base = datasets.unit(rng.standard_normal((6_000, 96)) + 2 * rng.standard_normal((60, 96))[rng.integers(0, 60, 6_000)])
    queries = datasets.unit(base[:200] + 0.05 * rng.standard_normal((200, 96)))
    kth = datasets.kth_score(base, queries, 10)
    datasets.OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=datasets.OUT) as folder:
        file = Path(folder) / "base.npy"
        np.save(file, base)
        for peer in all_peers():
            try:
                built = build_apart(peer, file, len(base), Path(folder))
            except Absent as reason:
                print(f"{peer.name}: absent: {reason}")
                continue
            open_built(peer, Path(folder))
            print(f"{peer.name}: {built['bytes_per_row']:.1f} B a row, built in {built['seconds']:.1f} s")
            for setting in peer.settings():
                hits = datasets.count_hits(base, queries, peer.at(setting)(queries, 10), kth, 10)
                print(f"    {label(setting) or 'as it is':28s} recall@10 {hits.mean() / 10:.4f}", flush=True)


if __name__ == "__main__":
    main()
