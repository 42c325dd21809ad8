"""The Gaussian rate-distortion reference: what an ideal quantizer of a Gaussian with the rows' covariance would recall.

Rows are weighted by M^(p/2) (M: the covariance of the rows, shrunk by a tenth, p = 0.35; queries take the inverse, so inner products
are kept), turned to principal components, and passed through the test channel of reverse water-filling: component i with variance w
gets max(0, log2(w / t) / 2) bits, its reproduction is (1 - t/w) x + noise of variance t (1 - t/w). One unbiased float scale a row.
No code does this and it bounds the error, not recall: a line to measure against. Bytes = bits / 8 + 4 for the scale.
"""
from __future__ import annotations

import numpy as np

POWER, SHRINK, SAMPLE = 0.35, 0.1, 20_000


def weighted(base: np.ndarray, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Variances (d,), rows and queries in weighted principal components (float32), and each query's score of the centre (q,)."""
    centre = base.mean(0)
    sample = base[:: max(1, len(base) // SAMPLE)] - centre
    m, u = np.linalg.eigh(sample.T.astype(np.float64) @ sample / len(sample))
    m = (1 - SHRINK) * np.maximum(m, 0) / m.mean() + SHRINK
    rows = (base - centre) @ ((u * m ** (POWER / 2)) @ u.T).astype(np.float32)
    turned = queries @ ((u * m ** (-POWER / 2)) @ u.T).astype(np.float32)
    w, v = np.linalg.eigh((rows.T @ rows / len(rows)).astype(np.float64))
    v = v.astype(np.float32)
    return np.maximum(w, 1e-12), rows @ v, turned @ v, queries @ centre


def water_level(w: np.ndarray, rate: float) -> float:
    """The level t at which reverse water-filling of the variances `w` spends `rate` bits a component."""
    low, high = 1e-15, float(w.max())
    for _ in range(200):
        t = (low * high) ** 0.5
        spent = np.maximum(0, 0.5 * np.log2(w / t)).mean()
        low, high = (t, high) if spent > rate else (low, t)
    return t


def search(w: np.ndarray, rows: np.ndarray, queries: np.ndarray, offset: np.ndarray, rate: float, k: int, seed: int = 2) -> np.ndarray:
    """The ids (q, k) that the reference answers at `rate` bits a component; arguments as weighted() returns them."""
    t = water_level(w, rate)
    keep = np.where(w > t, 1 - t / w, 0).astype(np.float32)
    rng = np.random.default_rng(seed)
    coded = rows * keep + rng.standard_normal(rows.shape, dtype=np.float32) * np.sqrt(t * keep).astype(np.float32)
    scale = (rows * rows).sum(1) / np.maximum((coded * rows).sum(1), 1e-12)
    coded *= scale[:, None]
    out = []
    for start in range(0, len(queries), 250):
        scores = queries[start : start + 250] @ coded.T + offset[start : start + 250, None]
        near = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(scores, near, 1), axis=1, kind="stable")
        out.append(np.take_along_axis(near, order, 1))
    return np.concatenate(out)
