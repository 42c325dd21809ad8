"""Which lossy codec weights should have: designs weighed on MiniLM's 36 encoder matrices and its word table, in numpy.

    python bench/weight_designs.py [--only NAME ...] [--layers N ...]

formats      blocks of ggml's kind: bits and error
contexts     what rows' and columns' scales save as contexts, beside other contexts
steps        one step, steps by root mean square, by norm, by rows
decisions    rounding, centroids, decisions by rate and distortion, trellises, at 2, 3, 3.7 and 5 bits; bits for Q4_0's error (two of six layers)
bar          bits for Q4_0's error over all matrices
turns        how often tables and paths are made for each other (one layer)
low_rank     a low-rank part under the quantizer, at equal slope (two of six layers)
progressive  files that may be cut anywhere: sign times low rank, bit planes, bit planes of a trellis (two of six layers)
word_table   steps of the word table's rows; STS-2014
sensitivity  alpha: what 1 - cosine of embeddings rises by, over the t2 of noise on one matrix
predicted    1 - cosine predicted by the sum of alpha t2, and steps by alpha; needs the line before in the results

Errors are t2 = |W' - W|^2 / |W|^2, means over the matrices; bits are all in. --layers: others than these, whose results are printed only. Results: bench/results/weight_designs.json
"""
from __future__ import annotations

from datasets import DATA, RESULTS, unit

import argparse
import json
from collections.abc import Callable, Iterable

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.stats import spearmanr

import measures
import minilm
import weight_coders as coders
from weight_coders import Coded, Tensor

RATES = (2.0, 3.0, 3.7, 5.0)
FILE = RESULTS / "weight_designs.json"
TWO_LAYERS = (1, 4)
WORDS = "embeddings.word_embeddings.weight"
Line = dict[str, object]


def matrices(model: minilm.MiniLM, layers: Iterable[int]) -> list[Tensor]:
    names = [n for n, w in model.w.items() if w.ndim == 2 and n.startswith("encoder.")]
    return [Tensor(n, model.w[n]) for n in names if int(n.split(".")[2]) in set(layers)]


def by_norm(tensors: list[Tensor], factor: float) -> list[float]:
    """Steps in proportion to the norms, `factor` times the root mean square in the mean: what minimises the sum of t2 at a number of bits."""
    unit_step = np.mean([t.norm / t.size**0.5 for t in tensors]) / np.mean([t.norm for t in tensors])
    return [factor * unit_step * t.norm for t in tensors]


Curve = list[Coded]


def curve(coder: Callable[[float], Coded], factors: Iterable[float]) -> Curve:
    return sorted((coder(f) for f in factors), key=lambda c: c.rate)


def spline(c: Curve) -> CubicSpline:
    """log2 of the mean t2 by bits; a straight line where there are but two points."""
    rate, error = [p.rate for p in c], np.log2([p.error for p in c])
    return CubicSpline(rate, error) if len(c) > 2 else CubicSpline(rate, error, bc_type="natural")


def error_at(c: Curve, rate: float) -> float:
    """The mean t2 at so many bits, between points of the curve; not a number beyond them."""
    return float(2 ** spline(c)(rate)) if c[0].rate <= rate <= c[-1].rate else float("nan")


def rate_for(c: Curve, error: float) -> float:
    """The bits at which the mean t2 is `error`; not a number beyond the curve."""
    if not c[-1].error <= error <= c[0].error:
        return float("nan")
    grid = np.linspace(c[0].rate, c[-1].rate, 4001)
    return float(np.interp(-np.log2(error), -spline(c)(grid), grid))


def decibels(error: float) -> float:
    return round(-10 * float(np.log10(error)), 3)


def show(title: str, lines: list[Line]) -> list[Line]:
    print(f"\n{title}")
    for line in lines:
        print("  " + "  ".join(f"{k} {v:.5g}" if isinstance(v, float) else f"{v}" if k == "design" else f"{k} {v}" for k, v in line.items()), flush=True)
    return lines


def q4_error(tensors: list[Tensor]) -> float:
    return float(np.mean([((t.w - coders.signed_blocks(t.w, 8)).astype(np.float64) ** 2).sum() / t.square for t in tensors]))


