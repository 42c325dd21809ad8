"""What bench/weight_designs.py weighs against each other, in numpy: formats of blocks, uniform steps with entropies under contexts, decisions by
rate and distortion, trellises. No bits are written: a stream is as long as its symbols cost under tables of 12 bits, tables and scales counted
(what an rANS coder adds is a few bytes a stream).

Units: a weight's error is squared and absolute; t2 of a tensor is its sum over the tensor's own sum of squares. Rates are bits a weight.
"""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

EIGHTH = 8  # scales are in eighths of an octave
LIMIT = 127  # symbols go from -LIMIT to LIMIT, whose ends are escapes to larger ones
ESCAPED = 12  # bits of one of those
SHIFTED = 8  # magnitudes up to this one are put back off the middle of their cell
PROBABILITY = 4096
RARE = 8192  # a symbol seen less than once in so many escapes
OFFSET, ALPHABET = LIMIT, 2 * LIMIT + 1


@dataclass
class Tensor:
    """A matrix (R, C) with its scales in eighths of an octave: `row` (R,), `column` (C,); log2 of a weight's expected size is (row + column) / 8.

    `weight`: what a squared error counts, a number or one a row (R, 1): for tensors whose rows were divided by something.
    """

    name: str
    w: np.ndarray
    weight: np.ndarray | float = 1.0
    row: np.ndarray = field(init=False)
    column: np.ndarray = field(init=False)
    square: float = field(init=False)

    def __post_init__(self) -> None:
        self.w = np.ascontiguousarray(self.w, np.float32)
        self.square = float((self.w.astype(np.float64) ** 2).sum())
        row, column = rms_scales(self.w)
        self.row, self.column = np.rint(EIGHTH * np.log2(row)).astype(int), np.rint(EIGHTH * np.log2(column)).astype(int)

    @property
    def size(self) -> int:
        return self.w.size

    @property
    def norm(self) -> float:
        return self.square**0.5


