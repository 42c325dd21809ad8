"""How good the encoders are: Attar's own, through its command line, beside static encoders from PyPI.

    python bench/encoder_quality.py [--teacher] [--npy TABLE]

sts        mean over the six files of STS-2014 of Spearman's rank correlation between cosines and people's scores.
cranfield  nDCG@10 of the 113 queries over 1,400 abstracts, title and text together, by cosine alone.
speed      short sentences a second on one core (the sentences of STS-2014), medians of runs that take turns.
Both sets lie outside the repository (../shared/data/text or ATTAR_DATA). --teacher measures MiniLM as well, in numpy; --npy a table of distill_encoder.py as
it is before it is quantized.
Results: bench/results/encoder_quality.json
"""
from __future__ import annotations

from datasets import DATA, OUT, RESULTS, unit

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

import attar_cli
import measures
import speed

Encode = Callable[[list[str]], np.ndarray]
TEXT = DATA / "text"
ROUNDS = 5


def attar(texts: list[str], extra: tuple[str, ...] = ()) -> tuple[np.ndarray, float]:
    """Vectors of the texts, and the seconds that encoding took on one thread."""
    source, vectors = OUT / "embed-texts.jsonl", OUT / "embed-vectors.npy"
    OUT.mkdir(parents=True, exist_ok=True)
    source.write_text("".join(json.dumps({"_id": str(i), "text": t if t.strip() else "-"}) + "\n" for i, t in enumerate(texts)))
    out, _, _ = attar_cli.call("embed", str(source), "-o", str(vectors), "-f", "-T", "1", "--json", *extra)
    return np.load(vectors), json.loads(out)["seconds"]


def sts(encode: Encode) -> dict[str, float]:
    out = {}
    for file in sorted((TEXT / "sts2014").glob("*.tsv")):
        rows = [line.split("\t")[:3] for line in file.read_text().splitlines() if line.count("\t") >= 2]
        left, right = unit(encode([r[1] for r in rows])), unit(encode([r[2] for r in rows]))
        out[file.stem] = float(spearmanr((left * right).sum(1), [float(r[0]) for r in rows]).statistic)
    return out


def read_jsonl(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.open()]


def qrels(file: Path) -> dict[str, dict[str, int]]:
    out: dict[str, dict[str, int]] = {}
    for line in file.read_text().splitlines()[1:]:
        query, document, score = line.split("\t")
        out.setdefault(query, {})[document] = int(score)
    return out


def ndcg(found: list[str], relevant: dict[str, int], k: int = 10) -> float:
    gain = sum(relevant.get(document, 0) / math.log2(i + 2) for i, document in enumerate(found[:k]))
    best = sum(score / math.log2(i + 2) for i, score in enumerate(sorted(relevant.values(), reverse=True)[:k]))
    return gain / best if best else 0.0


def cranfield(encode: Encode) -> float:
    corpus, queries = read_jsonl(TEXT / "cranfield" / "corpus.jsonl"), read_jsonl(TEXT / "cranfield" / "queries.jsonl")
    relevant = qrels(TEXT / "cranfield" / "qrels.tsv")
    rows, asked = unit(encode([f"{d['title']} {d['text']}" for d in corpus])), unit(encode([q["text"] for q in queries]))
    names = [d["_id"] for d in corpus]
    order = np.argsort(-(asked @ rows.T), axis=1, kind="stable")[:, :10]
    return float(np.mean([ndcg([names[i] for i in order[q]], relevant[query["_id"]]) for q, query in enumerate(queries) if query["_id"] in relevant]))


def table_encoder(path: Path) -> Encode:
    import minilm  # noqa: PLC0415  only --npy and --teacher need it
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
    from distill_encoder import counts  # noqa: PLC0415

    table, tokenizer = np.load(path), minilm.MiniLM().tokenizer
    tokenizer.no_truncation()

    def encode(texts: list[str]) -> np.ndarray:
        mean = counts(tokenizer, texts, len(table)) @ table
        return np.sign(mean) * np.abs(mean) ** (11 / 16)

    return encode


def peers() -> dict[str, Encode]:
    out: dict[str, Encode] = {}
    try:
        import wordllama  # noqa: PLC0415

        package = Path(wordllama.__file__).parent  # holds weights/ and tokenizers/: nothing is downloaded
        model = wordllama.WordLlama.load(config="l2_supercat", dim=256, cache_dir=package, disable_download=True)
        out["wordllama"] = lambda texts: model.embed(texts, norm=True)
    except ImportError:
        print("wordllama is absent: ./do deps bench installs it")
    return out


def speeds(encoders: dict[str, Encode], sentences: list[str]) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in ("attar", *encoders)}
    for _ in range(ROUNDS):
        taken["attar"].append(attar(sentences)[1])
        for name, encode in encoders.items():
            started = time.perf_counter()
            encode(sentences)
            taken[name].append(time.perf_counter() - started)
    return {name: round(len(sentences) / float(np.median(times)), 1) for name, times in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", action="store_true")
    parser.add_argument("--npy", type=Path)
    options = parser.parse_args()
    if not (TEXT / "sts2014").is_dir():
        sys.exit(f"skipped: {TEXT / 'sts2014'} is absent; point ATTAR_DATA to the folder that holds text/")
    others = peers()
    encoders: dict[str, Encode] = {"attar": lambda texts: attar(texts)[0], **others}
    if options.npy:
        encoders = {options.npy.name: table_encoder(options.npy)}
    if options.teacher:
        import minilm  # noqa: PLC0415

        encoders["MiniLM-L6"] = minilm.embed
    lines = []
    for name, encode in encoders.items():
        files = sts(encode)
        lines.append({"encoder": name, "sts": float(np.mean(list(files.values()))), "files": files, "cranfield": cranfield(encode)})
        print(f"{name:16} STS-2014 {lines[-1]['sts']:.4f}  Cranfield {lines[-1]['cranfield']:.4f}  " + "  ".join(f"{k} {v:.3f}" for k, v in files.items()), flush=True)
    if options.npy:
        return
    sentences = [part for file in sorted((TEXT / "sts2014").glob("*.tsv")) for line in file.read_text().splitlines() for part in line.split("\t")[1:3]]
    rates = speeds(others, sentences * 4)
    print("short sentences a second on one core: " + ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items()))
    measures.write_json(RESULTS / "encoder_quality.json", {"cpu": speed.cpu(), "lines": lines, "sentences_per_second": rates})


if __name__ == "__main__":
    main()
