"""Chunks for retrieval: how much of what answers a question lies in the chunks found for it, Attar beside its peers at equal hard sizes.

    python bench/chunks.py [--encoder wordllama|minilm] [--part report|tune]

Three corpora (chat logs, finance, encyclopaedia articles; ATTAR_DATA/text/chunk_*.md) and 297 questions, each with the excerpts that answer it by
place. Each corpus is cut by each chunker into chunks of at most 150 to 400 tokens of BERT's vocabulary (with MiniLM, which reads 128, of at most 120); questions and chunks are embedded by the same encoder and
ranked by cosine. Two ways to read: the 5 best chunks, and the best chunks up to exactly 1,000 tokens (the last is cut there). For each question, in tokens:
recall = gold read / gold, precision = gold read / read, iou = gold read / (gold or read). Costs of cuts were chosen on half of the questions ("tune": a
hash of the question's words says which) and on 100 questions of HotpotQA over its paragraphs; what is reported is the other half. Differences are paired by question, with 95% intervals, at each size and
for the mean over sizes (size 0), in which the luck of where single cuts fall weighs less.
"attar, headings" embeds each chunk behind the headings over it. Time: the chunkers' own on the three corpora together, the least of 3 where they take less than a second.
Chunkers: chonkie-core cuts at delimiters near a number of bytes (by size), or at every sentence, and joins by token counts (sentences); neither keeps a
hard size by tokens: how many chunks pass it is counted, as for all. Results: bench/results/chunks.json
"""
from __future__ import annotations

import datasets
from datasets import DATA, REPO, RESULTS

import argparse
import csv
import hashlib
import importlib.metadata
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

import measures
import minilm

CORPORA = ("chatlogs", "finance", "wikitexts")
SIZES = {"wordllama": (150, 200, 250, 300, 400), "minilm": (120,)}  # hard sizes in tokens; MiniLM reads 128
K, BUDGET, ROUNDS = 5, 1_000, 3
PROGRAM = REPO / "build" / "release" / "bench" / "chunk_bench"
PATH = RESULTS / "chunks.json"
Spans = list[tuple[int, int]]


@dataclass
class Corpus:
    """A text, where its tokens begin and end (characters), and its questions with the spans of their excerpts."""

    name: str
    file: Path
    text: str
    tokens: np.ndarray  # (n, 2)
    questions: list[str]
    gold: list[Spans]

    def tokens_in(self, begin: int, end: int) -> tuple[int, int]:
        """The range of tokens that begin inside of a span."""
        first, last = np.searchsorted(self.tokens[:, 0], (begin, end))
        return int(first), int(last)


def tokenizer() -> Tokenizer:
    made = Tokenizer.from_file(str(minilm.folder() / "tokenizer.json"))
    made.no_truncation()
    made.no_padding()
    return made


def in_part(question: str, part: str) -> bool:
    tune = hashlib.sha256(question.encode()).digest()[0] % 2 == 0
    return tune == (part == "tune")