def formats(tensors: list[Tensor]) -> list[Line]:
    lines: list[Line] = []
    for name, bits, coder in (("Q4_0", 4.5, lambda w: coders.signed_blocks(w, 8)), ("Q5_0", 5.5, lambda w: coders.signed_blocks(w, 16)), ("Q8_0", 8.5, coders.q8_blocks)):
        t2 = np.array([((t.w - coder(t.w)).astype(np.float64) ** 2).sum() / t.square for t in tensors])
        lines.append({"design": name, "bits": bits, "t2": float(t2.mean()), "least": float(t2.min()), "most": float(t2.max())})
    return show("Formats of blocks", lines)


def contexts(tensors: list[Tensor]) -> list[Line]:
    """Bits at one and the same error: the symbols are the same, the tables differ."""
    coarse = {n: [Tensor(t.name, t.w) for t in tensors] for n in (2, 4)}
    for n, part in coarse.items():
        for t in part:
            t.row, t.column = np.rint(t.row / n).astype(int) * n, np.rint(t.column / n).astype(int) * n
    lines = []
    for factor in (0.24, 0.6):
        steps = by_norm(tensors, factor)

        def add(name: str, used: list[Tensor], **options: object) -> None:
            lines.append({"design": name, "factor": factor, "bits": coders.code(used, steps, **options).rate})

        add("rows and columns, classes of a quarter octave", tensors)
        for width in (1.0, 0.5, 0.125):
            add(f"classes of {width} octaves", tensors, width=width)
        add("rows alone", tensors, columns=False)
        add("columns alone", tensors, rows=False)
        add("scales in quarters of an octave", coarse[2])
        add("scales in halves of an octave", coarse[4])
        add("a tensor's own tables", tensors, shared=False)
        add("a tensor's own table, no contexts", tensors, width=0.0, shared=False)
        add("one table for all", tensors, width=0.0)
        lines += [{"design": n, "factor": factor, "bits": bits} for n, bits in neighbours(tensors, steps)]
    return show("Contexts", lines)


def neighbours(tensors: list[Tensor], steps: list[float]) -> list[tuple[str, float]]:
    """Magnitudes of the left and upper neighbours as contexts, beside the scales and alone."""
    beside, alone = np.zeros((64 * 13, coders.ALPHABET), np.int64), np.zeros((21, coders.ALPHABET), np.int64)
    for t, s in zip(tensors, steps):
        q, c = coders.plain(t, s), coders.classes(t, s, 0.5).astype(np.int32)
        size = np.abs(q).astype(np.int32)
        near = np.zeros_like(size)
        near[1:] += size[:-1]
        near[:, 1:] += size[:, :-1]
        expected = np.exp2(c * 0.5 - 5) + 0.3
        beside += coders.count(q, c * 13 + np.clip(near / (2 * expected), 0, 12).astype(np.int32), 64 * 13)
        alone += coders.count(q, np.clip(np.rint(2 * np.log2(1 + near)), 0, 20).astype(np.int32), 21)
    out, weights = [], sum(t.size for t in tensors)
    for name, counts, side in (("neighbours beside the scales", beside, coders.scale_bits(tensors)), ("neighbours alone", alone, 0.0)):
        cost, tables = coders.twelve_bits(counts)
        out.append((name, (float((counts * cost).sum()) + tables + side) / weights))
    return out


FACTORS = (0.085, 0.13, 0.2, 0.3, 0.45, 0.65, 0.9)


def steps_rules(tensors: list[Tensor]) -> list[Line]:
    target, mean = q4_error(tensors), float(np.mean([t.norm / t.size**0.5 for t in tensors]))
    lines: list[Line] = []

    def add(name: str, rule: Callable[[float], list[float]], used: list[Tensor] = tensors) -> None:
        c = curve(lambda f: coders.code(used, rule(f)), FACTORS)
        lines.append({"design": name, "bits for Q4_0's error": rate_for(c, target), **{f"t2 at {r}": error_at(c, r) for r in RATES}})

    add("one step for all", lambda f: [f * mean] * len(tensors))
    add("by root mean square", lambda f: [f * t.norm / t.size**0.5 for t in tensors])
    add("by norm", lambda f: by_norm(tensors, f))
    for power in (0.25, 0.5, 1.0):
        add(f"by norm, rows by their scale ^ {power}", lambda f: by_norm(tensors, f), [rows_scaled(t, power) for t in tensors])
    lines.append(matrix_by_matrix(tensors))
    return show("Steps", lines)


