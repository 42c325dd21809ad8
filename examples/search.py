"""Packs a small base to a budget, then searches it while it stays packed.

    ./do python && PYTHONPATH=build/python python3 examples/search.py
"""
import tempfile
from pathlib import Path

import numpy as np

import attar


def clustered_rows(rows: int = 2000, dims: int = 64) -> np.ndarray:
    """Vectors around forty centres, as embeddings of related texts lie."""
    rng = np.random.default_rng(7)
    centres = rng.standard_normal((40, dims))
    return (centres[np.arange(rows) % 40] + 0.5 * rng.standard_normal((rows, dims))).astype(np.float32)


def pack_and_search(folder: Path) -> None:
    vectors = clustered_rows()
    report = attar.pack(vectors, folder / "base.attar", budget="40B/vec")
    print(f"{report['bytes']} bytes, {report['bytes_per_row']:.2f} a row: {report['plan']}")
    for certificate in report["certificates"]:
        print(certificate["sentence"])

    with attar.open(folder / "base.attar") as artifact:
        rows, scores = artifact.search(vectors[0], k=3)
        for row, score in zip(rows, scores):
            print(f"row {row}, score {score:.4f}")

    try:
        attar.pack(vectors, folder / "small.attar", budget="20B/vec", recall="0.9@10")
    except attar.GoalUnreachable as goal:
        print(goal)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        pack_and_search(Path(name))
