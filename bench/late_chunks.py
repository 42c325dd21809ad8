"""Late chunking: pieces encoded within their document against pieces encoded alone, by the same transformer.

    python bench/late_chunks.py

The three corpora and the questions of bench/chunks.py, cut by Attar into pieces of at most 120 and 200 tokens, packed with MiniLM once with --late-chunking and once
without (each piece behind the headings over it), and asked by meaning: token recall and IoU of the five best pieces and of the best pieces up to 1,000 tokens.
Differences (late less alone) are paired by question, with 95% intervals. Results: bench/results/late_chunks.json
"""
from __future__ import annotations

import datasets
from datasets import OUT, RESULTS

import json
import sys
from pathlib import Path

import numpy as np

import attar_cli
import chunks
import measures
import minilm

SIZES = (120, 200)
FOLDER = OUT / "late_chunks"
MEASURES = ("recall@5", "iou@5", "recall@budget", "iou@budget")


def judged(corpus: chunks.Corpus, size: int, late: bool) -> dict[str, np.ndarray]:
    spans, _, _ = chunks.attar(corpus, size)
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = f"{corpus.name}-{size}-{'late' if late else 'alone'}"
    file = FOLDER / f"{name}.attar"
    out, _, _ = attar_cli.call("pack", str(corpus.file), "-o", str(file), "--encoder", str(minilm.folder()), "--chunk-tokens", str(size), "--json", *(("--late-chunking",) if late else ()))
    assert json.loads(out)["rows"] == len(spans), "the program of the bench cuts as pack does"
    text, _, _ = attar_cli.call("search", str(file), *(q.replace('"', " ") for q in corpus.questions), "--semantic", "--rows", "-k", str(min(len(spans), 100)), "--json", "--encoder", str(minilm.folder()))
    # judge() ranks by products: the place of each piece among the answers stands in for them.
    ranks = np.full((len(corpus.questions), len(spans)), -1e6)
    for i, line in enumerate(text.splitlines()):
        for place, hit in enumerate(json.loads(line)["hits"]):
            ranks[i, hit["row"]] = -place
    return chunks.judge(corpus, spans, np.eye(len(spans)), ranks)


def main() -> None:
    try:
        corpora = chunks.load("tune") + chunks.load("report")
    except datasets.Missing as missing:
        sys.exit(f"skipped: {missing}")
    rows = []
    for size in SIZES:
        each = {late: [judged(corpus, size, late) for corpus in corpora] for late in (False, True)}
        row: dict = {"size": size}
        for key in MEASURES:
            alone, late = (np.concatenate([e[key] for e in each[kind]]) for kind in (False, True))
            row[key] = {"alone": round(float(alone.mean()), 4), "late": round(float(late.mean()), 4), "late_less_alone": [round(float(v), 4) for v in measures.mean_interval(late - alone)]}
        rows.append(row)
        print(f"pieces of at most {size} tokens: " + "; ".join(f"{key} alone {row[key]['alone']:.4f}, late {row[key]['late']:.4f} {row[key]['late_less_alone']}" for key in MEASURES), flush=True)
    measures.write_json(RESULTS / "late_chunks.json", {"questions": sum(len(c.questions) for c in corpora), "lines": rows})


if __name__ == "__main__":
    main()