def rows_scaled(t: Tensor, power: float) -> Tensor:
    """The rows over their scale ^ power, errors weighed back: one step then is a step for each row."""
    factor = np.exp2(power * (t.row - np.mean(t.row)) / coders.EIGHTH)[:, None]
    out = Tensor(t.name, t.w / factor, factor**2)
    out.square = t.square
    return out


def matrix_by_matrix(tensors: list[Tensor]) -> Line:
    """Each matrix at the error that Q4_0 has on it."""
    errors = [float(((t.w - coders.signed_blocks(t.w, 8)).astype(np.float64) ** 2).mean()) for t in tensors]
    steps = [(12 * e) ** 0.5 for e in errors]
    for _ in range(3):
        c = coders.code(tensors, steps)
        steps = [s * (e * t.size / t.square / got) ** 0.5 for s, e, t, got in zip(steps, errors, tensors, c.t2)]
    c = coders.code(tensors, steps)
    return {"design": "each matrix at Q4_0's error on it", "bits for Q4_0's error": c.rate, "t2": c.error}


def decisions(tensors: list[Tensor], trellises: Iterable[int] = (4, 8, 16)) -> list[Line]:
    target = q4_error(tensors)
    lines: list[Line] = []

    def add(name: str, coder: Callable[[float], Coded], factors: Iterable[float] = FACTORS) -> None:
        c = curve(coder, factors)
        lines.append({"design": name, "bits for Q4_0's error": rate_for(c, target), **{f"dB at {r}": decibels(error_at(c, r)) for r in RATES}})
        show("", lines[-1:])

    add("rounding", lambda f: coders.code(tensors, by_norm(tensors, f)))
    add("rounding, centroids", lambda f: coders.code(tensors, by_norm(tensors, f), centroids=True))
    for rho in (0.06, 0.12, 0.18):
        add(f"a bit costs {rho} squared steps", lambda f: coders.code(tensors, by_norm(tensors, f), rho=rho))
    add("a bit costs 0.12, centroids", lambda f: coders.code(tensors, by_norm(tensors, f), rho=0.12, centroids=True))
    halves = (0.04, 0.07, 0.12, 0.2, 0.32, 0.5)
    for states in trellises:
        add(f"trellis of {states} states, a bit costs 0.1", lambda f: coders.code_trellis(tensors, by_norm(tensors, f), states, rho=0.1), halves)
    add("trellis of 8 states, bits cost nothing", lambda f: coders.code_trellis(tensors, by_norm(tensors, f), 8, rho=0.0, rounds=2), halves)
    return lines


# Low rank


def low_rank(tensors: list[Tensor]) -> list[Line]:
    """t2 + slope * bits of each matrix, the quantizer alone and over U V of rank r, whose factors take 8 bits a number; steps and slope are the same."""
    lines = []
    for factor in (0.24, 0.65, 1.2, 2.0):
        steps = by_norm(tensors, factor)
        alone = coders.code(tensors, steps, rho=0.12, centroids=True)
        slope = np.array([0.12 * s * s / t.square for s, t in zip(steps, tensors)])
        for rank in (1, 4, 16, 64):
            rest, extra, energy = [], [], []
            for t in tensors:
                part = factored(t.w, rank)
                left = Tensor(t.name, t.w - part)
                energy.append(1 - left.square / t.square)
                left.square = t.square
                rest.append(left)
                extra.append(8.0 * rank * sum(t.w.shape))
            over = coders.code(rest, steps, rho=0.12, centroids=True)
            gain = (alone.t2 + slope * alone.own) - (over.t2 + slope * (over.own + np.array(extra)))
            lines.append({"design": f"rank {rank}", "bits alone": alone.rate, "bits over it": over.rate + sum(extra) / over.weights, "t2 alone": alone.error, "t2 over it": over.error,
                          "energy": float(np.mean(energy)), "wins": int((gain > 0).sum()), "best gain, bits a weight": float((gain / slope / [t.size for t in tensors]).max())})
    return show("Low rank under the quantizer", lines)


