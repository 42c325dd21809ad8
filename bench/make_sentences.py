"""Make the second data set: 120,000 sentence embeddings of 256 dimensions and 4,000 queries.

    python bench/make_sentences.py          # writes bench/out/sentences*.f16.npy and sentences.json (its provenance)

Text   sentences of the public corpora under ../shared/data/text (or ATTAR_DATA/text): encyclopaedia passages of 2WikiMultihopQA and
       HotpotQA, Cranfield abstracts, candidate answers of the Wang answer-selection set, banking77 training requests, three corpora
       of a chunking study, and as many sentences of Debian 12's package descriptions as bring it to 120,000.
Model  wordllama 0.4.0, "l2_supercat", 256 dimensions (MIT; its weights lie in the package): the mean of static token vectors. Another
       family, dimension and spectrum than the MiniLM of the debian set.
Rows   distinct sentences of 4 to 80 words, in an order shuffled by a fixed seed. Mean pooling forgets the order of words, so
       near-duplicates remain, as in real collections.
Queries  every question of HotpotQA, Wang, Cranfield and the chunking study, 1,500 banking77 test requests, and held-out sentences up
       to 4,000; shuffled, so that the tune half and the report half have the same mixture. No query's text is a row.
The result depends on the text, the model and this file only.
"""
from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import wordllama
import zstandard

from datasets import DATA, OUT

ROWS, QUERIES, REQUESTS, SEED = 120_000, 4_000, 1_500, 3
TEXT = DATA / "text"
BREAK = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(0-9])|\n\s*\n")
CRANFIELD_BREAK = re.compile(r"\s\.\s+")


def clean(text: str) -> str:
    return " ".join(text.split()).strip(" -*#")


def split(text: str, pattern: re.Pattern[str] = BREAK) -> list[str]:
    return [clean(s) for s in pattern.split(text)]


def table(name: str, column: str) -> list[str]:
    with (TEXT / name).open(newline="", encoding="utf-8") as file:
        return [clean(row[column]) for row in csv.DictReader(file)]


def lines(name: str) -> list[dict]:
    with (TEXT / name).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def passages() -> dict[str, list[str]]:
    """Sentences of every corpus but Debian's, by corpus."""
    wiki = json.loads((TEXT / "2wiki_corpus.json").read_text(encoding="utf-8"))
    hotpot = json.loads((TEXT / "hotpotqa100.json").read_text(encoding="utf-8"))
    out = {
        "2wiki": [s for p in wiki for s in split(p["text"])],
        "hotpotqa": [clean(s) for q in hotpot for _, sentences in q["context"] for s in sentences],
        "cranfield": [s for doc in lines("cranfield/corpus.jsonl") for s in split(doc["text"], CRANFIELD_BREAK)],
        "wang": [s for part in ("train", "dev", "test") for s in table(f"wang_{part}.csv", "atext")],
        "banking77": table("banking77_train.csv", "text"),
    }
    for corpus in ("chatlogs", "finance", "wikitexts"):
        out[f"chunk_{corpus}"] = split((TEXT / f"chunk_{corpus}.md").read_text(encoding="utf-8"))
    return out


def questions() -> list[str]:
    hotpot = json.loads((TEXT / "hotpotqa100.json").read_text(encoding="utf-8"))
    out = [clean(q["question"]) for q in hotpot]
    out += [q for part in ("train", "dev", "test") for q in table(f"wang_{part}.csv", "qtext")]
    out += [clean(q["text"]) for q in lines("cranfield/queries.jsonl")]
    return out + table("chunk_questions.csv", "question")


def debian_sentences() -> list[str]:
    with (TEXT / "debian.jsonl.zst").open("rb") as file:
        stream = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        return [s for line in stream for s in split(json.loads(line)["text"])]


def distinct(texts: list[str], seen: set[str]) -> list[str]:
    """Texts of 4 to 80 words not met before, in their order; `seen` grows."""
    out = []
    for text in texts:
        if text.lower() not in seen and 4 <= len(text.split()) <= 80:
            seen.add(text.lower())
            out.append(text)
    return out


def embed(model, texts: list[str]) -> np.ndarray:
    vectors = np.asarray(model.embed(texts, norm=True), np.float32)
    if not np.isfinite(vectors).all() or (np.linalg.norm(vectors, axis=1) < 0.5).any():
        sys.exit("the model gave an empty vector for some text: check the version of wordllama in bench/requirements.txt")
    return vectors.astype(np.float16)


def main() -> None:
    if not TEXT.is_dir():
        sys.exit("the text corpora are absent: point ATTAR_DATA to the folder that holds text/")
    rng = np.random.default_rng(SEED)
    seen: set[str] = set()
    asked = distinct(questions(), seen)
    requests = distinct(table("banking77_test.csv", "text"), seen)
    requests = [requests[i] for i in rng.permutation(len(requests))[:REQUESTS]]
    parts = {name: distinct(texts, seen) for name, texts in passages().items()}
    held = QUERIES - len(asked) - len(requests)
    others = sum(map(len, parts.values()))
    debian = distinct(debian_sentences(), seen)
    wanted = ROWS + held - others
    if wanted > len(debian):
        sys.exit(f"only {others + len(debian)} distinct sentences were found, {ROWS + held} are needed")
    parts["debian"] = [debian[i] for i in np.sort(rng.permutation(len(debian))[:wanted])]
    sentences = [s for texts in parts.values() for s in texts]
    sentences = [sentences[i] for i in rng.permutation(len(sentences))]
    rows, queries = sentences[:ROWS], asked + requests + sentences[ROWS:]
    queries = [queries[i] for i in rng.permutation(len(queries))]

    package = Path(wordllama.__file__).parent  # holds weights/ and tokenizers/: nothing is downloaded
    model = wordllama.WordLlama.load(config="l2_supercat", dim=256, cache_dir=package, disable_download=True)
    OUT.mkdir(parents=True, exist_ok=True)
    digests = {}
    for name, texts in (("sentences", rows), ("sentences-queries", queries)):
        vectors = embed(model, texts)
        np.save(OUT / f"{name}.f16.npy", vectors)
        digests[name] = hashlib.sha256(vectors.tobytes()).hexdigest()
    about = {"rows": len(rows), "queries": len(queries), "dimensions": 256, "model": "wordllama 0.4.0.post1 l2_supercat",
             "sentences": {name: len(texts) for name, texts in parts.items()},
             "query_texts": {"questions": len(asked), "requests": len(requests), "held-out sentences": held}, "sha256": digests}
    (OUT / "sentences.json").write_text(json.dumps(about, indent=1) + "\n")
    print(json.dumps(about, indent=1))


if __name__ == "__main__":
    main()