def rms_scales(w: np.ndarray, rounds: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Rows' and columns' scales whose products are the root mean squares of the weights, by turns: (R,), (C,)."""
    square, tiny = w.astype(np.float64) ** 2, 1e-24
    column = np.ones(w.shape[1])
    for _ in range(rounds):
        row = np.sqrt((square / column**2).mean(1)) + tiny
        column = np.sqrt((square / row[:, None] ** 2).mean(0)) + tiny
    return row, column


def entropy_bits(symbols: np.ndarray) -> float:
    """Bits that these integers take under their own frequencies."""
    _, counts = np.unique(symbols, return_counts=True)
    return float(-(counts * np.log2(counts / counts.sum())).sum())


def scale_bits(tensors: list[Tensor], rows: bool = True, columns: bool = True, per_octave: int = EIGHTH) -> float:
    """Rows' and columns' scales of all tensors, less each tensor's median, under one table each, with the tables."""
    bits = 0.0
    for used, part in ((rows, "row"), (columns, "column")):
        if used:
            codes = [np.rint(getattr(t, part) * per_octave / EIGHTH).astype(int) for t in tensors]
            every = np.concatenate([c - int(np.median(c)) for c in codes])
            bits += entropy_bits(every) + 12 * len(np.unique(every)) + 16 * len(tensors)
    return bits


# Formats of blocks


def blocks_of(w: np.ndarray) -> np.ndarray:
    return w.reshape(-1, 32).astype(np.float32)


def signed_blocks(w: np.ndarray, half: int) -> np.ndarray:
    """Q4_0 (half = 8) and Q5_0 (16): 32 weights share a binary16 step that maps the one of the largest magnitude to -half."""
    x = blocks_of(w)
    largest = np.take_along_axis(x, np.abs(x).argmax(1)[:, None], 1)
    step = largest / -half
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(step != 0, 1 / step, 0)
    code = np.clip(np.floor(x * inverse + half + 0.5), 0, 2 * half - 1)
    return ((code - half) * step.astype(np.float16).astype(np.float32)).reshape(w.shape)


def q8_blocks(w: np.ndarray) -> np.ndarray:
    x = blocks_of(w)
    step = np.abs(x).max(1, keepdims=True) / 127
    inverse = np.where(step != 0, 1 / np.maximum(step, 1e-30), 0)
    return (np.rint(x * inverse) * step.astype(np.float16).astype(np.float32)).reshape(w.shape)


# Entropies under contexts


def twelve_bits(counts: np.ndarray) -> tuple[np.ndarray, int]:
    """Costs in bits (contexts, ALPHABET) of counted symbols (contexts, ALPHABET) under tables of 12 bits, and the bits that the tables take.

    Symbols that are rarer than one in RARE share an escape, which takes 8 bits more. A table takes 16 bits and 8 for each symbol that it holds.
    A context that was never seen costs what its escape does.
    """
    counts = counts.astype(np.float64)
    total = np.maximum(counts.sum(1, keepdims=True), 1)
    held = counts * RARE >= total
    escape = np.where(held, 0, counts).sum(1, keepdims=True)
    share = PROBABILITY * np.where(held, counts, 0) / total
    frequency = np.where(held, np.maximum(np.rint(share), 1), 0)
    spare = np.maximum(np.rint(PROBABILITY * escape / total), 1)
    scale = PROBABILITY / (frequency.sum(1, keepdims=True) + spare)  # the largest gives or takes what rounding left: its cost moves little
    with np.errstate(divide="ignore"):
        cost = np.where(held, np.log2(PROBABILITY) - np.log2(frequency * scale), np.log2(PROBABILITY) - np.log2(spare * scale) + 8)
    cost[:, [0, -1]] += ESCAPED
    used = counts.sum(1) > 0
    return cost, int((16 + 8 * held[used].sum(1)).sum())


def folded(symbols: np.ndarray) -> np.ndarray:
    """Where a symbol stands in a table."""
    return np.clip(symbols, -LIMIT, LIMIT).astype(np.int16) + OFFSET


def count(symbols: np.ndarray, contexts: np.ndarray, number: int) -> np.ndarray:
    """(number, ALPHABET) from symbols and contexts in 0..number-1, of one shape."""
    flat = contexts.ravel().astype(np.int32) * ALPHABET + folded(symbols.ravel())
    return np.bincount(flat, minlength=number * ALPHABET).reshape(number, ALPHABET)


def classes(t: Tensor, step: float, width: float, rows: bool = True, columns: bool = True) -> np.ndarray:
    """The context of each weight (R, C), uint8: its expected size over the step, in classes of `width` octaves; 0 where it is below a thirty-second."""
    row = t.row if rows else np.full(t.w.shape[0], EIGHTH * np.log2(np.sqrt(np.mean(np.exp2(2 * t.row / EIGHTH)))))
    column = t.column if columns else np.full(t.w.shape[1], EIGHTH * np.log2(np.sqrt(np.mean(np.exp2(2 * t.column / EIGHTH)))))
    eighths = (row - EIGHTH * np.log2(step))[:, None] + column[None, :]
    return np.clip(np.floor((eighths / EIGHTH + 5) / width + 0.5), 0, 255).astype(np.uint8)


@dataclass
class Coded:
    """Tensors coded: what they cost in all, and each one's t2; `own`: bits of each one's symbols; `back`: what is decoded."""

    bits: float
    t2: np.ndarray
    own: np.ndarray
    weights: int
    back: list[np.ndarray]

    @property
    def rate(self) -> float:
        return self.bits / self.weights

    @property
    def error(self) -> float:
        return float(self.t2.mean())


def errors(tensors: list[Tensor], back: list[np.ndarray]) -> np.ndarray:
    return np.array([float((t.weight * (t.w - b).astype(np.float64) ** 2).sum()) / t.square for t, b in zip(tensors, back)])


def plain(t: Tensor, step: float) -> np.ndarray:
    return np.rint(t.w / np.float32(step)).astype(np.int16)


def put_back(q: np.ndarray, contexts: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """In steps: the middle of the cell and its context's shift (contexts, SHIFTED + 2), whose last serves all larger magnitudes."""
    magnitude = np.abs(q)
    return np.sign(q) * (magnitude + shifts[contexts, np.minimum(magnitude, SHIFTED + 1)])


def shrink(t: Tensor, step: float, q: np.ndarray, rho: float, cost: np.ndarray, contexts: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Each symbol again, for the least squared error in steps + rho * bits among the nearest, the one next to it towards zero, and zero."""
    x = t.w / np.float32(step)
    price = (cost * rho).astype(np.float32)
    best, least = q, np.full(q.shape, np.inf, np.float32)
    for candidate in (q, q - np.sign(q), np.zeros_like(q)):
        total = (x - put_back(candidate, contexts, shifts)) ** 2 + price[contexts, folded(candidate)]
        best, least = np.where(total < least, candidate, best), np.minimum(total, least)
    return best


def shifts_of(tensors: list[Tensor], steps: list[float], symbols: list[np.ndarray], contexts: list[np.ndarray], number: int) -> np.ndarray:
    """How far the mean of a cell lies from its middle, in 1/64 steps (number, SHIFTED + 2); 0 for zero, past SHIFTED and where fewer than 32 lie."""
    cells = SHIFTED + 2
    sums, counts = np.zeros(number * cells), np.zeros(number * cells)
    for t, step, q, c in zip(tensors, steps, symbols, contexts):
        magnitude = np.abs(q)
        at = c.ravel().astype(np.int32) * cells + np.minimum(magnitude, SHIFTED + 1).ravel()
        counts += np.bincount(at, minlength=number * cells)
        sums += np.bincount(at, weights=(np.abs(t.w) / np.float32(step) - magnitude).ravel(), minlength=number * cells)
    shifts = np.where(counts >= 32, np.rint(64 * sums / np.maximum(counts, 1)) / 64, 0).reshape(number, cells).astype(np.float32)
    shifts[:, 0] = shifts[:, -1] = 0
    return shifts


def code(tensors: list[Tensor], steps: list[float], width: float = 0.25, rho: float = 0.0, centroids: bool = False, rows: bool = True,
         columns: bool = True, shared: bool = True, rounds: int = 3) -> Coded:
    """Uniform steps, contexts of `width` octaves (0: one context), `rho`: the price of a bit in squared steps (0: rounding)."""
    scaled = width > 0
    number = 256 if scaled else 1
    contexts = [classes(t, s, width, rows, columns) if scaled else np.zeros(t.w.shape, np.uint8) for t, s in zip(tensors, steps)]
    nearest = [plain(t, s) for t, s in zip(tensors, steps)]
    symbols = nearest
    shifts = np.zeros((number, SHIFTED + 2), np.float32)
    for _ in range(rounds if rho > 0 else 0):
        cost, _ = twelve_bits(sum(count(q, c, number) for q, c in zip(symbols, contexts)))
        if centroids:
            shifts = shifts_of(tensors, steps, symbols, contexts, number)
        symbols = [shrink(t, s, q, rho, cost, c, shifts) for t, s, q, c in zip(tensors, steps, nearest, contexts)]
    if centroids:
        shifts = shifts_of(tensors, steps, symbols, contexts, number)
    counts = [count(q, c, number) for q, c in zip(symbols, contexts)]
    own, tables = np.zeros(len(tensors)), 0
    if shared:
        cost, tables = twelve_bits(sum(counts))
        own = np.array([(k * cost).sum() for k in counts])
    else:
        for i, k in enumerate(counts):
            cost, table = twelve_bits(k)
            own[i], tables = (k * cost).sum(), tables + table
    side = scale_bits(tensors, rows, columns) if scaled else 0.0
    if centroids:
        side += 6 * int((shifts != 0).sum())
    back = [np.float32(s) * put_back(q, c, shifts) for s, q, c in zip(steps, symbols, contexts)]
    return Coded(float(own.sum()) + tables + side + 32 * len(tensors), errors(tensors, back), own, sum(t.size for t in tensors), back)


# Trellises

PARITY_CHECKS = {4: (0o5, 0o2), 8: (0o13, 0o4), 16: (0o23, 0o4), 32: (0o45, 0o10), 64: (0o103, 0o24)}  # Ungerboeck 1982, table I


def next_state(state: np.ndarray, parity: np.ndarray, states: int) -> np.ndarray:
    """Where a symbol's parity leads: two shifts and two exclusive ors. The state's lowest bit says which union of levels is next."""
    h0, h1 = PARITY_CHECKS[states]
    return (state >> 1) ^ ((state & 1) * (h0 >> 1)) ^ (parity * (h1 >> 1))


def level(q: np.ndarray, union: np.ndarray) -> np.ndarray:
    """What symbol q stands for, in steps: 2q in the even union, and one step nearer to zero in the odd one, which keeps its zero."""
    return 2 * q - union.astype(np.int16) * np.sign(q)


def branches(x: np.ndarray, contexts: np.ndarray, price: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For weights x in steps (n, lanes): the least total and its magnitude for each union and parity, (n, 4, lanes), the label 2 * union + parity.

    `price` (contexts, 2, ALPHABET): a symbol's bits times what a bit is worth, in squared steps.
    """
    size, sign = np.abs(x), np.sign(x).astype(np.int16)
    total = np.full((x.shape[0], 4, x.shape[1]), np.inf, np.float32)
    chosen = np.zeros((x.shape[0], 4, x.shape[1]), np.int16)
    for union in (0, 1):
        low = np.floor((size + union) / 2).astype(np.int16)
        for magnitude in (low, low + 1, np.maximum(low - 1, 0), np.zeros_like(low)):
            error = (size - np.maximum(2 * magnitude - union, 0)) ** 2 + price[contexts, union, folded(magnitude * sign)]
            for parity in (0, 1):
                better = (error < total[:, 2 * union + parity]) & ((magnitude & 1) == parity)
                total[:, 2 * union + parity][better] = error[better]
                chosen[:, 2 * union + parity][better] = magnitude[better]
    return total, chosen


def viterbi(total: np.ndarray, chosen: np.ndarray, states: int) -> tuple[np.ndarray, np.ndarray]:
    """The cheapest path of each lane from state 0: magnitudes and unions (n, lanes)."""
    n, _, lanes = total.shape
    arrive: list[list[tuple[int, int]]] = [[] for _ in range(states)]
    for s in range(states):
        for parity in (0, 1):
            arrive[int(next_state(np.int64(s), np.int64(parity), states))].append((s, parity))
    before = np.array([[p[0] for p in a] for a in arrive])
    label = np.array([[2 * (p[0] & 1) + p[1] for p in a] for a in arrive])
    cost = np.full((states, lanes), 1e30, np.float32)
    cost[0] = 0
    second = np.empty((n, states, lanes), bool)
    for i in range(n):
        first, other = cost[before[:, 0]] + total[i, label[:, 0]], cost[before[:, 1]] + total[i, label[:, 1]]
        second[i] = other < first
        cost = np.minimum(first, other)
        cost -= cost.min(0)
    state, lane = cost.argmin(0), np.arange(lanes)
    magnitude, union = np.empty((n, lanes), np.int16), np.empty((n, lanes), np.uint8)
    for i in range(n - 1, -1, -1):
        pick = second[i, state, lane].astype(np.int64)
        magnitude[i] = chosen[i, label[state, pick], lane]
        state = before[state, pick]
        union[i] = state & 1
    return magnitude, union


def paths(tensors: list[Tensor], steps: list[float], states: int = 8, width: float = 0.25, rho: float = 0.1, rounds: int = 4) -> list[tuple[np.ndarray, np.ndarray]]:
    """Symbols and unions (R, C) of each tensor by a trellis along the lanes of its longer side, the tables fitted anew `rounds` times.

    `steps` are half of what a union's levels are apart; `rho`: the price of a bit in squared distances between a union's levels.
    """
    turned = [t.w.shape[1] < t.w.shape[0] for t in tensors]
    xs = [np.ascontiguousarray(t.w.T if turn else t.w) / np.float32(s) for t, s, turn in zip(tensors, steps, turned)]
    contexts = [classes(t, 2 * s, width) for t, s in zip(tensors, steps)]
    contexts = [np.ascontiguousarray(c.T if turn else c) for c, turn in zip(contexts, turned)]
    cost = np.zeros((512, ALPHABET))
    out: list[tuple[np.ndarray, np.ndarray]] = []
    for _ in range(rounds):
        price = (4 * rho * cost).astype(np.float32).reshape(256, 2, ALPHABET)
        out = []
        for x, c in zip(xs, contexts):
            magnitude, union = viterbi(*branches(x, c, price), states)
            out.append((magnitude * np.sign(x).astype(np.int16), union))
        cost, _ = twelve_bits(sum(count(q, c.astype(np.int32) * 2 + u, 512) for (q, u), c in zip(out, contexts)))
    return [(q.T, u.T) if turn else (q, u) for (q, u), turn in zip(out, turned)]


def code_trellis(tensors: list[Tensor], steps: list[float], states: int = 8, width: float = 0.25, rho: float = 0.1, rounds: int = 4) -> Coded:
    """As code(), by a trellis; the union chooses the table beside the context."""
    found = paths(tensors, steps, states, width, rho, rounds)
    counts = [count(q, classes(t, 2 * s, width).astype(np.int32) * 2 + u, 512) for t, s, (q, u) in zip(tensors, steps, found)]
    cost, tables = twelve_bits(sum(counts))
    own = np.array([(k * cost).sum() for k in counts])
    back = [np.float32(s) * level(q, u).astype(np.float32) for s, (q, u) in zip(steps, found)]
    return Coded(float(own.sum()) + tables + scale_bits(tensors) + 32 * len(tensors), errors(tensors, back), own, sum(t.size for t in tensors), back)