def factored(w: np.ndarray, rank: int) -> np.ndarray:
    """The nearest matrix of this rank, its factors rounded to 8 bits with a step a column."""
    u, s, v = np.linalg.svd(w, full_matrices=False)
    u, v = u[:, :rank] * np.sqrt(s[:rank]), v[:rank] * np.sqrt(s[:rank])[:, None]
    step_u, step_v = np.abs(u).max(0, keepdims=True) / 127, np.abs(v).max(1, keepdims=True) / 127
    return ((np.rint(u / step_u) * step_u) @ (np.rint(v / step_v) * step_v)).astype(np.float32)


# Progressive forms: each is a list of blocks a tensor, in their order: (bits, what t2 falls by)

Blocks = list[list[tuple[float, float]]]
SIZES = (2.0, 3.0, 4.0, 5.0, 6.0)


def sorted_curve(blocks: Blocks, weights: int, fixed: float) -> tuple[np.ndarray, np.ndarray]:
    """Bits a weight and mean t2 along a file whose blocks are sorted by what they bring a bit, each tensor's own order kept."""
    pieces = []
    for number, own in enumerate(blocks):
        hull: list[list[float]] = []
        for bits, gain in own:
            hull.append([bits, gain])
            while len(hull) > 1 and hull[-1][1] * hull[-2][0] > hull[-2][1] * hull[-1][0]:  # a steeper block behind goes together with the one before
                bits, gain = hull.pop()
                hull[-1][0] += bits
                hull[-1][1] += gain
        pieces += [(-gain / bits, number, bits, gain) for bits, gain in hull]
    pieces.sort()
    return (fixed + np.cumsum([0.0] + [p[2] for p in pieces])) / weights, 1 - np.cumsum([0.0] + [p[3] for p in pieces]) / len(blocks)


def signs_and_low_rank(tensors: list[Tensor], rank: int, most: int = 8) -> Blocks:
    """BitStack's blocks: the residual's signs times the nearest matrix of low rank to its magnitudes, factors in binary16."""
    out = []
    for t in tensors:
        left, own, before = t.w.astype(np.float32), [], 1.0
        for _ in range(most):
            size = np.abs(left)
            basis = np.random.default_rng(1).standard_normal((size.shape[1], rank + 4)).astype(np.float32)
            for _ in range(3):
                basis = np.linalg.qr(size.T @ (size @ basis))[0]
            u, s, v = np.linalg.svd(size @ basis, full_matrices=False)
            u, v = (u[:, :rank] * s[:rank]).astype(np.float16).astype(np.float32), (v[:rank] @ basis.T).astype(np.float16).astype(np.float32)
            left = left - np.sign(left) * (u @ v)
            now = float((left.astype(np.float64) ** 2).sum()) / t.square
            own.append((t.size + 16.0 * rank * sum(t.w.shape), before - now))
            before = now
        out.append(own)
    return out


