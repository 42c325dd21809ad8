"""Make the sample of the demo: samples/demo-10k.i8.npy, two files of queries, and the ids of all.

    python scripts/make_demo_sample.py     # needs numpy and zstd; reads ../shared/data, or the folder named by ATTAR_DATA

What comes in: embeddings of the descriptions of the packages of Debian 12 (main) by MiniLM-L6 (mean-pooled, up to 256
tokens), f16, 63,666 x 384; and of 4,000 short titles of packages by the same model. What comes out: numbers and package
names, no description and no title. samples/README.md says more.

A base of 10,000 rows: those that the sampled titles belong to, and others drawn at random, in their old order. Every vector is
divided by its largest magnitude and rounded to -127 .. 127: a positive factor a row leaves cosines as they are, and one factor
a row costs less than one for all. The draws come from a fixed seed, so that the files are the same wherever this runs.
"""
from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np

REPO = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("ATTAR_DATA", REPO.parent / "shared" / "data"))
SAMPLES = REPO / "samples"
ROWS, LOG, NEW, SEED = 10_000, 1_500, 1_000, 20240612


def to_int8(vectors: np.ndarray) -> np.ndarray:
    """Rows (n, d) in int8, each scaled so that its largest magnitude is 127."""
    x = vectors.astype(np.float64)
    return np.rint(x * (127 / np.abs(x).max(axis=1, keepdims=True))).astype(np.int8)


def cosines(vectors: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The cosine of each row of `vectors` with its code."""
    x, y = vectors.astype(np.float64), codes.astype(np.float64)
    return (x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))


def draw(total: int, wanted: int, seed: int) -> np.ndarray:
    """`wanted` of the numbers 0 .. total - 1 in random order: the smallest draws of a plain 64-bit generator (SplitMix64)."""
    mask = (1 << 64) - 1
    keys = []
    for i in range(total):
        z = (seed + (i + 1) * 0x9E3779B97F4A7C15) & mask
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        keys.append(z ^ (z >> 31))
    return np.argsort(np.array(keys, np.uint64), kind="stable")[:wanted]


def package_names() -> list[str]:
    """The package of each row of the base."""
    lines = subprocess.run(["zstd", "-dc", DATA / "text" / "debian.jsonl.zst"], check=True, capture_output=True).stdout
    return [json.loads(line)["id"] for line in lines.splitlines()]


def write(name: str, vectors: np.ndarray, ids: list[str]) -> None:
    """samples/<name>.i8.npy and samples/<name>.txt, the package of each vector."""
    codes = to_int8(vectors)
    np.save(SAMPLES / f"{name}.i8.npy", codes)
    (SAMPLES / f"{name}.txt").write_text("".join(f"{package}\n" for package in ids))
    print(f"samples/{name}.i8.npy, .txt: {codes.shape}, least cosine with the original {cosines(vectors, codes).min():.6f}")


def main() -> None:
    base = np.load(DATA / "vectors" / "debian-minilm.f16.npy", mmap_mode="r")
    titles = np.load(DATA / "vectors" / "debian-titles-minilm.f16.npy", mmap_mode="r")
    about = [json.loads(line) for line in (DATA / "vectors" / "debian-titles.jsonl").open()]
    names = package_names()
    chosen = draw(len(titles), LOG + NEW, SEED)
    titled = [about[i]["row"] for i in chosen]
    taken = set(titled)
    others = [row for row in draw(len(base), len(base), SEED + 1).tolist() if row not in taken]
    rows = sorted(list(taken) + others[: ROWS - len(taken)])
    SAMPLES.mkdir(exist_ok=True)
    write("demo-10k", base[rows], [names[row] for row in rows])
    write("demo-queries", titles[chosen[:LOG]], [names[row] for row in titled[:LOG]])
    write("demo-new-queries", titles[chosen[LOG:]], [names[row] for row in titled[LOG:]])


if __name__ == "__main__":
    main()