def load(part: str) -> list[Corpus]:
    folder = DATA / "text"
    if not (folder / "chunk_questions.csv").exists():
        raise datasets.Missing("the corpora of chunks are absent; point ATTAR_DATA to the folder that holds text/")
    with open(folder / "chunk_questions.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if in_part(row["question"], part)]
    out = []
    for name in CORPORA:
        file = folder / f"chunk_{name}.md"
        text = file.read_bytes().decode()  # places count characters as they stand in the file
        encoded = tokenizer().encode(text, add_special_tokens=False)
        own = [row for row in rows if row["corpus_id"] == name]
        gold = [[(ref["start_index"], ref["end_index"]) for ref in json.loads(row["references"])] for row in own]
        out.append(Corpus(name, file, text, np.array(encoded.offsets), [row["question"] for row in own], gold))
    return out


# ---- chunkers: each gives spans of characters, what to embed for each (None: the span's text), and seconds


def timed(cut: Callable[[], Spans]) -> tuple[Spans, float]:
    spans: Spans = []
    least = float("inf")
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        spans = cut()
        least = min(least, time.perf_counter() - begin)
        if least > 1:
            break
    return spans, least


def to_characters(text: str, offsets: np.ndarray) -> np.ndarray:
    """Places in bytes to places in characters."""
    raw = np.frombuffer(text.encode(), np.uint8)
    return np.concatenate([[0], np.cumsum((raw & 0xC0) != 0x80)])[offsets]


def attar(corpus: Corpus, size: int, headings: bool = False, target: int = 0, program: Path = PROGRAM) -> tuple[Spans, list[str] | None, float]:
    command = [str(program), str(corpus.file), "markdown", str(size), str(target), str(minilm.folder() / "vocab.txt"), str(ROUNDS)]
    lines = [json.loads(line) for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()]
    rows, seconds = lines[:-1], lines[-1]["seconds"]
    places = to_characters(corpus.text, np.array([[row["begin"], row["end"]] for row in rows]))
    spans = [(int(a), int(b)) for a, b in places]
    if not headings:
        return spans, None, seconds
    texts = []
    for (begin, end), row in zip(spans, rows):
        above = [to_characters(corpus.text, np.array(h)) for h in row["headings"] if h[0] < row["begin"]]
        texts.append("\n".join([corpus.text[a:b] for a, b in above] + [corpus.text[begin:end]]))
    return spans, texts, seconds


def semchunk(corpus: Corpus, size: int) -> tuple[Spans, None, float]:
    import semchunk

    words = tokenizer()
    count = lambda text: len(words.encode(text, add_special_tokens=False).ids)

    def cut() -> Spans:  # a new one each time: it remembers lengths
        chunker = semchunk.chunkerify(count, chunk_size=size, memoize=False)
        return [tuple(span) for span in chunker(corpus.text, offsets=True)[1]]

    spans, seconds = timed(cut)
    return spans, None, seconds


def text_splitter(kind: str) -> Callable[[Corpus, int], tuple[Spans, None, float]]:
    def run(corpus: Corpus, size: int) -> tuple[Spans, None, float]:
        import semantic_text_splitter

        splitter = getattr(semantic_text_splitter, kind).from_huggingface_tokenizer(tokenizer(), size, trim=False)
        found, seconds = timed(lambda: [(at, at + len(text)) for at, text in splitter.chunk_indices(corpus.text)])
        return found, None, seconds

    return run


def chonkie_size(corpus: Corpus, size: int) -> tuple[Spans, None, float]:
    import chonkie_core

    raw = corpus.text.encode()
    limit = max(1, int(size * len(raw) / len(corpus.tokens)))
    found, seconds = timed(lambda: list(chonkie_core.chunk_offsets(raw, size=limit)))
    return [(int(a), int(b)) for a, b in to_characters(corpus.text, np.array(found))], None, seconds


def chonkie_sentences(corpus: Corpus, size: int) -> tuple[Spans, None, float]:
    import chonkie_core

    raw, words = corpus.text.encode(), tokenizer()

    def cut() -> Spans:
        parts = list(chonkie_core.split_pattern_offsets(raw, patterns=[". ", "? ", "! ", "\n"]))
        counts = [len(e.ids) for e in words.encode_batch([raw[a:b].decode() for a, b in parts], add_special_tokens=False)]
        ends = chonkie_core.find_merge_indices(counts, size)
        return [(parts[a][0], parts[b - 1][1]) for a, b in zip([0, *ends], ends)]

    found, seconds = timed(cut)
    return [(int(a), int(b)) for a, b in to_characters(corpus.text, np.array(found))], None, seconds


PEERS = {"semchunk": semchunk, "semantic-text-splitter": text_splitter("TextSplitter"), "semantic-text-splitter markdown": text_splitter("MarkdownSplitter"),
         "chonkie-core by size": chonkie_size, "chonkie-core sentences": chonkie_sentences}
OURS = {"attar": attar, "attar, headings": lambda corpus, size: attar(corpus, size, headings=True)}


# ---- encoders


def wordllama_embed() -> Callable[[list[str]], np.ndarray]:
    import wordllama

    package = Path(wordllama.__file__).parent  # holds weights/ and tokenizers/: nothing is downloaded
    model = wordllama.WordLlama.load(config="l2_supercat", dim=256, cache_dir=package, disable_download=True)
    return lambda texts: datasets.unit(model.embed(texts))


def minilm_embed() -> Callable[[list[str]], np.ndarray]:
    return lambda texts: datasets.unit(minilm.embed(texts))


ENCODERS = {"wordllama": wordllama_embed, "minilm": minilm_embed}


# ---- measures


def read(chunks: np.ndarray, ranked: np.ndarray, budget: int | None) -> np.ndarray:
    """The tokens of the first K chunks, or of the first chunks up to the budget."""
    if budget is None:
        return np.concatenate([np.arange(*chunks[i]) for i in ranked[:K]])
    return np.concatenate([np.arange(*chunks[i]) for i in ranked[:budget]])[:budget]


def judge(corpus: Corpus, spans: Spans, vectors: np.ndarray, queries: np.ndarray) -> dict[str, np.ndarray]:
    """recall, precision and iou of every question, both ways to read."""
    chunks = np.array([corpus.tokens_in(*span) for span in spans])
    order = np.argsort(-(queries @ vectors.T), axis=1, kind="stable")
    out: dict[str, list[float]] = {f"{m}@{way}": [] for way in ("5", "budget") for m in ("recall", "precision", "iou", "read")}
    for ranked, gold_spans in zip(order, corpus.gold):
        gold = np.unique(np.concatenate([np.arange(*corpus.tokens_in(*span)) for span in gold_spans]))
        for way, budget in (("5", None), ("budget", BUDGET)):
            found = read(chunks, ranked, budget)
            both = len(np.intersect1d(found, gold))
            out[f"recall@{way}"].append(both / len(gold))
            out[f"precision@{way}"].append(both / max(1, len(found)))
            out[f"iou@{way}"].append(both / (len(found) + len(gold) - both))
            out[f"read@{way}"].append(len(found))
    return {key: np.array(values) for key, values in out.items()}


def measure(corpora: list[Corpus], chunker: Callable, size: int, embed: Callable, queries: list[np.ndarray]) -> dict:
    """What one chunker does at one size; every question's figures lie under "each"."""
    words, each, lengths, seconds = tokenizer(), [], [], 0.0
    for corpus, asked in zip(corpora, queries):
        spans, texts, took = chunker(corpus, size)
        seconds += took
        own = [corpus.text[a:b] for a, b in spans]
        kept = [i for i, text in enumerate(own) if text.strip()]
        encoded = words.encode_batch(own, add_special_tokens=False)
        lengths += [len(e.ids) for e in encoded]
        vectors = embed([(texts or own)[i] for i in kept])
        each.append(judge(corpus, [spans[i] for i in kept], vectors, asked))
    lengths_array = np.array(lengths)
    megabytes = sum(len(c.text.encode()) for c in corpora) / 1e6
    return {"size": size, "chunks": len(lengths), "mean_tokens": round(float(lengths_array.mean()), 1), "longest": int(lengths_array.max()),
            "too_long": int((lengths_array > size).sum()), "mb_per_second": round(megabytes / seconds, 2),
            "each": {key: np.concatenate([e[key] for e in each]) for key in each[0]}}


def summary(name: str, found: dict) -> dict:
    row = {"name": name} | {key: value for key, value in found.items() if key != "each"}
    row |= {key: round(float(values.mean()), 4) for key, values in found["each"].items()}
    print(f"  {row['size']:4d}  {name:32s} {row['chunks']:5d} chunks of {row['mean_tokens']:5.1f}, {row['too_long']:3d} too long, {row['mb_per_second']:7.2f} MB/s  "
          f"5: recall {row['recall@5']:.4f} iou {row['iou@5']:.4f}   budget: recall {row['recall@budget']:.4f} iou {row['iou@budget']:.4f}", flush=True)
    return row


def compare(found: dict[tuple[int, str], dict]) -> list[dict]:
    """Ours less each peer at the same hard size, paired by question."""
    out = []
    for (size, name), ours in found.items():
        for (other_size, peer), theirs in found.items():
            if name in OURS and peer in PEERS and size == other_size:
                row: dict = {"name": name, "less": peer, "size": size}
                for key in ("recall@5", "iou@5", "recall@budget", "iou@budget"):
                    row[key] = [round(v, 4) for v in measures.mean_interval(ours["each"][key] - theirs["each"][key])]
                out.append(row)
    return out


def mean_over_sizes(found: dict[tuple[int, str], dict]) -> dict[tuple[int, str], dict]:
    """The same by size 0: every question's figures, each the mean over sizes."""
    out = {}
    for name in dict.fromkeys(name for _, name in found):
        own = [value["each"] for (_, other), value in found.items() if other == name]
        out[0, name] = {"each": {key: np.mean([each[key] for each in own], axis=0) for key in own[0]}}
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", choices=sorted(ENCODERS), default="wordllama")
    parser.add_argument("--part", choices=("report", "tune"), default="report")
    options = parser.parse_args()
    if not PROGRAM.exists():
        sys.exit(f"{PROGRAM.relative_to(REPO)} is absent: ./do bench chunks builds it")
    try:
        corpora = load(options.part)
    except datasets.Missing as missing:
        sys.exit(f"skipped: {missing}")
    embed = ENCODERS[options.encoder]()
    queries = [embed(corpus.questions) for corpus in corpora]
    found = {}
    for size in SIZES[options.encoder]:
        for name, chunker in (OURS | PEERS).items():
            found[size, name] = measure(corpora, chunker, size, embed, queries)
            found[size, name]["row"] = summary(name, found[size, name])
    for (_, name), means in mean_over_sizes(found).items():
        print(f"  mean  {name:32s} " + "  ".join(f"{key} {values.mean():.4f}" for key, values in means["each"].items()))
    if options.part == "tune":
        return
    results = measures.read_json(PATH)
    results[f"{options.encoder}_command"] = f"python bench/chunks.py --encoder {options.encoder}"
    results["versions"] = {name: importlib.metadata.version(name) for name in ("chonkie-core", "semchunk", "semantic-text-splitter", "tokenizers", "wordllama")}
    results["questions"] = {corpus.name: len(corpus.questions) for corpus in corpora}
    results[options.encoder] = [f["row"] for f in found.values()]
    results[f"{options.encoder}_paired"] = compare(found) + compare(mean_over_sizes(found))
    measures.write_json(PATH, results)


if __name__ == "__main__":
    main()