def bit_planes(tensors: list[Tensor], steps: list[float], symbols: list[np.ndarray], unions: list[np.ndarray] | None, top: int) -> tuple[Blocks, float]:
    """Planes of magnitudes >> j, in two passes each, zeros first; and the bits of tables and scales.

    Contexts: the class of the weight's expected size, what is known of its magnitude (0 to 7 and more), and the union in the last plane of a trellis,
    which is one pass. Weights are put back at their cells' means, which are sent for each plane, class and magnitude up to SHIFTED.
    """
    contexts = [coders.classes(t, s, 0.25).astype(np.int32) for t, s in zip(tensors, steps)]
    size = [np.abs(t.w) / np.float32(s) for t, s in zip(tensors, steps)]
    error = [(x.astype(np.float64) ** 2) for x in size]
    blocks: Blocks = [[] for _ in tensors]
    fixed = coders.scale_bits(tensors) + 32 * len(tensors)
    for j in range(top, -1, -1):
        last = j == 0 and unions is not None
        known = [np.minimum(np.abs(q) >> (j + 1), 7) for q in symbols]
        where = [(c * 8 + k) * 2 + (u if last else 0) for c, k, u in zip(contexts, known, unions or contexts)]
        bit = [(np.abs(q) >> j) & 1 if j < top else np.minimum(np.abs(q) >> j, 1) for q in symbols]
        counts = sum(np.bincount((w * 2 + b).ravel(), minlength=256 * 16) for w, b in zip(where, bit)).reshape(-1, 2)
        share = np.clip(np.rint(4096 * counts / np.maximum(counts.sum(1, keepdims=True), 1)), 1, 4095) / 4096
        fixed += 12 * int((counts.sum(1) > 0).sum())
        cell = [c * 16 + np.minimum(np.abs(q) >> j, 15) for c, q in zip(contexts, symbols)]
        middle = [np.where(np.abs(q) >> j > 0, (((np.abs(q) >> j) + 0.5) * 2**j) * (2 if unions else 1), 0) for q in symbols]
        sums = sum(np.bincount(k.ravel(), weights=(x - m).ravel(), minlength=256 * 16) for k, x, m in zip(cell, size, middle))
        seen = sum(np.bincount(k.ravel(), minlength=256 * 16) for k in cell)
        shift = np.where((seen >= 32) & (np.arange(256 * 16) % 16 > 0), sums / np.maximum(seen, 1), 0)
        fixed += 6 * int((shift != 0).sum())
        for i, (t, q) in enumerate(zip(tensors, symbols)):
            back = np.maximum(2.0 * np.abs(q) - unions[i], 0) if last else middle[i] + shift[cell[i]]
            now = (size[i] - back) ** 2
            cost = -np.log2(share[where[i], bit[i]]) + ((known[i] == 0) & (bit[i] == 1))
            fell = (error[i] - now) * (steps[i] ** 2 / t.square)
            for part in ([np.ones_like(bit[i], bool)] if last else [known[i] == 0, known[i] > 0]):
                if part.any():
                    blocks[i].append((float(cost[part].sum()), float(fell[part].sum())))
            error[i] = now
    return blocks, fixed


def progressive(tensors: list[Tensor]) -> list[Line]:
    """t2 of each form at each size over that of the file packed for the size, by a trellis and by scalar decisions."""
    weights = sum(t.size for t in tensors)
    scalar = curve(lambda f: coders.code(tensors, by_norm(tensors, f), rho=0.12, centroids=True), (0.04, 0.06, *FACTORS))
    trellis = curve(lambda f: coders.code_trellis(tensors, by_norm(tensors, f), rho=0.1), (0.02, 0.04, 0.07, 0.12, 0.2, 0.32, 0.5))
    packed = {"scalar": scalar, "trellis": trellis}
    lines: list[Line] = [{"design": f"packed for the size, {name}", **{f"t2 at {r}": error_at(c, r) for r in SIZES}} for name, c in packed.items()]

    def add(name: str, blocks: Blocks, fixed: float) -> None:
        rate, error = sorted_curve(blocks, weights, fixed)
        at = [float(np.interp(r, rate, error)) if r <= rate[-1] else float("nan") for r in SIZES]
        lines.append({"design": name, **{f"over {other} at {r}": e / error_at(c, r) for other, c in packed.items() for r, e in zip(SIZES, at)}})
        show("", lines[-1:])

    show("Progressive", lines)
    for rank in (1, 4, 16):
        add(f"signs times rank {rank}", signs_and_low_rank(tensors, rank), 0.0)
    phases = np.array([(i * (5**0.5 - 1) / 2) % 1 - 0.5 for i in range(len(tensors))])
    for finest, spread in ((0.044, 0), (0.053, 0), (0.036, 1), (0.044, 1)):
        steps = list(by_norm(tensors, finest) * 2 ** (spread * phases))
        symbols = [np.trunc(t.w / np.float32(s)).astype(np.int32) for t, s in zip(tensors, steps)]
        add(f"bit planes from {finest}" + ", steps spread over an octave" * spread, *bit_planes(tensors, steps, symbols, None, 9))
    for finest in (0.022, 0.03):
        steps = by_norm(tensors, finest)
        paths = coders.paths(tensors, steps, rho=0.1)
        add(f"bit planes of a trellis from {finest}", *bit_planes(tensors, steps, [q.astype(np.int32) for q, _ in paths], [u for _, u in paths], 9))
    return lines


# What the model says


def two_hundred(part: int) -> list[str]:
    """100 first sentences of articles and 100 questions to a bank; `part` 0 is what sensitivities are measured on, 1 what they are checked on."""
    articles = [a["text"].split(". ")[0] for a in json.loads((DATA / "text" / "2wiki_corpus.json").read_text())]
    questions = [q.rsplit(",", 1)[0].strip('"') for q in (DATA / "text" / "banking77_train.csv").read_text().splitlines()[1:] if q.count(",")]
    return [*articles[part :: len(articles) // 100][:100], *questions[part :: len(questions) // 100][:100]]


def embed(model: minilm.MiniLM, texts: list[str], changed: dict[str, np.ndarray]) -> np.ndarray:
    """Unit vectors (n, 384) with these weights in place of the model's."""
    kept, model.w = model.w, {**model.w, **changed}
    ids = model.tokens(texts)
    order, out = sorted(range(len(ids)), key=lambda i: len(ids[i])), np.empty((len(ids), minilm.WIDTH), np.float32)
    for at in range(0, len(order), minilm.PIECE):
        part = order[at : at + minilm.PIECE]
        out[part] = model.encode([ids[i] for i in part])
    model.w = kept
    return unit(out)


def turned(left: np.ndarray, right: np.ndarray) -> float:
    """The mean of 1 - cosine between two encoders' vectors."""
    return float(1 - (left.astype(np.float64) * right).sum(1).mean())


def sensitivity(model: minilm.MiniLM, tensors: list[Tensor], level: float = 0.01) -> list[Line]:
    texts = two_hundred(0)
    plain, rng, lines = embed(model, texts, {}), np.random.default_rng(7), []
    for t in tensors:
        noise = rng.standard_normal(t.w.shape).astype(np.float32)
        noise *= np.float32(t.norm * level**0.5 / np.linalg.norm(noise))
        lines.append({"design": t.name, "alpha": turned(plain, embed(model, texts, {t.name: t.w + noise})) / level})
    return show("Sensitivities: 1 - cosine over t2", lines)


def predicted(model: minilm.MiniLM, tensors: list[Tensor]) -> list[Line]:
    alpha = {str(line["design"]): line["alpha"] for line in measures.read_json(FILE)["sensitivity"]}
    weight, check = np.array([alpha[t.name] for t in tensors], np.float64), two_hundred(1)
    held = embed(model, check, {})
    lines: list[Line] = []

    def add(name: str, coded: Coded) -> None:
        measured = turned(held, embed(model, check, {t.name: b for t, b in zip(tensors, coded.back)}))
        lines.append({"design": name, "bits": coded.rate, "t2": coded.error, "predicted": float((weight * coded.t2).sum()), "measured": measured})
        lines[-1]["predicted over measured"] = float((weight * coded.t2).sum()) / measured
        show("", lines[-1:])

    def by_rms(factor: float) -> list[float]:
        return [factor * t.norm / t.size**0.5 for t in tensors]

    def by_alpha(factor: float, power: float) -> list[float]:
        steps = np.array(by_norm(tensors, 1.0)) / weight ** (power / 2)
        return list(factor * steps * np.exp(np.mean(np.log(weight)) * power / 2))

    quantized = [coders.signed_blocks(t.w, 8) for t in tensors]
    t2 = np.array([((t.w - q).astype(np.float64) ** 2).sum() / t.square for t, q in zip(tensors, quantized)])
    weights = sum(t.size for t in tensors)
    add("Q4_0", Coded(4.5 * weights, t2, t2, weights, quantized))
    for bits in (3.0, 4.0, 5.0):
        for name, power in (("alike", 0.0), ("by alpha", 1.0)):
            add(f"scalar, {name}, {bits} bits", at_rate(lambda f: coders.code(tensors, by_alpha(f, power), rho=0.12, centroids=True), bits, 0.24 * 2 ** (3.7 - bits)))
        add(f"scalar, by root mean square, {bits} bits", at_rate(lambda f: coders.code(tensors, by_rms(f), rho=0.12, centroids=True), bits, 0.24 * 2 ** (3.7 - bits)))
    add("trellis, by root mean square, 3.3 bits", at_rate(lambda f: coders.code_trellis(tensors, by_rms(f)), 3.3, 0.13))
    for name, power in (("alike", 0.0), ("by alpha", 1.0)):
        add(f"trellis, {name}, 3.3 bits", at_rate(lambda f: coders.code_trellis(tensors, by_alpha(f, power)), 3.3, 0.13))
    return lines


def at_rate(coder: Callable[[float], Coded], bits: float, factor: float) -> Coded:
    """The coder at the factor where it takes so many bits a weight, within a thousandth or two."""
    found = coder(factor)
    for _ in range(3):
        if abs(found.rate - bits) < 0.002:
            break
        factor *= 2 ** (found.rate - bits)
        found = coder(factor)
    return found


def sts(model: minilm.MiniLM, changed: dict[str, np.ndarray]) -> float:
    """Mean over the six files of STS-2014 of Spearman's rank correlation."""
    files = [[line.split("\t")[:3] for line in f.read_text().splitlines() if line.count("\t") >= 2] for f in sorted((DATA / "text" / "sts2014").glob("*.tsv"))]
    texts = sorted({part for rows in files for r in rows for part in r[1:]})
    where, rows = {t: i for i, t in enumerate(texts)}, embed(model, texts, changed)
    return float(np.mean([spearmanr([(rows[where[a]] * rows[where[b]]).sum() for _, a, b in f], [float(s) for s, _, _ in f]).statistic for f in files]))


def frequencies(model: minilm.MiniLM, words: int) -> np.ndarray:
    """How often each token stands in articles, plus a half; none of the texts of STS-2014 among them."""
    texts = [a["text"] for a in json.loads((DATA / "text" / "2wiki_corpus.json").read_text())]
    return np.bincount(np.concatenate(model.tokens(texts)), minlength=words) + 0.5


def word_table(model: minilm.MiniLM, _: list[Tensor]) -> list[Line]:
    t = Tensor(WORDS, model.w[WORDS])
    often = frequencies(model, len(t.w))
    norms = np.linalg.norm(t.w, axis=1)
    rounded = {row.tobytes() for row in np.rint(t.w / np.float32(0.02 * norms.mean() / t.w.shape[1] ** 0.5)).astype(np.int16)}
    spread = [round(float(x), 3) for x in np.quantile(norms, (0, 0.01, 0.5, 0.99, 1))]
    lines: list[Line] = [{"design": "rows", "count": len(t.w), "alike to a fiftieth": len(t.w) - len(rounded), "norms at 0, 1, 50, 99, 100%": spread},
                         {"design": "as it is", "bits": 32.0, "sts": sts(model, {})}]
    show("The word table", lines)

    def add(name: str, coder: Callable[[Tensor, float], Coded], row: np.ndarray, bits: float, factor: float, measure: bool) -> None:
        part = Tensor(WORDS, t.w / row[:, None], (row**2)[:, None])
        part.square = t.square
        c = at_rate(lambda f: coder(part, f * t.norm / t.size**0.5), bits, factor)
        back = c.back[0] * row[:, None].astype(np.float32)
        by_row = ((back - t.w).astype(np.float64) ** 2).sum(1)
        line: Line = {"design": name, "bits": c.rate, "t2": c.error, "t2 by frequency": float((often * by_row).sum() / (often * norms.astype(np.float64) ** 2).sum())}
        if measure:
            line["sts"] = sts(model, {WORDS: back})
        lines.append(line)
        show("", lines[-1:])

    def scalar(part: Tensor, step: float) -> Coded:
        return coders.code([part], [step], rho=0.12, centroids=True)

    def trellis(part: Tensor, step: float) -> Coded:
        return coders.code_trellis([part], [step])

    def tied(power: float, span: float) -> np.ndarray:
        row = np.clip((often / np.median(often)) ** -power, 1 / span, span)
        return np.exp2(np.rint(2 * np.log2(row)) / 2)

    even = np.ones(len(t.w))
    for bits in (4.0, 3.0, 2.0, 1.0):
        add(f"one step, scalar, {bits} bits", scalar, even, bits, 0.24 * 2 ** (3.7 - bits), bits != 3.0)
    add("rows by frequency ^ -0.25, scalar, 1.0 bits", scalar, tied(0.25, 4.0), 1.0, 1.5, True)
    add("rows by frequency ^ -0.25, scalar, 2.0 bits", scalar, tied(0.25, 4.0), 2.0, 0.8, False)
    add("rows by frequency ^ -0.5, scalar, 2.0 bits", scalar, tied(0.5, 8.0), 2.0, 0.8, False)
    add("rows by norm, scalar, 2.0 bits", scalar, norms / norms.mean(), 2.0, 0.8, False)
    add("one step, trellis, 2.0 bits", trellis, even, 2.0, 0.35, False)
    return lines


def bar(tensors: list[Tensor]) -> list[Line]:
    target = q4_error(tensors)
    designs: dict[str, Curve] = {
        "rounding": curve(lambda f: coders.code(tensors, by_norm(tensors, f)), (0.25, 0.28, 0.32)),
        "a bit costs 0.12, centroids": curve(lambda f: coders.code(tensors, by_norm(tensors, f), rho=0.12, centroids=True), (0.25, 0.28, 0.32)),
        "trellis of 8 states": curve(lambda f: coders.code_trellis(tensors, by_norm(tensors, f)), (0.16, 0.17)),
    }
    return show("Bits for Q4_0's error", [{"design": n, "t2": target, "bits": rate_for(c, target), "from": round(c[0].rate, 3), "to": round(c[-1].rate, 3)} for n, c in designs.items()])


def turns(tensors: list[Tensor]) -> list[Line]:
    """How often tables and paths are made for each other; bits are told at one error, by 6.02 dB a bit."""
    lines: list[Line] = []
    for number in (2, 4, 6, 10, 20):
        c = coders.code_trellis(tensors, by_norm(tensors, 0.16), rounds=number)
        lines.append({"design": f"{number} turns", "bits": c.rate, "t2": c.error, "bits at Q4_0's error": c.rate + 0.5 * float(np.log2(c.error / q4_error(tensors)))})
    return show("Turns of the trellis", lines)


def tidy(results: dict[str, list[Line]]) -> dict[str, list[Line]]:
    """Numbers to six digits; what is no number is left out."""
    return {name: [{k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in line.items() if v == v} for line in lines] for name, lines in results.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=list(QUESTIONS))
    parser.add_argument("--layers", nargs="*", type=int)
    options = parser.parse_args()
    model = minilm.MiniLM()
    for name in options.only:
        question, layers = QUESTIONS[name]
        lines = question(model, matrices(model, options.layers or layers))
        if not options.layers:
            measures.write_json(FILE, tidy({**measures.read_json(FILE), name: lines}))


ALL = range(minilm.LAYERS)
QUESTIONS: dict[str, tuple[Callable[[minilm.MiniLM, list[Tensor]], list[Line]], Iterable[int]]] = {
    "formats": (lambda _, tensors: formats(tensors), ALL),
    "contexts": (lambda _, tensors: contexts(tensors), ALL),
    "steps": (lambda _, tensors: steps_rules(tensors), ALL),
    "bar": (lambda _, tensors: bar(tensors), ALL),
    "decisions": (lambda _, tensors: decisions(tensors), TWO_LAYERS),
    "turns": (lambda _, tensors: turns(tensors), (1,)),
    "low_rank": (lambda _, tensors: low_rank(tensors), TWO_LAYERS),
    "progressive": (lambda _, tensors: progressive(tensors), TWO_LAYERS),
    "word_table": (word_table, ()),
    "sensitivity": (sensitivity, ALL),
    "predicted": (predicted, ALL),
}

if __name__ == "__main__":
    main()
